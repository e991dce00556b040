//! Words that the contract is told in.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use tidings::feed::{Destination, Edition, Entry, EntryKey, FeedId, FeedMeta, ItemId, Text, Time};
use tidings::store::{
    Action, Claim, Completion, Delivery, Due, FeedSync, OutboxRow, Outcome, Placement, RowState, Settlement, Store,
    Waiting,
};

/// A state that can be opened again and again, once at a time.
#[async_trait]
pub(crate) trait State: Send + Sync {
    async fn open(&self) -> Arc<dyn Store>;

    /// Opens it for the feeds `a` and `b`, which are due at second 0.
    async fn open_with_feeds(&self) -> Arc<dyn Store> {
        let store = self.open().await;
        store.sync_feeds(vec![configured("a"), configured("b")], at(0)).await.unwrap();
        store
    }
}

/// So many seconds after the beginning.
pub(crate) fn at(second: i64) -> Time {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::seconds(second)
}

pub(crate) fn days(days: i64) -> Time {
    at(days * 86_400)
}

pub(crate) fn feed(id: &str) -> FeedId {
    FeedId::new(id).unwrap()
}

pub(crate) fn configured(id: &str) -> FeedSync {
    FeedSync { id: feed(id), was: Vec::new(), enabled: true }
}

pub(crate) fn node(name: &str) -> Destination {
    Destination::Node { service: None, node: name.to_owned() }
}

/// A revision of an entry; its item has the entry's name.
pub(crate) fn edition(feed_id: &str, name: &str, revision: u32) -> Edition {
    let mut key = [0; 10];
    key[..name.len()].copy_from_slice(name.as_bytes());
    Edition {
        feed: feed(feed_id),
        key: EntryKey(key),
        item: ItemId(name.to_owned()),
        revision,
        published: at(0),
        updated: at(i64::from(revision)),
        tags: vec!["news".to_owned()],
        entry: Entry { title: Some(Text::Plain(format!("{name}, revision {revision}"))), ..Entry::default() },
        source: FeedMeta::default(),
    }
}

/// To a node, at once.
pub(crate) fn to(name: &str) -> Placement {
    Placement {
        destination: node(name),
        action: Action::Publish,
        not_before: None,
        dedup: None,
        if_newer: false,
        quota: None,
    }
}

pub(crate) async fn claim(store: &dyn Store, id: &str) -> Claim {
    let claims = store.claim_due(Due::These(vec![feed(id)]), at(0), 1).await.unwrap();
    claims.into_iter().next().expect("the feed is free")
}

pub(crate) fn completion(claim: Claim) -> Completion {
    Completion { claim, seen: None, editions: Vec::new(), hosts: Vec::new(), can_wait: false }
}

/// A poll of the feed at a second that brings these editions.
pub(crate) async fn poll(store: &dyn Store, id: &str, second: i64, editions: Vec<(Edition, Vec<Placement>)>) {
    let claim = claim(store, id).await;
    store.complete(Completion { editions, ..completion(claim) }, at(second)).await.unwrap();
}

/// A poll of `a` that brings first revisions of these entries to the node `n`.
pub(crate) async fn bring(store: &dyn Store, second: i64, names: &[&str]) {
    poll(store, "a", second, names.iter().map(|name| (edition("a", name, 0), vec![to("n")])).collect()).await;
}

/// A poll of `a` that brings one revision of one entry to the node `n`.
pub(crate) async fn revise(store: &dyn Store, second: i64, name: &str, revision: u32) {
    poll(store, "a", second, vec![(edition("a", name, revision), vec![to("n")])]).await;
}

pub(crate) async fn send(store: &dyn Store, name: &str, limit: usize, second: i64) -> Vec<Delivery> {
    store.claim_outbox(vec![(node(name), limit)], at(second)).await.unwrap()
}

/// Settles the row of an item at `n` that is in the state given.
pub(crate) async fn settle(store: &dyn Store, name: &str, state: RowState, outcome: Outcome, second: i64) {
    let rows = store.rows(&node("n")).await.unwrap();
    let row = rows.iter().find(|row| row.item.0 == name && row.state == state).expect("there is such a row");
    store.settle(vec![Settlement { row: row.id, outcome }], at(second)).await.unwrap();
}

pub(crate) fn refused() -> Outcome {
    Outcome::Retry { reason: "try later".to_owned() }
}

pub(crate) fn dead() -> Outcome {
    Outcome::Dead { reason: "no".to_owned() }
}

/// `x0 Ready, y0 Doubt`: item, revision and state of rows, in order.
pub(crate) fn told(rows: &[OutboxRow]) -> String {
    let words = rows.iter().map(|row| format!("{}{} {:?}", row.item, row.revision, row.state));
    words.collect::<Vec<_>>().join(", ")
}

/// The rows of a node, as [`told`].
pub(crate) async fn rows(store: &dyn Store, name: &str) -> String {
    told(&store.rows(&node(name)).await.unwrap())
}

/// Item and revision of deliveries, in order.
pub(crate) fn sent(deliveries: &[Delivery]) -> String {
    let words = deliveries.iter().map(|delivery| format!("{}{}", delivery.row.item, delivery.edition.revision));
    words.collect::<Vec<_>>().join(" ")
}

pub(crate) fn waiting(store: &dyn Store, name: &str) -> Option<Waiting> {
    store.waiting().into_iter().find(|waiting| waiting.destination == node(name))
}
