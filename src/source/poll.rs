//! Due feeds → requests, few at a time → one completion a feed.
//!
//! A feed is polled by whoever holds its claim, and by nobody else; every claim ends in a completion or is given back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{Notify, OnceCell, RwLock, Semaphore, broadcast, watch};
use tokio::task::JoinSet;
use tracing::{error, warn};

use crate::feed::{Clock, FeedId, Time};
use crate::store::{Claim, Due, Store, StoreError};
use crate::tally::Pulse;

use super::Config;
use super::body::Limits;
use super::client::ClientError;
use super::fetch::Fetcher;
use super::gate::{Gate, host_of};
use super::notice::Notice;
use super::outage::Outage;
use super::roster::{Roster, Terms};
use super::schedule::{MINUTE, later};
use super::sweep::Progress;
use super::tally::{Counter, Tally};

/// Feeds claimed at once; most of them wait for their host.
pub(super) const BACKLOG: usize = 1024;

/// A feed that would wait longer than this for its host is given back meanwhile.
const LONGEST_QUEUE: Duration = Duration::from_secs(30);

/// How long polls may go on after the signal to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// How long to leave a store alone that does not answer.
const RETRY: Duration = Duration::from_secs(10);

/// What polling keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes that may wait in the outbox. What is not polled is not lost while feeds list it; what is polled must be kept.
    pub outbox_bytes: u64,
    /// Between two requests of a walk through an archive.
    pub archive_pause: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { outbox_bytes: 256 << 20, archive_pause: Duration::from_secs(5) }
    }
}

/// Polls feeds.
pub struct Poller {
    pub(super) store: Arc<dyn Store>,
    fetcher: Mutex<Arc<Fetcher>>,
    pub(super) counter: Counter,
    pulse: Pulse,
    pub(super) gate: Arc<Gate>,
    pub(super) clock: Clock,
    /// Wakes `deliver` after a commit that made rows.
    pub(super) news: Arc<Notify>,
    pub(super) outage: Mutex<Outage>,
    pub(super) roster: Mutex<Arc<Roster>>,
    /// Held by polls while their documents are read, judged and written down, and alone by who takes over another configuration:
    /// so each poll ends by one configuration, and what it brings comes behind what waited.
    pub(super) endings: RwLock<()>,
    pub(super) is_prepared: OnceCell<()>,
    pub(super) progress: watch::Sender<Progress>,
    pub(super) notices: broadcast::Sender<(FeedId, Notice)>,
    pub(super) bounds: Bounds,
    pub(super) is_full: Mutex<bool>,
    /// While polls cannot be written down: when the next one is tried, and why they cannot.
    pub(super) unwritten: Mutex<Option<(Time, StoreError)>>,
    pub(super) backlog: Arc<Semaphore>,
    /// Tells `run` that it has slept long enough: there is room in the backlog again, or a feed is due before `wakes`.
    pub(super) rouse: Notify,
    /// When `run` wakes by itself.
    wakes: Mutex<Time>,
    running: Mutex<JoinSet<()>>,
}

impl Poller {
    /// A poller; `news` is notified after each commit that has something to publish.
    pub fn new(
        store: Arc<dyn Store>,
        config: &Config,
        roster: Roster,
        clock: Clock,
        news: Arc<Notify>,
    ) -> Result<Arc<Self>, ClientError> {
        Self::with_bounds(store, config, roster, clock, news, Bounds::default())
    }

    /// A poller that keeps to other bounds.
    pub fn with_bounds(
        store: Arc<dyn Store>,
        config: &Config,
        roster: Roster,
        clock: Clock,
        news: Arc<Notify>,
        bounds: Bounds,
    ) -> Result<Arc<Self>, ClientError> {
        let counter = Counter::default();
        Ok(Arc::new(Self {
            store,
            fetcher: Mutex::new(Arc::new(Fetcher::new(config, Limits::default())?.counted_by(&counter))),
            counter,
            pulse: Pulse::default(),
            gate: Arc::new(Gate::new(config.concurrency, config.per_host, config.host_interval, Arc::clone(&clock))),
            clock,
            news,
            outage: Mutex::default(),
            roster: Mutex::new(Arc::new(roster)),
            endings: RwLock::default(),
            is_prepared: OnceCell::new(),
            progress: watch::Sender::default(),
            notices: broadcast::Sender::new(256),
            bounds,
            is_full: Mutex::default(),
            unwritten: Mutex::default(),
            backlog: Arc::new(Semaphore::new(BACKLOG)),
            rouse: Notify::new(),
            wakes: Mutex::new(Time::UNIX_EPOCH),
            running: Mutex::default(),
        }))
    }

    /// Polls until `stop` turns true; `nudge` makes it look at once. Polls under way get ten seconds more.
    pub async fn run(self: &Arc<Self>, nudge: &Notify, mut stop: watch::Receiver<bool>) {
        let mut last = (self.clock)();
        loop {
            self.pulse.beat();
            let now = (self.clock)();
            let pause = match self.look(last, now).await {
                Ok(()) => self.pause(now),
                Err(error) => {
                    error!(%error, "cannot look for due feeds");
                    RETRY
                }
            };
            *locked(&self.wakes) = later(now, pause);
            last = now;
            tokio::select! {
                _ = stop.wait_for(|is_stopping| *is_stopping) => break,
                () = tokio::time::sleep(pause) => {}
                () = nudge.notified() => {}
                () = self.rouse.notified() => {}
            }
        }
        self.begin_no_more();
        self.drain(DRAIN).await;
    }

    /// From now on no poll begins; those that ask already go on.
    pub fn begin_no_more(&self) {
        self.gate.close();
    }

    async fn look(self: &Arc<Self>, last: Time, now: Time) -> Result<(), StoreError> {
        if now < last - TimeDelta::minutes(1) {
            warn!(by = %(last - now), "the clock went back; due times go back with it");
            self.reconcile(now, last - now).await?;
        }
        self.tick(now).await.map(|_| ())
    }

    /// Starts polling what is due; returns how many feeds.
    pub async fn tick(self: &Arc<Self>, now: Time) -> Result<usize, StoreError> {
        self.prepare(now).await?;
        while locked(&self.running).try_join_next().is_some() {}
        let room = self.room(now);
        if room == 0 {
            return Ok(0);
        }
        let claims = self.store.claim_due(Due::Now, now, room).await?;
        let claims = self.admit(claims, now);
        let groups = self.group(claims, now).await?;
        let started = groups.iter().map(Vec::len).sum();
        for group in groups {
            let poller = Arc::clone(self);
            let permit = Arc::clone(&self.backlog).try_acquire_many_owned(u32::try_from(group.len()).unwrap_or(1));
            locked(&self.running).spawn(async move {
                poller.poll(group, false).await;
                let was_full = poller.backlog.available_permits() == 0;
                drop(permit);
                if was_full || poller.store.next_due().is_some_and(|due| due < *locked(&poller.wakes)) {
                    poller.rouse.notify_one();
                }
            });
        }
        Ok(started)
    }

    /// Waits until the polls under way have ended, so long at most; then they are given up.
    pub async fn drain(&self, patience: Duration) {
        let all = u32::try_from(BACKLOG).unwrap_or(u32::MAX);
        if tokio::time::timeout(patience, self.backlog.acquire_many(all)).await.is_err() {
            warn!("polls under way were given up; their feeds are polled again at the next start");
        }
        locked(&self.running).abort_all();
    }

    fn pause(&self, now: Time) -> Duration {
        if self.backlog.available_permits() == 0 {
            return MINUTE;
        }
        if self.is_outbox_full() {
            return RETRY;
        }
        let until_due = self.store.next_due().max(self.probes_at()).map(|due| (due - now).to_std().unwrap_or_default());
        // A minute at most: the wall clock may be set meanwhile.
        until_due.unwrap_or(MINUTE).clamp(Duration::from_millis(20), MINUTE)
    }

    /// Gives feeds back whose host has too many waiting already, so that they do not fill the backlog.
    fn admit(&self, claims: Vec<Claim>, now: Time) -> Vec<Claim> {
        let roster = self.roster();
        let mut ahead: HashMap<String, u32> = HashMap::new();
        let mut admitted = Vec::with_capacity(claims.len());
        for claim in claims {
            if let Some(subscription) = roster.find(&claim.feed) {
                let host = host_of(&subscription.url);
                let wait = self.gate.wait_of(&host, *ahead.get(&host).unwrap_or(&0));
                if wait > LONGEST_QUEUE {
                    self.store.release(claim, later(now, wait));
                    continue;
                }
                *ahead.entry(host).or_default() += 1;
            }
            admitted.push(claim);
        }
        admitted
    }

    /// What operators should hear of, as it happens; one who listens too slowly misses some.
    pub fn notices(&self) -> broadcast::Receiver<(FeedId, Notice)> {
        self.notices.subscribe()
    }

    /// What polling did so far. Cheap.
    pub fn tally(&self) -> Tally {
        self.counter.told()
    }

    /// Goes round once a minute at least.
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Puts the feeds together that one request serves, and claims those of them that were not due.
    pub(super) async fn group(&self, claims: Vec<Claim>, now: Time) -> Result<Vec<Vec<Claim>>, StoreError> {
        let roster = self.roster();
        let order: Vec<FeedId> = claims.iter().map(|claim| claim.feed.clone()).collect();
        let mut left: HashMap<_, _> = claims.into_iter().map(|claim| (claim.feed.clone(), claim)).collect();
        let mut groups = Vec::new();
        for feed in order {
            let Some(claim) = left.remove(&feed) else { continue };
            let twins = roster.twins(&feed).iter().filter(|twin| **twin != feed);
            let (here, elsewhere): (Vec<_>, Vec<_>) = twins.cloned().partition(|twin| left.contains_key(twin));
            let mut group = vec![claim];
            group.extend(here.iter().filter_map(|twin| left.remove(twin)));
            if !elsewhere.is_empty() {
                let many = elsewhere.len();
                group.extend(self.store.claim_due(Due::These(elsewhere), now, many).await?);
            }
            group.sort_by(|a, b| a.feed.cmp(&b.feed));
            groups.push(group);
        }
        Ok(groups)
    }

    /// Asks by another `[http]` from now on; on an error by the former one.
    pub fn ask_by(&self, config: &Config) -> Result<(), ClientError> {
        *locked(&self.fetcher) = Arc::new(Fetcher::new(config, Limits::default())?.counted_by(&self.counter));
        self.gate.set_pace(config.concurrency, config.per_host, config.host_interval);
        Ok(())
    }

    pub(super) fn fetcher(&self) -> Arc<Fetcher> {
        Arc::clone(&locked(&self.fetcher))
    }

    pub(super) fn roster(&self) -> Arc<Roster> {
        Arc::clone(&locked(&self.roster))
    }

    /// What the configuration of now says of a feed; `None`: it left.
    pub(super) fn terms(&self, feed: &FeedId) -> Option<Terms> {
        let roster = self.roster();
        Some(Terms { subscription: roster.find(feed)?, roster })
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
