//! A feed in a line: what lists show of it. Rows are large, and there may be very many.

use serde::{Deserialize, Serialize};

use crate::feed::{FeedId, Time};
use crate::store::{FeedRow, FeedState};

/// A feed as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedLine {
    /// Its id.
    pub id: FeedId,
    /// How it is.
    pub state: FeedState,
    /// When it is polled next; `None` when it is not.
    pub next_poll: Option<Time>,
    /// Why then; of a feed that fails or is stopped: why that is; else nothing.
    pub why: String,
    /// What it calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

impl FeedLine {
    /// The line of a row.
    pub fn of(id: FeedId, row: FeedRow) -> Self {
        let (state, next_poll) = (row.state(), row.next_poll());
        let FeedRow { poll, read, .. } = row;
        let why = match (poll.stopped, poll.errors.into_iter().next()) {
            (Some(stopped), _) => stopped,
            (None, Some((_, error))) if poll.failures > 0 => error,
            _ if next_poll.is_some() => poll.why,
            _ => String::new(),
        };
        Self { id, state, next_poll, why, title: read.meta.title }
    }
}
