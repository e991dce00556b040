//! Pure: when a feed is polled next, and why then.
//!
//! The next poll is at the latest of all times that anybody asks for: the operator's interval, the server's hints, its
//! `Retry-After`. Never at the earliest.

use std::time::Duration;

use chrono::{Datelike, TimeDelta, Timelike};
use sha2::{Digest, Sha256};

use crate::feed::Time;
use crate::store::FeedRow;

use super::PollRules;
use super::cron::Cron;

/// A minute, an hour, a day.
pub const MINUTE: Duration = Duration::from_secs(60);
/// An hour.
pub const HOUR: Duration = Duration::from_secs(3600);
/// A day: also the most that hints and failures together may ask for.
pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// When a feed is polled.
#[derive(Debug, Clone, PartialEq)]
pub enum Timing {
    /// At this interval.
    Every(Duration),
    /// At these times.
    Cron(Cron),
}

impl std::fmt::Display for Timing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Every(every) => write!(f, "every {}", span(*every)),
            Self::Cron(cron) => write!(f, "cron {cron}"),
        }
    }
}

/// What asks for a poll to be later than the interval says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The interval when it is not the configured one, and why: an unchanged feed, failures.
    pub interval: Option<(Duration, String)>,
    /// `Cache-Control: max-age` or `Expires` of the answer.
    pub freshness: Option<Duration>,
    /// `ttl` and `sy:*` of the document.
    pub document: Option<Duration>,
    /// No poll before this time, and why.
    pub not_before: Option<(Time, String)>,
    /// Hours (UTC) without polls, 0 to 23.
    pub skip_hours: Vec<u8>,
    /// Days (UTC) without polls, 0 is Monday.
    pub skip_days: Vec<u8>,
}

/// When a feed is polled next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// When `run` polls it.
    pub at: Time,
    /// When `once` takes it as due: at 90 % of the interval, from the start of the last poll, so that a timer of the same
    /// interval never skips every second run.
    pub once_at: Time,
    /// For `status`.
    pub why: String,
}

/// When a feed is polled next. `key` names the feed for its jitter.
pub fn next(rules: &PollRules, asked: &Asked, key: &str, started: Time, ended: Time) -> Next {
    match &rules.timing {
        Timing::Every(every) => next_interval(*every, asked, key, started, ended),
        Timing::Cron(cron) => next_tick(cron, asked, ended),
    }
}

/// Whether `once` polls a feed now.
pub fn is_due_for_once(row: &FeedRow, now: Time) -> bool {
    row.poll.stopped.is_none() && row.poll.once_due.map_or(row.next_due, |once| once.min(row.next_due)) <= now
}

fn next_interval(every: Duration, asked: &Asked, key: &str, started: Time, ended: Time) -> Next {
    let (mut interval, mut why) = asked.interval.clone().unwrap_or_else(|| (every, format!("every {}", span(every))));
    let hints = [(asked.freshness, "the server's Cache-Control or Expires"), (asked.document, "the feed's ttl")];
    for (hint, name) in hints {
        let hint = hint.unwrap_or_default().min(DAY);
        if hint > interval {
            (interval, why) = (hint, format!("{} by {name}", span(hint)));
        }
    }
    let mut at = later(ended, interval + jitter(key, interval));
    let mut once_at = later(started, interval / 10 * 9);
    if let Some((not_before, reason)) = &asked.not_before {
        if *not_before > at {
            (at, why) = (*not_before, reason.clone());
        }
        once_at = once_at.max(*not_before);
    }
    let allowed = after_skips(at, &asked.skip_hours, &asked.skip_days);
    if allowed != at {
        why = "the feed's skipHours or skipDays".to_owned();
    }
    Next { at: allowed, once_at: after_skips(once_at, &asked.skip_hours, &asked.skip_days), why }
}

/// A cron schedule is the operator's word: only a `Retry-After` or a 410 moves it, to the first tick after.
fn next_tick(cron: &Cron, asked: &Asked, ended: Time) -> Next {
    let (from, why) = match &asked.not_before {
        Some((not_before, reason)) if *not_before > ended => (*not_before - TimeDelta::seconds(1), reason.clone()),
        _ => (ended, format!("cron {cron}")),
    };
    // A schedule that has no further tick was refused when it was read; a day is as good as any.
    let at = cron.after(from).unwrap_or_else(|| later(ended, DAY));
    Next { at, once_at: at, why }
}

/// How much later than its interval a feed is polled: up to a tenth of it, ten minutes at most, always the same for a feed.
/// Upwards only, and never nothing, so that feeds that were due together drift apart and away from the full hour.
pub fn jitter(key: &str, interval: Duration) -> Duration {
    let most = (interval / 10).min(10 * MINUTE);
    most.mul_f64(0.02 + 0.98 * fraction(key))
}

/// A number from 0 to 1 that is a feed's own for ever.
pub fn fraction(key: &str) -> f64 {
    let hash = Sha256::digest(key.as_bytes());
    f64::from(u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])) / f64::from(u32::MAX)
}

/// The first time, not before `at`, that is in no skipped hour and on no skipped day. A feed that skips all is mistaken.
fn after_skips(at: Time, hours: &[u8], days: &[u8]) -> Time {
    let is_skipped = |time: &Time| {
        let weekday = u8::try_from(time.weekday().num_days_from_monday());
        let hour = u8::try_from(time.hour());
        hour.is_ok_and(|hour| hours.contains(&hour)) || weekday.is_ok_and(|day| days.contains(&day))
    };
    // By whole hours: what drifted apart stays apart.
    let mut candidates = (0..=7 * 24).map(|hours| later(at, hours * HOUR));
    candidates.find(|time| !is_skipped(time)).unwrap_or(at)
}

/// A time so much later, or the end of time.
pub fn later(time: Time, by: Duration) -> Time {
    TimeDelta::from_std(by).ok().and_then(|by| time.checked_add_signed(by)).unwrap_or(Time::MAX_UTC)
}

/// A duration as operators write it, in its two largest units: `30m`, `1h 7m`, `45s`.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let largest = parts.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let shown = parts.iter().skip(largest).take(2).filter(|(count, _)| *count > 0 || seconds == 0);
    shown.map(|(count, unit)| format!("{count}{unit}")).collect::<Vec<_>>().join(" ")
}
