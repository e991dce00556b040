//! Polling a set of feeds to completion: what `once` does, and a hook.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::feed::{FeedId, Time};
use crate::store::{Due, StoreError};

use super::poll::{BACKLOG, Poller, locked};

/// Feeds that are claimed at once.
const AT_ONCE: usize = 64;

/// How long a feed is waited for that is being polled already, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(200);

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

/// How a poll ended, for a summary and for whoever asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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

/// How far a sweep is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Feeds that are done.
    pub done: usize,
    /// Feeds in all.
    pub total: usize,
}

impl Poller {
    /// Polls a set of feeds to completion. Dropping the future gives up what is under way.
    pub async fn poll_all(self: &Arc<Self>, which: Which) -> Result<Vec<(FeedId, Polled)>, StoreError> {
        self.prepare((self.clock)()).await?;
        let is_forced = matches!(which, Which::These(_));
        let (chosen, mut ended) = self.choose(which).await?;
        let total = chosen.len() + ended.len();
        let mut waiting = VecDeque::from(chosen);
        let mut begun = HashSet::new();
        let mut polls = JoinSet::new();
        let mut deadline = Instant::now() + PATIENCE;
        loop {
            if self.gate.is_closed() {
                waiting.clear();
            }
            let mut has_started = false;
            if polls.len() + AT_ONCE <= BACKLOG && !waiting.is_empty() && !self.is_outbox_full() {
                // With a feed come those that share its address.
                let left = std::iter::from_fn(|| waiting.pop_front()).filter(|feed| !begun.contains(feed));
                let next: Vec<FeedId> = left.take(AT_ONCE).collect();
                let started = self.start(&next, is_forced, &mut polls).await?;
                waiting.extend(next.into_iter().filter(|feed| !started.contains(feed)));
                if !started.is_empty() {
                    (has_started, deadline) = (true, Instant::now() + PATIENCE);
                }
                begun.extend(started);
            }
            self.progress.send_replace(Progress { done: ended.len().min(total), total });
            let polled = match polls.try_join_next() {
                // The first ask already while others are claimed.
                None if has_started => continue,
                None => polls.join_next().await,
                polled => polled,
            };
            match polled {
                Some(polled) => ended.extend(polled.unwrap_or_default()),
                // Who polls once is told at the end what the daemon tries again.
                None if waiting.is_empty() => match &*locked(&self.unwritten) {
                    Some((_, error)) => return Err(error.clone()),
                    None => return Ok(ended),
                },
                // What is left cannot be polled now: somebody else is at it, or too much waits to be published.
                None if Instant::now() < deadline => sleep(LOOK).await,
                None => ended.extend(
                    waiting.drain(..).map(|feed| (feed, Polled::Failed("it could not be polled now".to_owned()))),
                ),
            }
        }
    }

    /// Starts polling those of the feeds that nobody is polling; returns which, with those that share an address.
    async fn start(
        self: &Arc<Self>,
        feeds: &[FeedId],
        is_forced: bool,
        polls: &mut JoinSet<Vec<(FeedId, Polled)>>,
    ) -> Result<HashSet<FeedId>, StoreError> {
        let now = (self.clock)();
        let claims = self.store.claim_due(Due::These(feeds.to_vec()), now, feeds.len()).await?;
        let mut started = HashSet::new();
        for group in self.group(claims, now).await? {
            started.extend(group.iter().map(|claim| claim.feed.clone()));
            let poller = Arc::clone(self);
            polls.spawn(async move { poller.poll(group, is_forced).await });
        }
        Ok(started)
    }

    /// The feeds to poll, and those that were asked for and are not polled at all.
    async fn choose(&self, which: Which) -> Result<(Vec<FeedId>, Vec<(FeedId, Polled)>), StoreError> {
        let feeds = match which {
            Which::All => return Ok((self.store.pollable(None), Vec::new())),
            Which::Due => return Ok((self.store.pollable(Some((self.clock)())), Vec::new())),
            Which::These(feeds) => feeds,
        };
        let (mut chosen, mut refused) = (Vec::new(), Vec::new());
        for feed in feeds {
            let row = self.store.feed(&feed).await?;
            match row.filter(|_| self.roster().find(&feed).is_some()) {
                None => refused.push((feed, Polled::Failed("there is no such feed, or it is not enabled".to_owned()))),
                Some(row) if row.paused => refused.push((feed, Polled::Failed("it is paused".to_owned()))),
                Some(_) => chosen.push(feed),
            }
        }
        Ok((chosen, refused))
    }

    /// How far the sweep under way is.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }
}
