//! The default store: one file, by redb.
//!
//! Writes go through one thread ([`writer`]) and are durable when they return. Point reads take microseconds and run in
//! place; reads of many rows run on tokio's threads for blocking work. Leases and due times are in memory ([`polls`]), and so
//! are sums over the outbox ([`ledger`]).

mod batch;
#[cfg(test)]
mod crash;
mod desk;
#[cfg(test)]
mod disk;
mod fault;
mod feeds;
mod file;
mod ledger;
#[cfg(test)]
mod life;
mod open;
mod outbox;
mod polls;
mod record;
mod reserve;
mod tables;
mod view;
mod writer;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use async_trait::async_trait;
use redb::Database;
use tokio::sync::watch;

use crate::feed::{Destination, Edition, FeedId, Time};

use self::fault::{Fault, contain};
use self::ledger::{Board, Ledger};
pub use self::open::Examined;
use self::polls::{Polls, Said};
use self::record::Place;
use self::reserve::Reserve;
use self::view::View;
use self::writer::{Haste, Writer};
use super::{
    Claim, Completion, Counters, Delivery, Due, FeedRow, FeedState, FeedSync, HostRow, Meta, NodeFacts, Outbox,
    OutboxRow, RowId, Seen, Settlement, Store, StoreError, Waiting,
};

/// The default store.
pub struct RedbStore {
    // Before `shared`: the writer ends first.
    writer: Writer,
    shared: Arc<Shared>,
}

/// How a database that failed is opened again.
type Reopen = Box<dyn Fn() -> Result<Database, Fault> + Send + Sync>;

/// What the writer and the readers have in common.
struct Shared {
    path: PathBuf,
    reserve: Reserve,
    reopen: Reopen,
    /// `None` while the writer opens it again.
    database: RwLock<Option<Database>>,
    polls: Mutex<Polls>,
    board: Mutex<Board>,
    counters: Mutex<Counters>,
    /// How long what nobody waits for may wait for company.
    patience: Mutex<Duration>,
    /// Why the state is lost, as soon as it is.
    damage: watch::Sender<Option<String>>,
}

impl RedbStore {
    /// A point read, in place.
    fn read<T>(&self, look: impl FnOnce(&View) -> Result<T, Fault>) -> Result<T, StoreError> {
        self.told(self.shared.read(look))
    }

    /// A read of many rows, on a thread that may block.
    async fn scan<T: Send + 'static>(
        &self,
        look: impl FnOnce(&View) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        let rows = tokio::task::spawn_blocking(move || shared.read(look)).await;
        self.told(rows.unwrap_or_else(|e| Err(Fault::Io(e.to_string()))))
    }

    /// The outcome as callers see it. redb reads nothing more after an error of the disk: the writer opens it again; it looks
    /// at all of what seems to be damaged.
    fn told<T>(&self, outcome: Result<T, Fault>) -> Result<T, StoreError> {
        outcome.map_err(|fault| {
            if !matches!(fault, Fault::Stale(_)) {
                self.shared.counters().read_failures += 1;
                self.writer.nudge(&fault);
            }
            fault.at(&self.shared.path)
        })
    }

    /// Refuses what is new while all that is left is kept for what is not.
    async fn room_for_more(&self) -> Result<(), Fault> {
        if !self.shared.reserve.is_given_up() {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let taken = tokio::task::spawn_blocking(move || shared.reserve.take()).await;
        taken.unwrap_or_else(|e| Err(Fault::Io(e.to_string())))
    }

    async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut batch::Batch<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.write(Haste::Soon, write, |_| ()).await.map_err(|fault| fault.at(&self.shared.path))
    }
}

#[async_trait]
impl Store for RedbStore {
    async fn meta(&self) -> Result<Meta, StoreError> {
        self.read(View::meta)
    }

    async fn set_meta(&self, meta: Meta) -> Result<(), StoreError> {
        self.write(move |batch| batch.tables.set_meta(&meta)).await
    }

    async fn sync_feeds(&self, feeds: Vec<FeedSync>, now: Time) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        let take_over = move |plans: &Result<Vec<_>, Fault>| {
            if let Ok(plans) = plans {
                shared.polls().sync(plans);
            }
        };
        let written = self.writer.write(Haste::Soon, move |batch| feeds::sync(batch, feeds, now), take_over).await;
        written.map(|_| ()).map_err(|fault| fault.at(&self.shared.path))
    }

    fn next_due(&self) -> Option<Time> {
        self.shared.polls().next_due()
    }

    async fn claim_due(&self, which: Due, now: Time, limit: usize) -> Result<Vec<Claim>, StoreError> {
        // No await between lease and answer: a lease that nobody is told of would never end.
        let leases = self.shared.polls().claim(which, now, limit);
        let rows = self.read(|view| leases.iter().map(|(feed, _)| view.feed(feed)).collect::<Result<Vec<_>, _>>());
        if rows.is_err() {
            let mut polls = self.shared.polls();
            leases.iter().for_each(|(feed, epoch)| polls.take_back(feed, *epoch));
        }
        let claims = leases.into_iter().zip(rows?);
        Ok(claims.filter_map(|((feed, epoch), row)| Some(Claim { feed, epoch, row: row? })).collect())
    }

    fn set_patience(&self, patience: Duration) {
        *self.shared.patience.lock().unwrap_or_else(PoisonError::into_inner) = patience;
    }

    fn pollable(&self, once_by: Option<Time>) -> Vec<FeedId> {
        self.shared.polls().pollable(once_by)
    }

    fn release(&self, claim: Claim, due: Time) {
        self.shared.polls().release(&claim.feed, claim.epoch, due.into());
    }

    async fn load_seen(&self, feed: &FeedId) -> Result<Seen, StoreError> {
        self.read(|view| view.seen(feed))
    }

    async fn complete(&self, completion: Completion, now: Time) -> Result<(), StoreError> {
        let feed = completion.claim.feed.clone();
        if !self.shared.polls().begin_end(&feed, completion.claim.epoch) {
            return Err(StoreError::Stale { what: format!("feed {feed}") });
        }
        // Also after a failure the feed is due when the poller wanted it, whatever the file says: a disk that is full must
        // not make us poll a host again and again.
        let (shared, due) = (Arc::clone(&self.shared), completion.claim.row.next_due.into());
        let said = Said::of(&completion.claim.row);
        let end = move |written: &Result<(), Fault>| shared.polls().end(&feed, due, written.is_ok().then_some(said));
        let written = match self.room_for_more().await {
            Ok(()) => {
                let haste = if completion.can_wait { Haste::InCompany } else { Haste::Soon };
                self.writer.write(haste, move |batch| feeds::complete(batch, completion, now), end).await
            }
            Err(full) => {
                let refused = Err(full);
                end(&refused);
                refused
            }
        };
        written.map_err(|fault| fault.at(&self.shared.path))
    }

    async fn set_paused(&self, feed: &FeedId, is_paused: bool) -> Result<bool, StoreError> {
        let (shared, id, feed) = (Arc::clone(&self.shared), feed.clone(), feed.clone());
        let note = move |is_known: &Result<bool, Fault>| {
            if is_known.is_ok() {
                shared.polls().set_paused(&id, is_paused);
            }
        };
        let written =
            self.writer.write(Haste::Soon, move |batch| feeds::set_paused(batch, &feed, is_paused), note).await;
        written.map_err(|fault| fault.at(&self.shared.path))
    }

    fn waiting(&self) -> Vec<Waiting> {
        self.shared.board().lines.values().cloned().collect()
    }

    fn waiting_bytes(&self) -> u64 {
        self.shared.board().lines.values().map(|line| line.bytes).sum()
    }

    fn outbox_sums(&self) -> Outbox {
        self.shared.board().sums()
    }

    fn feed_states(&self) -> Vec<(FeedState, usize)> {
        self.shared.polls().states()
    }

    fn counters(&self) -> Counters {
        let counters = *self.shared.counters();
        // A state in memory has no file.
        Counters { bytes: fs::metadata(&self.shared.path).map_or(0, |file| file.len()), ..counters }
    }

    async fn claim_outbox(
        &self,
        mut wanted: Vec<(Destination, usize)>,
        now: Time,
    ) -> Result<Vec<Delivery>, StoreError> {
        wanted.retain(|(_, limit)| *limit > 0);
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        self.write(move |batch| outbox::claim(batch, wanted, now)).await
    }

    async fn rows(&self, destination: &Destination) -> Result<Vec<OutboxRow>, StoreError> {
        let destination = destination.clone();
        self.scan(move |view| view.rows(&destination)).await
    }

    async fn settle(&self, settlements: Vec<Settlement>, now: Time) -> Result<(), StoreError> {
        if settlements.is_empty() {
            return Ok(());
        }
        self.write(move |batch| outbox::settle(batch, settlements, now)).await
    }

    async fn set_node(&self, destination: Destination, facts: NodeFacts) -> Result<(), StoreError> {
        self.write(move |batch| outbox::set_node(batch, destination, facts)).await
    }

    async fn nodes(&self) -> Result<Vec<(Destination, NodeFacts)>, StoreError> {
        self.scan(View::nodes).await
    }

    async fn rows_after(&self, row: Option<RowId>, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
        self.scan(move |view| view.rows_after(row.map(Place::of), limit)).await
    }

    async fn edition(&self, row: &OutboxRow) -> Result<Option<Edition>, StoreError> {
        self.read(|view| view.edition(&row.key, row.revision))
    }

    async fn feed(&self, feed: &FeedId) -> Result<Option<FeedRow>, StoreError> {
        self.read(|view| view.feed(feed))
    }

    async fn feeds_after(&self, id: Option<&FeedId>, limit: usize) -> Result<Vec<(FeedId, FeedRow)>, StoreError> {
        let id = id.cloned();
        self.scan(move |view| view.feeds_after(id.as_ref(), limit)).await
    }

    async fn hosts(&self) -> Result<BTreeMap<String, HostRow>, StoreError> {
        self.scan(View::hosts).await
    }

    async fn lost(&self) -> StoreError {
        let mut damage = self.shared.damage.subscribe();
        let found = damage.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        match found {
            Some(why) => Fault::Damaged(why).at(&self.shared.path),
            None => std::future::pending().await,
        }
    }
}

impl Shared {
    fn read<T>(&self, look: impl FnOnce(&View) -> Result<T, Fault>) -> Result<T, Fault> {
        let database = self.database();
        let database = database.as_ref().ok_or_else(|| Fault::Io("it is being opened again".to_owned()))?;
        contain(|| look(&View::new(database)?))
    }

    fn database(&self) -> RwLockReadGuard<'_, Option<Database>> {
        self.database.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_database(&self, database: Option<Database>) {
        let mut slot = self.database.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *slot, database);
        drop(slot);
        let close = || {
            drop(old);
            Ok(())
        };
        if let Err(fault) = contain(close) {
            tracing::warn!(state = %self.path.display(), ?fault, "the state did not close well");
        }
    }

    fn open_again(&self, is_suspect: bool) -> Result<(Database, Ledger), Fault> {
        contain(|| {
            let mut database = (self.reopen)()?;
            if is_suspect {
                database.check_integrity().map_err(redb::Error::from)?;
                View::new(&database)?.check()?;
            }
            let ledger = View::new(&database)?.ledger()?;
            Ok((database, ledger))
        })
    }

    fn polls(&self) -> MutexGuard<'_, Polls> {
        self.polls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn patience(&self) -> Duration {
        *self.patience.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, commands: usize, time: Duration, is_committed: bool) {
        let mut counters = self.counters();
        counters.commands += commands as u64;
        counters.commits += u64::from(is_committed);
        counters.failures += u64::from(!is_committed);
        counters.commit_time += time;
        counters.commit_times.add(time);
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    /// What ends does so as it would have, also when the file turns out to be damaged while it is closed.
    fn drop(&mut self) {
        self.set_database(None);
    }
}

impl fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbStore").field("path", &self.shared.path).finish_non_exhaustive()
    }
}
