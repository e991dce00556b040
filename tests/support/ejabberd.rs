//! An ejabberd of one's own: configuration, accounts, ports, life and death.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;
use tidings::xmpp::{self, Password, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::certs::Authority;
use super::process::{Port, Process};
use super::prosody::answers;
use super::{DEADLINE, eventually, within};

/// What a server is like. Change some fields of the default.
#[derive(Clone)]
pub struct Options {
    /// Its domain; the pubsub service is `pubsub.` below it, the rooms are `muc.`.
    pub domain: String,
    /// Local parts of the accounts; the password is the harness's.
    pub accounts: Vec<String>,
    /// How many items a node may keep at most.
    pub max_items: u32,
    /// Who signs its certificate.
    pub authority: Arc<Authority>,
    /// Rate limit of client streams in bytes a second.
    pub rate: Option<u32>,
    /// Whether only SASL PLAIN is offered.
    pub has_only_plain: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            domain: "e.test".to_owned(),
            accounts: ["bot", "juliet", "romeo", "eve"].map(str::to_owned).into(),
            max_items: 1000,
            authority: Arc::new(Authority::new()),
            rate: None,
            has_only_plain: false,
        }
    }
}

/// A server; its data and ports stay the same over restarts.
pub struct Ejabberd {
    options: Options,
    /// Stands before the folder, so that it is dead when that is removed.
    process: Option<Process>,
    folder: TempDir,
    /// STARTTLS, direct TLS, HTTP API.
    ports: [Port; 3],
}

impl Ejabberd {
    /// Starts a server with its accounts, and waits until it answers.
    pub async fn start(options: Options) -> Self {
        let folder = tempfile::Builder::new().prefix("tidings-ejabberd-").tempdir().unwrap();
        let mut server = Self { options, folder, ports: std::array::from_fn(|_| Port::take()), process: None };
        server.write_files();
        server.launch().await;
        for account in &server.options.accounts {
            server.register(account).await;
        }
        server
    }

    /// Starts it on its ports and data; takes 1 to 6 s, up to 20 s after it was killed, and minutes on a machine that is busy
    /// otherwise, as Erlang hands its start from thread to thread.
    pub async fn launch(&mut self) {
        let folder = self.folder.path();
        let mut command = Command::new("erl");
        // Without -sname there is no epmd, which would outlive the test.
        command
            .args(["+K", "true", "-noinput", "-mnesia", "dir"])
            .arg(format!("\"{}\"", self.path("db").display()))
            .args(["-s", "ejabberd"])
            .env("EJABBERD_CONFIG_PATH", self.path("ejabberd.yml"))
            .env("EJABBERD_LOG_PATH", self.path("ejabberd.log"))
            .env("ERL_LIBS", "/usr/lib/x86_64-linux-gnu")
            .env("ERL_CRASH_DUMP_SECONDS", "0")
            .env("HOME", folder)
            .current_dir(folder);
        self.process = Some(Process::start(&command, "ejabberd", Some(&self.path("output.log"))));
        let (address, domain) = (self.address(), self.options.domain.clone());
        within(DEADLINE * 5, "ejabberd's stream features", async || {
            if let Some(status) = self.process.as_mut().and_then(Process::ended) {
                panic!("ejabberd ended by {status}:\n{}", self.log());
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
        eventually("ejabberd's end", async || process.ended()).await;
    }

    /// Address for STARTTLS, and for plain streams.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0].number())
    }

    /// Address for TLS from the first byte.
    pub fn direct_address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[1].number())
    }

    /// The `[xmpp]` of its account `bot`.
    pub fn xmpp(&self, tls: Tls) -> xmpp::Config {
        xmpp::Config {
            jid: format!("bot@{}", self.domain()).parse().unwrap(),
            password: Password::Literal("secret".to_owned()),
            server: Some(if tls == Tls::Direct { self.direct_address() } else { self.address() }),
            tls,
            ca_file: Some(self.path("ca.crt")),
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

    /// What it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("ejabberd.log")).unwrap_or_default()
    }

    /// Calls its HTTP API; gives status line and body.
    pub async fn call(&self, command: &str, json: &str) -> String {
        let request = format!(
            "POST /api/{command} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
            json.len()
        );
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports[2].number())).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn register(&self, account: &str) {
        let json = format!(r#"{{"user": "{account}", "host": "{}", "password": "secret"}}"#, self.options.domain);
        let answer = self.call("register", &json).await;

        assert!(answer.contains(" 200 ") && answer.contains("successfully"), "cannot register {account}: {answer}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_files(&self) {
        let Options { domain, authority, .. } = &self.options;
        let (certificate, key) = authority.issue(domain);
        authority.write(self.folder.path());
        std::fs::write(self.path("server.pem"), certificate + &key).unwrap();
        std::fs::write(self.path("ejabberd.yml"), self.configuration()).unwrap();
    }

    fn configuration(&self) -> String {
        let Options { domain, max_items, rate, has_only_plain, .. } = &self.options;
        let [c2s, tls, http] = self.ports.each_ref().map(Port::number);
        let folder = self.folder.path().display();
        let shaper = if rate.is_some() { "    shaper: slow\n" } else { "" };
        let disabled = if *has_only_plain {
            "digest-md5, X-OAUTH2, SCRAM-SHA-1, SCRAM-SHA-256, SCRAM-SHA-512, SCRAM-SHA-1-PLUS, SCRAM-SHA-256-PLUS, SCRAM-SHA-512-PLUS"
        } else {
            "digest-md5, X-OAUTH2"
        };
        format!(
            r#"hosts: ["{domain}"]
loglevel: warning
certfiles: ["{folder}/server.pem"]
ca_file: "{folder}/ca.crt"
auth_password_format: plain
disable_sasl_mechanisms: [{disabled}]
shaper:
  slow: {rate}
listen:
  - port: {c2s}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 262144
    starttls: true
{shaper}  - port: {tls}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 262144
    tls: true
{shaper}  - port: {http}
    ip: "127.0.0.1"
    module: ejabberd_http
    request_handlers:
      /api: mod_http_api
acl:
  local:
    user_regexp: ""
  loopback:
    ip: [127.0.0.0/8]
access_rules:
  local:
    allow: local
api_permissions:
  "tests":
    who:
      ip: 127.0.0.0/8
    what: "*"
modules:
  mod_disco: {{}}
  mod_ping: {{}}
  mod_roster: {{}}
  mod_caps: {{}}
  mod_muc:
    host: "muc.{domain}"
  mod_http_api: {{}}
  mod_pubsub:
    host: "pubsub.{domain}"
    access_createnode: local
    max_items_node: {max_items}
    plugins: [flat, pep]
"#,
            rate = rate.unwrap_or(1_000_000),
        )
    }
}
