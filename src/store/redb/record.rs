//! An outbox row as it is stored.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::feed::{Destination, Edition, EntryKey, FeedId, ItemId, Time, is_unset, moment};
use crate::store::{Action, OutboxRow, Placement, RowId, RowState};

/// Where a row stands: its key in the table. What stands there may be replaced or
/// claimed; then [`Record::turn`] goes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    /// Number of the destination.
    pub(super) node: u32,
    /// Order within the destination.
    pub(super) sequence: u64,
}

impl Place {
    /// Where a row of this name stands or stood.
    pub(super) fn of(id: RowId) -> Self {
        Self { node: id.node, sequence: id.sequence }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.node, self.sequence)
    }
}

/// An outbox row without what its key says; the fields are those of [`OutboxRow`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    /// How often what stands here was replaced by a newer revision, or claimed.
    #[serde(default, skip_serializing_if = "is_unset")]
    pub(super) turn: u32,
    pub(super) action: Action,
    pub(super) feed: FeedId,
    pub(super) key: EntryKey,
    pub(super) item: ItemId,
    pub(super) revision: u32,
    #[serde(with = "moment")]
    pub(super) stamp: Time,
    pub(super) state: RowState,
    #[serde(default, skip_serializing_if = "is_unset")]
    pub(super) attempts: u32,
    #[serde(with = "moment")]
    pub(super) queued: Time,
    #[serde(with = "moment")]
    pub(super) changed: Time,
    #[serde(default, skip_serializing_if = "is_unset", with = "moment::option")]
    pub(super) not_before: Option<Time>,
    #[serde(default, skip_serializing_if = "is_unset")]
    pub(super) rung: u8,
    #[serde(default, skip_serializing_if = "is_unset")]
    pub(super) reason: Option<String>,
    #[serde(default, skip_serializing_if = "is_unset")]
    pub(super) if_newer: bool,
    /// Size of the stored edition.
    #[serde(default)]
    pub(super) bytes: u32,
}

impl Record {
    /// A new READY row.
    pub(super) fn new(edition: &Edition, placement: &Placement, bytes: u32, now: Time) -> Self {
        Self {
            turn: 0,
            action: placement.action,
            feed: edition.feed.clone(),
            key: edition.key,
            item: edition.item.clone(),
            revision: edition.revision,
            stamp: edition.updated,
            state: RowState::Ready,
            attempts: 0,
            queued: now,
            changed: now,
            not_before: placement.not_before,
            rung: 0,
            reason: None,
            if_newer: placement.if_newer,
            bytes,
        }
    }

    /// This READY row at the place of an older one, which it replaces: first told, first served, so the place, the time
    /// in the queue and the earlier of the two deferrals stay.
    pub(super) fn replacing(mut self, older: &Self) -> Self {
        self.turn = older.turn + 1;
        self.queued = older.queued;
        self.not_before = self.not_before.min(older.not_before);
        self
    }

    /// The same row as if it had never been refused.
    pub(super) fn anew(self) -> Self {
        Self { attempts: 0, rung: 0, reason: None, ..self }
    }

    /// The row as the rest of the program sees it.
    pub(super) fn into_row(self, place: Place, destination: Destination) -> OutboxRow {
        OutboxRow {
            id: RowId { node: place.node, sequence: place.sequence, turn: self.turn },
            destination,
            action: self.action,
            feed: self.feed,
            key: self.key,
            item: self.item,
            revision: self.revision,
            stamp: self.stamp,
            state: self.state,
            attempts: self.attempts,
            queued: self.queued,
            changed: self.changed,
            not_before: self.not_before,
            rung: self.rung,
            reason: self.reason,
            if_newer: self.if_newer,
        }
    }
}
