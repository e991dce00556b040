//! Pure: where a destination is, and the stanza that brings it an entry.
//!
//! A new kind of destination is a variant of [`Destination`] and its arms here; the compiler names the rest.

use minidom::Element;
use minidom::rxml::xml_ncname;
use xmpp_parsers::jid::Jid;
use xmpp_parsers::ns;

use crate::atom::{self, LAST_RUNG};
use crate::feed::Destination;
use crate::store::{Action, Delivery};
use crate::xmpp::Request;

/// The microblog's node (XEP-0277).
const MICROBLOG: &str = "urn:xmpp:microblog:0";

/// A node where requests can be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// The service; `None` is the own account (XEP-0163).
    pub(crate) service: Option<Jid>,
    /// The node.
    pub(crate) node: String,
}

impl Address {
    /// Where a destination is; `default_service` stands in where the configuration names none. The error is for the operator.
    pub(crate) fn of(destination: &Destination, default_service: Option<&Jid>) -> Result<Self, String> {
        let jid = |text: &str| Jid::new(text).map_err(|error| format!("{text} is no JID: {error}"));
        match destination {
            Destination::Node { service: Some(service), node } => {
                Ok(Self { service: Some(jid(service)?), node: node.clone() })
            }
            Destination::Node { service: None, node } => match default_service {
                Some(service) => Ok(Self { service: Some(service.clone()), node: node.clone() }),
                None => {
                    Err("the account's server has no pubsub service; name one: [defaults] service = \"…\"".to_owned())
                }
            },
            Destination::Pep { jid: None } => Ok(Self { service: None, node: MICROBLOG.to_owned() }),
            Destination::Pep { jid: Some(other) } => {
                Ok(Self { service: Some(jid(other)?), node: MICROBLOG.to_owned() })
            }
            Destination::Room { .. } | Destination::Chat { .. } => Err("not in this release".to_owned()),
        }
    }

    fn request(&self, set: bool, payload: Element) -> Request {
        Request { to: self.service.clone(), set, payload }
    }

    /// A get or set of the pubsub namespace whose one child names the node.
    pub(crate) fn pubsub(&self, set: bool, verb: &str, children: Vec<Element>) -> Request {
        let verb = Element::builder(verb, ns::PUBSUB)
            .attr(xml_ncname!("node").to_owned(), self.node.as_str())
            .append_all(children);
        self.request(set, Element::builder("pubsub", ns::PUBSUB).append(verb).build())
    }

    /// The same for the owner's namespace.
    pub(crate) fn owner(&self, set: bool, verb: &str, children: Vec<Element>) -> Request {
        let verb = Element::builder(verb, ns::PUBSUB_OWNER)
            .attr(xml_ncname!("node").to_owned(), self.node.as_str())
            .append_all(children);
        self.request(set, Element::builder("pubsub", ns::PUBSUB_OWNER).append(verb).build())
    }

    /// What the service says of the node (XEP-0060 §5.4).
    pub(crate) fn info(&self) -> Request {
        let query = Element::builder("query", ns::DISCO_INFO).attr(xml_ncname!("node").to_owned(), self.node.as_str());
        self.request(false, query.build())
    }

    /// The ids of the node's items (XEP-0060 §5.5).
    pub(crate) fn listing(&self) -> Request {
        let query = Element::builder("query", ns::DISCO_ITEMS).attr(xml_ncname!("node").to_owned(), self.node.as_str());
        self.request(false, query.build())
    }

    /// One item by its id (XEP-0060 §6.5.8).
    pub(crate) fn question(&self, item: &str) -> Request {
        self.pubsub(
            false,
            "items",
            vec![Element::builder("item", ns::PUBSUB).attr(xml_ncname!("id").to_owned(), item).build()],
        )
    }
}

/// Whose answers a destination waits for, as the configuration names it; `None`: the account's own server.
pub(crate) fn service(destination: &Destination) -> Option<String> {
    match destination {
        Destination::Node { service, .. } => service.clone(),
        Destination::Pep { jid } => jid.clone(),
        Destination::Room { jid } | Destination::Chat { jid } => Some(jid.clone()),
    }
}

/// The request that brings a delivery to its node: publish (XEP-0060 §7.1) on the highest rung that fits, or retract (§7.2).
/// The rung that was taken is returned with it.
pub(crate) fn stanza(
    address: &Address,
    delivery: &Delivery,
    style: &atom::Style,
    largest_payload: u64,
) -> (Request, u8) {
    match delivery.row.action {
        Action::Publish => {
            let (entry, rung) = fitting(delivery, style, largest_payload);
            let item = Element::builder("item", ns::PUBSUB)
                .attr(xml_ncname!("id").to_owned(), delivery.row.item.0.as_str())
                .append(entry);
            (address.pubsub(true, "publish", vec![item.build()]), rung)
        }
        Action::Retract => {
            let item = Element::builder("item", ns::PUBSUB)
                .attr(xml_ncname!("id").to_owned(), delivery.row.item.0.as_str())
                .build();
            let retract = Element::builder("retract", ns::PUBSUB)
                .attr(xml_ncname!("node").to_owned(), address.node.as_str())
                .attr(xml_ncname!("notify").to_owned(), "true")
                .append(item);
            (address.request(true, Element::builder("pubsub", ns::PUBSUB).append(retract).build()), 0)
        }
    }
}

fn fitting(delivery: &Delivery, style: &atom::Style, limit: u64) -> (Element, u8) {
    let mut rung = delivery.row.rung.min(LAST_RUNG);
    loop {
        let entry = atom::render(&delivery.edition, style, rung);
        if rung == LAST_RUNG || String::from(&entry).len() as u64 <= limit {
            return (entry, rung);
        }
        rung += 1;
    }
}
