//! What each part of the program tells of its own work: how long things took, and that it is alive.
//!
//! Plain numbers for the operator. Nothing is decided by them but whether the service manager starts the process again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Upper bounds of [`Times::buckets`], in seconds; the last bucket has none.
pub const TIME_BOUNDS: [f64; 12] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 120.0, 600.0];

/// How long things took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Times {
    /// How many took so long: up to each of [`TIME_BOUNDS`] and longer than the one before; then those that took longer.
    pub buckets: [u64; TIME_BOUNDS.len() + 1],
    /// All of them together.
    pub sum: Duration,
}

impl Times {
    /// Counts one more.
    pub fn add(&mut self, time: Duration) {
        let bucket = TIME_BOUNDS.iter().position(|bound| time.as_secs_f64() <= *bound).unwrap_or(TIME_BOUNDS.len());
        self.buckets[bucket] += 1;
        self.sum += time;
    }
}

/// The beat of a loop that must go round: when it did last.
#[derive(Debug, Clone)]
pub struct Pulse(Arc<Mutex<Instant>>);

impl Default for Pulse {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Pulse {
    /// The loop goes round.
    pub fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How long ago it did.
    pub fn age(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_longer_than_every_bound_is_counted_too() {
        let mut times = Times::default();
        times.add(Duration::from_millis(10));
        times.add(Duration::from_secs(5000));
        assert_eq!((times.buckets[2], times.buckets[12]), (1, 1));
        assert_eq!(times.sum, Duration::from_millis(5_000_010));
    }
}
