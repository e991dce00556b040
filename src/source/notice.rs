//! Pure: what of a poll the operator is told, and in which words. Once, when the state of a feed changes; never per poll.

use chrono::TimeDelta;
use sha2::{Digest, Sha256};
use tracing::{debug, info, warn};

use crate::feed::{Destination, Edition, Entry, EntryKey, FeedId, FeedMeta, Text, Time};
use crate::store::{Action, Placement, PollFacts};

/// Failures in a row after which a feed fails: one alone is rarely worth a look.
const FAILS_AFTER: u32 = 3;

/// Something to tell the operator of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// It was well and fails now: three times in a row, or for the first time when it has never worked.
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
    match (fails(before), fails(after)) {
        (false, true) => return Some(Notice::Fails(why())),
        (true, false) => return Some(Notice::IsWell),
        _ => {}
    }
    let is_a_week = |ended: Option<Time>| {
        let since = after.failing_since.zip(ended).map(|(since, ended)| ended - since);
        since.is_some_and(|since| since >= TimeDelta::days(7))
    };
    let is_refusal = matches!(after.status, Some(401 | 403 | 404));
    (is_refusal && is_a_week(after.ended) && !is_a_week(before.ended)).then(|| Notice::Refused(why()))
}

/// Whether the operator knows that it fails.
fn fails(facts: &PollFacts) -> bool {
    facts.failures >= FAILS_AFTER || (facts.failures > 0 && facts.succeeded.is_none())
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

    /// The same as an edition, with where it goes: it is written in the transaction of the poll, so that it is told once
    /// whatever happens.
    pub(super) fn report(
        &self,
        feed: &FeedId,
        (before, after): (&PollFacts, &PollFacts),
        to: &[Destination],
        now: Time,
    ) -> Option<(Edition, Vec<Placement>)> {
        if to.is_empty() {
            return None;
        }
        let (title, text) = self.words(feed, before, after);
        let digest = Sha256::digest(format!("health\0{feed}\0{}", now.to_rfc3339()));
        let mut key = [0; 10];
        key.copy_from_slice(&digest[..10]);
        let key = EntryKey(key);
        let entry = Entry {
            title: Some(Text::Plain(title)),
            content: Some(Text::Plain(text)),
            published: Some(now),
            updated: Some(now),
            ..Entry::default()
        };
        let source = FeedMeta { title: Some("Health of the feeds".to_owned()), ..FeedMeta::default() };
        let item = key.item_id();
        let edition = Edition {
            feed: feed.clone(),
            key,
            item,
            revision: 0,
            published: now,
            updated: now,
            tags: Vec::new(),
            entry,
            source,
        };
        let place = |destination: &Destination| Placement {
            destination: destination.clone(),
            action: Action::Publish,
            not_before: None,
            dedup: None,
            if_newer: false,
            quota: None,
        };
        Some((edition, to.iter().map(place).collect()))
    }

    /// A title, and what else there is to know.
    fn words(&self, feed: &FeedId, before: &PollFacts, after: &PollFacts) -> (String, String) {
        let url = shown(&after.url);
        let since = |facts: &PollFacts| {
            facts.failing_since.map(|at| format!(" since {}", at.format("%Y-%m-%d %H:%M UTC"))).unwrap_or_default()
        };
        match self {
            Self::Fails(why) => {
                let often = match after.failures {
                    1 => "It has never worked: is its address right?".to_owned(),
                    often => format!("It has failed {often} times{}.", since(after)),
                };
                (format!("{feed} fails: {why}"), format!("{url}: {why}. {often} `tidings status {feed}` tells more."))
            }
            Self::Refused(why) => (
                format!("{feed} has been refused for a week"),
                format!("{url}: {why}. Is its address still right? Does it want a password?"),
            ),
            Self::IsWell => {
                let failures = before.failures;
                (format!("{feed} is well again"), format!("{url} had failed {failures} times{}.", since(before)))
            }
            Self::Stopped(why) => (format!("{feed} is not polled any more"), format!("{url}: {why}.")),
            Self::Moved(target) => (
                format!("{feed} has moved"),
                format!(
                    "{url} has moved for good to {}, where it is polled now. Please change its address.",
                    shown(target)
                ),
            ),
        }
    }
}

/// An address on a node that others may read: values of a query may be secret tokens.
fn shown(url: &str) -> String {
    url.split_once('?').map_or_else(|| url.to_owned(), |(front, _)| format!("{front}?…"))
}

/// Tells the log of a failure that is no news: those who look for it find it.
pub(super) fn log_failure(feed: &FeedId, why: &str, failures: u32) {
    debug!(%feed, why, failures, "a poll failed");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Time {
        Time::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
    }

    fn failing(failures: u32, succeeded: Option<Time>) -> PollFacts {
        let errors = vec![(at(9), "a.example answered 500".to_owned())];
        let url = "https://a.example/feed?token=x".to_owned();
        PollFacts { url, failures, succeeded, failing_since: Some(at(1)), errors, ..PollFacts::default() }
    }

    /// Title and text of what is told of a feed that has failed so often, and before.
    fn words(before: u32, after: u32, succeeded: Option<Time>) -> Option<String> {
        let (before, mut after) = (failing(before, succeeded), failing(after, succeeded));
        if after.failures == 0 {
            after.succeeded = Some(at(9));
        }
        let feed = FeedId::new("planet").unwrap();
        let to = [Destination::Node { service: None, node: "health".to_owned() }];
        let (edition, places) = notice(&before, &after)?.report(&feed, (&before, &after), &to, at(9))?;
        assert_eq!((places.len(), edition.item.0.len()), (1, 16));
        let text = |text: Option<Text>| text.unwrap().as_str().to_owned();
        Some(format!("{}\n{}", text(edition.entry.title), text(edition.entry.content)))
    }

    #[test]
    fn a_feed_fails_with_its_third_failure_and_is_well_again_once() {
        let worked = Some(at(0));
        assert_eq!(words(0, 1, worked), None);
        assert_eq!(words(1, 2, worked), None);
        insta::assert_snapshot!(words(2, 3, worked).unwrap(), @r"
        planet fails: a.example answered 500
        https://a.example/feed?…: a.example answered 500. It has failed 3 times since 2027-01-15 08:01 UTC. `tidings status planet` tells more.
        ");
        assert_eq!(words(3, 4, worked), None);
        insta::assert_snapshot!(words(4, 0, worked).unwrap(), @r"
        planet is well again
        https://a.example/feed?… had failed 4 times since 2027-01-15 08:01 UTC.
        ");
        assert_eq!(words(2, 0, worked), None, "nobody was told that it failed");
    }

    #[test]
    fn a_feed_that_never_worked_fails_at_once() {
        insta::assert_snapshot!(words(0, 1, None).unwrap(), @r"
        planet fails: a.example answered 500
        https://a.example/feed?…: a.example answered 500. It has never worked: is its address right? `tidings status planet` tells more.
        ");
        assert_eq!(words(1, 2, None), None);
        assert!(words(1, 0, None).unwrap().starts_with("planet is well again"));
    }
}
