//! The outbox as the rest of the program sees it: its rows, what becomes of them, what is known of their destinations.
//!
//! Everything that is kept as JSON has serde defaults, so that an older row reads in a newer program.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::feed::{Destination, Edition, EntryKey, FeedId, ItemId, Time};

/// What is done to an item at a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Publish the edition.
    Publish,
    /// Retract the item, with notification.
    Retract,
}

/// Why nothing is sent to a destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// For the operator: what was refused, and what to grant.
    pub reason: String,
    /// Since when.
    pub since: Time,
    /// When it is looked at again.
    pub until: Time,
}

/// What was learnt of a destination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeFacts {
    /// When the node was created or audited last; nothing is published before the first time.
    pub configured: Option<Time>,
    /// The node's `max_items`, when known.
    pub max_items: Option<u32>,
    /// Whether the account owns the node, when known.
    pub owner: Option<bool>,
    /// Whether the node keeps items, when known.
    pub persists: Option<bool>,
    /// Feeds of whose own destinations it is one, and whose first contact with it is done.
    pub contacts: Vec<FeedId>,
    /// Set while the destination refuses us.
    pub pause: Option<Pause>,
    /// Back-off after a retryable error: nothing is sent before.
    pub not_before: Option<Time>,
    /// Retryable errors in a row.
    pub failures: u32,
    /// Since when it refuses for now, or does not answer.
    pub troubled: Option<Time>,
    /// Largest payload that the service takes, in bytes, when known.
    pub max_payload: Option<u64>,
    /// When a person was asked whether the account may write; nobody is asked twice.
    pub asked: Option<Time>,
}

impl NodeFacts {
    /// Whether the destination refused us last.
    pub fn is_troubled(&self) -> bool {
        self.failures > 0 || self.pause.is_some() || self.not_before.is_some()
    }

    /// The same destination after it took something.
    pub fn without_trouble(self) -> Self {
        Self { failures: 0, pause: None, not_before: None, troubled: None, ..self }
    }
}

/// State of an outbox row (the life of a delivery).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowState {
    /// Not sent, or known not to have arrived.
    Ready,
    /// May have been sent; written before the first byte goes out.
    Doubt,
    /// Acknowledged; kept for a while, to be asked for again after a reconnect.
    Sent,
    /// Given up, with a reason.
    Dead,
}

/// Names an outbox row. A row that is replaced in place by a newer revision, or claimed to be sent, has another name from then
/// on, so that nobody settles what he has not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowId {
    /// Number that the store gave the destination.
    pub node: u32,
    /// Order within the destination.
    pub sequence: u64,
    /// How often what stands here was replaced or claimed.
    pub turn: u32,
}

/// An outbox row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its name.
    pub id: RowId,
    /// Where it goes.
    pub destination: Destination,
    /// What is done.
    pub action: Action,
    /// The feed it came from.
    pub feed: FeedId,
    /// The entry.
    pub key: EntryKey,
    /// The item.
    pub item: ItemId,
    /// The revision.
    pub revision: u32,
    /// The edition's `updated`, by which recovery tells revisions apart.
    pub stamp: Time,
    /// Where it is in its life.
    pub state: RowState,
    /// Refusals so far; being offline is not one.
    pub attempts: u32,
    /// When it came to the outbox.
    pub queued: Time,
    /// When `state` changed last.
    pub changed: Time,
    /// Not sent before.
    pub not_before: Option<Time>,
    /// How far down the ladder of shortening it is: 0 full, 1 shortened, 2 title and link.
    pub rung: u8,
    /// The last refusal.
    pub reason: Option<String>,
    /// Told only if it is newer than all that the destination holds of its feed.
    pub if_newer: bool,
}

/// An outbox row together with what it publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The row.
    pub row: OutboxRow,
    /// What it publishes.
    pub edition: Arc<Edition>,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The row.
    pub row: RowId,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Acknowledged: SENT, of which the last 16 of a destination are kept ten minutes.
    Delivered,
    /// Known not to have arrived, or not sent: READY again. Not an attempt.
    Ready,
    /// Refused for now: READY with one attempt more.
    Retry {
        /// What was said.
        reason: String,
    },
    /// Too much for the server: READY on another rung of the ladder.
    Shrink {
        /// What was said.
        reason: String,
        /// The rung to take.
        rung: u8,
    },
    /// Given up: DEAD.
    Dead {
        /// What was said.
        reason: String,
    },
    /// Waits somewhere else now, behind what waits there; READY rows only.
    Move {
        /// Where.
        to: Destination,
    },
    /// Forgotten altogether (`outbox drop`, or SENT rows that are old enough).
    Drop,
}

/// A destination with rows, as [`super::Store::waiting`] tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The destination.
    pub destination: Destination,
    /// What is known of it.
    pub facts: NodeFacts,
    /// READY rows that are not deferred.
    pub ready: usize,
    /// READY rows with a not-before, and the earliest of these times.
    pub deferred: usize,
    /// Earliest not-before of the deferred rows.
    pub deferred_until: Option<Time>,
    /// Rows in DOUBT.
    pub doubt: usize,
    /// SENT rows still kept.
    pub sent: usize,
    /// When the first READY or DOUBT row was queued, deferred ones left out.
    pub oldest: Option<Time>,
    /// Feeds with READY rows whose first contact with the destination is not done.
    pub newcomers: Vec<FeedId>,
    /// Size of what the READY and DOUBT rows publish, in bytes.
    pub bytes: u64,
}

impl Waiting {
    /// A destination that nothing waits for.
    pub fn nothing(destination: Destination, facts: NodeFacts) -> Self {
        Self {
            destination,
            facts,
            ready: 0,
            deferred: 0,
            deferred_until: None,
            doubt: 0,
            sent: 0,
            oldest: None,
            newcomers: Vec::new(),
            bytes: 0,
        }
    }
}

/// Sums over the outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outbox {
    /// READY rows that are not deferred.
    pub ready: usize,
    /// READY rows with a not-before.
    pub deferred: usize,
    /// Rows in DOUBT.
    pub doubt: usize,
    /// DEAD rows.
    pub dead: usize,
    /// When the first READY or DOUBT row was queued, deferred ones left out.
    pub oldest: Option<Time>,
}
