//! Pure: when a feed is polled next, and why then.
//!
//! The next poll is at the latest of all times that anybody asks for: the operator's interval, the server's hints, its
//! `Retry-After`. Never at the earliest.

use std::time::Duration;

use chrono::{Datelike, TimeDelta, Timelike};
use sha2::{Digest, Sha256};

use crate::feed::Time;

use super::PollRules;
use super::cron::Cron;

/// A minute, an hour, a day.
pub const MINUTE: Duration = Duration::from_secs(60);
/// An hour.
pub const HOUR: Duration = Duration::from_secs(3600);
/// A day: also the most that hints and failures together may ask for.
pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// The longest that a host may ask to be left alone.
pub const LONGEST_REST: Duration = Duration::from_secs(7 * 24 * 3600);

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
    let once_at = after_skips(once_at, &asked.skip_hours, &asked.skip_days).min(allowed);
    Next { at: allowed, once_at, why }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules(timing: Timing) -> PollRules {
        PollRules {
            timing,
            max_every: None,
            own: false,
            full_poll_interval: DAY,
            allow_private: false,
            basic: None,
            headers: Vec::new(),
        }
    }

    /// A Sunday at noon.
    fn noon() -> Time {
        "2025-11-23T12:00:00Z".parse().unwrap()
    }

    fn due(every: Duration, asked: &Asked) -> Next {
        next(&rules(Timing::Every(every)), asked, "planet", noon(), noon())
    }

    fn minutes(next: &Next) -> i64 {
        (next.at - noon()).num_minutes()
    }

    #[test]
    fn rule_9_jitter_is_stable_upwards_and_spreads_feeds_that_were_due_together() {
        let interval = 30 * MINUTE;
        let all: Vec<_> = (0..500).map(|number| jitter(&format!("feed-{number}"), interval)).collect();
        assert!(all.iter().all(|jitter| !jitter.is_zero() && *jitter <= interval / 10));
        assert_eq!(all[7], jitter("feed-7", interval));
        let mut seconds: Vec<_> = all.iter().map(Duration::as_secs).collect();
        seconds.sort_unstable();
        let together = seconds.chunk_by(|a, b| a == b).map(<[_]>::len).max().unwrap();
        assert!(together < 15, "{together} of 500 in the same second");
    }

    #[test]
    fn rule_9_once_takes_a_feed_as_due_a_tenth_before_its_interval_from_the_start_of_the_last_poll() {
        let (started, ended) = (noon(), noon() + TimeDelta::seconds(50));
        let next = next(&rules(Timing::Every(30 * MINUTE)), &Asked::default(), "planet", started, ended);
        assert_eq!(next.once_at, started + TimeDelta::minutes(27));
        // A timer of the same interval, late or early by a little, finds it due at every run.
        assert!(next.at > ended + TimeDelta::minutes(30));
    }

    #[test]
    fn rule_10_the_latest_time_wins() {
        let hint = |freshness: Option<u64>, document: Option<u64>| Asked {
            freshness: freshness.map(|minutes| minutes * 60).map(Duration::from_secs),
            document: document.map(|minutes| minutes * 60).map(Duration::from_secs),
            ..Asked::default()
        };
        for (asked, at_least) in [
            (hint(None, None), 30),
            (hint(Some(5), Some(10)), 30),
            (hint(Some(60), Some(10)), 60),
            (hint(Some(60), Some(90)), 90),
            (hint(Some(u64::MAX / 60), None), 24 * 60),
            (hint(None, Some(7 * 24 * 60)), 24 * 60),
        ] {
            let next = due(30 * MINUTE, &asked);
            let jitter = jitter("planet", Duration::from_secs(at_least * 60));
            let exactly = noon() + TimeDelta::from_std(Duration::from_secs(at_least * 60) + jitter).unwrap();
            assert_eq!(next.at, exactly, "{asked:?}: {}", next.why);
        }
    }

    #[test]
    fn rule_10_nothing_is_polled_before_a_retry_after_not_even_by_once() {
        let until = noon() + TimeDelta::hours(3);
        let asked = Asked { not_before: Some((until, "the host asked for rest".to_owned())), ..Asked::default() };
        let next = due(30 * MINUTE, &asked);
        assert_eq!((next.at, next.once_at, next.why.as_str()), (until, until, "the host asked for rest"));
    }

    #[test]
    fn rule_10_skipped_hours_and_days_are_left_out() {
        let asked = Asked { skip_hours: vec![12, 13, 14], ..Asked::default() };
        assert_eq!(due(30 * MINUTE, &asked).at.format("%H").to_string(), "15");
        // Sunday and Monday.
        let asked = Asked { skip_days: vec![6, 0], ..Asked::default() };
        assert_eq!(due(30 * MINUTE, &asked).at.format("%a %H").to_string(), "Tue 00");
        // A feed that skips everything is mistaken.
        let asked = Asked { skip_hours: (0..24).collect(), ..Asked::default() };
        assert!(minutes(&due(30 * MINUTE, &asked)) < 40);
    }

    #[test]
    fn rule_10_a_cron_schedule_is_moved_by_a_retry_after_only() {
        let hourly = super::super::parse_cron("0 * * * *", Some("UTC")).unwrap();
        let all_at_once = Asked {
            interval: Some((DAY, String::new())),
            freshness: Some(DAY),
            document: Some(DAY),
            not_before: None,
            skip_hours: vec![13],
            skip_days: vec![6],
        };
        let tick = next(&rules(hourly.clone()), &all_at_once, "planet", noon(), noon());
        assert_eq!((minutes(&tick), tick.why.as_str()), (60, "cron 0 * * * * (UTC)"));
        assert_eq!(tick.once_at, tick.at);
        let until = noon() + TimeDelta::minutes(120);
        let asked = Asked { not_before: Some((until, "rest".to_owned())), ..Asked::default() };
        assert_eq!(next(&rules(hourly), &asked, "planet", noon(), noon()).at, until);
    }

    #[test]
    fn a_duration_is_shown_in_two_units() {
        let shown = |seconds| span(Duration::from_secs(seconds));
        let all = [0, 45, 60, 90, 1800, 3600, 4050, 86_400, 90_000, 864_000].map(shown).join(", ");
        insta::assert_snapshot!(all, @"0s, 45s, 1m, 1m 30s, 30m, 1h, 1h 7m, 1d, 1d 1h, 10d");
    }

    proptest! {
        #[test]
        fn rule_10_never_is_a_feed_polled_before_anyone_who_asked(
            every in 300_u64..200_000, freshness in 0_u64..200_000, document in 0_u64..200_000,
            wait in 0_i64..700_000, hours in proptest::collection::vec(0_u8..24, 0..23), key in "[a-z]{1,8}",
        ) {
            let not_before = noon() + TimeDelta::seconds(wait);
            let asked = Asked {
                interval: None,
                freshness: Some(Duration::from_secs(freshness)),
                document: Some(Duration::from_secs(document)),
                not_before: Some((not_before, String::new())),
                skip_hours: hours.clone(),
                skip_days: Vec::new(),
            };
            let next = next(&rules(Timing::Every(Duration::from_secs(every))), &asked, &key, noon(), noon());
            let longest = every.max(freshness.min(86_400)).max(document.min(86_400));
            prop_assert!(next.at >= later(noon(), Duration::from_secs(longest)));
            prop_assert!(next.at >= not_before && next.once_at >= not_before);
            prop_assert!(next.once_at <= next.at);
            prop_assert!(!hours.contains(&u8::try_from(next.at.hour()).unwrap()));
            // And not for ever later: a tenth of jitter, and what skipped hours add.
            prop_assert!(next.at <= later(noon(), Duration::from_secs(longest * 11 / 10 + 1)).max(not_before) + TimeDelta::hours(24));
        }
    }
}
