//! What an edited configuration means for rows that wait: a feed's nodes that went to another service take them along, and
//! those that it no longer goes to give them up.
//!
//! What is in doubt is asked about where it was sent, first. A feed that was removed is still told to the end.

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
    let settlement = |row: OutboxRow| outcome(&row, config).map(|outcome| Settlement { row: row.id, outcome });
    let settlements = store.look_at_rows(settlement).await?;
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

/// What becomes of a row that waits; `None`: it goes where it stands.
fn outcome(row: &OutboxRow, config: &Config) -> Option<Outcome> {
    let feed = config.feeds.get(&row.feed).filter(|_| row.state == RowState::Ready)?;
    if goes_to(config, feed, &row.destination) {
        return None;
    }
    Some(match elsewhere(&row.destination, feed) {
        Some(to) => Outcome::Move { to },
        None => Outcome::Dead { reason: REMOVED.to_owned() },
    })
}

/// Whether something of a feed may go there: its entries by its own `to` or by a route, or what is told of its health.
fn goes_to(config: &Config, feed: &Feed, destination: &Destination) -> bool {
    feed.destinations().any(|(own, _)| own == *destination)
        || config.health.iter().any(|target| target.destination == *destination)
        || config.routes.iter().flat_map(|route| &route.to).any(|target| target.may_be(destination))
}

/// The feed's node of the same name on another service.
fn elsewhere(destination: &Destination, feed: &Feed) -> Option<Destination> {
    let Destination::Node { node: name, .. } = destination else { return None };
    let mut own = feed.destinations().map(|(own, _)| own);
    own.find(|other| matches!(other, Destination::Node { node, .. } if node == name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::{EntryKey, FeedId, ItemId};
    use crate::store::{Action, RowId};

    fn row(destination: Destination, state: RowState) -> OutboxRow {
        OutboxRow {
            id: RowId { node: 1, sequence: 1, turn: 0 },
            destination,
            action: Action::Publish,
            feed: FeedId::new("blog").unwrap(),
            key: EntryKey([0; 10]),
            item: ItemId("k3v9".to_owned()),
            revision: 0,
            stamp: Time::UNIX_EPOCH,
            state,
            attempts: 0,
            queued: Time::UNIX_EPOCH,
            changed: Time::UNIX_EPOCH,
            not_before: None,
            rung: 0,
            reason: None,
            if_newer: false,
        }
    }

    #[test]
    fn what_waits_goes_where_the_configuration_says_now() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tidings.toml");
        let settings = "[xmpp]\njid = \"bot@a.test\"\n[store]\npath = \"s\"\n[log]\nhealth-node = \"health\"\nhealth-chat = \"me@a.test\"\n\
                        [defaults]\nservice = \"pubsub.a.test\"\n[[route]]\nto = [{ node = \"about-{tag}\" }]\n";
        std::fs::write(&path, settings).unwrap();
        std::fs::create_dir(folder.path().join("feeds.d")).unwrap();
        std::fs::write(folder.path().join("feeds.d/blog.toml"), "[blog]\nurl = \"https://blog.test/\"\n").unwrap();
        let config = Config::load(Some(&path)).unwrap().with_default_service("pubsub.a.test");
        let node = |service: Option<&str>, node: &str| Destination::Node {
            service: service.map(str::to_owned),
            node: node.to_owned(),
        };
        let chat = |jid: &str| Destination::Chat { jid: jid.to_owned() };
        let (ready, given_up) = (RowState::Ready, Outcome::Dead { reason: REMOVED.to_owned() });
        for (destination, state, expected) in [
            (node(None, "blog"), ready, None),
            (node(None, "about-rust"), ready, None),
            (node(None, "health"), ready, None),
            (chat("me@a.test"), ready, None),
            (chat("you@a.test"), ready, Some(given_up.clone())),
            (node(None, "other"), ready, Some(given_up)),
            (node(None, "other"), RowState::Doubt, None),
            (node(Some("old.test"), "blog"), ready, Some(Outcome::Move { to: node(None, "blog") })),
        ] {
            assert_eq!(outcome(&row(destination.clone(), state), &config), expected, "{destination}");
        }
    }
}
