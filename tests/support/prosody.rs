//! A Prosody of one's own: configuration, accounts, ports, life and death.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use tidings::xmpp::{self, Password, Tls};

use super::certs::Authority;
use super::process::{Port, Process};
use super::{eventually, lua};

/// Where items and nodes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Lost at each start.
    Memory,
    /// SQLite.
    Sqlite,
    /// Files, Prosody's default; slow.
    Internal,
}

/// What a server is like. Change some fields of the default.
#[derive(Clone)]
pub struct Options {
    /// Its domain; the pubsub service is `pubsub.` below it, the rooms are `muc.`.
    pub domain: String,
    /// Local parts and passwords.
    pub accounts: Vec<(String, String)>,
    /// Who may create nodes.
    pub admins: Vec<String>,
    /// How many items a node may keep at most.
    pub max_items: u32,
    /// Where items are kept.
    pub storage: Storage,
    /// Who signs its certificate; must be the same for servers that shall trust each other.
    pub authority: Arc<Authority>,
    /// The domain in its certificate, when it shall be a wrong one.
    pub certificate_for: Option<String>,
    /// Whether a stream must be encrypted before login.
    pub is_tls_required: bool,
    /// Rate limit of client streams, as in `10kb/s`.
    pub rate: Option<String>,
    /// Whether only SASL PLAIN is offered.
    pub has_only_plain: bool,
    /// Anything else at the top of the configuration, in Lua.
    pub extra: String,
    /// Anything else for the domain, in Lua.
    pub extra_host: String,
    /// Anything else for the pubsub component, in Lua.
    pub extra_pubsub: String,
}

impl Default for Options {
    fn default() -> Self {
        let account = |name: &str| (name.to_owned(), "secret".to_owned());
        Self {
            domain: "a.test".to_owned(),
            accounts: ["bot", "juliet", "romeo", "eve"].map(account).into(),
            admins: vec!["bot@a.test".to_owned()],
            max_items: 1000,
            storage: Storage::Memory,
            authority: Arc::new(Authority::new()),
            certificate_for: None,
            is_tls_required: false,
            rate: None,
            has_only_plain: false,
            extra: String::new(),
            extra_host: String::new(),
            extra_pubsub: String::new(),
        }
    }
}

impl Options {
    /// The default for another domain, with its own `bot` as the admin.
    pub fn of(domain: &str) -> Self {
        Self { domain: domain.to_owned(), admins: vec![format!("bot@{domain}")], ..Self::default() }
    }
}

/// A server; its data and ports stay the same over restarts.
pub struct Prosody {
    options: Options,
    /// Stands before the folder, so that it is dead when that is removed.
    process: Option<Process>,
    folder: TempDir,
    ports: [Port; 3],
    peers: Vec<(String, u16)>,
}

impl Prosody {
    /// Starts a server and waits until it answers.
    pub async fn start(options: Options) -> Self {
        let mut server = Self::prepare(options);
        server.launch().await;
        server
    }

    /// Takes folder and ports without starting anything.
    pub fn prepare(options: Options) -> Self {
        let folder = tempfile::Builder::new().prefix("tidings-prosody-").tempdir().unwrap();
        let server =
            Self { options, folder, ports: std::array::from_fn(|_| Port::take()), peers: Vec::new(), process: None };
        server.write_files();
        server
    }

    /// Two servers that reach each other.
    pub async fn start_pair(one: Options, other: Options) -> (Self, Self) {
        let (mut one, mut other) = (Self::prepare(one), Self::prepare(other));
        one.knows(&other.options.domain, other.s2s_port());
        other.knows(&one.options.domain, one.s2s_port());
        one.launch().await;
        other.launch().await;
        (one, other)
    }

    /// Makes a domain and all below it reachable at a local port, instead of by DNS. Before it is launched.
    pub fn knows(&mut self, domain: &str, s2s_port: u16) {
        self.peers.push((domain.to_owned(), s2s_port));
        std::fs::write(self.path("prosody.cfg.lua"), self.configuration()).unwrap();
        std::fs::write(self.path("plugins/mod_fixed_peers.lua"), lua::fixed_peers(&self.peers)).unwrap();
    }

    /// Starts it on its ports and data.
    pub async fn launch(&mut self) {
        let mut command = Command::new("prosody");
        command.arg("--config").arg(self.path("prosody.cfg.lua")).arg("-F").current_dir(self.folder.path());
        self.process =
            Some(Process::start(&command, "prosody lua-dbi-sqlite3 lua-unbound", Some(&self.path("output.log"))));
        let (address, domain) = (self.address(), self.options.domain.clone());
        eventually("Prosody's stream features", async || {
            if let Some(status) = self.process.as_mut().and_then(Process::ended) {
                panic!("Prosody ended by {status}:\n{}", self.log());
            }
            answers(&address, &domain).await.then_some(())
        })
        .await;
    }

    /// Kills it at once.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Stops it in good order.
    pub async fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        process.signal("TERM");
        eventually("Prosody's end", async || process.ended()).await;
    }

    /// Makes an account, or changes its password; before it is launched.
    pub fn set_password(&self, name: &str, password: &str) {
        let accounts = self.path("data").join(encoded(self.domain())).join("accounts");
        std::fs::create_dir_all(&accounts).unwrap();
        let account = format!("return {{ [\"password\"] = {password:?}; }};\n");
        std::fs::write(accounts.join(format!("{}.dat", encoded(name))), account).unwrap();
    }

    /// Stops the process without ending it, or lets it go on: a server that hangs.
    pub fn freeze(&self, is_frozen: bool) {
        self.process.as_ref().unwrap().signal(if is_frozen { "STOP" } else { "CONT" });
    }

    /// Address for STARTTLS, and for plain streams where TLS is not required.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0].number())
    }

    /// Address for TLS from the first byte.
    pub fn direct_address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[1].number())
    }

    /// Port for other servers.
    pub fn s2s_port(&self) -> u16 {
        self.ports[2].number()
    }

    /// The `[xmpp]` of its account `bot`.
    pub fn xmpp(&self, tls: Tls) -> xmpp::Config {
        xmpp::Config {
            jid: format!("bot@{}", self.domain()).parse().unwrap(),
            password: Password::Literal("secret".to_owned()),
            server: Some(if tls == Tls::Direct { self.direct_address() } else { self.address() }),
            tls,
            ca_file: Some(self.ca_file()),
            allow_plain: false,
            settle: None,
        }
    }

    /// Its domain.
    pub fn domain(&self) -> &str {
        &self.options.domain
    }

    /// Its pubsub service.
    pub fn pubsub(&self) -> String {
        format!("pubsub.{}", self.options.domain)
    }

    /// The trust root of its certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.path("ca.crt")
    }

    /// What it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("prosody.log")).unwrap_or_default()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_files(&self) {
        for folder in ["data", "plugins"] {
            std::fs::create_dir(self.path(folder)).unwrap();
        }
        let Options { domain, authority, certificate_for, .. } = &self.options;
        let (certificate, key) = authority.issue(certificate_for.as_ref().unwrap_or(domain));
        authority.write(self.folder.path());
        std::fs::write(self.path("server.crt"), certificate).unwrap();
        std::fs::write(self.path("server.key"), key).unwrap();
        for (name, password) in &self.options.accounts {
            self.set_password(name, password);
        }
        std::fs::write(self.path("prosody.cfg.lua"), self.configuration()).unwrap();
    }

    fn configuration(&self) -> String {
        let [c2s, tls, s2s] = self.ports.each_ref().map(Port::number);
        let s2s = (!self.peers.is_empty()).then_some(s2s);
        lua::configuration(&self.options, self.folder.path(), c2s, tls, s2s)
    }
}

/// Prosody writes names of files with all but letters and digits escaped.
fn encoded(name: &str) -> String {
    let escape =
        |char: char| if char.is_ascii_alphanumeric() { char.to_string() } else { format!("%{:02x}", char as u32) };
    name.chars().map(escape).collect()
}

/// Whether a server of this very domain sends its stream features: another one may have taken the port.
pub async fn answers(address: &str, domain: &str) -> bool {
    let header = format!(
        "<?xml version='1.0'?><stream:stream to='{domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
    );
    let Ok(mut stream) = TcpStream::connect(address).await else { return false };
    if stream.write_all(header.as_bytes()).await.is_err() {
        return false;
    }
    let mut seen = String::new();
    let reading = async {
        let mut buffer = [0; 4096];
        while !seen.contains("</stream:features>") {
            match stream.read(&mut buffer).await {
                Ok(bytes) if bytes > 0 => seen.push_str(&String::from_utf8_lossy(&buffer[..bytes])),
                _ => return,
            }
        }
    };
    let _ = tokio::time::timeout(std::time::Duration::from_secs(5), reading).await;
    seen.contains("</stream:features>")
        && [format!("from='{domain}'"), format!("from=\"{domain}\"")].iter().any(|from| seen.contains(from.as_str()))
}
