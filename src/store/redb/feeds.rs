//! What happens to feed rows: the configuration's feeds come and go, polls end.

use std::collections::{BTreeMap, HashSet};

use chrono::TimeDelta;
use serde::Deserialize;

use crate::feed::{FeedId, Time, moment};
use crate::store::{Completion, FeedRow, FeedState, FeedSync, NODE_LIMIT, PollFacts, ReadFacts};

use super::batch::Batch;
use super::fault::Fault;
use super::outbox;
use super::polls::{Plan, Said};
use super::tables::REBUILT;

/// How long the row and seen-set of a removed feed, and an unused claim of an entry, are kept.
const KEPT_FOR: TimeDelta = TimeDelta::days(366);

/// What [`sync`] reads of a row; there may be very many.
#[derive(Debug, Deserialize)]
pub(super) struct Brief {
    key_id: String,
    #[serde(with = "moment")]
    next_due: Time,
    #[serde(default, with = "moment::option")]
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
    #[serde(with = "moment::option")]
    once_due: Option<Time>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BriefRead {
    #[serde(with = "moment::option")]
    first_contact: Option<Time>,
}

impl Brief {
    fn plan(&self) -> Plan {
        let Self { next_due, paused, disabled, poll, read, .. } = self;
        let health = FeedState::of_polls(poll.stopped.is_some(), poll.failures, read.first_contact.is_some());
        let said = Said { health, once_due: FeedRow::earlier_of(*next_due, poll.once_due).into() };
        Plan { due: (*next_due).into(), is_enabled: !disabled, is_paused: *paused, said }
    }
}

/// What of a row is the store's and the operator's, whatever polls say.
#[derive(Debug, Deserialize)]
struct Owned {
    key_id: String,
    #[serde(default, with = "moment::option")]
    removed: Option<Time>,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    rebuilt: bool,
}

/// Ends a poll whose lease is current.
pub(super) fn complete(batch: &mut Batch<'_>, completion: Completion, now: Time) -> Result<(), Fault> {
    let Completion { claim, seen, editions, hosts, .. } = completion;
    let stale = || Fault::Stale(format!("feed {}", claim.feed));
    let stored: Option<Owned> = batch.tables.feed(&claim.feed)?;
    // What the store and the operator say of the feed may have changed since the claim.
    let Owned { key_id, paused, disabled, rebuilt, .. } =
        stored.filter(|row| row.removed.is_none()).ok_or_else(stale)?;
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

/// Makes the state hold exactly these feeds, and says when each is due. Reads every row; writes what changed.
pub(super) fn sync(batch: &mut Batch<'_>, mut feeds: Vec<FeedSync>, now: Time) -> Result<Vec<(FeedId, Plan)>, Fault> {
    feeds.sort_by(|a, b| a.id.cmp(&b.id));
    let is_rebuilt = batch.tables.take_fact(REBUILT)?;
    let mut stock = Stock::take(batch, &feeds)?;
    let mut plans = Vec::with_capacity(feeds.len());
    for (feed, known) in feeds.iter().zip(stock.known) {
        let said = Said { health: FeedState::New, once_due: now.into() };
        let fresh = Plan { due: now.into(), is_enabled: true, is_paused: false, said };
        let plan = if let Some(Known { plan, is_removed }) = known {
            if is_removed || plan.is_enabled != feed.enabled {
                change(batch, &feed.id, |row| (row.removed, row.disabled) = (None, !feed.enabled))?;
            }
            plan
        } else if let Some((old, row)) = feed.was.iter().find_map(|old| stock.others.remove_entry(old)) {
            rename(batch, &old, &feed.id)?;
            change(batch, &feed.id, |row| row.disabled = !feed.enabled)?;
            row.plan()
        } else {
            let row = new_row(&feed.id, &stock.key_ids, now);
            batch.tables.put_feed(&feed.id, &FeedRow { disabled: !feed.enabled, rebuilt: is_rebuilt, ..row })?;
            fresh
        };
        plans.push((feed.id.clone(), Plan { is_enabled: feed.enabled, ..plan }));
    }
    for (id, row) in stock.others {
        match row.removed {
            None => change(batch, &id, |row| row.removed = Some(now))?,
            Some(since) if now - since > KEPT_FOR => batch.tables.remove_feed(&id)?,
            Some(_) => {}
        }
    }
    batch.tables.forget_owners(outbox::day(now - KEPT_FOR))?;
    Ok(plans)
}

/// What the state holds, beside what it is to hold.
#[derive(Default)]
struct Stock {
    /// The feeds that it is to hold, in order; `None`: it does not.
    known: Vec<Option<Known>>,
    /// Those that it is not to hold.
    others: BTreeMap<FeedId, Brief>,
    /// Key ids that are not the ids of their feeds.
    key_ids: HashSet<String>,
}

#[derive(Clone, Copy)]
struct Known {
    plan: Plan,
    is_removed: bool,
}

impl Stock {
    /// Goes through rows and `wanted`, which are both in the order of their ids, side by side.
    fn take(batch: &Batch<'_>, wanted: &[FeedSync]) -> Result<Self, Fault> {
        let mut stock = Self { known: Vec::with_capacity(wanted.len()), ..Self::default() };
        batch.tables.each_feed(|id, row| {
            if row.key_id != id {
                stock.key_ids.insert(row.key_id.clone());
            }
            let left = &wanted[stock.known.len()..];
            let missing = left.iter().take_while(|feed| feed.id.as_str() < id).count();
            stock.known.extend(std::iter::repeat_n(None, missing));
            if left.get(missing).is_some_and(|feed| feed.id.as_str() == id) {
                stock.known.push(Some(Known { plan: row.plan(), is_removed: row.removed.is_some() }));
            } else {
                let id = FeedId::new(id).map_err(|e| Fault::damaged(e.to_string()))?;
                stock.others.insert(id, row);
            }
            Ok(())
        })?;
        stock.known.resize(wanted.len(), None);
        Ok(stock)
    }
}

/// The row of a feed that was never seen. Its key id is its id, unless a feed that was renamed makes its keys with that.
fn new_row(id: &FeedId, key_ids: &HashSet<String>, now: Time) -> FeedRow {
    let mut key_id = id.to_string();
    while key_ids.contains(&key_id) {
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
    if let Some(row) = batch.tables.feed::<FeedRow>(old)? {
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
    let row: Option<FeedRow> = batch.tables.feed(id)?;
    let Some(row) = row.filter(|row| row.removed.is_none()) else { return Ok(false) };
    batch.tables.put_feed(id, &FeedRow { paused: is_paused, ..row })?;
    Ok(true)
}
