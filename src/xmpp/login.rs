//! SASL (RFC 6120 §6): SCRAM, bound to the TLS channel where the server can; PLAIN only where it was allowed.

use data_encoding::BASE64;
use futures::SinkExt;
use minidom::Element;
use sasl::client::Mechanism;
use sasl::client::mechanisms::{Plain, Scram};
use sasl::common::scram::{Sha1, Sha256};
use sasl::common::{ChannelBinding, Credentials};
use xmpp_parsers::ns;
use xmpp_parsers::sasl::{Auth, Mechanism as Name, Response};

use super::Config;
use super::connect::{ElementStream, LoginError, ResetStream, broken, next};
use super::password::Secret;

type AnyMechanism = Box<dyn Mechanism + Send + Sync>;

/// Logs in on a fresh stream; what comes back wants its header sent anew.
pub(super) async fn authenticate(
    mut stream: ElementStream,
    features: &Element,
    config: &Config,
    password: &Secret,
    binding: ChannelBinding,
    allow_plain: bool,
) -> Result<ResetStream, LoginError> {
    let name = choose(features, &binding, allow_plain)?;
    let is_plus = matches!(name, Name::ScramSha256Plus | Name::ScramSha1Plus);
    let binding = if is_plus { binding } else { ChannelBinding::None };
    let mut mechanism = mechanism(&name, config, password, binding)?;
    stream.send(&Auth { mechanism: name, data: mechanism.initial() }).await.map_err(broken)?;
    loop {
        let answer = next(&mut stream).await?;
        let data = BASE64.decode(answer.text().trim().as_bytes()).unwrap_or_default();
        if answer.is("challenge", ns::SASL) {
            let data = mechanism.response(&data).map_err(impostor)?;
            stream.send(&Response { data }).await.map_err(broken)?;
        } else if answer.is("success", ns::SASL) {
            mechanism.success(&data).map_err(impostor)?;
            return Ok(stream.initiate_reset());
        } else {
            return Err(refused(&answer));
        }
    }
}

/// The best mechanism of those that the server offers.
fn choose(features: &Element, binding: &ChannelBinding, allow_plain: bool) -> Result<Name, LoginError> {
    let offered: Vec<String> = features
        .get_child("mechanisms", ns::SASL)
        .map(|list| list.children().map(|mechanism| mechanism.text().trim().to_owned()).collect())
        .unwrap_or_default();
    let can_bind = matches!(binding, ChannelBinding::TlsExporter(_)) && has_exporter(features);
    let wanted = [
        (Name::ScramSha256Plus, "SCRAM-SHA-256-PLUS", can_bind),
        (Name::ScramSha1Plus, "SCRAM-SHA-1-PLUS", can_bind),
        (Name::ScramSha256, "SCRAM-SHA-256", true),
        (Name::ScramSha1, "SCRAM-SHA-1", true),
        (Name::Plain, "PLAIN", allow_plain),
    ];
    wanted
        .into_iter()
        .find(|(_, name, is_allowed)| *is_allowed && offered.iter().any(|offer| offer == name))
        .map(|(name, _, _)| name)
        .ok_or_else(|| LoginError::NoMechanism {
            offered: if offered.is_empty() { "nothing".to_owned() } else { offered.join(" ") },
        })
}

/// XEP-0440. A server that offers -PLUS without saying how may mean a binding that we do not have.
fn has_exporter(features: &Element) -> bool {
    features
        .get_child("sasl-channel-binding", ns::SASL_CB)
        .is_some_and(|list| list.children().any(|binding| binding.attr("type") == Some("tls-exporter")))
}

fn mechanism(
    name: &Name,
    config: &Config,
    password: &Secret,
    binding: ChannelBinding,
) -> Result<AnyMechanism, LoginError> {
    let user = config.jid.node().map(|node| node.as_str()).unwrap_or_default();
    let credentials = Credentials::default().with_password(password.reveal()).with_channel_binding(binding);
    // RFC 5802 §5.1, saslname.
    let scram = credentials.clone().with_username(user.replace('=', "=3D").replace(',', "=2C"));
    let made: Result<AnyMechanism, _> = match name {
        Name::ScramSha256 | Name::ScramSha256Plus => Scram::<Sha256>::from_credentials(scram).map(|m| Box::new(m) as _),
        Name::ScramSha1 | Name::ScramSha1Plus => Scram::<Sha1>::from_credentials(scram).map(|m| Box::new(m) as _),
        _ => Plain::from_credentials(credentials.with_username(user)).map(|m| Box::new(m) as _),
    };
    made.map_err(|error| LoginError::Stream(format!("cannot log in: {error}")))
}

fn impostor(error: sasl::client::MechanismError) -> LoginError {
    LoginError::Impostor(error.to_string())
}

fn refused(answer: &Element) -> LoginError {
    if !answer.is("failure", ns::SASL) {
        return LoginError::Stream(format!("the server answered the login by <{}/>", answer.name()));
    }
    LoginError::Refused(super::condition_and_text(answer, ns::SASL))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(offered: &str, has_list: bool, binding: ChannelBinding, allow_plain: bool) -> String {
        let mechanisms: String =
            offered.split_whitespace().map(|name| format!("<mechanism>{name}</mechanism>")).collect();
        let list = "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>
            <channel-binding type='of-the-future'/><channel-binding type='tls-exporter'/></sasl-channel-binding>";
        let features = format!(
            "<features xmlns='http://etherx.jabber.org/streams'>{}
            <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{mechanisms}</mechanisms></features>",
            if has_list { list } else { "" }
        );
        match choose(&features.parse().unwrap(), &binding, allow_plain) {
            Ok(name) => format!("{name:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_best_mechanism_is_taken_and_plain_only_where_allowed() {
        let bound = || ChannelBinding::TlsExporter(vec![1]);
        let all = "PLAIN ANONYMOUS SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS";
        assert_eq!(chosen(all, true, bound(), false), "ScramSha256Plus");
        assert_eq!(chosen(all, false, bound(), false), "ScramSha256");
        assert_eq!(chosen(all, true, ChannelBinding::None, true), "ScramSha256");
        assert_eq!(chosen("PLAIN SCRAM-SHA-1", true, bound(), true), "ScramSha1");
        assert_eq!(chosen("ANONYMOUS PLAIN", true, bound(), true), "Plain");
        assert!(chosen("ANONYMOUS PLAIN", true, bound(), false).contains("only ANONYMOUS PLAIN"));
        assert!(chosen("", true, bound(), true).contains("only nothing"));
    }

    #[test]
    fn a_refusal_keeps_the_words_of_the_server() {
        let failure = |children: &str| {
            let failure = format!("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{children}</failure>");
            refused(&failure.parse().unwrap()).to_string()
        };
        assert_eq!(failure("<text>Ask us</text><account-disabled/>"), "login refused: account-disabled (Ask us)");
        assert_eq!(failure("<x-of-their-own/>"), "login refused: x-of-their-own");
        assert_eq!(failure(""), "login refused: undefined-condition");
    }
}
