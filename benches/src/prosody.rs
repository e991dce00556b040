//! A Prosody with memory storage, on ports and in a folder of its own.

use std::fs;
use std::process::Command;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::folder::Folder;
use crate::measured::cpu_seconds;
use crate::process::{Port, Process};

/// Its domain.
pub(crate) const DOMAIN: &str = "a.test";

/// The server; it dies with its owner.
pub(crate) struct Prosody {
    process: Process,
    folder: Folder,
    port: Port,
}

impl Prosody {
    /// Starts it with the account `bot`, whose password is `secret`, and waits until it listens.
    pub(crate) async fn start() -> Self {
        Self::with_accounts(&["bot".to_owned()]).await
    }

    /// Starts it with these accounts, whose names are plain letters and digits.
    pub(crate) async fn with_accounts(names: &[String]) -> Self {
        let (folder, port) = (Folder::new(), Port::take());
        certify(&folder);
        let accounts = folder.join("data/a%2etest/accounts");
        fs::create_dir_all(&accounts).unwrap();
        for name in names {
            fs::write(accounts.join(format!("{name}.dat")), "return { [\"password\"] = \"secret\" };\n").unwrap();
        }
        fs::write(folder.join("prosody.cfg.lua"), configuration(&folder, port.number())).unwrap();
        let mut command = Command::new("prosody");
        command.arg("--config").arg(folder.join("prosody.cfg.lua")).arg("-F").current_dir(folder.path());
        let process = Process::start(&command, "prosody", Some(&folder.join("output.log")));
        let mut server = Self { process, folder, port };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(server.address()).await.is_err() {
            assert!(server.process.ended().is_none() && Instant::now() < deadline, "Prosody does not start");
            sleep(Duration::from_millis(20)).await;
        }
        server
    }

    /// The processor time that it took so far, in seconds.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        cpu_seconds(Some(self.process.id()))
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port.number())
    }

    /// `[xmpp]` of an account that reaches it at this address.
    pub(crate) fn account(&self, address: &str, tls: &str) -> String {
        let ca = self.folder.join("ca.crt");
        format!("jid = \"bot@{DOMAIN}\"\nserver = {address:?}\ntls = {tls:?}\nca-file = {ca:?}\n")
    }
}

fn configuration(folder: &Folder, port: u16) -> String {
    let folder = folder.path().display();
    format!(
        r#"pidfile = "{folder}/prosody.pid"; data_path = "{folder}/data"; run_as_root = true
interfaces = {{ "127.0.0.1" }}; local_interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}; c2s_direct_tls_ports = {{ }}; s2s_ports = {{ }}; component_ports = {{ }}; http_ports = {{ }}; https_ports = {{ }}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "pep", "ping" }}; modules_disabled = {{ "s2s" }}
authentication = "internal_plain"; c2s_require_encryption = false; allow_unencrypted_plain_auth = true
storage = {{ pubsub_data = "memory", pubsub_nodes = "memory", pep_data = "memory", pep = "memory" }}
ssl = {{ key = "{folder}/server.key", certificate = "{folder}/server.crt" }}
log = {{ {{ levels = {{ min = "warn" }}, to = "file", filename = "{folder}/prosody.log" }} }}
VirtualHost "{DOMAIN}"
Component "pubsub.{DOMAIN}" "pubsub"
  admins = {{ "bot@{DOMAIN}" }}
  pubsub_max_items = 1000
"#
    )
}

/// A throw-away authority and a certificate by it; rustls takes none that signed itself.
fn certify(folder: &Folder) {
    let script = format!(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=bench' -keyout ca.key -out ca.crt &&
         openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN={DOMAIN}' -keyout server.key -out server.csr &&
         printf 'subjectAltName=DNS:{DOMAIN},DNS:*.{DOMAIN}\\nbasicConstraints=CA:FALSE\\n' > extensions &&
         openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out server.crt"
    );
    let made = Command::new("sh").arg("-c").arg(script).current_dir(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
