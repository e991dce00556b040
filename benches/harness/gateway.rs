//! The program as it is measured: a folder with its configuration and state, and one run after the other.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tidings::xmpp::{Config, Tls};

use crate::measured::{Cost, run};

/// The program that is measured.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_tidings");

/// A configured gateway.
pub(crate) struct Gateway(TempDir);

impl Gateway {
    /// Feeds `feed-0`, `feed-1` … in one file, at the given addresses, all of one host without a pause between requests.
    pub(crate) fn new(xmpp: Option<&Config>, feeds: usize, url: impl Fn(usize) -> String) -> Self {
        Self::with(xmpp, "every = \"30m\"", feeds, url)
    }

    /// The same with other `[defaults]`.
    pub(crate) fn with(xmpp: Option<&Config>, defaults: &str, feeds: usize, url: impl Fn(usize) -> String) -> Self {
        let folder = tempfile::Builder::new().prefix("tidings-bench-").tempdir().unwrap();
        let gateway = Self(folder);
        gateway.write("password", "secret\n");
        fs::set_permissions(gateway.path("password"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let account = xmpp.map_or_else(|| "jid = \"bot@a.test\"\n".to_owned(), account);
        gateway.write(
            "tidings.toml",
            &format!(
                "[xmpp]\n{account}password-file = \"password\"\n[store]\npath = \"state.redb\"\n\
                 [http]\nhost-interval = \"0s\"\nper-host = 64\n[defaults]\nallow-private = true\n{defaults}\n"
            ),
        );
        let mut text = String::new();
        (0..feeds).for_each(|feed| writeln!(text, "[feed-{feed}]\nurl = \"{}\"", url(feed)).unwrap());
        fs::create_dir(gateway.path("feeds.d")).unwrap();
        gateway.write("feeds.d/feeds.toml", &text);
        gateway
    }

    /// Runs `once` to its end; every poll must succeed.
    pub(crate) async fn once(&self, more: &[&str]) -> Cost {
        let arguments: Vec<&str> = ["once", "--strict"].iter().chain(more).copied().collect();
        run(self.folder(), PROGRAM, &arguments).await
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// A file of its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }
}

fn account(xmpp: &Config) -> String {
    let tls = match xmpp.tls {
        Tls::StartTls => "starttls",
        Tls::Direct => "direct",
        Tls::None => "none",
    };
    let (server, ca_file) = (xmpp.server.as_deref().unwrap(), xmpp.ca_file.as_deref().unwrap());
    format!("jid = \"{}\"\ntls = \"{tls}\"\nserver = {server:?}\nca-file = {ca_file:?}\n", xmpp.jid)
}
