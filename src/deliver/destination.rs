//! Pure: where a destination is, what brings an entry there, and what an answer means: all that there is to know of a kind.
//!
//! A new kind of destination is a variant and a row in `feed/destination.rs`, and its arms here.

use minidom::Element;
use xmpp_parsers::jid::{BareJid, Jid};

use crate::atom::{self, LAST_RUNG};
use crate::feed::{Destination, ItemId};
use crate::store::{Action, Delivery};
use crate::xmpp::{Request, RequestError};

use super::address::Address;
use super::form::Fields;
use super::message::{self, Message};
use super::verdict::{Verdict, verdict};

/// The microblog's node (XEP-0277).
const MICROBLOG: &str = "urn:xmpp:microblog:0";

/// Where a destination is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A node, asked by requests; it can say what it holds.
    Node(Address),
    /// A room, which the account has to be in.
    Room(Room),
    /// A person.
    Person(BareJid),
}

/// A room, and the name of the account in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Room {
    pub(crate) jid: BareJid,
    pub(crate) nick: String,
}

/// What brings a delivery to its place.
#[derive(Debug)]
pub(crate) enum Stanza {
    /// Answered by whom it is addressed to.
    Request(Request),
    /// Answered as [`meaning`] says.
    Message(Message),
}

/// How deliveries are put into words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wording<'a> {
    pub(crate) style: &'a atom::Style,
    /// Whether several feeds speak in the place, so that each names itself.
    pub(crate) names_feed: bool,
    /// In bytes.
    pub(crate) largest_payload: u64,
}

impl Place {
    /// Where a destination is; `default_service` stands in where the configuration names none, `nick` is the account's name in
    /// rooms. The error is for the operator.
    pub(crate) fn of(destination: &Destination, default_service: Option<&Jid>, nick: &str) -> Result<Self, String> {
        let jid = |text: &str| Jid::new(text).map_err(|error| format!("{text} is no JID: {error}"));
        let node =
            |service, node: &str| Self::Node(Address { service, node: node.to_owned(), preconditions: Fields::new() });
        Ok(match destination {
            Destination::Node { service: Some(service), node: name } => node(Some(jid(service)?), name),
            Destination::Node { service: None, node: name } => {
                let none = "the account's server has no pubsub service; name one: [defaults] service = \"…\"";
                node(Some(default_service.cloned().ok_or(none)?), name)
            }
            Destination::Pep { jid: None } => node(None, MICROBLOG),
            Destination::Pep { jid: Some(other) } => node(Some(jid(other)?), MICROBLOG),
            Destination::Room { jid: room } => Self::Room(Room { jid: jid(room)?.to_bare(), nick: nick.to_owned() }),
            Destination::Chat { jid: person } => Self::Person(jid(person)?.to_bare()),
        })
    }

    /// The server that it is on; `None`: the account's own.
    pub(crate) fn host(&self) -> Option<&str> {
        match self {
            Self::Node(node) => node.service.as_ref().map(|jid| jid.domain().as_str()),
            Self::Room(Room { jid, .. }) | Self::Person(jid) => Some(jid.domain().as_str()),
        }
    }

    /// The id of the message that brings an item there; a node gets none.
    pub(crate) fn message_id(&self, item: &ItemId) -> Option<String> {
        match self {
            Self::Node(_) => None,
            Self::Room(Room { jid, .. }) | Self::Person(jid) => Some(message::id(item, jid)),
        }
    }
}

/// What brings a delivery to its place, on the highest rung that fits, and the rung that was taken.
pub(crate) fn stanza(place: &Place, delivery: &Delivery, wording: Wording<'_>) -> (Stanza, u8) {
    let item = &delivery.row.item;
    match place {
        Place::Node(node) => match delivery.row.action {
            Action::Publish => {
                let (entry, rung) = fitting(delivery, wording);
                (Stanza::Request(node.publish(item, entry)), rung)
            }
            Action::Retract => (Stanza::Request(node.retract(item)), 0),
        },
        Place::Room(room) => {
            (Stanza::Message(Message::new(&room.jid, "groupchat", item, &text(delivery, wording))), LAST_RUNG)
        }
        Place::Person(person) => {
            (Stanza::Message(Message::new(person, "chat", item, &text(delivery, wording))), LAST_RUNG)
        }
    }
}

/// What a message that came in means for one that was sent under this id; `None`: nothing. A room sends a message back to
/// whom it is from (XEP-0045 §7.4); whoever does not take one answers by an error.
pub(crate) fn meaning(place: &Place, id: &str, answer: &Element) -> Option<Verdict> {
    let from = Jid::new(answer.attr("from")?).ok()?;
    let is_about_it = answer.name() == "message" && message::has_id(answer, id);
    let refused = || {
        let error = answer.children().find(|child| child.name() == "error")?;
        Some(verdict(&Err(RequestError::Refused(error.clone()))))
    };
    match (place, answer.attr("type")?) {
        (Place::Room(room), "groupchat") => {
            let is_own = from.to_bare() == room.jid && from.resource().is_some_and(|nick| nick.as_str() == room.nick);
            (is_about_it && is_own).then_some(Verdict::Delivered)
        }
        (Place::Room(room), "error") if is_about_it && from.to_bare() == room.jid => refused().map(refused_by_room),
        (Place::Person(person), "error") if is_about_it && from.to_bare() == *person => refused(),
        _ => None,
    }
}

/// A room says by not-acceptable that one is not in it, and by forbidden that one has no voice (XEP-0045 §7.4, §7.5).
fn refused_by_room(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Shrink(said) if said.starts_with("not-acceptable") => Verdict::Configure(said),
        Verdict::Pause(said) => {
            Verdict::Pause(format!("the room does not let this account speak ({said}): give it voice"))
        }
        other => other,
    }
}

fn text(delivery: &Delivery, wording: Wording<'_>) -> String {
    atom::message(&delivery.edition, wording.style, wording.names_feed)
}

fn fitting(delivery: &Delivery, wording: Wording<'_>) -> (Element, u8) {
    let mut rung = delivery.row.rung.min(LAST_RUNG);
    loop {
        let entry = atom::render(&delivery.edition, wording.style, rung);
        if rung == LAST_RUNG || fits(&entry, wording.largest_payload) {
            return (entry, rung);
        }
        rung += 1;
    }
}

/// Whether an element takes no more bytes than that as XML. It is written down for it only where a guess does not do.
fn fits(element: &Element, limit: u64) -> bool {
    most_bytes(element) <= limit || String::from(element).len() as u64 <= limit
}

/// At least what an element of a payload takes as XML: each byte may become a reference of six, each element may name its
/// namespace, which is Atom's or XHTML's.
fn most_bytes(element: &Element) -> u64 {
    let attributes = element.attrs().iter().map(|((_, name), value)| 8 + name.len() + 6 * value.len());
    let own = 64 + 2 * element.name().len() + attributes.sum::<usize>();
    let texts = element.texts().map(|text| 6 * text.len()).sum::<usize>();
    (own + texts) as u64 + element.children().map(most_bytes).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::atom::{ATOM, XHTML};

    fn any_element() -> impl Strategy<Value = Element> {
        let leaf = ("[a-z]{1,8}", any::<bool>(), "[ -~é\t\n]{0,12}", "[ -~é\t\n]{0,12}");
        let leaf = leaf.prop_map(|(name, is_atom, value, text)| {
            let element = Element::builder(name, if is_atom { ATOM } else { XHTML });
            element.attr(minidom::rxml::xml_ncname!("a").into(), value).append(text).build()
        });
        leaf.prop_recursive(4, 30, 5, |inner| {
            (any::<bool>(), proptest::collection::vec(inner, 0..5)).prop_map(|(is_atom, children)| {
                Element::builder("e", if is_atom { ATOM } else { XHTML }).append_all(children).build()
            })
        })
    }

    proptest! {
        #[test]
        fn the_guess_is_never_too_low(element in any_element()) {
            let bytes = String::from(&element).len() as u64;
            prop_assert!(most_bytes(&element) >= bytes);
            prop_assert!(fits(&element, bytes) && !fits(&element, bytes - 1));
        }
    }
}
