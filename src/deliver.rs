//! Second half of the journey: claim → publish → settle, a window per node, many nodes at once.
//!
//! Nothing is sent before it is durably in doubt, and nothing in doubt is sent again before the node was asked.

use std::collections::HashMap;
use std::sync::Arc;

use crate::feed::{Destination, FeedId};

/// What is done with a doubtful item of a node that does not persist items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDoubt {
    /// Sent again: may be told twice.
    Resend,
    /// Counted as delivered: may be lost.
    Skip,
}

/// Who may subscribe to a node (XEP-0060 §4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Open,
    /// Those on the owner's list.
    Whitelist,
    /// Those with presence (PEP).
    Presence,
}

/// How a node is created and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The feed whose title and description the node follows; `None`: named after itself.
    pub follows: Option<FeedId>,
    /// Chat: nothing is sent to a person who has not allowed the account's presence.
    pub require_subscription: bool,
}

/// What `deliver` needs of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Settings of each configured destination; others (of removed feeds) use the default.
    pub nodes: HashMap<Destination, Arc<NodeSettings>>,
    /// How entries of each feed are rendered; others use the default.
    pub styles: HashMap<FeedId, Arc<crate::atom::Style>>,
}
