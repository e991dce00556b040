//! Looks at a destination without changing it: whether it is there, how it is configured, what the account may do.

use std::collections::HashMap;

use minidom::Element;
use xmpp_parsers::jid::Jid;
use xmpp_parsers::ns;

use crate::feed::Destination;
use crate::xmpp::{Request, RequestError, Wire};

use super::address::Address;
use super::destination::Place;
use super::form;
use super::settings::NodeSettings;
use super::sight::{self, PersonSight, RoomSight};
use super::verdict::Refusal;

/// What the account is on the nodes of a service (XEP-0060 §5.7), by node.
pub type Affiliations = HashMap<String, String>;

/// What is seen of a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Of a node or a microblog.
    Node(NodeSight),
    /// Of a room.
    Room(RoomSight),
    /// Of a person.
    Person(PersonSight),
}

/// What is seen of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeSight {
    /// It is not there, and is made with its first entry, if the account may.
    ToBeMade,
    /// It is not there, and nobody will make it.
    Missing,
    /// It is there.
    There {
        /// What the account is on it, as far as the service tells.
        affiliation: Option<String>,
        /// Settings that are not as they should be; known to its owner.
        differences: Vec<String>,
        /// Whether the account may publish; `None`: the first publish will tell.
        may_publish: Option<bool>,
    },
    /// The service does not say.
    Hidden(String),
}

/// What the account is on the nodes of a service; empty when the service does not tell.
pub async fn affiliations(wire: &dyn Wire, service: &Jid) -> Affiliations {
    let list = Element::builder("affiliations", ns::PUBSUB);
    let payload = Element::builder("pubsub", ns::PUBSUB).append(list).build();
    let answer = wire.request(Request { to: Some(service.clone()), set: false, payload }).await;
    let answer = answer.ok().flatten();
    let lists = answer.iter().flat_map(Element::children);
    let each = lists.flat_map(Element::children).filter(|child| child.name() == "affiliation");
    each.filter_map(|one| Some((one.attr("node")?.to_owned(), one.attr("affiliation")?.to_owned()))).collect()
}

/// Looks at a destination; `None` for a node of which nobody knows the service.
pub async fn examine(
    wire: &dyn Wire,
    destination: &Destination,
    default_service: Option<&Jid>,
    settings: &NodeSettings,
    affiliations: &Affiliations,
) -> Option<Result<Sight, RequestError>> {
    Some(match Place::of(destination, default_service, "").ok()? {
        Place::Node(address) => look(wire, &address, settings, affiliations).await.map(Sight::Node),
        Place::Room(room) => sight::room(wire, &room.jid, settings).await.map(Sight::Room),
        Place::Person(person) => sight::person(wire, &person, settings).await.map(Sight::Person),
    })
}

async fn look(
    wire: &dyn Wire,
    address: &Address,
    settings: &NodeSettings,
    affiliations: &Affiliations,
) -> Result<NodeSight, RequestError> {
    let mut has = match wire.request(address.info()).await {
        Ok(info) => info.map(|info| form::read(&info)).unwrap_or_default(),
        Err(RequestError::Refused(error)) if Refusal::read(&error).condition == "item-not-found" => {
            return Ok(if settings.create { NodeSight::ToBeMade } else { NodeSight::Missing });
        }
        Err(RequestError::Refused(error)) => return Ok(NodeSight::Hidden(crate::xmpp::describe(&error))),
        Err(lost) => return Err(lost),
    };
    let mut affiliation = affiliations.get(&address.node).cloned();
    let mut differences = Vec::new();
    let mut is_readable = false;
    match wire.request(address.owner(false, "configure", Vec::new())).await {
        Ok(answer) => {
            is_readable = true;
            has.extend(answer.map(|form| form::read(&form)).unwrap_or_default());
            let mut wanted = form::wanted(settings, &address.node, None);
            // These follow what the feed says of itself.
            wanted.retain(|name, _| name != "title" && name != "description");
            differences.extend(form::differences(&wanted, &has).into_keys());
        }
        Err(RequestError::Refused(_)) => {}
        Err(lost) => return Err(lost),
    }
    // The own account's microblog needs no list.
    if address.service.is_none() {
        affiliation.get_or_insert_with(|| "owner".to_owned());
    }
    let is_open = has.get("publish_model").is_some_and(|model| model == "open");
    let may_publish = match affiliation.as_deref() {
        Some("owner" | "publisher" | "publish-only") => Some(true),
        Some("outcast") => Some(false),
        // COMPAT(Prosody 0.12): it tells no affiliations, and shows the configuration to owners and publishers.
        _ if is_open || is_readable => Some(true),
        Some("none" | "member") if has.contains_key("publish_model") => Some(false),
        _ => None,
    };
    Ok(NodeSight::There { affiliation, differences, may_publish })
}
