//! Which feed is due when, and who polls it now. In memory only: a lease ends with the process that holds the store.
//!
//! A feed that is claimed is not due before its completion is committed, or failed, or the claim was given back: so that
//! nobody reads a seen-set that is about to change.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::feed::{FeedId, Time};
use crate::store::{Due, FeedRow, FeedState};

/// The feeds of the configuration; nothing is due before the first [`Polls::sync`].
#[derive(Debug)]
pub(super) struct Polls {
    slots: HashMap<FeedId, Slot>,
    /// Active feeds that nobody has claimed.
    due: BTreeSet<(Moment, FeedId)>,
    /// How many feeds are in each state.
    states: BTreeMap<FeedState, usize>,
    epoch: u64,
}

/// When a feed is polled, and whether it is polled at all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) due: Moment,
    pub(super) is_enabled: bool,
    pub(super) is_paused: bool,
    pub(super) said: Said,
}

/// Microseconds since 1970, in less room than a [`Time`]: there may be very many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(i64);

impl From<Time> for Moment {
    fn from(time: Time) -> Self {
        Self(time.timestamp_micros())
    }
}

impl Moment {
    fn time(self) -> Time {
        Time::from_timestamp_micros(self.0).unwrap_or(Time::MAX_UTC)
    }
}

/// What the last poll of a feed said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    /// How the feed is.
    pub(super) health: FeedState,
    /// When `once` takes it as due.
    pub(super) once_due: Moment,
}

impl Said {
    /// What a row says.
    pub(super) fn of(row: &FeedRow) -> Self {
        Self { health: row.health(), once_due: row.once_due().into() }
    }
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    plan: Plan,
    lease: Lease,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lease {
    Free,
    /// Claimed, with this number.
    Held(u64),
    /// Its completion is being written.
    Ending,
}

impl Polls {
    /// Leases are numbered from the store's generation on, so that no two processes give the same number.
    pub(super) fn new(generation: u64) -> Self {
        Self { slots: HashMap::new(), due: BTreeSet::new(), states: BTreeMap::new(), epoch: generation << 32 }
    }

    /// Takes over the feeds of the configuration. Leases of feeds that stay are kept, those of others are void.
    pub(super) fn sync(&mut self, feeds: &[(FeedId, Plan)]) {
        let old = std::mem::take(&mut self.slots);
        self.due.clear();
        self.states.clear();
        for (feed, plan) in feeds {
            let lease = old.get(feed).map_or(Lease::Free, |slot| slot.lease);
            let slot = Slot { plan: *plan, lease };
            *self.states.entry(plan.state()).or_default() += 1;
            if slot.is_due() {
                self.due.insert((plan.due, feed.clone()));
            }
            self.slots.insert(feed.clone(), slot);
        }
    }

    pub(super) fn states(&self) -> Vec<(FeedState, usize)> {
        FeedState::ALL.map(|state| (state, self.states.get(&state).copied().unwrap_or_default())).to_vec()
    }

    /// The feeds that are polled at all, by id; with an instant, those that `once` takes as due by then.
    pub(super) fn pollable(&self, once_by: Option<Time>) -> Vec<FeedId> {
        let is_wanted = |plan: &Plan| once_by.is_none_or(|by| plan.said.once_due <= by.into());
        let is_polled = |state| !matches!(state, FeedState::Disabled | FeedState::Paused | FeedState::Stopped);
        let slots = self.slots.iter().filter(|(_, slot)| is_polled(slot.plan.state()) && is_wanted(&slot.plan));
        let mut feeds: Vec<FeedId> = slots.map(|(feed, _)| feed.clone()).collect();
        feeds.sort_unstable();
        feeds
    }

    pub(super) fn next_due(&self) -> Option<Time> {
        self.due.first().map(|(moment, _)| moment.time())
    }

    /// Leases feeds, and numbers the leases.
    pub(super) fn claim(&mut self, which: Due, now: Time, limit: usize) -> Vec<(FeedId, u64)> {
        let by_time = |until: Time| self.due.iter().take_while(move |(due, _)| *due <= until.into());
        let chosen: Vec<FeedId> = match which {
            Due::Now => by_time(now).take(limit).map(|(_, feed)| feed.clone()).collect(),
            Due::By(until) => by_time(until).take(limit).map(|(_, feed)| feed.clone()).collect(),
            Due::All => self.due.iter().take(limit).map(|(_, feed)| feed.clone()).collect(),
            Due::These(feeds) => feeds,
        };
        chosen.into_iter().filter_map(|feed| self.lease(feed)).take(limit).collect()
    }

    fn lease(&mut self, feed: FeedId) -> Option<(FeedId, u64)> {
        let slot = self.slots.get_mut(&feed).filter(|slot| slot.is_due())?;
        self.epoch += 1;
        slot.lease = Lease::Held(self.epoch);
        self.due.remove(&(slot.plan.due, feed.clone()));
        Some((feed, self.epoch))
    }

    /// Whether the lease is the current one; its completion is then being written, and [`Polls::end`] follows.
    pub(super) fn begin_end(&mut self, feed: &FeedId, epoch: u64) -> bool {
        match self.slots.get_mut(feed).filter(|slot| slot.lease == Lease::Held(epoch)) {
            Some(slot) => {
                slot.lease = Lease::Ending;
                true
            }
            None => false,
        }
    }

    /// The completion is written, or failed: the feed is due again at `due`.
    pub(super) fn end(&mut self, feed: &FeedId, due: Moment, said: Option<Said>) {
        self.change(feed, |slot| {
            if slot.lease == Lease::Ending {
                let said = said.unwrap_or(slot.plan.said);
                *slot = Slot { plan: Plan { due, said, ..slot.plan }, lease: Lease::Free };
            }
        });
    }

    /// Undoes a lease of which nobody was told.
    pub(super) fn take_back(&mut self, feed: &FeedId, epoch: u64) {
        if let Some(due) = self.slots.get(feed).map(|slot| slot.plan.due) {
            self.release(feed, epoch, due);
        }
    }

    /// Gives a lease back; one that is not current is not looked at.
    pub(super) fn release(&mut self, feed: &FeedId, epoch: u64, due: Moment) {
        if self.begin_end(feed, epoch) {
            self.end(feed, due, None);
        }
    }

    pub(super) fn set_paused(&mut self, feed: &FeedId, is_paused: bool) {
        self.change(feed, |slot| slot.plan.is_paused = is_paused);
    }

    fn change(&mut self, feed: &FeedId, change: impl FnOnce(&mut Slot)) {
        let Some(slot) = self.slots.get_mut(feed) else { return };
        self.due.remove(&(slot.plan.due, feed.clone()));
        let before = slot.plan.state();
        change(slot);
        let after = slot.plan.state();
        if before != after {
            *self.states.entry(before).or_default() -= 1;
            *self.states.entry(after).or_default() += 1;
        }
        if slot.is_due() {
            self.due.insert((slot.plan.due, feed.clone()));
        }
    }
}

impl Plan {
    fn state(&self) -> FeedState {
        match self {
            Self { is_enabled: false, .. } => FeedState::Disabled,
            Self { is_paused: true, .. } => FeedState::Paused,
            Self { said, .. } => said.health,
        }
    }
}

impl Slot {
    fn is_due(&self) -> bool {
        self.plan.is_enabled && !self.plan.is_paused && self.lease == Lease::Free
    }
}
