//! How a feed is, in a word: what `status` and the metrics say.

use serde::{Deserialize, Serialize};

use crate::feed::Time;

use super::FeedRow;

/// How a feed is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeedState {
    /// Its last poll succeeded.
    Ok,
    /// Nothing was taken in yet.
    New,
    /// Its last poll failed.
    Failing,
    /// It is gone for good, and not polled any more.
    Stopped,
    /// Paused by the operator.
    Paused,
    /// `enabled = false` in the configuration.
    Disabled,
    /// It left the configuration.
    Removed,
}

impl FeedState {
    /// Those of feeds of the configuration.
    pub const ALL: [Self; 6] = [Self::Ok, Self::New, Self::Failing, Self::Stopped, Self::Paused, Self::Disabled];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::New => "new",
            Self::Failing => "failing",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Removed => "removed",
        }
    }

    /// What polls say of a feed.
    pub(super) fn of_polls(is_stopped: bool, failures: u32, has_contact: bool) -> Self {
        match (is_stopped, failures, has_contact) {
            (true, _, _) => Self::Stopped,
            (_, 1.., _) => Self::Failing,
            (_, 0, false) => Self::New,
            (_, 0, true) => Self::Ok,
        }
    }
}

impl FeedRow {
    /// How the feed is.
    pub fn state(&self) -> FeedState {
        match self {
            row if row.removed.is_some() => FeedState::Removed,
            row if row.disabled => FeedState::Disabled,
            row if row.paused => FeedState::Paused,
            row => row.health(),
        }
    }

    /// When the feed is polled next; never while it is paused, stopped or disabled, or when it has left the configuration.
    pub fn next_poll(&self) -> Option<Time> {
        let is_polled = !self.paused && !self.disabled && self.poll.stopped.is_none() && self.removed.is_none();
        is_polled.then_some(self.next_due)
    }

    /// When `once` takes the feed as due, unless it is stopped.
    pub fn once_due(&self) -> Time {
        Self::earlier_of(self.next_due, self.poll.once_due)
    }

    pub(super) fn earlier_of(next_due: Time, once_due: Option<Time>) -> Time {
        once_due.map_or(next_due, |once| once.min(next_due))
    }

    /// The same as [`Self::state`] as far as polls tell.
    pub(super) fn health(&self) -> FeedState {
        FeedState::of_polls(self.poll.stopped.is_some(), self.poll.failures, self.read.first_contact.is_some())
    }
}
