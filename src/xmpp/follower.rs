//! Following a node as a subscriber: subscribe, what was published last, then everything that arrives.

use minidom::Element;
use minidom::rxml::xml_ncname;
use tokio::sync::{mpsc, watch};
use xmpp_parsers::jid::Jid;
use xmpp_parsers::ns;

use super::{Request, RequestError, Status, Wire};

/// What a follower is shown.
#[derive(Debug, Clone)]
pub enum Sight {
    /// An item, by id, with its payload.
    Item {
        /// The item's id.
        id: String,
        /// What stands in it; `None` when the node sends no payloads.
        payload: Option<Element>,
    },
    /// An item was retracted.
    Retracted {
        /// The item's id.
        id: String,
    },
}

/// Why a node cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The login was refused.
    #[error("{0}")]
    Refused(String),
    /// The session ended before it was up.
    #[error("not connected: {0}")]
    Offline(String),
    /// The service answered with an error.
    #[error("{what}: {error}")]
    Service {
        /// What was asked.
        what: String,
        /// What was answered.
        error: RequestError,
    },
}

/// A node, watched by a subscription of this session's own.
pub struct Follower<'a> {
    wire: &'a dyn Wire,
    service: Jid,
    node: String,
    subscriber: Jid,
    incoming: mpsc::Receiver<Element>,
}

impl<'a> Follower<'a> {
    /// Waits for the session and subscribes its full address (XEP-0060 §6.1).
    pub async fn subscribe(wire: &'a dyn Wire, service: Jid, node: &str) -> Result<Self, FollowError> {
        let subscriber = Jid::from(online(wire.status()).await?);
        let incoming = wire.incoming();
        let follower = Self { wire, service, node: node.to_owned(), subscriber, incoming };
        follower.ask(true, "subscribe", follower.jid_attribute(), "subscribing").await?;
        Ok(follower)
    }

    /// The newest `most` items (XEP-0060 §6.5.7), or more where the service does not count, in the service's order: Prosody
    /// lists the oldest first, ejabberd the newest.
    pub async fn last(&self, most: usize) -> Result<Vec<Sight>, FollowError> {
        let limit = (xml_ncname!("max_items").to_owned(), most.to_string());
        let answer = self.ask(false, "items", Some(limit), "reading items").await?;
        let items = answer.iter().filter_map(|pubsub| pubsub.get_child("items", ns::PUBSUB));
        Ok(items.flat_map(Element::children).filter_map(sight).collect())
    }

    /// The next thing that happens on the node; `None` when the session ends.
    pub async fn next(&mut self) -> Option<Vec<Sight>> {
        loop {
            let message = self.incoming.recv().await?;
            let is_from_service =
                message.attr("from").is_some_and(|from| Jid::new(from).is_ok_and(|from| from == self.service));
            let event = message
                .get_child("event", ns::PUBSUB_EVENT)
                .and_then(|event| event.get_child("items", ns::PUBSUB_EVENT));
            if let Some(items) = event.filter(|items| is_from_service && items.attr("node") == Some(&self.node)) {
                return Some(items.children().filter_map(sight).collect());
            }
        }
    }

    /// Ends the subscription.
    pub async fn unsubscribe(&self) -> Result<(), FollowError> {
        self.ask(true, "unsubscribe", self.jid_attribute(), "unsubscribing").await.map(drop)
    }

    fn jid_attribute(&self) -> Option<(minidom::rxml::NcName, String)> {
        Some((xml_ncname!("jid").to_owned(), self.subscriber.to_string()))
    }

    async fn ask(
        &self,
        set: bool,
        verb: &str,
        attribute: Option<(minidom::rxml::NcName, String)>,
        what: &str,
    ) -> Result<Option<Element>, FollowError> {
        let mut child = Element::builder(verb, ns::PUBSUB).attr(xml_ncname!("node").to_owned(), self.node.as_str());
        if let Some((name, value)) = attribute {
            child = child.attr(name, value);
        }
        let payload = Element::builder("pubsub", ns::PUBSUB).append(child).build();
        let request = Request { to: Some(self.service.clone()), set, payload };
        let said =
            |error| FollowError::Service { what: format!("{what} at {} node {}", self.service, self.node), error };
        self.wire.request(request).await.map_err(said)
    }
}

/// An `<item>` or `<retract>` (XEP-0060 §7.1.2, §7.2.2).
fn sight(element: &Element) -> Option<Sight> {
    let id = element.attr("id").unwrap_or_default().to_owned();
    match element.name() {
        "item" => Some(Sight::Item { id, payload: element.children().next().cloned() }),
        "retract" => Some(Sight::Retracted { id }),
        _ => None,
    }
}

/// Waits for the first bind.
async fn online(mut status: watch::Receiver<Status>) -> Result<xmpp_parsers::jid::FullJid, FollowError> {
    loop {
        match &*status.borrow_and_update() {
            Status::Online { jid, .. } => return Ok(jid.clone()),
            Status::Refused { reason } => return Err(FollowError::Refused(reason.clone())),
            Status::Offline { reason: Some(reason) } => return Err(FollowError::Offline(reason.clone())),
            Status::Closed => return Err(FollowError::Offline("closed".to_owned())),
            Status::Offline { reason: None } => {}
        }
        if status.changed().await.is_err() {
            return Err(FollowError::Offline("closed".to_owned()));
        }
    }
}
