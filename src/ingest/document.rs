//! What a feed document says, and why one says nothing.
//!
//! Plain data: texts as read, addresses absolute, entries in the document's order.

use serde::{Deserialize, Serialize};

use crate::feed::{Entry, FeedMeta, Time};

use super::discover::Found;

/// A feed document as read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    /// What it says of the feed.
    pub meta: FeedMeta,
    /// Its entries, in the document's order.
    pub entries: Vec<Entry>,
    /// What it says of polling.
    pub hints: Hints,
    /// Whether it is known to be cut short: then absence means nothing.
    pub is_truncated: bool,
    /// Entries that the feed says were deleted (RFC 6721).
    pub tombstones: Vec<Tombstone>,
    /// `fh:complete` (RFC 5005 §2): what is absent is gone.
    pub is_complete: bool,
    /// `fh:prev-archive` (RFC 5005 §4), absolute.
    pub prev_archive: Option<String>,
    /// How it was read: `fast`, or `repaired: ` and what.
    pub read_by: String,
}

/// A deleted entry (RFC 6721).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// Id of the entry.
    pub id: String,
    /// When it was deleted.
    pub at: Option<Time>,
}

/// What a document says of polling.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hints {
    /// RSS `ttl`, minutes.
    pub ttl_minutes: Option<u32>,
    /// `sy:updatePeriod` and `sy:updateFrequency` as one interval, seconds.
    pub update_seconds: Option<u32>,
    /// RSS `skipHours`, 0 to 23, GMT.
    pub skip_hours: Vec<u8>,
    /// RSS `skipDays`, 0 is Monday.
    pub skip_days: Vec<u8>,
}

/// Why a document gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// No feed at all.
    #[error("not a feed: {looks_like}{}", linked(feeds))]
    NotAFeed {
        /// What it looks like, for the operator.
        looks_like: String,
        /// The feeds that the page links to.
        feeds: Vec<Found>,
    },
    /// No byte, or white space only.
    #[error("the document is empty")]
    Empty,
    /// A feed that cannot be read.
    #[error("the feed cannot be read: {why}")]
    Malformed {
        /// What the parser said.
        why: String,
    },
    /// The bytes hold entries, and none came out: an error, never "no news".
    #[error("the document holds entries that could not be read: {why}")]
    EntriesLost {
        /// What was found.
        why: String,
    },
}

/// What the operator is told of a page's feeds.
fn linked(feeds: &[Found]) -> String {
    match feeds.iter().take(5).map(Found::to_string).collect::<Vec<_>>().join(", ") {
        feeds if feeds.is_empty() => feeds,
        feeds => format!("; it links to {feeds}"),
    }
}

impl Document {
    /// Keeps the newest entries of an enormous document, in their order: by date when all have one, else the first ones.
    pub(super) fn keep_newest(&mut self, most: usize) {
        let date = |entry: &Entry| entry.published.or(entry.updated);
        if self.entries.len() <= most {
            return;
        }
        // What is left out is not gone.
        self.is_complete = false;
        let mut dates: Vec<_> = self.entries.iter().filter_map(date).collect();
        if dates.len() == self.entries.len() {
            dates.sort_unstable_by(|one, other| other.cmp(one));
            let oldest = dates.get(most.saturating_sub(1)).copied();
            self.entries.retain(|entry| date(entry) >= oldest);
        }
        self.entries.truncate(most);
    }
}
