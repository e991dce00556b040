//! What `deliver` is told by the configuration.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use xmpp_parsers::jid::BareJid;

use crate::atom::Style;
use crate::feed::{Destination, FeedId};

/// What is done with a doubtful item of a node that does not persist items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnDoubt {
    /// Sent again: may be told twice.
    Resend,
    /// Counted as delivered: may be lost.
    Skip,
}

/// Who may subscribe to a node (XEP-0060 §4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Anyone.
    Open,
    /// Those on the owner's list.
    Whitelist,
    /// Those with presence (PEP).
    Presence,
}

/// How a node is created and kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NodeSettings {
    /// `pubsub#type`.
    pub kind: String,
    /// `pubsub#max_items`; `None` is `max`.
    pub max_items: Option<u32>,
    /// `pubsub#access_model`.
    pub access: Access,
    /// Whether a missing node is created.
    pub create: bool,
    /// `deliver_payloads=0` as XEP-0472 says.
    pub strict_0472: bool,
    /// What is done in doubt when the node keeps no items.
    pub on_doubt: OnDoubt,
    /// Chat: nothing is sent to a person who has not allowed the account's presence.
    pub require_subscription: bool,
    /// Room: the account's name there; `None`: its local part.
    pub nick: Option<String>,
}

impl Default for NodeSettings {
    /// For rows of a destination that the configuration no longer names: the node stays as it is.
    fn default() -> Self {
        Self {
            kind: "urn:xmpp:pubsub-social-feed:1".to_owned(),
            max_items: None,
            access: Access::Open,
            create: false,
            strict_0472: false,
            on_doubt: OnDoubt::Resend,
            require_subscription: true,
            nick: None,
        }
    }
}

/// A destination that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// How it is kept; shared by all that say the same.
    pub settings: Arc<NodeSettings>,
    /// The feeds that have it as their own, in order: they have a first contact with it, as only they fill it up.
    pub feeds: Vec<FeedId>,
    /// Whether a route names it too.
    pub is_routed: bool,
    /// Whether entries of several feeds come there.
    pub is_shared: bool,
}

/// Finds a destination of the configuration.
pub type Find = Arc<dyn Fn(&Destination) -> Option<Named> + Send + Sync>;

/// What `deliver` needs of the configuration.
#[derive(Clone)]
pub struct Config {
    /// The destinations that it names, but for those that are called after feeds.
    pub named: HashMap<Destination, Named>,
    /// Finds a node that is called after a feed; of those there may be very many.
    pub called_after_feeds: Find,
    /// Settings of the nodes that routes make.
    pub routed: Arc<NodeSettings>,
    /// How entries of each feed are rendered; others use the default.
    pub styles: HashMap<FeedId, Arc<Style>>,
    /// `[xmpp] settle`.
    pub settle: Option<Duration>,
    /// The account: a service on another server than its own takes longer to settle.
    pub account: BareJid,
}

impl Config {
    /// What the configuration says of a destination that it names.
    pub(crate) fn find(&self, destination: &Destination) -> Option<Cow<'_, Named>> {
        let named = self.named.get(destination).map(Cow::Borrowed);
        named.or_else(|| (self.called_after_feeds)(destination).map(Cow::Owned))
    }

    /// Settings of a destination.
    pub(crate) fn settings(&self, destination: &Destination) -> Arc<NodeSettings> {
        match (self.find(destination), destination) {
            (Some(named), _) => named.settings.clone(),
            (None, Destination::Node { .. }) => self.routed.clone(),
            (None, _) => Arc::default(),
        }
    }

    /// Whether a feed has the destination as its own.
    pub(crate) fn is_own(&self, destination: &Destination, feed: &FeedId) -> bool {
        self.find(destination).is_some_and(|named| named.feeds.binary_search(feed).is_ok())
    }

    /// The feed whose title and description a node follows, because it has the node to itself; `None`: the node is named
    /// after itself.
    pub fn followed_by(&self, destination: &Destination) -> Option<FeedId> {
        let named = self.find(destination).filter(|named| !named.is_routed)?;
        match &named.feeds[..] {
            [feed] if matches!(destination, Destination::Node { .. }) => Some(feed.clone()),
            _ => None,
        }
    }

    /// Whether entries of several feeds come there, so that each has to name itself.
    pub fn is_shared(&self, destination: &Destination) -> bool {
        self.find(destination).is_none_or(|named| named.is_shared)
    }

    /// The account's name in a room.
    pub(crate) fn nick(&self, destination: &Destination) -> String {
        let nick = self.settings(destination).nick.clone();
        nick.or_else(|| Some(self.account.node()?.to_string())).unwrap_or_default()
    }

    /// How entries of a feed are rendered.
    pub(crate) fn style(&self, feed: &FeedId) -> Arc<Style> {
        self.styles.get(feed).cloned().unwrap_or_default()
    }

    /// How long after a bind a dead session's stanzas may still be worked off by `service`.
    pub(crate) fn settle(&self, service: Option<&str>) -> Duration {
        let is_local = service.is_none_or(|service| {
            let own = self.account.domain().as_str();
            service == own || service.strip_suffix(own).is_some_and(|front| front.ends_with('.'))
        });
        self.settle.unwrap_or(Duration::from_secs(if is_local { 2 } else { 10 }))
    }
}
