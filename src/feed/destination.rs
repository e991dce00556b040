//! Where an entry can go: the kinds of destinations, how each is written in a `to`, and what sort of place it is.
//!
//! Plain data. What brings an entry there, and what the answer means, is in `deliver/destination.rs`: a new kind of destination
//! is a variant and a row here, and its arms there.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place that an entry can go to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Destination {
    /// A pubsub node (XEP-0060). `service: None` means the discovered default service of the account's server.
    Node {
        /// JID of the pubsub service.
        service: Option<String>,
        /// Name of the node.
        node: String,
    },
    /// A microblog, `urn:xmpp:microblog:0` (XEP-0277): the account's own, or that of the bare JID given.
    Pep {
        /// Bare JID of another account.
        jid: Option<String>,
    },
    /// A room (XEP-0045), by bare JID.
    Room {
        /// Bare JID of the room.
        jid: String,
    },
    /// A person, by bare JID.
    Chat {
        /// Bare JID of the person.
        jid: String,
    },
}

/// What is written behind the key of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// The name of a node; a template may stand in it.
    Node,
    /// A bare JID.
    Address,
    /// A bare JID, or `true` for the account itself.
    AddressOrOwn,
}

/// How a kind of destination is written in a `to`: `{ KEY = …, SETTING = … }`.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// The key that names it.
    pub key: &'static str,
    /// What stands behind the key.
    pub named: Name,
    /// The settings that stand beside it, `backfill` apart, which all have.
    pub settings: &'static [&'static str],
    /// Makes a destination of the address; `None`: the account itself.
    pub make: fn(Option<String>) -> Destination,
}

/// The kinds of destinations.
pub const KINDS: [Kind; 4] = [
    Kind {
        key: "node",
        named: Name::Node,
        settings: &["service", "create", "type", "max-items", "access", "strict-0472"],
        make: |name| Destination::Node { service: None, node: name.unwrap_or_default() },
    },
    Kind {
        key: "pep",
        named: Name::AddressOrOwn,
        settings: &["create", "type", "max-items", "access", "strict-0472"],
        make: |jid| Destination::Pep { jid },
    },
    Kind {
        key: "room",
        named: Name::Address,
        settings: &["nick", "create"],
        make: |jid| Destination::Room { jid: jid.unwrap_or_default() },
    },
    Kind {
        key: "chat",
        named: Name::Address,
        settings: &["require-subscription"],
        make: |jid| Destination::Chat { jid: jid.unwrap_or_default() },
    },
];

impl Destination {
    /// Whether it holds items, which can be overwritten and retracted; a message that was sent stays as it is.
    pub fn holds_items(&self) -> bool {
        match self {
            Self::Node { .. } | Self::Pep { .. } => true,
            Self::Room { .. } | Self::Chat { .. } => false,
        }
    }

    /// Whether it is made without being told to when it is missing: on the default service, in the account itself, and as a
    /// room on the account's own server.
    pub fn is_ours(&self, default_service: Option<&str>, account_domain: &str) -> bool {
        match self {
            Self::Node { service, .. } => service.as_deref() == default_service,
            Self::Pep { jid } => jid.is_none(),
            Self::Room { jid } => {
                let host = jid.rsplit('@').next().unwrap_or_default();
                host == account_domain || host.strip_suffix(account_domain).is_some_and(|front| front.ends_with('.'))
            }
            Self::Chat { .. } => true,
        }
    }

    /// What it is called for short: the node's name, else whose it is; `None`: the account's own.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Node { node, .. } => Some(node),
            other => other.addressee(),
        }
    }

    /// Whose answers are waited for there, as the configuration names it; `None`: the account's own server.
    pub fn addressee(&self) -> Option<&str> {
        match self {
            Self::Node { service, .. } => service.as_deref(),
            Self::Pep { jid } => jid.as_deref(),
            Self::Room { jid } | Self::Chat { jid } => Some(jid),
        }
    }
}

impl fmt::Display for Destination {
    /// As operators see it: `node planet-jabber`, `node blog at pubsub.example.net`, `pep`, `room news@rooms.example.org`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { service: None, node } => write!(f, "node {node}"),
            Self::Node { service: Some(service), node } => write!(f, "node {node} at {service}"),
            Self::Pep { jid: None } => write!(f, "pep"),
            Self::Pep { jid: Some(jid) } => write!(f, "pep of {jid}"),
            Self::Room { jid } => write!(f, "room {jid}"),
            Self::Chat { jid } => write!(f, "chat {jid}"),
        }
    }
}
