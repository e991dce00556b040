//! How many requests are under way: few in all, one at a time to a host, some time apart, none to a host that asked for rest.
//!
//! A place is taken host first, slot second, and what holds a slot never waits for a host: so nothing waits in a circle.
//! Feeds that failed last time share a quarter of the slots: hosts that never answer keep nobody else waiting.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep_until};
use url::Url;

use crate::feed::{Clock, Time};
use crate::store::HostRow;

use super::schedule::{LONGEST_REST, later};

/// The name by which a host is counted: lower-cased name and port.
pub fn host_of(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    format!("{name}:{}", url.port_or_known_default().unwrap_or_default())
}

/// A host asked to be left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host} asked for no request before {until}")]
pub struct Resting {
    /// The host, as `name:port`.
    pub host: String,
    /// No request before this time.
    pub until: Time,
}

/// Why a request is not let through; nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TurnedAway {
    /// Its host rests.
    #[error(transparent)]
    Resting(#[from] Resting),
    /// The gate was closed before the poll had asked anything.
    #[error("polling ends")]
    Closed,
}

/// Counts requests; shared by all polls.
pub struct Gate {
    /// Whether no poll may begin any more.
    is_closed: watch::Sender<bool>,
    pace: Mutex<Pace>,
    clock: Clock,
    hosts: Mutex<Hosts>,
    rows: Mutex<HashMap<String, HostRow>>,
}

/// What the configuration allows.
#[derive(Clone)]
struct Pace {
    slots: Arc<Semaphore>,
    doubtful_slots: Arc<Semaphore>,
    per_host: u32,
    interval: Duration,
}

/// The hosts that are asked, were asked a moment ago, or not forgotten yet.
#[derive(Default)]
struct Hosts {
    known: HashMap<String, Arc<Host>>,
    prune_at: usize,
}

/// What is known of a host while somebody asks it, and until its next request may go out.
struct Host {
    turns: Arc<Semaphore>,
    /// Taken by the one who waits for `free_at`, so that two never go at the same instant.
    order: tokio::sync::Mutex<()>,
    free_at: Mutex<Option<Instant>>,
}

impl Gate {
    /// `concurrency` requests in all, `per_host` at once to a host, `interval` apart.
    pub fn new(concurrency: usize, per_host: usize, interval: Duration, clock: Clock) -> Self {
        let pace = Mutex::new(Pace::new(concurrency, per_host, interval));
        Self { is_closed: watch::Sender::new(false), pace, clock, hosts: Mutex::default(), rows: Mutex::default() }
    }

    /// Keeps to another pace from now on; hosts that are being asked do so when they have been left alone once.
    pub fn set_pace(&self, concurrency: usize, per_host: usize, interval: Duration) {
        *locked(&self.pace) = Pace::new(concurrency, per_host, interval);
        locked(&self.hosts).prune();
    }

    /// Turns away the polls that wait and those that come; what has begun to ask goes on.
    pub fn close(&self) {
        self.is_closed.send_replace(true);
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        *self.is_closed.borrow()
    }

    fn pace(&self) -> Pace {
        locked(&self.pace).clone()
    }

    /// Takes over what the store remembers of hosts.
    pub fn load(&self, rows: impl IntoIterator<Item = (String, HostRow)>) {
        locked(&self.rows).extend(rows);
    }

    /// What is remembered of a host.
    pub fn row(&self, host: &str) -> Option<HostRow> {
        locked(&self.rows).get(host).cloned()
    }

    /// Remembers or forgets a host; holds for requests that are waiting already.
    pub fn set_row(&self, host: &str, row: Option<HostRow>) {
        match row {
            Some(row) => locked(&self.rows).insert(host.to_owned(), row),
            None => locked(&self.rows).remove(host),
        };
    }

    /// How long a request waits, roughly, that comes after those at its host now and so many more.
    pub fn wait_of(&self, host: &str, more: u32) -> Duration {
        // One reference is the table's own.
        let here = locked(&self.hosts).known.get(host).map_or(0, |host| Arc::strong_count(host) - 1);
        let Pace { per_host, interval, .. } = self.pace();
        let ahead = u32::try_from(here).unwrap_or(u32::MAX).saturating_add(more) / per_host;
        interval.saturating_mul(ahead)
    }

    fn host(&self, name: &str) -> Arc<Host> {
        let per_host = self.pace().per_host;
        let mut hosts = locked(&self.hosts);
        if hosts.known.len() >= hosts.prune_at {
            hosts.prune();
        }
        Arc::clone(hosts.known.entry(name.to_owned()).or_insert_with(|| Host::new(per_host)))
    }

    fn is_resting(&self, name: &str) -> Result<(), Resting> {
        let now = (self.clock)();
        // Further ahead than anybody may ask for: the clock was wrong when it was written.
        let is_ahead = |until: &Time| *until > now && *until <= later(now, LONGEST_REST);
        let until = self.row(name).and_then(|row| row.not_before).filter(is_ahead);
        until.map_or(Ok(()), |until| Err(Resting { host: name.to_owned(), until }))
    }
}

impl Pace {
    fn new(concurrency: usize, per_host: usize, interval: Duration) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(concurrency.max(1))),
            doubtful_slots: Arc::new(Semaphore::new((concurrency / 4).max(1))),
            per_host: u32::try_from(per_host).unwrap_or(u32::MAX).max(1),
            interval,
        }
    }
}

impl Hosts {
    /// Forgets the hosts that nobody asks and that may be asked at once.
    fn prune(&mut self) {
        let now = Instant::now();
        let is_in_use =
            |host: &Arc<Host>| Arc::strong_count(host) > 1 || locked(&host.free_at).is_some_and(|at| at > now);
        self.known.retain(|_, host| is_in_use(host));
        self.prune_at = (2 * self.known.len()).max(1024);
    }
}

/// A poll's place among the requests under way; gives back what it holds when it is dropped.
pub struct Place {
    gate: Arc<Gate>,
    is_doubtful: bool,
    has_begun: bool,
    turn: Option<Turn>,
    slots: Vec<OwnedSemaphorePermit>,
}

impl Place {
    /// A place that holds nothing yet; `is_doubtful` for a feed that failed last time.
    pub fn new(gate: &Arc<Gate>, is_doubtful: bool) -> Self {
        Self { gate: Arc::clone(gate), is_doubtful, has_begun: false, turn: None, slots: Vec::new() }
    }

    /// Gives back what is held and waits for the turn at a host, then for a slot.
    pub async fn enter(&mut self, name: &str) -> Result<(), TurnedAway> {
        let mut is_closed = self.gate.is_closed.subscribe();
        let has_begun = self.has_begun;
        let closed = async {
            let _ = is_closed.wait_for(|is_closed| *is_closed && !has_begun).await;
        };
        tokio::select! {
            biased;
            () = closed => return Err(TurnedAway::Closed),
            entered = self.wait_for_turn(name) => entered?,
        }
        self.has_begun = true;
        Ok(())
    }

    async fn wait_for_turn(&mut self, name: &str) -> Result<(), Resting> {
        self.leave();
        let Pace { slots, doubtful_slots, interval, .. } = self.gate.pace();
        let host = self.gate.host(name);
        let permit = Arc::clone(&host.turns).acquire_owned().await.ok();
        // The one before may have been sent away; those behind it need not wait a second each to learn it.
        self.gate.is_resting(name)?;
        host.wait_until_free(interval).await;
        self.turn = Some(Turn { host, interval, _permit: permit });
        if self.is_doubtful {
            self.slots.extend(doubtful_slots.acquire_owned().await);
        }
        self.slots.extend(slots.acquire_owned().await);
        self.gate.is_resting(name)
    }

    /// The transfer is over: the host is free for the next one, the slot is kept.
    pub fn leave_host(&mut self) {
        self.turn = None;
    }

    /// Gives back what is held, for the time until the next request.
    pub fn leave(&mut self) {
        self.leave_host();
        self.slots.clear();
    }
}

impl Host {
    fn new(per_host: u32) -> Arc<Self> {
        Arc::new(Self {
            turns: Arc::new(Semaphore::new(per_host as usize)),
            order: Default::default(),
            free_at: Mutex::default(),
        })
    }

    async fn wait_until_free(&self, interval: Duration) {
        let _order = self.order.lock().await;
        loop {
            let free_at = *locked(&self.free_at);
            match free_at {
                Some(at) if at > Instant::now() => sleep_until(at).await,
                _ => break,
            }
        }
        *locked(&self.free_at) = Some(Instant::now() + interval);
    }
}

/// The right to ask a host now.
struct Turn {
    host: Arc<Host>,
    interval: Duration,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Turn {
    /// Counted from the end of a request, so that a slow connection does not bring two close together.
    fn drop(&mut self) {
        *locked(&self.host.free_at) = Some(Instant::now() + self.interval);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
