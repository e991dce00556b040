//! What `tidings status` tells: the same object, whether a gateway runs or the state is read from outside.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::feed::{Destination, FeedId, Time};
use crate::store::{FeedRow, OutboxRow, RowState, Store, StoreError};

use super::{FeedLine, Holder};

/// A session that is down for longer makes `status --check` fail.
const LONGEST_OFFLINE_SECONDS: i64 = 5 * 60;
/// A row that waits longer makes `status --check` fail.
const LONGEST_WAIT_SECONDS: i64 = 15 * 60;

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the program that answers.
    pub version: String,
    /// When it was asked.
    pub at: Time,
    /// The gateway that holds the state; `None` when none runs.
    pub gateway: Option<Holder>,
    /// The XMPP session; `None` when no gateway runs.
    pub session: Option<SessionStatus>,
    /// Feeds, by id, unless a line each was enough.
    pub feeds: Vec<FeedStatus>,
    /// A line for each feed, when that was enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<FeedLine>,
    /// Rows that may have been sent, in all.
    #[serde(default)]
    pub in_doubt: usize,
    /// Since when the oldest row of all waits that may be sent.
    #[serde(default)]
    pub oldest: Option<Time>,
    /// Destinations with rows, in the order of their names.
    pub outbox: Vec<DestinationStatus>,
}

/// The XMPP session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionStatus {
    /// Whether it is bound.
    pub is_connected: bool,
    /// Since when it is what it is.
    pub since: Time,
    /// The address that is bound.
    pub jid: Option<String>,
    /// Why it is down.
    pub reason: Option<String>,
    /// How often it was bound.
    pub binds: u64,
    /// Requests on the stream that are unanswered.
    #[serde(default)]
    pub in_flight: usize,
    /// Answers that came in and answered nothing: late, or forged.
    #[serde(default)]
    pub stray_answers: u64,
}

/// What a running gateway knows beyond the state.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// The gateway.
    pub holder: Option<Holder>,
    /// The session.
    pub session: Option<SessionStatus>,
    /// Window and publishes in flight of the destinations that are published to right now.
    pub flights: HashMap<Destination, (usize, usize)>,
}

/// One feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeedStatus {
    /// Its id.
    pub id: FeedId,
    /// `ok`, `failing`, `new`, `paused`, `stopped` (gone for good), `disabled` by or `removed` from the configuration.
    pub state: String,
    /// All that is kept of it.
    pub row: FeedRow,
    /// How many entries are known; told for a single feed only.
    pub known_entries: Option<usize>,
}

/// One destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DestinationStatus {
    /// As operators see it.
    pub destination: String,
    /// Rows that wait to be sent, deferred ones included.
    pub ready: usize,
    /// Rows that may have been sent.
    pub doubt: usize,
    /// Rows that were given up, with the last reason.
    pub dead: usize,
    /// Most publishes that may be unanswered at once, while the destination is published to.
    #[serde(default)]
    pub window: Option<usize>,
    /// Publishes that are unanswered.
    #[serde(default)]
    pub in_flight: usize,
    /// Since when the oldest row waits that may be sent; a deferred one begins to wait at its time.
    pub oldest: Option<Time>,
    /// Why nothing is sent, or the last refusal.
    pub reason: Option<String>,
}

impl FeedStatus {
    fn of(id: FeedId, row: FeedRow, known_entries: Option<usize>) -> Self {
        Self { state: row.state().as_str().to_owned(), id, row, known_entries }
    }
}

impl Status {
    /// A line for each feed, whatever was told of it.
    pub fn lines(&self) -> Cow<'_, [FeedLine]> {
        if self.feeds.is_empty() {
            return Cow::Borrowed(&self.lines);
        }
        self.feeds.iter().map(|feed| FeedLine::of(feed.id.clone(), feed.row.clone())).collect()
    }

    /// What is unhealthy, in words; empty when all is well.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if let Some(session) = self.session.as_ref().filter(|session| !session.is_connected) {
            let seconds = (self.at - session.since).num_seconds();
            if seconds > LONGEST_OFFLINE_SECONDS {
                complaints.push(format!("not connected for {} min", seconds / 60));
            }
        }
        for row in &self.outbox {
            let waits = row.oldest.map_or(0, |oldest| (self.at - oldest).num_seconds());
            if waits > LONGEST_WAIT_SECONDS {
                complaints.push(format!("{}: entries wait for {} min", row.destination, waits / 60));
            }
            if row.dead > 0 {
                let entries = if row.dead == 1 { "entry was" } else { "entries were" };
                complaints.push(format!("{}: {} {entries} given up: `tidings outbox list`", row.destination, row.dead));
            }
        }
        complaints
    }
}

/// What is told of feeds.
#[derive(Debug, Clone, Copy)]
pub enum Told<'a> {
    /// All that is kept of each.
    All,
    /// A line each.
    Lines,
    /// All that is kept of one, how many entries are known of it, and nothing of others.
    One(&'a FeedId),
}

/// Reads the status out of a store.
pub async fn collect(store: &dyn Store, live: Live, told: Told<'_>, now: Time) -> Result<Status, StoreError> {
    let (mut feeds, mut lines, mut one) = (Vec::new(), Vec::new(), None);
    match told {
        Told::All => feeds = store.look_at_feeds(|id, row| Some(FeedStatus::of(id, row, None))).await?,
        Told::Lines => lines = store.look_at_feeds(|id, row| Some(FeedLine::of(id, row))).await?,
        Told::One(id) => {
            one = Some(id);
            if let Some(row) = store.feed(id).await? {
                let known = store.load_seen(id).await?.entries.len();
                feeds.push(FeedStatus::of(id.clone(), row, Some(known)));
            }
        }
    }
    let nodes = store.nodes().await?;
    let mut outbox = BTreeMap::new();
    store
        .look_at_rows(|row| {
            count_in(&mut outbox, &row, one, now);
            None::<()>
        })
        .await?;
    for (destination, facts) in nodes {
        if let (Some(pause), Some(row)) = (facts.pause, outbox.get_mut(&destination.to_string())) {
            row.reason = Some(pause.reason);
        }
    }
    for (destination, (window, in_flight)) in live.flights {
        if let Some(row) = outbox.get_mut(&destination.to_string()) {
            (row.window, row.in_flight) = (Some(window), in_flight);
        }
    }
    let outbox: Vec<DestinationStatus> = outbox.into_values().collect();
    let (gateway, session) = (live.holder, live.session);
    let (in_doubt, oldest) =
        (outbox.iter().map(|row| row.doubt).sum(), outbox.iter().filter_map(|row| row.oldest).min());
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(Status { version, at: now, gateway, session, feeds, lines, in_doubt, oldest, outbox })
}

/// Counts a row, if it is of the feed that is asked for. Destinations are told by their names.
fn count_in(outbox: &mut BTreeMap<String, DestinationStatus>, row: &OutboxRow, feed: Option<&FeedId>, now: Time) {
    if row.state == RowState::Sent || feed.is_some_and(|feed| row.feed != *feed) {
        return;
    }
    let destination = row.destination.to_string();
    let status = outbox.entry(destination.clone()).or_insert(DestinationStatus {
        destination,
        ready: 0,
        doubt: 0,
        dead: 0,
        window: None,
        in_flight: 0,
        oldest: None,
        reason: None,
    });
    match row.state {
        RowState::Ready => status.ready += 1,
        RowState::Doubt => status.doubt += 1,
        RowState::Dead => status.dead += 1,
        RowState::Sent => {}
    }
    let since = row.not_before.map_or(row.queued, |not_before| not_before.max(row.queued));
    if row.state != RowState::Dead && since <= now {
        status.oldest = Some(status.oldest.map_or(since, |oldest| oldest.min(since)));
    }
    status.reason = row.reason.clone().or(status.reason.take());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::{Destination, EntryKey, ItemId};
    use crate::store::{Action, RowId};

    fn at(minute: i64) -> Time {
        Time::from_timestamp(minute * 60, 0).unwrap()
    }

    fn row(not_before: Option<Time>) -> OutboxRow {
        OutboxRow {
            id: RowId { node: 1, sequence: 1, turn: 0 },
            destination: Destination::Node { service: None, node: "blog".to_owned() },
            action: Action::Publish,
            feed: FeedId::new("blog").unwrap(),
            key: EntryKey([0; 10]),
            item: ItemId("k3v9".to_owned()),
            revision: 1,
            stamp: at(0),
            state: RowState::Ready,
            attempts: 0,
            queued: at(0),
            changed: at(0),
            not_before,
            rung: 0,
            reason: None,
            if_newer: false,
        }
    }

    #[test]
    fn a_deferred_edit_is_no_complaint_before_it_may_be_sent() {
        let complaints = |not_before, now| {
            let mut outbox = BTreeMap::new();
            count_in(&mut outbox, &row(not_before), None, now);
            let outbox = outbox.into_values().collect();
            let version = String::new();
            let (in_doubt, oldest) = (0, None);
            let (gateway, session, feeds, lines) = (None, None, Vec::new(), Vec::new());
            Status { version, at: now, gateway, session, feeds, lines, in_doubt, oldest, outbox }.complaints()
        };
        assert_eq!(complaints(None, at(20)), ["node blog: entries wait for 20 min"]);
        assert!(complaints(Some(at(60)), at(20)).is_empty());
        assert!(complaints(Some(at(60)), at(70)).is_empty());
        assert_eq!(complaints(Some(at(60)), at(80)), ["node blog: entries wait for 20 min"]);
    }
}
