//! Pure: the requests that a pubsub node understands (XEP-0060).

use minidom::Element;
use minidom::rxml::xml_ncname;
use xmpp_parsers::jid::Jid;
use xmpp_parsers::ns;

use crate::feed::ItemId;
use crate::xmpp::Request;

use super::form::{self, Fields};

/// XEP-0060 §16.4.5.
const PUBLISH_OPTIONS: &str = "http://jabber.org/protocol/pubsub#publish-options";

/// A node where requests can be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// The service; `None` is the own account (XEP-0163).
    pub(crate) service: Option<Jid>,
    /// The node.
    pub(crate) node: String,
    /// How the node must be for a publish to be taken, and is made where it is missing (XEP-0060 §7.1.5); empty: as it is.
    pub(crate) preconditions: Fields,
}

impl Address {
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

    /// Publishes an item (§7.1).
    pub(crate) fn publish(&self, item: &ItemId, payload: Element) -> Request {
        let item =
            Element::builder("item", ns::PUBSUB).attr(xml_ncname!("id").to_owned(), item.0.as_str()).append(payload);
        let mut request = self.pubsub(true, "publish", vec![item.build()]);
        if !self.preconditions.is_empty() {
            let form = form::submit(&self.preconditions, PUBLISH_OPTIONS);
            request.payload.append_child(Element::builder("publish-options", ns::PUBSUB).append(form).build());
        }
        request
    }

    /// Retracts an item (§7.2), and tells the subscribers.
    pub(crate) fn retract(&self, item: &ItemId) -> Request {
        let item = Element::builder("item", ns::PUBSUB).attr(xml_ncname!("id").to_owned(), item.0.as_str());
        let retract = Element::builder("retract", ns::PUBSUB)
            .attr(xml_ncname!("node").to_owned(), self.node.as_str())
            .attr(xml_ncname!("notify").to_owned(), "true")
            .append(item);
        self.request(true, Element::builder("pubsub", ns::PUBSUB).append(retract).build())
    }
}
