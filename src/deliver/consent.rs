//! Whether a person lets the account write: a subscription to presence, in either direction (RFC 6121 §3), is a yes.
//!
//! Nobody is asked twice.

use minidom::Element;
use minidom::rxml::xml_ncname;
use xmpp_parsers::jid::BareJid;
use xmpp_parsers::ns;

use crate::xmpp::{Request, RequestError, Wire};

use super::verdict::Verdict;

/// What the account's roster says of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// One of the two sees the other's presence.
    Allowed,
    /// Was asked, and has not answered.
    Asked,
    /// Neither.
    Unknown,
}

/// Asks the account's roster (RFC 6121 §2.1.3).
pub(crate) async fn standing(wire: &dyn Wire, person: &BareJid) -> Result<Standing, RequestError> {
    let request = Request { to: None, set: false, payload: Element::bare("query", ns::ROSTER) };
    let roster = wire.request(request).await?;
    let is_person = |item: &&Element| item.attr("jid").and_then(|jid| BareJid::new(jid).ok()).as_ref() == Some(person);
    let item = roster.as_ref().and_then(|roster| roster.children().find(is_person));
    Ok(match item {
        Some(item) if matches!(item.attr("subscription"), Some("to" | "from" | "both")) => Standing::Allowed,
        Some(item) if item.attr("ask").is_some() => Standing::Asked,
        _ => Standing::Unknown,
    })
}

/// Presence of a resource that takes no messages away from the account's other clients: without any, nobody's answer to a
/// request comes in.
pub(crate) fn present() -> Element {
    let priority = Element::builder("priority", ns::JABBER_CLIENT).append("-1");
    Element::builder("presence", ns::JABBER_CLIENT).append(priority).build()
}

/// A presence of this type to a person: `subscribe` asks for theirs, `subscribed` grants ours.
pub(crate) fn to_person(person: &BareJid, kind: &str) -> Element {
    Element::builder("presence", ns::JABBER_CLIENT)
        .attr(xml_ncname!("to").to_owned(), person.as_str())
        .attr(xml_ncname!("type").to_owned(), kind)
        .build()
}

/// Why nothing is sent to a person.
pub(crate) fn missing(person: &BareJid, account: &BareJid, is_asked_now: bool) -> Verdict {
    let asked = if is_asked_now { "they are asked now" } else { "they were asked" };
    Verdict::Pause(format!(
        "{person} has not allowed this account to write; {asked}, and get everything once they accept, or add {account} as a \
         contact (require-subscription = false writes without asking)"
    ))
}
