//! What an edited configuration, a restart or a clock that was set means for feeds that are known already.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures::{StreamExt, TryFutureExt};
use tokio::time::sleep;

use crate::feed::{FeedId, Time};
use crate::store::{Completion, Due, FeedRow, FeedSync, StoreError};

use super::policy::reconciled;
use super::poll::{Poller, locked};
use super::roster::Roster;

/// Rows written at once; the store groups them.
const AT_ONCE: usize = 256;

/// How often a row is tried whose feed is being polled, and the time between two tries.
const TRIES: u32 = 25;
const A_MOMENT: Duration = Duration::from_millis(20);

impl Poller {
    /// Takes over another configuration, all `feeds` of which `roster` knows: new ones and those whose address changed are due
    /// at once, those whose schedule changed by the new one, all others when they were. A poll under way has asked by the old
    /// one, and ends by the new one: after `reroute`, which brings what waits in line with it.
    pub async fn adopt(
        &self,
        roster: Roster,
        feeds: Vec<FeedSync>,
        reroute: impl Future<Output = Result<(), StoreError>>,
        now: Time,
    ) -> Result<(), StoreError> {
        let alone = self.endings.write().await;
        // First, because a feed that is due must be in it.
        let former = std::mem::replace(&mut *locked(&self.roster), Arc::new(roster));
        if let Err(error) = self.store.sync_feeds(feeds, now).and_then(|()| reroute).await {
            *locked(&self.roster) = former;
            return Err(error);
        }
        drop(alone);
        self.reconcile(now, TimeDelta::zero()).await?;
        self.rouse.notify_one();
        Ok(())
    }

    /// Before the first poll: what the store knows of hosts, and what changed while we were down.
    pub(super) async fn prepare(&self, now: Time) -> Result<(), StoreError> {
        let prepare = async || {
            self.gate.load(self.store.hosts().await?);
            self.reconcile(now, TimeDelta::zero()).await
        };
        self.is_prepared.get_or_try_init(prepare).await.copied()
    }

    /// Brings the due times of all feeds in line with configuration and clock, which went back by so much.
    pub(super) async fn reconcile(&self, now: Time, went_back: TimeDelta) -> Result<(), StoreError> {
        let roster = self.roster();
        let in_line = |feed: &FeedId, row: &FeedRow| {
            let subscription = roster.find(feed)?;
            reconciled(row, &subscription.url, &subscription.poll, now, went_back)
        };
        let changed = self.store.look_at_feeds(|feed, row| in_line(&feed, &row).map(|_| feed)).await?;
        let written = futures::stream::iter(changed).map(|feed| self.rewrite(feed, &in_line, now));
        written.buffer_unordered(AT_ONCE).fold(Ok(()), async |all, one| Result::and(all, one)).await
    }

    /// Writes a row anew, unless its feed is being polled for longer: then the poll brings it in line.
    async fn rewrite(
        &self,
        feed: FeedId,
        in_line: impl Fn(&FeedId, &FeedRow) -> Option<FeedRow>,
        now: Time,
    ) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let claims = self.store.claim_due(Due::These(vec![feed.clone()]), now, 1).await?;
            let Some(mut claim) = claims.into_iter().next() else {
                // A poll that is about to end may have been written already, before things changed.
                sleep(A_MOMENT).await;
                continue;
            };
            // It may have been polled since the rows were read.
            let Some(row) = in_line(&claim.feed, &claim.row) else {
                let due = claim.row.next_due;
                self.store.release(claim, due);
                return Ok(());
            };
            claim.row = row;
            let completion = Completion { claim, seen: None, editions: Vec::new(), hosts: Vec::new(), can_wait: false };
            return self.store.complete(completion, now).await;
        }
        Ok(())
    }
}
