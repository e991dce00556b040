//! Looks at the way to the account's server one step after the other, and logs in under a resource of its own: a session that
//! is there stays.

use std::time::Duration;

use tokio::time::timeout;
use xmpp_parsers::jid::FullJid;

use crate::feed::Time;

use super::address::Target;
use super::connect::{Login, LoginError};
use super::tls::Security;
use super::{Config, StartError, Timing, Tls, address};

/// A step of the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// From the domain to addresses.
    Dns,
    /// A connection.
    Tcp,
    /// What secures it.
    Tls,
    /// The login, and the resource.
    Login,
}

/// How far it goes: what was found at each step, up to the first that fails.
#[derive(Debug, Default)]
pub struct Probe {
    /// Steps that work, with what was found.
    pub done: Vec<(Step, String)>,
    /// The step that does not.
    pub failed: Option<(Step, LoginError)>,
    /// When the server's certificate ends, if that is soon.
    pub certificate_ends: Option<Time>,
}

/// Goes the way once. What ends before the time `soon` ends soon.
pub async fn probe(config: &Config, resource: &str, soon: Time) -> Result<Probe, StartError> {
    let password = config.password.resolve()?;
    let security = Security::new(config)?;
    let timing = Timing::default();
    let mut probe = Probe::default();
    match addresses(config, timing.connect).await {
        Ok(found) => probe.done.push((Step::Dns, found)),
        Err(error) => return Ok(Probe { failed: Some((Step::Dns, error)), ..probe }),
    }
    match address::open(config, timing.connect).await {
        Ok(stream) => {
            let peer =
                stream.peer_addr().map_or_else(|_| "connected".to_owned(), |peer| format!("connected to {peer}"));
            probe.done.push((Step::Tcp, peer));
        }
        Err(error) => return Ok(Probe { failed: Some((Step::Tcp, error)), ..probe }),
    }
    let login = Login { config, password: &password, security: &security, resource, timing: &timing };
    match login.run().await {
        Ok(bound) => {
            let domain = address::ascii_domain(config).unwrap_or_default();
            probe.certificate_ends = security.end_of(&bound.certificates, &domain, soon);
            probe.done.push((Step::Tls, secured(config)));
            probe.done.push((Step::Login, logged_in(&bound.jid, bound.stanza_limit_bytes)));
        }
        Err(error @ (LoginError::Tls { .. } | LoginError::NoStartTls)) => probe.failed = Some((Step::Tls, error)),
        Err(error) => {
            if matches!(error, LoginError::Refused(_) | LoginError::NoMechanism { .. } | LoginError::Impostor(_)) {
                probe.done.push((Step::Tls, secured(config)));
            }
            probe.failed = Some((Step::Login, error));
        }
    }
    Ok(probe)
}

/// The hosts of the server, each with how many addresses it has.
async fn addresses(config: &Config, limit: Duration) -> Result<String, LoginError> {
    let mut found = Vec::new();
    for Target { host, port } in address::targets(config, limit).await? {
        let name = format!("{host}:{port}");
        let looked_up = timeout(limit, tokio::net::lookup_host((host.as_str(), port))).await;
        let count = match looked_up {
            Ok(Ok(addresses)) => addresses.count(),
            Ok(Err(_)) | Err(_) => 0,
        };
        if count > 0 {
            found.push(name);
        }
    }
    let domain = config.jid.domain();
    match found.is_empty() {
        true => Err(LoginError::Address(format!("{domain} has no XMPP server that has an address"))),
        false => Ok(format!("{domain} is at {}", found.join(", "))),
    }
}

fn secured(config: &Config) -> String {
    match config.tls {
        Tls::StartTls => format!("STARTTLS, the certificate is that of {}", config.jid.domain()),
        Tls::Direct => format!("from the first byte, the certificate is that of {}", config.jid.domain()),
        Tls::None => "none, on this machine".to_owned(),
    }
}

fn logged_in(jid: &FullJid, limit: Option<u32>) -> String {
    let limit = limit.map(|bytes| format!("; a stanza may have {bytes} bytes")).unwrap_or_default();
    format!("logged in as {jid}{limit}")
}
