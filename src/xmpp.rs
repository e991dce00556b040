//! The account's session: whether it is online, requests with a deadline, messages. Knows nothing of feeds.
//!
//! Every reconnect is a fresh bind under the same resource; what was in flight is answered [`RequestError::Lost`].

mod address;
mod connect;
pub mod disco;
mod follower;
mod keeper;
mod login;
mod metered;
mod password;
mod pending;
mod probe;
mod replies;
mod session;
mod stanza;
mod stream;
mod tls;

use std::path::PathBuf;
use std::time::Duration;

use futures::future::BoxFuture;
use minidom::Element;
use tokio::sync::{mpsc, watch};
use xmpp_parsers::jid::{BareJid, FullJid, Jid};

pub use self::address::is_server;
pub use self::connect::LoginError;
pub use self::follower::{FollowError, Follower, Sight};
pub use self::password::{PasswordError, Secret};
pub use self::probe::{Probe, Step, probe};
pub use self::session::{ENDINGS, Session, StartError};

/// `[xmpp]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The account.
    pub jid: BareJid,
    /// Where the password comes from; read when a session starts, not before.
    pub password: Password,
    /// Fixed address `host[:port]`; else SRV records of the account's domain.
    pub server: Option<String>,
    /// How the connection is secured.
    pub tls: Tls,
    /// Trust roots (PEM) on top of the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether SASL PLAIN is allowed over verified TLS.
    pub allow_plain: bool,
    /// How long to wait after a bind before asking what a dead session left behind; `None`: 2 s, 10 s for a service on
    /// another server.
    pub settle: Option<Duration>,
}

/// How a connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// STARTTLS (RFC 6120 §5), mandatory.
    StartTls,
    /// TLS from the first byte (XEP-0368).
    Direct,
    /// None; loopback addresses only.
    None,
}

/// Where a password comes from; a systemd credential named xmpp-password comes before a file.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    /// Stands in the configuration.
    Literal(String),
    /// First line of a file, read when needed.
    File(PathBuf),
    /// Nowhere yet: `TIDINGS_XMPP_PASSWORD_FILE`, `TIDINGS_XMPP_PASSWORD` are tried.
    Environment,
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Literal(_) => f.write_str("Literal(***)"),
            Self::File(path) => write!(f, "File({path:?})"),
            Self::Environment => f.write_str("Environment"),
        }
    }
}

/// How a session behaves beyond its configuration.
#[derive(Debug, Clone)]
pub struct Options {
    /// The resource that every stream binds: the same one each time, so that a dead stream's session cannot act beside the new one.
    pub resource: String,
    /// Priority of the presence that is sent after each bind (RFC 6121 §4.7.2.3); `None`: no presence is sent. A negative one
    /// takes no messages away from the account's other clients, and gets none that are addressed to the account.
    pub priority: Option<i8>,
    /// Whether a login refused before there ever was one ends the session ([`Status::Refused`]) instead of being tried again.
    pub is_refusal_final: bool,
    /// How long things may take.
    pub timing: Timing,
}

impl Options {
    /// The options of the gateway's own session under this resource.
    pub fn new(resource: impl Into<String>) -> Self {
        Self { resource: resource.into(), priority: None, is_refusal_final: true, timing: Timing::default() }
    }
}

/// How long things may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// TCP connection to one host, its name's lookup included.
    pub connect: Duration,
    /// TLS handshake.
    pub tls: Duration,
    /// All from the lookup to the bound resource.
    pub login: Duration,
    /// Silence with something to wait for, after which the server is pinged (XEP-0199).
    pub ping_after: Duration,
    /// Silence with something to wait for, after which the stream is dead. A server that reads slowly gets more, by what it may
    /// still have to read.
    pub silence: Duration,
    /// How long an addressee may take for an answer, counted from when our server is known to have read the request.
    pub answer: Duration,
    /// Silence without anything to wait for, after which the server is pinged.
    pub keep_alive: Duration,
    /// How long closing may take.
    pub close: Duration,
    /// First and longest wait before connecting again; doubled each time in between.
    pub back_off: (Duration, Duration),
    /// A stream that lived so long starts the back-off anew.
    pub steady: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            tls: Duration::from_secs(10),
            login: Duration::from_secs(30),
            ping_after: Duration::from_secs(15),
            silence: Duration::from_secs(30),
            answer: Duration::from_secs(120),
            keep_alive: Duration::from_secs(60),
            close: Duration::from_secs(3),
            back_off: (Duration::from_secs(1), Duration::from_secs(60)),
            steady: Duration::from_secs(60),
        }
    }
}

/// Whether the session is up, as [`Wire::status`] tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Trying to connect; the reason why the last try or the last stream ended.
    Offline {
        /// For the operator; `None` before the first try has ended.
        reason: Option<String>,
    },
    /// Bound. A new number means a fresh bind: whatever was in flight before is in doubt.
    Online {
        /// Counts binds of this process, from 1.
        bind: u64,
        /// The address that was bound.
        jid: FullJid,
    },
    /// The server refused the login before this process was ever logged in; the session has ended.
    Refused {
        /// What the server said.
        reason: String,
    },
    /// Closed on our own wish.
    Closed,
}

/// A request of type get or set.
#[derive(Debug, Clone)]
pub struct Request {
    /// Addressee; `None` is the own account.
    pub to: Option<Jid>,
    /// Whether it changes something.
    pub set: bool,
    /// The payload.
    pub payload: Element,
}

/// Why a request has no result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RequestError {
    /// The addressee answered with an error stanza (RFC 6120 §8.3): the whole `<error/>` element.
    #[error("{}", crate::xmpp::describe(.0))]
    Refused(Element),
    /// The stream ended, or was silent past the deadline, after the request may have gone out: in doubt. When the server gave a
    /// stream error, the reason begins with its condition, as in `policy-violation (XML stanza is too big)`.
    #[error("no answer: {0}")]
    Lost(String),
    /// There is no stream, or thousands of stanzas wait for it already; nothing went out.
    #[error("not connected")]
    Offline,
}

/// The narrow wire that `deliver` and others publish through; a scripted one stands in for it in tests.
pub trait Wire: Send + Sync + 'static {
    /// The state of the session, and its changes.
    fn status(&self) -> watch::Receiver<Status>;

    /// Sends a request. It is queued before the call returns, in the order of the calls; the future is the answer.
    /// An answer counts only with the request's unguessable id *and* from its addressee. The deadline measures silence of the
    /// stream, not the age of the request.
    fn request(&self, request: Request) -> BoxFuture<'static, Result<Option<Element>, RequestError>>;

    /// Sends a message or presence; whether it arrived is not known.
    fn send(&self, stanza: Element) -> Result<(), RequestError>;

    /// Messages and presences that come in from now on. What does not fit, as nobody reads, is dropped.
    fn incoming(&self) -> mpsc::Receiver<Element>;
}

impl RequestError {
    /// Whether the server closed the stream on something that it finds too big or otherwise against its policy; what was in
    /// flight then is in doubt, and one of it is to blame.
    pub fn is_policy_violation(&self) -> bool {
        matches!(self, Self::Lost(reason) if reason.starts_with("policy-violation"))
    }
}

/// One line on an `<error/>` element: condition and text.
pub fn describe(error: &Element) -> String {
    condition_and_text(error, xmpp_parsers::ns::XMPP_STANZAS)
}

/// Stanza errors (RFC 6120 §8.3.2), stream errors (§4.9.2) and SASL failures (§6.4.5) are built alike.
fn condition_and_text(error: &Element, ns: &str) -> String {
    let find = |is_text: bool| error.children().find(|child| child.ns() == ns && (child.name() == "text") == is_text);
    let condition = find(false).map_or("undefined-condition", Element::name);
    match find(true).map(|text| one_line(&text.text())).filter(|text| !text.is_empty()) {
        Some(text) => format!("{condition} ({text})"),
        None => condition.to_owned(),
    }
}

/// Words of others for a log: no control characters, no line of its own.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split(|char: char| char.is_whitespace() || char.is_control()).collect();
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_whatever_others_write_into_it() {
        let line =
            |children: &str| describe(&format!("<error xmlns='jabber:client'>{children}</error>").parse().unwrap());
        let ns = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'";
        insta::assert_snapshot!(line(&format!("<text {ns}> Not\n\tyou\u{9b}31m </text><forbidden {ns}/>")), @"forbidden (Not you 31m)");
        insta::assert_snapshot!(line(&format!("<of-their-own xmlns='urn:x'/><conflict {ns}/><text {ns}/>")), @"conflict");
        insta::assert_snapshot!(line(""), @"undefined-condition");
    }

    #[test]
    fn a_stream_closed_for_its_policy_is_told_from_others() {
        let lost = |reason: &str| RequestError::Lost(reason.to_owned()).is_policy_violation();
        assert!(lost("policy-violation (XML stanza is too big)") && lost("policy-violation"));
        assert!(!lost("the server was silent for 30 s") && !RequestError::Offline.is_policy_violation());
    }
}
