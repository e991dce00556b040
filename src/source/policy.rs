//! Pure: what a poll changes in a feed's row. The whole policy of politeness that is about one feed, as functions of
//! what is known, what came back, and `now`.
//!
//! Validators never move ahead of the entries that they stand for: only a document that was taken in brings new ones.

use std::time::Duration;

use chrono::TimeDelta;
use url::Url;

use crate::feed::Time;
use crate::store::{FeedRow, HostRow, Moving, PollFacts};

use super::PollRules;
use super::answer::Answer;
use super::outcome::{Failure, FailureKind, Outcome, TakenIn};
use super::schedule::{self, Asked, DAY, HOUR, LONGEST_REST, Timing, later, span};
use super::validators;

/// The row as a poll begins.
pub fn before_poll(row: &mut FeedRow, url: &Url, now: Time) {
    readdress(&mut row.poll, url);
    row.poll.started = Some(now);
}

/// An address that was edited has no validators, no redirect and no 410 of its own yet.
fn readdress(facts: &mut PollFacts, url: &Url) {
    if facts.url == url.as_str() {
        return;
    }
    *facts = PollFacts {
        url: url.as_str().to_owned(),
        validators: Default::default(),
        body_hash: None,
        full_poll: None,
        is_etag_useless: false,
        moved_to: None,
        moving: None,
        gone_since: None,
        stopped: None,
        ..std::mem::take(facts)
    };
}

/// Whether this is the first document from another host: the address was edited, or a permanent redirect leads there. Its links
/// are all new then, while its entries are not. The redirect is not recorded yet: for that, known entries must be found.
pub fn has_moved(facts: &PollFacts, answer: &Answer) -> bool {
    facts.host.is_some() && facts.host != permanent_host(facts, answer)
}

/// The host of a document without `www.`; temporary redirects left out: those may lead elsewhere each time.
fn permanent_host(facts: &PollFacts, answer: &Answer) -> Option<String> {
    let asked = || Url::parse(facts.moved_to.as_ref().unwrap_or(&facts.url)).ok();
    let url = answer.moved_to.clone().or_else(asked)?;
    url.host_str().map(|host| host.trim_start_matches("www.").to_owned())
}

/// The row as a poll ends, at `now`.
pub fn after_poll(row: &FeedRow, outcome: &Outcome, rules: &PollRules, now: Time) -> FeedRow {
    let mut row = row.clone();
    let facts = &mut row.poll;
    facts.ended = Some(now);
    let mut freshness = None;
    let mut not_before = None;
    match outcome {
        Outcome::Unchanged(answer) => {
            keep_unchanged(facts, answer, now);
            stretch(facts, rules);
            succeed(facts, answer, true, now);
            freshness = answer.freshness;
        }
        Outcome::TakenIn(answer, taken) => {
            keep_document(facts, answer, taken, now);
            if taken.has_news {
                facts.stretched_seconds = None
            } else {
                stretch(facts, rules)
            }
            succeed(facts, answer, taken.has_known, now);
            freshness = answer.freshness;
        }
        Outcome::Failed(failure) => {
            fail(facts, failure, now);
            if let FailureKind::Rest(until) = failure.kind {
                not_before = Some((until, "the host asked for rest".to_owned()));
            }
        }
        Outcome::Rested(until) => not_before = Some((*until, "the host asked for rest".to_owned())),
    }
    set_next(&mut row, rules, freshness, not_before, now);
    row
}

/// The row by an address or a schedule that was edited, or after the clock went back; `None` when it is right as it is.
///
/// Due times go back with the clock, each by as much, so that what was spread stays spread.
pub fn reconciled(row: &FeedRow, url: &Url, rules: &PollRules, now: Time, went_back: TimeDelta) -> Option<FeedRow> {
    let is_ahead = |time: Option<Time>| time.is_some_and(|time| time > now);
    let Some(ended) = row.poll.ended else {
        return (row.next_due > now).then(|| FeedRow { next_due: now, ..row.clone() });
    };
    if row.poll.url != url.as_str() {
        let mut new = row.clone();
        readdress(&mut new.poll, url);
        (new.next_due, new.poll.once_due) = (now, None);
        new.poll.why = "its address was edited".to_owned();
        return Some(new);
    }
    if row.poll.timing == rules.timing.to_string() && !is_ahead(row.poll.ended) {
        return None;
    }
    let mut new = row.clone();
    if ended > now {
        let back = |time: Option<Time>| time.map(|time| (time - went_back).min(now));
        (new.poll.started, new.poll.ended) = (back(row.poll.started), back(row.poll.ended));
        (new.poll.full_poll, new.poll.gone_since) = (back(row.poll.full_poll), back(row.poll.gone_since));
        new.poll.failing_since = back(row.poll.failing_since);
    }
    set_next(&mut new, rules, None, None, now);
    Some(new)
}

/// The host's row after it refused us. Without a `Retry-After` it is left alone for an hour, doubled each time; with one,
/// for a week at most.
pub fn after_refusal(row: Option<HostRow>, retry_after: Option<Duration>, now: Time) -> HostRow {
    let refusals = row.map_or(0, |row| row.refusals).saturating_add(1);
    let wait = match retry_after {
        Some(asked) => asked.min(LONGEST_REST),
        None => doubled(HOUR, refusals).min(LONGEST_REST),
    };
    HostRow { not_before: Some(later(now, wait)), refusals }
}

fn set_next(
    row: &mut FeedRow,
    rules: &PollRules,
    freshness: Option<Duration>,
    rest: Option<(Time, String)>,
    now: Time,
) {
    let facts = &row.poll;
    let gone = facts.gone_since.map(|since| later(since.min(now), DAY));
    let gone = gone.map(|until| (until, "410 Gone; asked once more a day after".to_owned()));
    let asked = Asked {
        interval: interval(facts, rules),
        freshness,
        document: facts.document_seconds.map(Duration::from_secs),
        not_before: rest.into_iter().chain(gone).max(),
        skip_hours: facts.skip_hours.clone(),
        skip_days: facts.skip_days.clone(),
    };
    let next = schedule::next(rules, &asked, &row.key_id, facts.started.unwrap_or(now), facts.ended.unwrap_or(now));
    row.poll.timing = rules.timing.to_string();
    (row.next_due, row.poll.once_due, row.poll.why) = (next.at, Some(next.once_at), next.why);
    if let Some(stopped) = &row.poll.stopped {
        (row.next_due, row.poll.once_due, row.poll.why) = (later(now, 36_500 * DAY), None, stopped.clone());
    }
}

/// The interval when it is not the configured one.
fn interval(facts: &PollFacts, rules: &PollRules) -> Option<(Duration, String)> {
    let Timing::Every(every) = rules.timing else { return None };
    if facts.failures > 0 {
        let interval = doubled(every, facts.failures).min(DAY.max(every));
        let failures = match facts.failures {
            1 => "a failure".to_owned(),
            many => format!("{many} failures in a row"),
        };
        return Some((interval, format!("{} after {failures}", span(interval))));
    }
    let stretched = facts.stretched_seconds.map(Duration::from_secs).filter(|stretched| *stretched > every)?;
    let interval = stretched.min(max_every(every, rules));
    Some((interval, format!("every {}, stretched to {} as nothing changes", span(every), span(interval))))
}

fn max_every(every: Duration, rules: &PollRules) -> Duration {
    rules.max_every.unwrap_or_else(|| every.saturating_mul(4).min(DAY)).max(every)
}

/// `base` for the first time, twice that for the second, and so on.
fn doubled(base: Duration, times: u32) -> Duration {
    base.saturating_mul(2_u32.saturating_pow(times.saturating_sub(1)))
}

fn stretch(facts: &mut PollFacts, rules: &PollRules) {
    if let Timing::Every(every) = rules.timing {
        let current = facts.stretched_seconds.map_or(every, Duration::from_secs).max(every);
        facts.stretched_seconds = Some(current.mul_f64(1.5).min(max_every(every, rules)).as_secs());
    }
}

fn keep_unchanged(facts: &mut PollFacts, answer: &Answer, now: Time) {
    if answer.status == 304 {
        facts.validators = validators::after_not_modified(&facts.validators, answer);
        return;
    }
    facts.is_etag_useless |= validators::is_etag_useless(facts, answer);
    facts.validators = validators::to_keep(answer);
    facts.full_poll = Some(now);
}

fn keep_document(facts: &mut PollFacts, answer: &Answer, taken: &TakenIn, now: Time) {
    if taken.keeps_validators {
        facts.validators = validators::to_keep(answer);
        facts.body_hash = Some(taken.body_hash.clone());
        facts.full_poll = Some(now);
    }
    let ttl = taken.hints.ttl_minutes.map(|minutes| u64::from(minutes) * 60);
    facts.document_seconds = ttl.max(taken.hints.update_seconds.map(u64::from));
    facts.skip_hours = taken.hints.skip_hours.clone();
    facts.skip_days = taken.hints.skip_days.clone();
}

fn succeed(facts: &mut PollFacts, answer: &Answer, has_known: bool, now: Time) {
    facts.succeeded = Some(now);
    facts.status = Some(answer.status);
    facts.failures = 0;
    facts.failing_since = None;
    facts.gone_since = None;
    facts.stopped = None;
    facts.host = permanent_host(facts, answer);
    watch_move(facts, answer, has_known, now);
}

/// A permanent redirect is recorded after three polls over at least a day that it led to the same place, where known
/// entries were found. Validators stay behind.
fn watch_move(facts: &mut PollFacts, answer: &Answer, has_known: bool, now: Time) {
    let Some(target) = answer.moved_to.as_ref().filter(|_| has_known) else {
        facts.moving = None;
        return;
    };
    let seen = facts.moving.take().filter(|moving| moving.target == target.as_str());
    let mut moving = seen.unwrap_or_else(|| Moving { target: target.as_str().to_owned(), since: now, sightings: 0 });
    moving.sightings += 1;
    if moving.sightings < 3 || later(moving.since, DAY) > now {
        facts.moving = Some(moving);
        return;
    }
    facts.moved_to = Some(moving.target);
    facts.validators = Default::default();
}

fn fail(facts: &mut PollFacts, failure: &Failure, now: Time) {
    facts.status = failure.status;
    facts.errors.insert(0, (now, failure.why.clone()));
    facts.errors.truncate(5);
    if failure.kind == FailureKind::Offline {
        return;
    }
    facts.failures = facts.failures.saturating_add(1);
    facts.failing_since.get_or_insert(now);
    // What a redirect once promised does not outlive its target: the configured address is asked again.
    if matches!(failure.status, Some(404 | 410)) && facts.moved_to.take().is_some() {
        facts.validators = Default::default();
        return;
    }
    if failure.kind == FailureKind::Gone {
        let since = *facts.gone_since.get_or_insert(now);
        if later(since, DAY) <= now {
            let day = since.format("%Y-%m-%d");
            facts.stopped = Some(format!("stopped: 410 Gone since {day}; give it another address, or poll it by hand"));
        }
    }
}
