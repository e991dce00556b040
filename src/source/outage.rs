//! Pure: whether it is the network that is down, and not the feeds.

use std::collections::VecDeque;

use chrono::TimeDelta;

use crate::feed::Time;

/// The last polls of some hosts, one each.
#[derive(Debug, Default)]
pub struct Outage {
    last: VecDeque<(Time, String, bool)>,
    is_on: bool,
}

/// Hosts that must have failed before it is the network's fault.
const FEWEST: usize = 3;

impl Outage {
    /// Notes whether a host was reached. One that has been out of reach for long is no evidence: leave it out.
    pub fn note(&mut self, host: &str, is_reached: bool, now: Time) {
        self.last.retain(|(at, other, _)| other != host && *at <= now && now - *at < TimeDelta::minutes(10));
        self.last.push_back((now, host.to_owned(), is_reached));
        if self.last.len() > 32 {
            self.last.pop_front();
        }
        let failed = self.last.iter().filter(|(_, _, is_reached)| !is_reached).count();
        let is_likely = failed >= FEWEST && failed * 5 >= self.last.len() * 4;
        // It ends with a host that answers, not with time.
        self.is_on = is_likely || (self.is_on && !is_reached);
    }

    /// Whether at least three hosts, and four in five of those tried within ten minutes, were out of reach, and nothing
    /// was heard since.
    pub fn is_on(&self) -> bool {
        self.is_on
    }
}
