//! Due feeds → requests, few at a time → one completion a feed.
//!
//! A feed is polled by whoever holds its claim, and by nobody else; every claim ends in a completion or is given back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OnceCell, Semaphore, watch};
use tokio::task::JoinSet;
use tracing::{error, warn};

use crate::feed::{Clock, FeedId, Time};
use crate::store::{Claim, Due, Store, StoreError};

use super::Config;
use super::body::Limits;
use super::fetch::{ClientError, Fetcher};
use super::gate::{Gate, host_of};
use super::outage::Outage;
use super::roster::Roster;
use super::schedule::{self, MINUTE, later};

/// Claims at once; most of them wait for their host.
const BACKLOG: usize = 1024;

/// A feed that would wait longer than this for its host is given back meanwhile.
const LONGEST_QUEUE: Duration = Duration::from_secs(30);

/// How long polls may go on after the signal to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// How long to leave a store alone that does not answer.
const RETRY: Duration = Duration::from_secs(10);

/// Polls feeds.
pub struct Poller {
    pub(super) store: Arc<dyn Store>,
    pub(super) fetcher: Fetcher,
    pub(super) gate: Arc<Gate>,
    pub(super) clock: Clock,
    /// Wakes `deliver` after a commit that made rows.
    pub(super) news: Arc<Notify>,
    pub(super) outage: Mutex<Outage>,
    roster: Mutex<Arc<Roster>>,
    hosts_loaded: OnceCell<()>,
    backlog: Arc<Semaphore>,
    /// Tells `run` that the backlog is not full any more.
    freed: Notify,
    running: Mutex<JoinSet<()>>,
}

/// How a poll ended, for a summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// Nothing changed.
    Unchanged,
    /// A document was taken in, and brought so much to publish.
    TakenIn {
        /// Editions with at least one destination.
        editions: usize,
    },
    /// Nothing was taken in.
    Failed(String),
    /// Nothing was asked: the host rests until then.
    Rested(Time),
}

/// What to poll to completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// What `once` takes as due.
    Due,
    /// Every feed; still conditional.
    All,
    /// These, unconditionally: something else said that there is news.
    These(Vec<FeedId>),
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
        Self::with_limits(store, config, roster, clock, news, Limits::default())
    }

    /// A poller with limits of its own.
    pub fn with_limits(
        store: Arc<dyn Store>,
        config: &Config,
        roster: Roster,
        clock: Clock,
        news: Arc<Notify>,
        limits: Limits,
    ) -> Result<Arc<Self>, ClientError> {
        Ok(Arc::new(Self {
            store,
            fetcher: Fetcher::new(config, limits)?,
            gate: Arc::new(Gate::new(config.concurrency, config.per_host, config.host_interval, Arc::clone(&clock))),
            clock,
            news,
            outage: Mutex::default(),
            roster: Mutex::new(Arc::new(roster)),
            hosts_loaded: OnceCell::new(),
            backlog: Arc::new(Semaphore::new(BACKLOG)),
            freed: Notify::new(),
            running: Mutex::default(),
        }))
    }

    /// Polls until `stop` turns true; `nudge` makes it look at once. Polls under way get ten seconds more.
    pub async fn run(self: &Arc<Self>, nudge: &Notify, mut stop: watch::Receiver<bool>) {
        loop {
            let now = (self.clock)();
            let pause = match self.tick(now).await {
                Ok(_) => self.pause(now),
                Err(error) => {
                    error!(%error, "cannot look for due feeds");
                    RETRY
                }
            };
            tokio::select! {
                _ = stop.wait_for(|is_stopping| *is_stopping) => break,
                () = tokio::time::sleep(pause) => {}
                () = nudge.notified() => {}
                () = self.freed.notified() => {}
            }
        }
        self.drain(DRAIN).await;
    }

    /// Starts polling what is due; returns how many feeds.
    pub async fn tick(self: &Arc<Self>, now: Time) -> Result<usize, StoreError> {
        self.load_hosts().await?;
        while locked(&self.running).try_join_next().is_some() {}
        let room = self.backlog.available_permits();
        if room == 0 {
            return Ok(0);
        }
        let claims = self.store.claim_due(Due::Now, now, room).await?;
        let claims = claims.into_iter().filter_map(|claim| self.admit(claim, now)).collect();
        let groups = self.group(claims, now).await?;
        let started = groups.iter().map(Vec::len).sum();
        for group in groups {
            let poller = Arc::clone(self);
            let permit = Arc::clone(&self.backlog).try_acquire_many_owned(u32::try_from(group.len()).unwrap_or(1));
            locked(&self.running).spawn(async move {
                poller.visit(group, false).await;
                let was_full = poller.backlog.available_permits() == 0;
                drop(permit);
                if was_full {
                    poller.freed.notify_one();
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

    /// Polls a set of feeds to completion.
    pub async fn poll_all(self: &Arc<Self>, which: Which) -> Result<Vec<(FeedId, Polled)>, StoreError> {
        self.load_hosts().await?;
        let is_forced = matches!(which, Which::These(_));
        let mut waiting = self.choose(which).await?;
        let mut polls = JoinSet::new();
        let mut ended = Vec::new();
        loop {
            let room = BACKLOG.saturating_sub(polls.len()).min(waiting.len());
            if room > 0 {
                let chunk: Vec<_> = waiting.drain(..room).collect();
                let now = (self.clock)();
                let claims = self.store.claim_due(Due::These(chunk), now, room).await?;
                for group in self.group(claims, now).await? {
                    let poller = Arc::clone(self);
                    polls.spawn(async move { poller.visit(group, is_forced).await });
                }
            }
            match polls.join_next().await {
                Some(polled) => ended.extend(polled.unwrap_or_default()),
                None if waiting.is_empty() => return Ok(ended),
                None => {}
            }
        }
    }

    /// Takes over another configuration.
    pub fn set_roster(&self, roster: Roster) {
        *locked(&self.roster) = Arc::new(roster);
    }

    pub(super) fn roster(&self) -> Arc<Roster> {
        Arc::clone(&locked(&self.roster))
    }

    async fn load_hosts(&self) -> Result<(), StoreError> {
        let load = async || {
            self.gate.load(self.store.hosts().await?);
            Ok(())
        };
        self.hosts_loaded.get_or_try_init(load).await.copied()
    }

    fn pause(&self, now: Time) -> Duration {
        if self.backlog.available_permits() == 0 {
            return MINUTE;
        }
        let until_due = self.store.next_due().map(|due| (due - now).to_std().unwrap_or_default());
        // A minute at most: the wall clock may be set meanwhile.
        until_due.unwrap_or(MINUTE).clamp(Duration::from_millis(20), MINUTE)
    }

    /// Gives a feed back whose host has too many waiting already, so that they do not fill the backlog.
    fn admit(&self, claim: Claim, now: Time) -> Option<Claim> {
        let subscription = self.roster().find(&claim.feed)?;
        let wait = self.gate.wait_of(&host_of(&subscription.url));
        if wait <= LONGEST_QUEUE {
            return Some(claim);
        }
        self.store.release(claim, later(now, wait));
        None
    }

    async fn choose(&self, which: Which) -> Result<Vec<FeedId>, StoreError> {
        let now = (self.clock)();
        let is_all = which == Which::All;
        if let Which::These(feeds) = which {
            return Ok(feeds);
        }
        let rows = self.store.feeds().await?.into_iter();
        let wanted = rows.filter(|(_, row)| !row.paused && row.poll.stopped.is_none());
        let wanted = wanted.filter(|(_, row)| is_all || schedule::is_due_for_once(row, now));
        Ok(wanted.map(|(feed, _)| feed).collect())
    }

    /// Puts the feeds together that one request serves, and claims those of them that were not due.
    async fn group(&self, claims: Vec<Claim>, now: Time) -> Result<Vec<Vec<Claim>>, StoreError> {
        let roster = self.roster();
        let order: Vec<_> = claims.iter().map(|claim| claim.feed.clone()).collect();
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
                for twin in self.store.claim_due(Due::These(elsewhere), now, many).await? {
                    if twin.row.paused {
                        let due = twin.row.next_due;
                        self.store.release(twin, due);
                    } else {
                        group.push(twin);
                    }
                }
            }
            group.sort_by(|a, b| a.feed.cmp(&b.feed));
            groups.push(group);
        }
        Ok(groups)
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
