//! What an edited configuration means for rows that wait: a feed's nodes that went to another service take them along, and
//! those that it no longer goes to give them up.
//!
//! What is in doubt is asked about where it was sent, first. A feed that was removed is still told to the end.

use std::sync::Arc;

use crate::config::{Config, Feed};
use crate::feed::{Destination, Time};
use crate::store::{OutboxRow, Outcome, RowState, Settlement, Store, StoreError};

/// Why such a row is DEAD.
const REMOVED: &str = "the configuration no longer sends this feed there";

/// Brings the rows that wait in line with the configuration.
pub(super) async fn reroute(store: &dyn Store, config: &Config, now: Time) -> Result<(), StoreError> {
    if store.waiting().is_empty() {
        return Ok(());
    }
    let settlements = settlements(&store.outbox().await?, config);
    let moved = settlements.iter().filter(|settlement| matches!(settlement.outcome, Outcome::Move { .. })).count();
    if moved > 0 {
        tracing::info!(entries = moved, "entries that wait go to the service that the configuration now names");
    }
    let given_up = settlements.len() - moved;
    if given_up > 0 {
        tracing::warn!(entries = given_up, "given up: {REMOVED}; `tidings outbox` shows and drops them");
    }
    store.settle(settlements, now).await
}

fn settlements(rows: &[OutboxRow], config: &Config) -> Vec<Settlement> {
    let outcome = |row: &OutboxRow| {
        let feed = config.feeds.get(&row.feed).filter(|_| row.state == RowState::Ready)?;
        let of_routes = config.routes.iter().flat_map(|route| &route.to);
        if is_named(&row.destination, feed) || of_routes.into_iter().any(|target| target.may_be(&row.destination)) {
            return None;
        }
        Some(match elsewhere(&row.destination, feed) {
            Some(to) => Outcome::Move { to: to.clone() },
            None => Outcome::Dead { reason: REMOVED.to_owned() },
        })
    };
    rows.iter().filter_map(|row| Some(Settlement { row: row.id, outcome: outcome(row)? })).collect()
}

fn is_named(destination: &Destination, feed: &Arc<Feed>) -> bool {
    feed.to.iter().any(|target| *target.destination == *destination)
}

/// The feed's node of the same name on another service.
fn elsewhere<'a>(destination: &Destination, feed: &'a Feed) -> Option<&'a Destination> {
    let Destination::Node { node: name, .. } = destination else { return None };
    let nodes = feed.to.iter().map(|target| &*target.destination);
    nodes.into_iter().find(|other| matches!(other, Destination::Node { node, .. } if node == name))
}
