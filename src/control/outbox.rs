//! What `tidings outbox` tells and does: the same, whether a gateway runs or the state is opened for it.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::feed::{Destination, FeedId, Time};
use crate::store::{Action, NodeFacts, OutboxRow, Outcome, Pause, RowState, Settlement, Store, StoreError};

/// Which rows; all that is named must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// A destination as `status` shows it, or the name of a node, or an address.
    pub to: Option<String>,
    /// A feed.
    pub feed: Option<FeedId>,
    /// An item's id.
    pub item: Option<String>,
}

/// What is to be done with the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// They are told.
    List,
    /// What was given up is sent again, from the first rung on; destinations that wait are tried at once.
    Retry,
    /// What was given up is forgotten.
    Drop {
        /// What waits to be sent is forgotten, too.
        waiting: bool,
    },
}

/// The rows of a destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// As operators see it.
    pub destination: String,
    /// Why nothing is sent there, and until when.
    pub held: Option<Held>,
    /// In the order in which they are sent.
    pub rows: Vec<QueuedRow>,
}

/// Why nothing is sent to a destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// What was refused, when it was refused for good.
    pub reason: Option<String>,
    /// When it is tried again.
    pub until: Time,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueuedRow {
    /// `ready`: to be sent; `doubt`: may have been sent; `dead`: given up.
    pub state: RowState,
    /// Publish or retract.
    pub action: Action,
    /// The feed it came from.
    pub feed: FeedId,
    /// The id of its item.
    pub item: String,
    /// 0 for the first publication, one more for each edit.
    pub revision: u32,
    /// The entry's title as read.
    pub title: Option<String>,
    /// When it came to the outbox.
    pub queued: Time,
    /// It is not sent before.
    pub not_before: Option<Time>,
    /// Refusals so far.
    pub attempts: u32,
    /// The last refusal.
    pub reason: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Rows that were selected.
    pub selected: usize,
    /// Of these, rows that were changed.
    pub changed: usize,
    /// Destinations that are tried at once, though they were waiting.
    pub freed: usize,
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outbox {
    /// Of [`Order::List`].
    Queues {
        /// By name of the destination.
        queues: Vec<Queue>,
    },
    /// Of the others.
    Done(Done),
}

/// Carries out an order.
pub async fn outbox(store: &dyn Store, order: Order, selection: &Selection, now: Time) -> Result<Outbox, StoreError> {
    let selected = |row: OutboxRow| (row.state != RowState::Sent && selection.holds(&row)).then_some(row);
    let rows = store.look_at_rows(selected).await?;
    let nodes = store.nodes().await?;
    match order {
        Order::List => queues(store, rows, nodes, now).await.map(|queues| Outbox::Queues { queues }),
        Order::Retry => retry(store, &rows, nodes, now).await.map(Outbox::Done),
        Order::Drop { waiting } => forget(store, &rows, waiting, now).await.map(Outbox::Done),
    }
}

async fn queues(
    store: &dyn Store,
    rows: Vec<OutboxRow>,
    nodes: Vec<(Destination, NodeFacts)>,
    now: Time,
) -> Result<Vec<Queue>, StoreError> {
    let mut queues: BTreeMap<String, Queue> = BTreeMap::new();
    for row in rows {
        let edition = store.edition(&row).await?;
        let title = edition.and_then(|edition| edition.entry.title).map(|title| title.as_str().to_owned());
        let destination = row.destination.to_string();
        let empty = || Queue { destination: destination.clone(), held: None, rows: Vec::new() };
        queues.entry(destination.clone()).or_insert_with(empty).rows.push(QueuedRow::of(row, title));
    }
    for (destination, facts) in nodes {
        if let Some(queue) = queues.get_mut(&destination.to_string()) {
            queue.held = held(&facts, now);
        }
    }
    Ok(queues.into_values().collect())
}

fn held(facts: &NodeFacts, now: Time) -> Option<Held> {
    let pause = facts.pause.as_ref().filter(|pause| pause.until > now);
    let until = facts.not_before.filter(|until| *until > now).max(pause.map(|pause| pause.until))?;
    Some(Held { reason: pause.map(|pause| pause.reason.clone()), until })
}

async fn retry(
    store: &dyn Store,
    rows: &[OutboxRow],
    nodes: Vec<(Destination, NodeFacts)>,
    now: Time,
) -> Result<Done, StoreError> {
    let changed = settle(store, rows, |row| (row.state == RowState::Dead).then_some(Outcome::Ready), now).await?;
    let selected: BTreeSet<&Destination> = rows.iter().map(|row| &row.destination).collect();
    let held = nodes.into_iter().filter(|(node, facts)| selected.contains(node) && held(facts, now).is_some());
    let free = |(destination, facts): (Destination, NodeFacts)| {
        // The reason stays: the same one again is no news.
        let pause = facts.pause.map(|pause| Pause { until: now, ..pause });
        store.set_node(destination, NodeFacts { pause, not_before: None, ..facts })
    };
    // All at once, so that the store makes one commit of them.
    let freed = try_join_all(held.map(free)).await?.len();
    Ok(Done { selected: rows.len(), changed, freed })
}

async fn forget(store: &dyn Store, rows: &[OutboxRow], waiting: bool, now: Time) -> Result<Done, StoreError> {
    let is_forgotten = |row: &OutboxRow| waiting || row.state == RowState::Dead;
    let changed = settle(store, rows, |row| is_forgotten(row).then_some(Outcome::Drop), now).await?;
    Ok(Done { selected: rows.len(), changed, freed: 0 })
}

async fn settle(
    store: &dyn Store,
    rows: &[OutboxRow],
    outcome: impl Fn(&OutboxRow) -> Option<Outcome>,
    now: Time,
) -> Result<usize, StoreError> {
    let settlements = rows.iter().filter_map(|row| Some(Settlement { row: row.id, outcome: outcome(row)? }));
    let settlements: Vec<Settlement> = settlements.collect();
    let changed = settlements.len();
    store.settle(settlements, now).await?;
    Ok(changed)
}

impl Selection {
    fn holds(&self, row: &OutboxRow) -> bool {
        self.to.as_ref().is_none_or(|to| is_named(&row.destination, to))
            && self.feed.as_ref().is_none_or(|feed| row.feed == *feed)
            && self.item.as_ref().is_none_or(|item| row.item.0 == *item)
    }
}

fn is_named(destination: &Destination, name: &str) -> bool {
    destination.name() == Some(name) || destination.to_string() == name
}

impl QueuedRow {
    fn of(row: OutboxRow, title: Option<String>) -> Self {
        Self {
            state: row.state,
            action: row.action,
            feed: row.feed,
            item: row.item.0,
            revision: row.revision,
            title,
            queued: row.queued,
            not_before: row.not_before,
            attempts: row.attempts,
            reason: row.reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_goes_by_its_short_name_too() {
        let there = Destination::Node { service: Some("pubsub.b.test".to_owned()), node: "blog".to_owned() };
        let room = Destination::Room { jid: "news@muc.b.test".to_owned() };
        for (destination, name, expected) in [
            (&there, "blog", true),
            (&there, "node blog at pubsub.b.test", true),
            (&there, "node blog", false),
            (&there, "pubsub.b.test", false),
            (&Destination::Pep { jid: None }, "pep", true),
            (&room, "news@muc.b.test", true),
            (&room, "room news@muc.b.test", true),
            (&room, "news", false),
        ] {
            assert_eq!(is_named(destination, name), expected, "{destination}: {name}");
        }
    }
}
