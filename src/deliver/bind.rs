//! A bind of the session, and which destinations were asked since what an earlier one left in doubt.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::feed::Destination;

/// A bind of the session. A destination that it knows nothing of was not asked yet.
pub(crate) struct Bind {
    pub(crate) number: u64,
    since: Instant,
    destinations: Mutex<HashMap<Destination, Knowledge>>,
    is_blamed: AtomicBool,
}

#[derive(Clone, Copy)]
enum Knowledge {
    Recovered,
    /// A lane ended at this time without the answers to what it had sent.
    Doubtful(Instant),
}

impl Bind {
    pub(crate) fn keep_or_new(current: Option<Arc<Self>>, number: u64) -> Arc<Self> {
        let is_blamed = AtomicBool::new(false);
        let fresh = || Arc::new(Self { number, since: Instant::now(), destinations: Mutex::default(), is_blamed });
        current.filter(|bind| bind.number == number).unwrap_or_else(fresh)
    }

    pub(crate) fn is_recovered(&self, destination: &Destination) -> bool {
        matches!(self.destinations().get(destination), Some(Knowledge::Recovered))
    }

    /// From when on nothing more is sent that is in doubt now.
    pub(crate) fn quiet_since(&self, destination: &Destination) -> Instant {
        match self.destinations().get(destination) {
            Some(Knowledge::Doubtful(at)) => *at,
            _ => self.since,
        }
    }

    pub(crate) fn remember(&self, destination: &Destination) {
        self.destinations().insert(destination.clone(), Knowledge::Recovered);
    }

    pub(crate) fn forget(&self, destination: &Destination) {
        self.destinations().insert(destination.clone(), Knowledge::Doubtful(Instant::now()));
    }

    /// Whether this is the first time that the end of the stream is blamed on what was sent.
    pub(crate) fn blame(&self) -> bool {
        !self.is_blamed.swap(true, Relaxed)
    }

    fn destinations(&self) -> MutexGuard<'_, HashMap<Destination, Knowledge>> {
        self.destinations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
