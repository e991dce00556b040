//! Very many feeds that the state knows already, as if each had been polled lately; and polls of them that enter at `Arrival`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use chrono::TimeDelta;
use futures::StreamExt;
use futures::stream;
use tidings::feed::{FeedId, Time};
use tidings::ingest;
use tidings::store::{
    Claim, Completion, Due, FeedRow, FeedSync, Outcome, ReadFacts, RedbStore, Seen, Settlement, Store,
};

use crate::document::{Subscription, rss};

/// As many polls as a gateway has at once.
pub(crate) const AT_ONCE: usize = 64;

/// The feeds `feed-0`, `feed-1` …
pub(crate) struct Fleet {
    pub(crate) store: Arc<RedbStore>,
    entries: u64,
    /// How many entries each feed has had beyond those of its first document.
    versions: Vec<AtomicU64>,
    /// How often it was polled.
    turns: AtomicU64,
}

impl Fleet {
    /// Fills a new state with feeds of so many entries; `row` is what polling remembers of feed `n`, and when it is due.
    pub(crate) async fn fill(
        state: &Path,
        feeds: usize,
        entries: u64,
        now: Time,
        row: impl Fn(usize, FeedRow) -> FeedRow,
    ) -> Self {
        let store = Arc::new(RedbStore::open(state).unwrap());
        let fleet = Self {
            store,
            entries,
            versions: (0..feeds).map(|_| AtomicU64::new(0)).collect(),
            turns: AtomicU64::new(0),
        };
        let sync = (0..feeds).map(|n| FeedSync { id: id(n), was: Vec::new(), enabled: true });
        fleet.store.sync_feeds(sync.collect(), now).await.unwrap();
        let document = ingest::read(&fleet.arrival(&Subscription::new("feed-0"), 0, now)).unwrap();
        let fill = |n: usize| {
            let (fleet, document, row) = (&fleet, document.clone(), &row);
            async move {
                let mut claim = fleet.store.claim_due(Due::These(vec![id(n)]), now, 1).await.unwrap().remove(0);
                let feed = Subscription::new(claim.feed.as_str());
                let first =
                    ingest::take_in(document, false, &feed.plan(), &ReadFacts::default(), &Seen::default(), now);
                claim.row = row(n, FeedRow { read: first.read, ..claim.row });
                // What first contact would publish is no part of what is measured.
                let completion = Completion {
                    claim,
                    seen: Some(first.seen),
                    editions: Vec::new(),
                    hosts: Vec::new(),
                    can_wait: false,
                };
                fleet.store.complete(completion, now).await.unwrap();
            }
        };
        stream::iter(0..feeds).for_each_concurrent(AT_ONCE, fill).await;
        fleet
    }

    /// Polls so many feeds, the longest due first: of `news` feeds one has a new entry, the others answer 304. The next poll
    /// is `pause` later. What is new is published as far as the store is concerned.
    pub(crate) async fn poll(&self, polls: usize, news: usize, now: Time, pause: TimeDelta) {
        let mut left = polls;
        // Other feeds each time.
        let turn = self.turns.fetch_add(1, Relaxed) as usize;
        while left > 0 {
            let claims = self.store.claim_due(Due::Now, now, left.min(1024)).await.unwrap();
            assert!(!claims.is_empty(), "nothing is due at {now}");
            left -= claims.len();
            let polls = stream::iter(claims.into_iter().enumerate());
            polls
                .for_each_concurrent(AT_ONCE, |(n, claim)| {
                    self.end(claim, (turn + left + n).is_multiple_of(news), now, pause)
                })
                .await;
            self.deliver(now).await;
        }
    }

    async fn end(&self, claim: Claim, has_news: bool, now: Time, pause: TimeDelta) {
        let mut completion = Completion { claim, seen: None, editions: Vec::new(), hosts: Vec::new(), can_wait: false };
        if has_news {
            self.take_in(&mut completion, now).await;
        }
        let row = &mut completion.claim.row;
        (row.next_due, row.poll.ended) = (now + pause, Some(now));
        self.store.complete(completion, now).await.unwrap();
    }

    /// What a document with a new entry makes of a poll.
    async fn take_in(&self, completion: &mut Completion, now: Time) {
        let Claim { feed, row, .. } = &mut completion.claim;
        let number: usize = feed.as_str().trim_start_matches("feed-").parse().unwrap();
        let version = self.versions[number].fetch_add(1, Relaxed) + 1;
        let known = self.store.load_seen(feed).await.unwrap();
        let feed = Subscription::new(feed.as_str());
        let harvest = ingest::ingest(&self.arrival(&feed, version, now), &feed.plan(), &row.read, &known, now).unwrap();
        assert_eq!(harvest.editions.len(), 1);
        (completion.seen, completion.editions, row.read) = (Some(harvest.seen), harvest.editions, harvest.read);
    }

    /// The end of a poll of the first feed that brought an entry; still to be written.
    pub(crate) async fn news(&self, now: Time) -> Completion {
        let claim = self.store.claim_due(Due::These(vec![id(0)]), now, 1).await.unwrap().remove(0);
        let mut completion = Completion { claim, seen: None, editions: Vec::new(), hosts: Vec::new(), can_wait: false };
        self.take_in(&mut completion, now).await;
        completion
    }

    /// Takes everything out of the outbox.
    async fn deliver(&self, now: Time) {
        let lane = |destination| async move {
            let claimed = self.store.claim_outbox(vec![(destination, 16)], now).await.unwrap();
            let delivered = |row| Settlement { row, outcome: Outcome::Delivered };
            let settled = claimed.into_iter().map(|delivery| delivered(delivery.row.id)).collect();
            self.store.settle(settled, now).await.unwrap();
        };
        let ready = self.store.waiting().into_iter().filter(|waiting| waiting.ready > 0);
        let destinations: Vec<_> = ready.map(|waiting| waiting.destination).collect();
        stream::iter(destinations).for_each_concurrent(AT_ONCE, lane).await;
    }

    fn arrival(&self, feed: &Subscription, version: u64, now: Time) -> ingest::Arrival {
        feed.arrival(rss(version..version + self.entries), now)
    }
}

/// The id of feed `n`.
pub(crate) fn id(n: usize) -> FeedId {
    FeedId::new(&format!("feed-{n}")).unwrap()
}
