//! What an answer says of its host, and what the absence of answers says of the network.

use tracing::{info, warn};

use crate::feed::Time;
use crate::store::HostRow;

use super::answer::{FetchError, Fetched, Retry};
use super::gate::host_of;
use super::policy;
use super::poll::{Poller, locked};

/// Host rows that a poll changed.
pub(super) type Hosts = Vec<(String, Option<HostRow>)>;

impl Poller {
    /// What the answer says of its host, and when `is_telling` its absence of the network; told to those who wait for the
    /// host before it is free.
    pub(super) fn note_host(&self, fetched: &Result<Fetched, FetchError>, is_telling: bool) -> Hosts {
        let now = (self.clock)();
        let (host, row) = match fetched {
            Ok(fetched) => (host_of(&fetched.answer.url), None),
            Err(error @ FetchError::Status { host, retry_after, .. }) => {
                let is_refusal = matches!(error.retry(), Retry::Host(_));
                (host.clone(), is_refusal.then(|| policy::after_refusal(self.gate.row(host), *retry_after, now)))
            }
            Err(FetchError::Network { host, .. }) => {
                if is_telling {
                    self.note_reached(host, false, now);
                }
                return Hosts::new();
            }
            Err(_) => return Hosts::new(),
        };
        self.note_reached(&host, true, now);
        if row.is_none() && self.gate.row(&host).is_none() {
            return Hosts::new();
        }
        self.gate.set_row(&host, row.clone());
        vec![(host, row)]
    }

    fn note_reached(&self, host: &str, is_reached: bool, now: Time) {
        let mut outage = locked(&self.outage);
        let was_on = outage.is_on();
        outage.note(host, is_reached, now);
        match (was_on, outage.is_on()) {
            (false, true) => warn!("most hosts are out of reach: the network seems to be down, failures do not count"),
            (true, false) => info!("the network is back"),
            _ => {}
        }
    }
}
