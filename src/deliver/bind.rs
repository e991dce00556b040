//! A bind of the session, and which destinations were asked since what an earlier one left in doubt.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use crate::feed::Destination;

/// A bind of the session, and the destinations that were asked since what an earlier one left in doubt.
pub(crate) struct Bind {
    pub(crate) number: u64,
    pub(crate) since: Instant,
    recovered: Mutex<HashSet<Destination>>,
}

impl Bind {
    pub(crate) fn keep_or_new(current: Option<Arc<Self>>, number: u64) -> Arc<Self> {
        let fresh = || Arc::new(Self { number, since: Instant::now(), recovered: Mutex::default() });
        current.filter(|bind| bind.number == number).unwrap_or_else(fresh)
    }

    pub(crate) fn is_recovered(&self, destination: &Destination) -> bool {
        self.recovered.lock().unwrap_or_else(PoisonError::into_inner).contains(destination)
    }

    pub(crate) fn remember(&self, destination: &Destination) {
        self.recovered.lock().unwrap_or_else(PoisonError::into_inner).insert(destination.clone());
    }

    pub(crate) fn forget(&self, destination: &Destination) {
        self.recovered.lock().unwrap_or_else(PoisonError::into_inner).remove(destination);
    }
}
