//! What is on its way, and what became of what was: numbers for the operator. Nothing is decided by them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use crate::feed::{Destination, Time};
use crate::tally::Times;

use super::lock;
use super::verdict::Verdict;

/// Names of [`Tally::results`], in order.
pub const RESULTS: [&str; 6] = ["delivered", "doubtful", "node-missing", "too-big", "retry", "refused"];

/// A destination that is published to right now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flight {
    /// Most publishes that may be unanswered.
    pub window: usize,
    /// Publishes that are.
    pub in_flight: usize,
}

/// What became of publishes and retractions since the process started.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    /// How many, by [`RESULTS`].
    pub results: [u64; RESULTS.len()],
    /// From the request to its answer.
    pub publish: Times,
    /// From the poll that found the entry to its acknowledgement, deferred ones included.
    pub latency: Times,
}

/// The numbers of a deliverer, shared by all who want to tell them. Cheap to read.
#[derive(Debug, Clone, Default)]
pub struct Flights(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    open: Mutex<HashMap<Destination, Flight>>,
    tally: Mutex<Tally>,
}

impl Flights {
    /// The destinations that are published to right now.
    pub fn open(&self) -> HashMap<Destination, Flight> {
        lock(&self.0.open).clone()
    }

    /// What became of all that was sent.
    pub fn tally(&self) -> Tally {
        *lock(&self.0.tally)
    }

    /// Begins to count for a destination, until what it returns is dropped.
    pub(crate) fn begin(&self, destination: &Destination, window: usize) -> Counting {
        lock(&self.0.open).insert(destination.clone(), Flight { window, in_flight: 0 });
        Counting { all: self.clone(), destination: destination.clone() }
    }
}

/// Counts for one destination.
#[derive(Debug)]
pub(crate) struct Counting {
    all: Flights,
    destination: Destination,
}

impl Counting {
    /// So many publishes are unanswered.
    pub(crate) fn note_unanswered(&self, in_flight: usize) {
        if let Some(flight) = lock(&self.all.0.open).get_mut(&self.destination) {
            flight.in_flight = in_flight;
        }
    }

    /// An answer to what was sent then came in; the row came to the outbox at `queued`.
    pub(crate) fn note_answer(&self, verdict: &Verdict, sent: Instant, queued: Time, now: Time) {
        let result = match verdict {
            Verdict::Delivered => 0,
            Verdict::Lost(_) | Verdict::InDoubt(_) => 1,
            Verdict::Configure(_) => 2,
            Verdict::Shrink(_) => 3,
            Verdict::Retry(_) => 4,
            Verdict::Pause(_) | Verdict::WithoutPreconditions(_) => 5,
        };
        let mut tally = lock(&self.all.0.tally);
        tally.results[result] += 1;
        tally.publish.add(sent.elapsed());
        if *verdict == Verdict::Delivered {
            tally.latency.add((now - queued).to_std().unwrap_or_default());
        }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        lock(&self.all.0.open).remove(&self.destination);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(second: i64) -> Time {
        Time::from_timestamp(second, 0).unwrap()
    }

    #[tokio::test]
    async fn what_is_on_its_way_is_counted_until_the_lane_ends() {
        let flights = Flights::default();
        let blog = Destination::Node { service: None, node: "blog".to_owned() };
        let counting = flights.begin(&blog, 16);
        counting.note_unanswered(3);
        assert_eq!(flights.open()[&blog], Flight { window: 16, in_flight: 3 });
        counting.note_answer(&Verdict::Delivered, Instant::now(), at(0), at(20));
        counting.note_answer(&Verdict::Lost(String::new()), Instant::now(), at(0), at(20));
        drop(counting);
        assert!(flights.open().is_empty());
        let tally = flights.tally();
        assert_eq!(tally.results, [1, 1, 0, 0, 0, 0]);
        assert_eq!(tally.publish.buckets.iter().sum::<u64>(), 2);
        assert_eq!((tally.latency.buckets[9], tally.latency.sum), (1, Duration::from_secs(20)));
    }
}
