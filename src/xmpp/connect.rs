//! From a configuration to a bound stream: TCP, TLS, login, bind. Each step has its end.
//!
//! Before login the peer is a stranger: what it sends is bounded like everything else, and nothing is sent over a stream that is not
//! secured but for loopback addresses.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use minidom::Element;
use rustls::pki_types::CertificateDer;
use sasl::common::ChannelBinding;
use tokio::io::BufStream;
use tokio::time::timeout;
use tokio_xmpp::xmlstream::{
    InitiatingStream, PendingFeaturesRecv, ReadError, StreamHeader, Timeouts, XmlStream, initiate_stream,
};
use xmpp_parsers::bind::{BindQuery, BindResponse};
use xmpp_parsers::iq::Iq;
use xmpp_parsers::jid::FullJid;
use xmpp_parsers::ns;
use xmpp_parsers::starttls::Request as StartTls;

use super::metered::{Meter, Metered, Transport};
use super::password::Secret;
use super::stanza::Incoming;
use super::tls::{Security, channel_binding};
use super::{Config, Timing, Tls, address, login};

/// The stream's own time-outs are not used: silence is watched by whoever knows what is waited for.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// A stream of elements over whatever secures it.
pub(super) type ElementStream = XmlStream<BufStream<Metered>, Incoming>;

/// Why a login failed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// There is nowhere to connect to.
    #[error("{0}")]
    Address(String),
    /// No TCP connection.
    #[error("cannot connect to {address}: {source}")]
    Tcp {
        /// Host and port.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// `tls = "none"` and an address elsewhere.
    #[error("{0} is not on this machine: `tls = \"none\"` is for loopback addresses only")]
    NotLoopback(String),
    /// The server offers no STARTTLS.
    #[error("the server offers no STARTTLS; try `tls = \"direct\"`")]
    NoStartTls,
    /// The handshake failed: mostly the certificate.
    #[error("TLS with {domain} failed: {source}")]
    Tls {
        /// Whose certificate was expected.
        domain: String,
        /// Why.
        source: io::Error,
    },
    /// No mechanism that we would use.
    #[error("the server offers only {offered} to log in with{}", plain_hint(.offered))]
    NoMechanism {
        /// What the server offers.
        offered: String,
    },
    /// The server refused the credentials (RFC 6120 §6.5): its condition, and what it adds.
    #[error("login refused: {0}")]
    Refused(String),
    /// The server did not prove that it knows the password (RFC 5802 §3).
    #[error("the server did not prove that it knows the password: {0}")]
    Impostor(String),
    /// The stream ended or made no sense.
    #[error("{0}")]
    Stream(String),
    /// A step took too long.
    #[error("no answer in time from {0}")]
    Late(String),
}

fn plain_hint(offered: &str) -> &'static str {
    let is_plain = offered.split(' ').any(|mechanism| mechanism == "PLAIN");
    if is_plain { "; `allow-plain = true` in [xmpp] lets the password be sent over TLS" } else { "" }
}

impl LoginError {
    /// Whether the account itself was refused, which trying again does not change.
    pub fn is_refused(&self) -> bool {
        match self {
            Self::NoMechanism { .. } => true,
            // RFC 6120 §6.5.11 and §6.5.1: these two pass.
            Self::Refused(condition) => {
                !["temporary-auth-failure", "aborted"].iter().any(|it| condition.starts_with(it))
            }
            _ => false,
        }
    }
}

/// A stream that is logged in and bound.
pub(super) struct Bound {
    pub(super) stream: ElementStream,
    pub(super) meter: Arc<Meter>,
    pub(super) jid: FullJid,
    /// What the server showed, its own first; none without TLS.
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// XEP-0478: how many bytes a stanza may take.
    pub(super) stanza_limit_bytes: Option<u32>,
}

/// A connection that may carry a password.
struct Secured {
    transport: Metered,
    binding: ChannelBinding,
    certificates: Vec<CertificateDer<'static>>,
}

/// What a login needs.
pub(super) struct Login<'a> {
    pub(super) config: &'a Config,
    pub(super) password: &'a Secret,
    pub(super) security: &'a Security,
    pub(super) resource: &'a str,
    pub(super) timing: &'a Timing,
}

impl Login<'_> {
    /// Connects, logs in, binds the resource.
    pub(super) async fn run(&self) -> Result<Bound, LoginError> {
        let domain = self.config.jid.domain().as_str();
        timeout(self.timing.login, self.steps()).await.unwrap_or_else(|_| Err(LoginError::Late(domain.to_owned())))
    }

    async fn steps(&self) -> Result<Bound, LoginError> {
        let Secured { transport, binding, certificates } = self.secured().await?;
        let meter = transport.meter();
        let (stream, features) = self.open(transport).await?;
        let allow_plain = self.config.allow_plain && self.config.tls != Tls::None;
        let stream = login::authenticate(stream, &features, self.config, self.password, binding, allow_plain).await?;
        let (mut stream, features) = self.features(stream.send_header(self.header()).await.map_err(broken)?).await?;
        let jid = self.bind(&mut stream, &features).await?;
        let stanza_limit_bytes = features
            .get_child("limits", ns::STREAM_LIMITS)
            .and_then(|limits| limits.get_child("max-bytes", ns::STREAM_LIMITS)?.text().trim().parse().ok());
        Ok(Bound { stream, meter, jid, certificates, stanza_limit_bytes })
    }

    async fn secured(&self) -> Result<Secured, LoginError> {
        let tcp = address::open(self.config, self.timing.connect).await?;
        match self.config.tls {
            Tls::None => {
                let transport = Metered::new(tcp);
                Ok(Secured { transport, binding: ChannelBinding::None, certificates: Vec::new() })
            }
            Tls::Direct => self.encrypt(tcp).await,
            Tls::StartTls => {
                let (mut stream, features) = self.open(Metered::new(tcp)).await?;
                if features.get_child("starttls", ns::TLS).is_none() {
                    return Err(LoginError::NoStartTls);
                }
                stream.send(&StartTls).await.map_err(broken)?;
                let answer = next(&mut stream).await?;
                if !answer.is("proceed", ns::TLS) {
                    return Err(LoginError::Stream(format!("the server answered STARTTLS by <{}/>", answer.name())));
                }
                // What came in behind <proceed/> was not protected, and is thrown away with the buffer (RFC 6120 §5.4.3.3). Its
                // meter goes, too: below TLS no stanza ever ends.
                self.encrypt(stream.into_inner().into_inner().into_inner()).await
            }
        }
    }

    async fn encrypt(&self, transport: impl Transport + 'static) -> Result<Secured, LoginError> {
        let domain = address::ascii_domain(self.config)?;
        let late = |_| LoginError::Late(format!("{domain} (TLS)"));
        let tls = timeout(self.timing.tls, self.security.secure(transport, &domain)).await.map_err(late)??;
        let connection = tls.get_ref().1;
        let binding = channel_binding(connection);
        let certificates = connection.peer_certificates().unwrap_or_default().to_vec();
        Ok(Secured { transport: Metered::new(tls), binding, certificates })
    }

    fn header(&self) -> StreamHeader<'_> {
        StreamHeader { to: Some(Cow::Borrowed(self.config.jid.domain().as_str())), from: None, id: None }
    }

    async fn open(&self, transport: Metered) -> Result<(ElementStream, Element), LoginError> {
        let timeouts = Timeouts { read_timeout: NEVER, response_timeout: NEVER };
        let pending = initiate_stream(BufStream::new(transport), ns::JABBER_CLIENT, self.header(), timeouts);
        self.features(pending.await.map_err(broken)?).await
    }

    async fn features(
        &self,
        pending: PendingFeaturesRecv<BufStream<Metered>>,
    ) -> Result<(ElementStream, Element), LoginError> {
        let mut stream = pending.skip_features();
        let features = next(&mut stream).await?;
        if !features.is("features", ns::STREAM) {
            return Err(LoginError::Stream(format!("the server sent <{}/> instead of its features", features.name())));
        }
        Ok((stream, features))
    }

    async fn bind(&self, stream: &mut ElementStream, features: &Element) -> Result<FullJid, LoginError> {
        if features.get_child("bind", ns::BIND).is_none() {
            return Err(LoginError::Stream("the server offers no resource binding".to_owned()));
        }
        let query = BindQuery::new(Some(self.resource.to_owned()));
        stream.send(&Iq::from_set("bind", query)).await.map_err(broken)?;
        let answer = next(stream).await?;
        let bind = answer.get_child("bind", ns::BIND).filter(|_| answer.attr("type") == Some("result"));
        if let Some(Ok(BindResponse { jid })) = bind.cloned().map(BindResponse::try_from) {
            return Ok(jid);
        }
        let error = answer.get_child("error", ns::JABBER_CLIENT).map(super::describe);
        Err(LoginError::Stream(format!("binding the resource failed: {}", error.as_deref().unwrap_or("no answer"))))
    }
}

pub(super) type ResetStream = InitiatingStream<BufStream<Metered>>;

/// The next element; a stream error ends the login.
pub(super) async fn next(stream: &mut ElementStream) -> Result<Element, LoginError> {
    match stream.next().await {
        Some(Ok(incoming)) if incoming.is_cut => Err(LoginError::Stream("the server sent nonsense".to_owned())),
        Some(Ok(Incoming { element, .. })) if element.is("error", ns::STREAM) => {
            Err(LoginError::Stream(stream_error(&element)))
        }
        Some(Ok(incoming)) => {
            let meter = stream.get_stream().get_ref().meter();
            meter.next_stanza();
            Ok(incoming.element)
        }
        Some(Err(error)) => Err(LoginError::Stream(ended(error))),
        None => Err(LoginError::Stream("the server closed the connection".to_owned())),
    }
}

pub(super) fn broken(error: io::Error) -> LoginError {
    LoginError::Stream(format!("the stream broke: {error}"))
}

/// One line on how a stream ended.
pub(super) fn ended(error: ReadError) -> String {
    match error {
        ReadError::HardError(error) => format!("the stream broke: {error}"),
        ReadError::ParseError(error) => format!("the stream made no sense: {error}"),
        ReadError::SoftTimeout => "the stream was silent".to_owned(),
        ReadError::StreamFooterReceived => "the server closed the stream".to_owned(),
    }
}

/// One line on a stream error (RFC 6120 §4.9); it begins with the condition.
pub(super) fn stream_error(error: &Element) -> String {
    super::condition_and_text(error, ns::XMPP_STREAMS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_error_begins_with_its_condition() {
        let line = |children: &str| {
            let error = format!("<error xmlns='http://etherx.jabber.org/streams'>{children}</error>");
            stream_error(&error.parse().unwrap())
        };
        let ns = "xmlns='urn:ietf:params:xml:ns:xmpp-streams'";
        insta::assert_snapshot!(
            line(&format!("<text {ns}>XML stanza is too big</text><policy-violation {ns}/>")),
            @"policy-violation (XML stanza is too big)");
        insta::assert_snapshot!(line(&format!("<conflict {ns}/>")), @"conflict");
        insta::assert_snapshot!(line(""), @"undefined-condition");
    }

    #[test]
    fn only_what_trying_again_cannot_change_is_a_refusal() {
        let refused = |condition: &str| LoginError::Refused(condition.into()).is_refused();
        assert!(refused("not-authorized") && refused("account-disabled") && refused("credentials-expired"));
        assert!(!refused("temporary-auth-failure") && !refused("aborted"));
        assert!(LoginError::NoMechanism { offered: "PLAIN".into() }.is_refused());
        assert!(!LoginError::Late("a.test".into()).is_refused());
    }

    #[test]
    fn a_login_that_fails_says_what_to_do() {
        let offered = |offered: &str| LoginError::NoMechanism { offered: offered.into() };
        insta::assert_snapshot!(offered("PLAIN X-OAUTH2"),
            @"the server offers only PLAIN X-OAUTH2 to log in with; `allow-plain = true` in [xmpp] lets the password be sent over TLS");
        insta::assert_snapshot!(offered("GSSAPI"), @"the server offers only GSSAPI to log in with");
    }
}
