//! What happens to feed rows: the configuration's feeds come and go, polls end.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use serde::Deserialize;

use crate::feed::{FeedId, Time};
use crate::store::{Completion, FeedRow, FeedState, FeedSync, NODE_LIMIT, PollFacts, ReadFacts};

use super::batch::Batch;
use super::fault::Fault;
use super::outbox;
use super::polls::Plan;
use super::tables::REBUILT;

/// How long the row and seen-set of a removed feed, and an unused claim of an entry, are kept.
const KEPT_FOR: TimeDelta = TimeDelta::days(366);

/// What [`sync`] reads of a row; there may be very many.
#[derive(Debug, Deserialize)]
pub(super) struct Brief {
    key_id: String,
    next_due: Time,
    #[serde(default)]
    removed: Option<Time>,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    poll: BriefPoll,
    #[serde(default)]
    read: BriefRead,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BriefPoll {
    failures: u32,
    stopped: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BriefRead {
    first_contact: Option<Time>,
}

impl Brief {
    fn plan(&self) -> Plan {
        let Self { next_due, paused, disabled, poll, read, .. } = self;
        let health = FeedState::of_polls(poll.stopped.is_some(), poll.failures, read.first_contact.is_some());
        Plan { due: *next_due, is_enabled: !disabled, is_paused: *paused, health }
    }
}

/// Ends a poll whose lease is current.
pub(super) fn complete(batch: &mut Batch<'_>, completion: Completion, now: Time) -> Result<(), Fault> {
    let Completion { claim, seen, editions, hosts } = completion;
    let stale = || Fault::Stale(format!("feed {}", claim.feed));
    let stored = batch.tables.feed(&claim.feed)?.filter(|row| row.removed.is_none()).ok_or_else(stale)?;
    // What the store and the operator say of the feed may have changed since the claim.
    let FeedRow { key_id, paused, disabled, rebuilt, .. } = stored;
    let mut row = FeedRow { key_id, removed: None, paused, disabled, rebuilt, ..claim.row };
    if let Some(seen) = seen {
        batch.tables.put_seen(&claim.feed, &seen)?;
    }
    for (name, host) in hosts {
        batch.tables.put_host(&name, host.as_ref())?;
    }
    for (edition, placements) in editions {
        if outbox::place(batch, &edition, &placements, &row.key_id, now)?.is_limited {
            *row.read.suppressed.entry(NODE_LIMIT.to_owned()).or_default() += 1;
        }
    }
    batch.tables.put_feed(&claim.feed, &row)
}

/// Makes the state hold exactly these feeds, and says when each is due. Reads every row.
pub(super) fn sync(batch: &mut Batch<'_>, feeds: Vec<FeedSync>, now: Time) -> Result<Vec<(FeedId, Plan)>, Fault> {
    let mut stored: HashMap<FeedId, Brief> = batch.tables.feed_briefs()?.into_iter().collect();
    let mut key_ids: HashSet<String> = stored.values().map(|row| row.key_id.clone()).collect();
    let is_rebuilt = batch.tables.take_fact(REBUILT)?;
    let wanted: HashSet<FeedId> = feeds.iter().map(|feed| feed.id.clone()).collect();
    let mut plans = Vec::with_capacity(feeds.len());
    for feed in feeds {
        let fresh = Plan { due: now, is_enabled: true, is_paused: false, health: FeedState::New };
        let plan = if let Some(row) = stored.remove(&feed.id) {
            if row.removed.is_some() || row.disabled == feed.enabled {
                change(batch, &feed.id, |row| (row.removed, row.disabled) = (None, !feed.enabled))?;
            }
            row.plan()
        } else if let Some(old) = feed.was.iter().find(|old| stored.contains_key(*old) && !wanted.contains(*old)) {
            rename(batch, old, &feed.id)?;
            change(batch, &feed.id, |row| row.disabled = !feed.enabled)?;
            stored.remove(old).map_or(fresh, |row| row.plan())
        } else {
            let row = new_row(&feed.id, &mut key_ids, now);
            batch.tables.put_feed(&feed.id, &FeedRow { disabled: !feed.enabled, rebuilt: is_rebuilt, ..row })?;
            fresh
        };
        plans.push((feed.id, Plan { is_enabled: feed.enabled, ..plan }));
    }
    for (id, row) in stored {
        match row.removed {
            None => change(batch, &id, |row| row.removed = Some(now))?,
            Some(since) if now - since > KEPT_FOR => batch.tables.remove_feed(&id)?,
            Some(_) => {}
        }
    }
    batch.tables.forget_owners(outbox::day(now - KEPT_FOR))?;
    Ok(plans)
}

/// The row of a feed that was never seen. Its key id is its id, unless a feed that was renamed makes its keys with that.
fn new_row(id: &FeedId, key_ids: &mut HashSet<String>, now: Time) -> FeedRow {
    let mut key_id = id.to_string();
    while !key_ids.insert(key_id.clone()) {
        // No feed's id has a tilde.
        key_id.push('~');
    }
    FeedRow {
        key_id,
        next_due: now,
        removed: None,
        paused: false,
        disabled: false,
        rebuilt: false,
        poll: PollFacts::default(),
        read: ReadFacts::default(),
    }
}

fn change(batch: &mut Batch<'_>, id: &FeedId, change: impl FnOnce(&mut FeedRow)) -> Result<(), Fault> {
    if let Some(mut row) = batch.tables.feed(id)? {
        change(&mut row);
        batch.tables.put_feed(id, &row)?;
    }
    Ok(())
}

/// Gives everything that belongs to a feed to its new id. Reads every destination and outbox row: it is rare.
fn rename(batch: &mut Batch<'_>, old: &FeedId, new: &FeedId) -> Result<(), Fault> {
    if let Some(row) = batch.tables.feed(old)? {
        batch.tables.put_feed(new, &FeedRow { removed: None, ..row })?;
    }
    batch.tables.move_seen(old, new)?;
    batch.tables.remove_feed(old)?;
    let renamed = batch.tables.change_nodes(|node| {
        let mut contacts = node.facts.contacts.iter_mut().filter(|feed| *feed == old);
        contacts.next().map(|feed| *feed = new.clone()).is_some()
    })?;
    for (number, node) in renamed {
        batch.put_node(number, node)?;
    }
    for (place, mut record) in batch.tables.records()? {
        if record.feed == *old {
            record.feed = new.clone();
            batch.put(place, &record)?;
        }
    }
    Ok(())
}

/// Pauses a feed, or ends its pause; whether there is such a feed.
pub(super) fn set_paused(batch: &mut Batch<'_>, id: &FeedId, is_paused: bool) -> Result<bool, Fault> {
    let Some(row) = batch.tables.feed(id)?.filter(|row| row.removed.is_none()) else { return Ok(false) };
    batch.tables.put_feed(id, &FeedRow { paused: is_paused, ..row })?;
    Ok(true)
}
