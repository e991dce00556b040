//! When nothing is polled though feeds are due: too much waits to be published, or what is found cannot be written down.
//!
//! What is not polled is not lost while feeds list it; what is polled must be kept.

use std::time::Duration;

use tracing::{error, info, warn};

use crate::feed::Time;
use crate::store::StoreError;

use super::poll::{Poller, locked};
use super::schedule::later;

/// While polls cannot be written down, one is tried so often.
const PROBE: Duration = Duration::from_secs(15);

impl Poller {
    /// How many feeds may be polled now. While the state takes nothing, it is one now and then, to see.
    pub(super) fn room(&self, now: Time) -> usize {
        let room = self.backlog.available_permits();
        if room == 0 || self.is_outbox_full() {
            return 0;
        }
        match &mut *locked(&self.unwritten) {
            None => room,
            Some((until, _)) if now < *until => 0,
            Some((until, _)) => {
                *until = later(now, PROBE);
                1
            }
        }
    }

    /// When the next poll may be tried, while polls cannot be written down.
    pub(super) fn probes_at(&self) -> Option<Time> {
        locked(&self.unwritten).as_ref().map(|(until, _)| *until)
    }

    /// Notes whether a poll was written down; the operator hears of it when that is news.
    pub(super) fn note_written(&self, written: Result<(), StoreError>, now: Time) -> Result<(), String> {
        let outcome = written.as_ref().err().map_or(Ok(()), |error| Err(error.to_string()));
        let mut unwritten = locked(&self.unwritten);
        match written {
            Ok(()) if unwritten.take().is_some() => info!("polls are written down again"),
            Err(error @ (StoreError::Io { .. } | StoreError::Lost { .. })) if unwritten.is_none() => {
                // A lost state ends the process, which says so.
                if !matches!(error, StoreError::Lost { .. }) {
                    error!(%error, "a poll cannot be written down; feeds are polled again when it can");
                }
                *unwritten = Some((later(now, PROBE), error));
            }
            _ => {}
        }
        outcome
    }

    /// Whether so much waits to be published that nothing more is polled.
    pub(super) fn is_outbox_full(&self) -> bool {
        let is_full = self.store.waiting_bytes() >= self.bounds.outbox_bytes;
        match (std::mem::replace(&mut *locked(&self.is_full), is_full), is_full) {
            (false, true) => warn!("the outbox is full; feeds are polled again when it has been sent"),
            (true, false) => info!("the outbox has room; feeds are polled again"),
            _ => {}
        }
        is_full
    }
}
