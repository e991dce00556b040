//! What the session answers to requests of others: ping, disco#info, version; anything else is declined.

use minidom::Element;
use xmpp_parsers::disco::{DiscoInfoQuery, DiscoInfoResult, Identity};
use xmpp_parsers::iq::{Iq, IqHeader, IqPayload};
use xmpp_parsers::jid::Jid;
use xmpp_parsers::ns;
use xmpp_parsers::stanza_error::{DefinedCondition, ErrorType, StanzaError};
use xmpp_parsers::version::VersionResult;

/// The answer to an `<iq/>` of type get or set; `None` when nobody can be answered.
pub(super) fn reply(request: &Element) -> Option<Iq> {
    let to = request.attr("from").map(Jid::new).transpose().ok()?;
    let header = IqHeader { from: None, to, id: request.attr("id")?.to_owned() };
    let is_get = request.attr("type") == Some("get");
    let answer = request.children().next().filter(|_| is_get).and_then(answer);
    Some(header.assemble(answer.unwrap_or_else(declined)))
}

fn answer(payload: &Element) -> Option<IqPayload> {
    if payload.is("ping", ns::PING) {
        return Some(IqPayload::Result(None));
    }
    if payload.is("query", ns::VERSION) {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let version = VersionResult { name: "Tidings".to_owned(), version, os: None };
        return Some(IqPayload::Result(Some(version.into())));
    }
    if payload.is("query", ns::DISCO_INFO) {
        let query = DiscoInfoQuery::try_from(payload.clone()).ok()?;
        return query.node.is_none().then(|| IqPayload::Result(Some(identity().into())));
    }
    None
}

fn identity() -> DiscoInfoResult {
    let features = [ns::DISCO_INFO, ns::PING, ns::VERSION].map(str::to_owned);
    DiscoInfoResult {
        node: None,
        identities: vec![Identity::new("client", "bot", "en", "Tidings")],
        features: features.into(),
        extensions: Vec::new(),
    }
}

/// RFC 6120 §8.4: a request that is not understood.
fn declined() -> IqPayload {
    let condition = DefinedCondition::ServiceUnavailable;
    IqPayload::Error(StanzaError::new(ErrorType::Cancel, condition, "en", "Tidings does not offer this."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(request: &str) -> String {
        let request: Element = request.parse().unwrap();
        reply(&request).map_or("nothing".to_owned(), |iq| String::from(&Element::from(iq)))
    }

    #[test]
    fn pings_and_questions_are_answered_and_all_else_is_declined() {
        let ask = |attrs: &str, payload: &str| {
            answered(&format!("<iq xmlns='jabber:client' id='1' from='a@b.test/c' {attrs}>{payload}</iq>"))
        };
        insta::assert_snapshot!(ask("type='get'", "<ping xmlns='urn:xmpp:ping'/>"),
            @"<iq xmlns='jabber:client' id='1' to='a@b.test/c' type='result'/>");
        insta::assert_snapshot!(ask("type='get'", "<query xmlns='http://jabber.org/protocol/disco#info'/>"),
            @"<iq xmlns='jabber:client' id='1' to='a@b.test/c' type='result'><query xmlns='http://jabber.org/protocol/disco#info'><identity category='client' name='Tidings' type='bot' xml:lang='en'/><feature var='http://jabber.org/protocol/disco#info'/><feature var='jabber:iq:version'/><feature var='urn:xmpp:ping'/></query></iq>");
        let declined = "<iq xmlns='jabber:client' id='1' to='a@b.test/c' type='error'><error type='cancel'>\
            <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
            <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>Tidings does not offer this.</text></error></iq>";
        assert_eq!(ask("type='set'", "<ping xmlns='urn:xmpp:ping'/>"), declined);
        assert_eq!(ask("type='get'", "<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>"), declined);
        assert_eq!(ask("type='get'", ""), declined);
    }

    #[test]
    fn a_request_without_an_id_or_with_a_broken_sender_gets_no_answer() {
        assert_eq!(answered("<iq xmlns='jabber:client' type='get'><ping xmlns='urn:xmpp:ping'/></iq>"), "nothing");
        assert_eq!(answered("<iq xmlns='jabber:client' type='get' id='1' from='@'/>"), "nothing");
    }
}
