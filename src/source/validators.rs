//! Pure: which validators are sent, and which are kept, given that some of them lie.
//!
//! WordPress's ETag is the md5 of its Last-Modified, which has a grain of one second: a second entry in the same second, or
//! an older one that appears late, is answered 304 until the next edit. So a validator is kept only when it can have seen
//! everything that the document holds, and every feed is asked for a whole document now and then.

use std::time::Duration;

use chrono::TimeDelta;
use data_encoding::HEXLOWER;
use md5::{Digest, Md5};

use crate::feed::Time;
use crate::store::{PollFacts, Validators};

use super::answer::Answer;
use super::schedule::{Timing, fraction, later};
use super::{PollRules, headers};

/// How often a feed is asked for the whole document when its ETag says no more than its Last-Modified.
const FULL_POLL_OF_DERIVED_ETAG: Duration = Duration::from_secs(6 * 3600);

/// What to send; nothing when the whole document is wanted.
pub fn to_send(facts: &PollFacts, rules: &PollRules, key: &str, now: Time) -> Validators {
    let is_over = |last| later(last, full_poll_interval(facts, rules, key)) <= now;
    // One in the future was noted by a clock that was wrong.
    if facts.full_poll.is_none_or(|last| is_over(last) || last > now) {
        return Validators::default();
    }
    let mut kept = facts.validators.clone();
    if facts.is_etag_useless && kept.last_modified.is_some() {
        kept.etag = None;
    }
    kept
}

/// Jittered downwards, and over already when the next poll would come too late, so that a day never passes without a whole
/// document; but a feed that is polled a few times a day only is not asked for whole ones each time.
fn full_poll_interval(facts: &PollFacts, rules: &PollRules, key: &str) -> Duration {
    let interval = match is_derived(&facts.validators) {
        true => rules.full_poll_interval.min(FULL_POLL_OF_DERIVED_ETAG),
        false => rules.full_poll_interval,
    };
    let until_next = match rules.timing {
        Timing::Every(every) => facts.stretched_seconds.map_or(every, Duration::from_secs).max(every),
        Timing::Cron(_) => Duration::ZERO,
    };
    let until_next = (until_next + until_next / 10).min(interval / 8);
    interval.mul_f64(1.0 - fraction(key) / 10.0).saturating_sub(until_next)
}

/// What to keep of a document's validators.
pub fn to_keep(answer: &Answer) -> Validators {
    let mut kept = answer.validators.clone();
    let modified = kept.last_modified.as_deref().and_then(headers::date);
    // Another entry may still have come in the second that it names.
    if modified.is_some_and(|modified| answer.date - modified < TimeDelta::seconds(5)) {
        if kept.etag.as_deref().is_some_and(|etag| etag.starts_with("W/")) || is_derived(&kept) {
            kept.etag = None;
        }
        kept.last_modified = None;
    }
    kept
}

/// What to keep after a 304: what it names replaces, what it does not stays.
pub fn after_not_modified(kept: &Validators, answer: &Answer) -> Validators {
    let new = to_keep(answer);
    Validators {
        etag: if answer.validators.etag.is_some() { new.etag } else { kept.etag.clone() },
        last_modified: if answer.validators.last_modified.is_some() {
            new.last_modified
        } else {
            kept.last_modified.clone()
        },
    }
}

/// Whether a document that equals the last one, sent though a weak ETag was shown, gives that ETag away: something on the
/// way, compression mostly, rewrites it.
pub fn is_etag_useless(facts: &PollFacts, answer: &Answer) -> bool {
    answer.is_conditional && facts.validators.etag.as_deref().is_some_and(|etag| etag.starts_with("W/"))
}

/// Whether the ETag is the md5 of Last-Modified.
fn is_derived(validators: &Validators) -> bool {
    let (Some(etag), Some(modified)) = (&validators.etag, &validators.last_modified) else { return false };
    let bare = etag.trim_start_matches("W/").trim_matches('"');
    // Compression adds to it: "…-gzip", "…;br".
    let bare = bare.split(['-', ';', ':']).next().unwrap_or_default();
    bare.eq_ignore_ascii_case(&HEXLOWER.encode(&Md5::digest(modified.as_bytes())))
}
