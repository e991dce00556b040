//! The program as it is measured: a folder with its configuration and state, and one run after the other.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::folder::Folder;
use crate::measured::{Cost, run};

/// An account on a server that does not answer.
pub(crate) const NOBODY: &str = "jid = \"bot@a.test\"\nserver = \"127.0.0.1:1\"\ntls = \"none\"\n";

/// A configured gateway.
pub(crate) struct Gateway(Folder);

impl Gateway {
    /// An account with feeds `feed-0`, `feed-1` … in one file, at the given addresses, all of one host without a pause between
    /// requests; `defaults` are settings of `[defaults]`.
    pub(crate) fn new(account: &str, defaults: &str, feeds: usize, url: impl Fn(usize) -> String) -> Self {
        let folder = Folder::new();
        fs::write(folder.join("password"), "secret\n").unwrap();
        fs::set_permissions(folder.join("password"), fs::Permissions::from_mode(0o600)).unwrap();
        let settings = format!(
            "[xmpp]\n{account}password-file = \"password\"\n[store]\npath = \"state.redb\"\n\
             [http]\nhost-interval = \"0s\"\nper-host = 64\n[defaults]\nallow-private = true\n{defaults}\n"
        );
        fs::write(folder.join("tidings.toml"), settings).unwrap();
        let mut text = String::new();
        (0..feeds).for_each(|feed| writeln!(text, "[feed-{feed}]\nurl = \"{}\"", url(feed)).unwrap());
        fs::create_dir(folder.join("feeds.d")).unwrap();
        fs::write(folder.join("feeds.d/feeds.toml"), text).unwrap();
        Self(folder)
    }

    /// Runs `once` to its end; every poll must succeed.
    pub(crate) async fn once(&self, more: &[&str]) -> Cost {
        let arguments: Vec<&str> = ["once", "--strict"].iter().chain(more).copied().collect();
        run(self.folder(), program().to_str().unwrap(), &arguments).await
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// A file of its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// The program that is measured: it was built beside this one.
pub(crate) fn program() -> PathBuf {
    std::env::current_exe().unwrap().with_file_name("tidings")
}
