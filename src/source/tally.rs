//! What polling did, in numbers for the operator. Nothing is decided by them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::feed::Edition;
use crate::ingest::Harvest;
use crate::store::{Action, Placement, ReadFacts};
use crate::tally::Times;

use super::outcome::Outcome;
use super::poll::locked;

/// Names of [`Tally::polls`], in order.
pub const RESULTS: [&str; 4] = ["unchanged", "read", "failed", "rested"];
/// Names of [`Tally::entries`], in order.
pub const CHANGES: [&str; 3] = ["new", "updated", "gone"];
/// Names of [`Tally::bytes`], in order.
pub const ENCODINGS: [&str; 4] = ["identity", "gzip", "br", "zstd"];

/// What polling did since the process started.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Polls of feeds, by [`RESULTS`].
    pub polls: [u64; RESULTS.len()],
    /// From the start of a poll to its commit.
    pub durations: Times,
    /// From the time that a feed was due to the start of its poll.
    pub lags: Times,
    /// Bytes of bodies on the wire, by [`ENCODINGS`].
    pub bytes: [u64; ENCODINGS.len()],
    /// Entries that go somewhere, by [`CHANGES`].
    pub entries: [u64; CHANGES.len()],
    /// Entries that were seen and are not published, by the reason.
    pub suppressed: BTreeMap<String, u64>,
}

/// Counts for all polls.
#[derive(Debug, Clone, Default)]
pub(super) struct Counter(Arc<Mutex<Tally>>);

impl Counter {
    pub(super) fn told(&self) -> Tally {
        locked(&self.0).clone()
    }

    /// A body came over the wire.
    pub(super) fn note_body(&self, encoding: &str, wire_bytes: usize) {
        let encoding = encoding.trim().trim_start_matches("x-");
        let known = ENCODINGS.iter().position(|known| known.eq_ignore_ascii_case(encoding)).unwrap_or(0);
        locked(&self.0).bytes[known] += wire_bytes as u64;
    }

    /// A poll ended.
    pub(super) fn note_poll(&self, outcome: &Outcome, lag: Duration, duration: Duration) {
        let result = match outcome {
            Outcome::Unchanged(_) => 0,
            Outcome::TakenIn(..) => 1,
            Outcome::Failed(_) => 2,
            Outcome::Rested(_) => 3,
        };
        let mut tally = locked(&self.0);
        tally.polls[result] += 1;
        tally.lags.add(lag);
        tally.durations.add(duration);
    }

    /// A document brought this to a feed of which `before` was known.
    pub(super) fn note_harvest(&self, harvest: &Harvest, before: &ReadFacts) {
        let mut tally = locked(&self.0);
        harvest.editions.iter().for_each(|edition| tally.entries[change(edition)] += 1);
        for (reason, count) in &harvest.read.suppressed {
            let more = count.saturating_sub(before.suppressed.get(reason).copied().unwrap_or_default());
            if more > 0 {
                *tally.suppressed.entry(reason.clone()).or_default() += more;
            }
        }
    }
}

fn change((edition, places): &(Edition, Vec<Placement>)) -> usize {
    match places.first().map(|place| place.action) {
        Some(Action::Retract) => 2,
        _ if edition.revision > 0 => 1,
        _ => 0,
    }
}
