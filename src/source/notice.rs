//! Pure: what of a poll the operator is told. Once, when the state of a feed changes; never per poll.

use chrono::TimeDelta;
use tracing::{info, warn};

use crate::feed::{FeedId, Time};
use crate::store::PollFacts;

/// Something to tell the operator of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// It was well and fails now.
    Fails(String),
    /// It has been refused (401, 403, 404) for a week.
    Refused(String),
    /// It failed and is well again.
    IsWell,
    /// It is not polled any more.
    Stopped(String),
    /// A permanent redirect was recorded.
    Moved(String),
}

/// What changed from one poll to the next.
pub fn notice(before: &PollFacts, after: &PollFacts) -> Option<Notice> {
    let why = || after.errors.first().map(|(_, why)| why.clone()).unwrap_or_default();
    if let (None, Some(stopped)) = (&before.stopped, &after.stopped) {
        return Some(Notice::Stopped(stopped.clone()));
    }
    if let Some(target) = after.moved_to.as_ref().filter(|target| before.moved_to.as_ref() != Some(*target)) {
        return Some(Notice::Moved(target.clone()));
    }
    match (before.failures, after.failures) {
        (0, 1..) => return Some(Notice::Fails(why())),
        (1.., 0) => return Some(Notice::IsWell),
        _ => {}
    }
    let is_a_week = |ended: Option<Time>| {
        let since = after.failing_since.zip(ended).map(|(since, ended)| ended - since);
        since.is_some_and(|since| since >= TimeDelta::days(7))
    };
    let is_refusal = matches!(after.status, Some(401 | 403 | 404));
    (is_refusal && is_a_week(after.ended) && !is_a_week(before.ended)).then(|| Notice::Refused(why()))
}

impl Notice {
    /// Tells the log.
    pub fn log(&self, feed: &FeedId) {
        match self {
            Self::Fails(why) => warn!(%feed, why, "the feed fails"),
            Self::Refused(why) => {
                warn!(%feed, why, "the feed has been refused for a week: is its address still right?")
            }
            Self::IsWell => info!(%feed, "the feed is well again"),
            Self::Stopped(why) => warn!(%feed, why, "the feed is not polled any more"),
            Self::Moved(target) => info!(%feed, target, "the feed has moved for good; please change its address"),
        }
    }
}
