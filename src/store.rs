//! What survives a restart: the trait [`Store`], the errors of every store, and the rows (in `store/rows.rs`).
//!
//! A store has use-case operations and no transaction handle, so that a shared one can stand behind the same trait.
//! Each operation is one transaction: all of it is there afterwards, or nothing.

mod facts;
mod health;
mod outbox;
mod read;
mod redb;
mod rows;
mod seen;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;

use crate::feed::{Destination, Edition, FeedId, Time};

pub use self::facts::{HostRow, Moving, PollFacts, Validators};
pub use self::health::FeedState;
pub use self::outbox::{
    Action, Delivery, NodeFacts, Outbox, OutboxRow, Outcome, Pause, RowId, RowState, Settlement, Waiting,
};
pub use self::read::ReadFacts;
pub use self::redb::{Examined, RedbStore};
pub use self::rows::{Claim, Completion, Counters, Due, FeedRow, FeedSync, Meta, NODE_LIMIT, Placement, Quota};
pub use self::seen::{ALIASES, Alias, Seen, SeenEntry};

/// `[store]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The state file.
    pub path: PathBuf,
}

/// What can go wrong with a state.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another process has the state open.
    #[error("the state {path} is held by another instance")]
    Held {
        /// The state file.
        path: PathBuf,
    },
    /// The state cannot be created.
    #[error("cannot create the state {path}: {why}")]
    Create {
        /// The state file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The state existed once and is missing, empty or damaged.
    #[error("the state {path} is lost: {why}")]
    Lost {
        /// The state file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// The state was written by a newer program; nothing was written.
    #[error("the state {path} has format {found}, this program knows formats up to {known}")]
    Newer {
        /// The state file.
        path: PathBuf,
        /// Format number of the file.
        found: u64,
        /// Newest format that this program knows.
        known: u64,
    },
    /// Reading or writing failed; whether the transaction is there is unknown until it is read again.
    #[error("the state {path} cannot be read or written: {why}")]
    Io {
        /// The state file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The claim was taken over or the row has gone meanwhile; nothing was written.
    #[error("the claim of {what} is stale")]
    Stale {
        /// The feed or row.
        what: String,
    },
}

/// The state of a gateway. All times are passed in; leases last as long as the process that holds the store.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Facts of the state as a whole.
    async fn meta(&self) -> Result<Meta, StoreError>;

    /// Changes facts of the state as a whole.
    async fn set_meta(&self, meta: Meta) -> Result<(), StoreError>;

    /// Makes the state hold exactly these feeds: unknown ones get a row that is due `now`, a feed that names a former id
    /// (`was`) takes over all that belonged to it, rows of feeds that are gone stop being due and are kept for a year.
    /// Nothing is due before the first time.
    async fn sync_feeds(&self, feeds: Vec<FeedSync>, now: Time) -> Result<(), StoreError>;

    /// How long a completion that [can wait](Completion::can_wait) may wait for others; not at all before the first time.
    fn set_patience(&self, patience: Duration);

    /// When the next feed is due; `None` when none ever is. Cheap.
    fn next_due(&self) -> Option<Time>;

    /// Claims feeds for polling, oldest due time first, at most `limit`. A claimed feed is not due until its
    /// [`Completion`] or [`Store::release`].
    async fn claim_due(&self, which: Due, now: Time, limit: usize) -> Result<Vec<Claim>, StoreError>;

    /// The feeds that are polled at all, by id: enabled, neither paused nor stopped. With an instant, those of them that `once`
    /// takes as due by then ([`FeedRow::once_due`]). Cheap: kept in memory.
    fn pollable(&self, once_by: Option<Time>) -> Vec<FeedId>;

    /// Gives a claim back unpolled; the feed is due again at `due` (kept in memory only).
    fn release(&self, claim: Claim, due: Time);

    /// What is known of a feed's entries.
    async fn load_seen(&self, feed: &FeedId) -> Result<Seen, StoreError>;

    /// Ends a poll: seen-set, validators, next due time, host facts and new outbox rows, in one transaction.
    /// A waiting row of the same item and destination is replaced in place by the newer revision; a DEAD one is gone.
    /// [`StoreError::Stale`] when the claim's epoch is not the current one. Whatever the outcome, the claim has ended and the
    /// feed is due again when the completion's row says. `key_id`, `removed` and `paused` of that row are not written: they
    /// are the store's and the operator's.
    async fn complete(&self, completion: Completion, now: Time) -> Result<(), StoreError>;

    /// Pauses a feed, or ends its pause; `false` when the configuration has no such feed.
    async fn set_paused(&self, feed: &FeedId, is_paused: bool) -> Result<bool, StoreError>;

    /// Destinations with rows that are not DEAD, in no order, with what is known of each. Cheap: kept in memory.
    fn waiting(&self) -> Vec<Waiting>;

    /// Sum of [`Waiting::bytes`]: what polling stops at when it grows too large. Cheap.
    fn waiting_bytes(&self) -> u64;

    /// Sums over the whole outbox. Cheap.
    fn outbox_sums(&self) -> Outbox;

    /// How many feeds of the configuration are in each state of [`FeedState::ALL`]. Cheap.
    fn feed_states(&self) -> Vec<(FeedState, usize)>;

    /// What the store did since it was opened. Cheap.
    fn counters(&self) -> Counters;

    /// Takes the first READY rows by sequence, at most the number given for each destination, skipping deferred ones;
    /// marks them DOUBT, durably, before it returns. A destination that is paused or backing off yields nothing.
    async fn claim_outbox(&self, wanted: Vec<(Destination, usize)>, now: Time) -> Result<Vec<Delivery>, StoreError>;

    /// All rows of a destination, by sequence: Recover asks the node about those in DOUBT or SENT, first contact about
    /// those that are READY.
    async fn rows(&self, destination: &Destination) -> Result<Vec<OutboxRow>, StoreError>;

    /// Writes down what became of rows. A row that is not there any more, was replaced, or was claimed since it was read, is ignored. A row that is to be
    /// READY again while a newer revision of its item waits gives its place to that one; one that came before a newer
    /// revision in DOUBT or SENT is gone: an older revision never goes out after a newer one. A DEAD row that is to be READY
    /// begins anew: on the first rung, without a refusal.
    async fn settle(&self, settlements: Vec<Settlement>, now: Time) -> Result<(), StoreError>;

    /// Writes down what was learnt of a destination.
    async fn set_node(&self, destination: Destination, facts: NodeFacts) -> Result<(), StoreError>;

    /// Facts of every destination ever used.
    async fn nodes(&self) -> Result<Vec<(Destination, NodeFacts)>, StoreError>;

    /// The first outbox rows that come after one, by destination and sequence: `limit` of them, or all that are left.
    async fn rows_after(&self, row: Option<RowId>, limit: usize) -> Result<Vec<OutboxRow>, StoreError>;

    /// Every outbox row, by destination and sequence. There may be very many: [`Store::look_at_rows`](dyn Store::look_at_rows)
    /// needs no more memory for them than for a few.
    async fn outbox(&self) -> Result<Vec<OutboxRow>, StoreError> {
        self.rows_after(None, usize::MAX).await
    }

    /// What a row publishes; `None` when the row is gone.
    async fn edition(&self, row: &OutboxRow) -> Result<Option<Edition>, StoreError>;

    /// The row of one feed.
    async fn feed(&self, feed: &FeedId) -> Result<Option<FeedRow>, StoreError>;

    /// Rows of the first feeds of the configuration that come after an id, in order, removed ones left out: `limit` of them,
    /// or all that are left.
    async fn feeds_after(&self, id: Option<&FeedId>, limit: usize) -> Result<Vec<(FeedId, FeedRow)>, StoreError>;

    /// Rows of all feeds of the configuration, by id, removed ones left out.
    async fn feeds(&self) -> Result<Vec<(FeedId, FeedRow)>, StoreError> {
        self.feeds_after(None, usize::MAX).await
    }

    /// Hosts that asked to be left alone, by `name:port`.
    async fn hosts(&self) -> Result<BTreeMap<String, HostRow>, StoreError>;

    /// Waits until the state is found to be damaged for good, which is the end; for ever when it is not.
    async fn lost(&self) -> StoreError;
}

/// Rows in memory at once where all are looked at: rows are large, and there may be very many.
const PAGE: usize = 512;

impl dyn Store {
    /// What `look` makes of the rows of all feeds of the configuration, by id.
    pub async fn look_at_feeds<T>(
        &self,
        mut look: impl FnMut(FeedId, FeedRow) -> Option<T>,
    ) -> Result<Vec<T>, StoreError> {
        let (mut found, mut last) = (Vec::new(), None);
        loop {
            let page = self.feeds_after(last.as_ref(), PAGE).await?;
            let is_last = page.len() < PAGE;
            last = page.last().map(|(id, _)| id.clone());
            found.extend(page.into_iter().filter_map(|(id, row)| look(id, row)));
            if is_last {
                return Ok(found);
            }
        }
    }

    /// What `look` makes of all outbox rows, by destination and sequence.
    pub async fn look_at_rows<T>(&self, look: impl FnMut(OutboxRow) -> Option<T>) -> Result<Vec<T>, StoreError> {
        let (mut found, mut last, mut look) = (Vec::new(), None, look);
        loop {
            let page = self.rows_after(last, PAGE).await?;
            let is_last = page.len() < PAGE;
            last = page.last().map(|row| row.id);
            found.extend(page.into_iter().filter_map(&mut look));
            if is_last {
                return Ok(found);
            }
        }
    }
}
