//! How much may be on its way at once, and how large it may be.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use super::lock;

/// Most requests of one service that are unanswered at once, whatever the number of its nodes: one service that does not
/// answer takes nothing away from the others.
const MOST_IN_FLIGHT: usize = 64;
/// Payloads stay under this many bytes unless the service says that it takes less: Prosody closes the stream over 256 KiB.
const LARGEST_PAYLOAD: u64 = 200_000;
/// Every server takes stanzas of 10,000 bytes (RFC 6120 §13.12).
const SMALLEST_LIMIT: u64 = 8_000;

/// The credit of a session.
#[derive(Debug)]
pub(crate) struct Credit {
    services: Mutex<HashMap<Option<String>, Arc<Semaphore>>>,
    largest: AtomicU64,
}

impl Default for Credit {
    fn default() -> Self {
        Self { services: Mutex::default(), largest: AtomicU64::new(LARGEST_PAYLOAD) }
    }
}

impl Credit {
    /// What the requests to a service hold a permit of while they are unanswered.
    pub(crate) fn of(&self, service: Option<&str>) -> Arc<Semaphore> {
        let fresh = || Arc::new(Semaphore::new(MOST_IN_FLIGHT));
        lock(&self.services).entry(service.map(str::to_owned)).or_insert_with(fresh).clone()
    }

    /// The largest payload for a node that told its own limit, or none.
    pub(crate) fn largest_payload(&self, told: Option<u64>) -> u64 {
        told.unwrap_or(u64::MAX).min(self.largest.load(Relaxed))
    }

    /// The server closed the stream on something that it finds too big: from now on nothing is half as large as what was
    /// sent so far.
    pub(crate) fn send_smaller(&self) {
        let limit = (self.largest.load(Relaxed) / 2).max(SMALLEST_LIMIT);
        self.largest.store(limit, Relaxed);
        tracing::warn!(limit, "the server closed the stream for its policy; entries over the limit are shortened");
    }
}
