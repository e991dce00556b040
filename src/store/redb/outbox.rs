//! What happens to outbox rows: placing, claiming, settling.
//!
//! Of one item at one destination at most one row is READY, and it is the last of the item's living rows: so an older
//! revision never goes out after a newer one. A newer revision takes the place of one that waits, so that order is the
//! feed's and a day offline costs a row per entry; it does not touch one that may be on its way (DOUBT, SENT), whose fate
//! is not known or is only kept for a while.

use std::sync::Arc;

use chrono::TimeDelta;

use crate::feed::{Destination, Edition, Time};
use crate::store::{Delivery, NodeFacts, Outcome, Placement, RowState, Settlement};

use super::batch::Batch;
use super::fault::Fault;
use super::record::{Place, Record};
use super::tables::{Node, to_json};

type Rows = Vec<(Place, Record)>;

/// How many SENT rows of a destination are kept: a window's worth.
const SENT_KEPT: usize = 16;
/// How long SENT rows are kept.
const SENT_KEPT_FOR: TimeDelta = TimeDelta::minutes(10);

/// What came of placing an edition.
pub(super) struct Placed {
    /// Whether a template could not make the node that it wanted.
    pub(super) is_limited: bool,
}

/// Makes rows for an edition, one for each place that it goes to, that there is or may be, and that no other feed owns.
pub(super) fn place(
    batch: &mut Batch<'_>,
    edition: &Edition,
    placements: &[Placement],
    key_id: &str,
    now: Time,
) -> Result<Placed, Fault> {
    let json = to_json(edition)?;
    let (mut rows, mut is_limited) = (0, false);
    for placement in placements {
        if let Some(quota) = &placement.quota
            && !batch.tables.may_make(quota, &placement.destination)?
        {
            is_limited = true;
            continue;
        }
        let node = batch.tables.number(&placement.destination)?;
        if let Some(hash) = &placement.dedup
            && !batch.tables.own(node, hash, key_id, day(now))?
        {
            continue;
        }
        let bytes = u32::try_from(json.len()).unwrap_or(u32::MAX);
        let record = Record::new(edition, placement, bytes, now);
        rows += u32::from(place_one(batch, node, record)?);
    }
    if rows > 0 {
        batch.tables.hold(edition, &json, rows)?;
    }
    Ok(Placed { is_limited })
}

/// Puts a READY row where the waiting one of its item is, or behind all others. A DEAD one is gone: reviving it later
/// would put the old revision over the new one. Whether there is a row that refers to the edition now.
fn place_one(batch: &mut Batch<'_>, node: u32, record: Record) -> Result<bool, Fault> {
    let mut waiting = None;
    for (place, old) in batch.tables.rows_of_item(node, &record.item.0)? {
        match old.state {
            RowState::Ready => waiting = Some((place, old)),
            RowState::Dead => remove(batch, place, &old)?,
            RowState::Doubt | RowState::Sent => {}
        }
    }
    match waiting {
        Some((_, old)) if old.key == record.key && old.revision > record.revision => return Ok(false),
        Some((place, old)) if old.key == record.key && old.revision == record.revision => {
            // The same once more, among others that are older: it comes after those.
            batch.tables.release(&old.key, old.revision)?;
            batch.forget(place, &old)?;
            let place = Place { node, sequence: batch.next_sequence() };
            batch.put(place, &Record { queued: old.queued, ..record })?;
        }
        Some((place, old)) => {
            batch.tables.release(&old.key, old.revision)?;
            batch.put(place, &record.replacing(&old))?;
        }
        None => {
            let place = Place { node, sequence: batch.next_sequence() };
            batch.put(place, &record)?;
        }
    }
    Ok(true)
}

/// Takes the first rows that may be sent, and marks them DOUBT.
pub(super) fn claim(
    batch: &mut Batch<'_>,
    wanted: Vec<(Destination, usize)>,
    now: Time,
) -> Result<Vec<Delivery>, Fault> {
    let mut deliveries = Vec::new();
    for (destination, limit) in wanted {
        let Some(node) = batch.tables.known_number(&destination)? else { continue };
        if !is_open(&batch.tables.node(node)?.facts, now) {
            continue;
        }
        for place in batch.ledger.sendable(node, limit, now) {
            let mut record = batch.record(place)?;
            let edition = Arc::new(batch.tables.edition(&record.key, record.revision)?);
            // What goes out is what recovery looks for.
            record.stamp = edition.updated;
            record.state = RowState::Doubt;
            // Whoever read it while it waited settles it no more: its fate is the lane's.
            record.turn += 1;
            record.changed = now;
            batch.put(place, &record)?;
            deliveries.push(Delivery { row: record.into_row(place, destination.clone()), edition });
        }
    }
    Ok(deliveries)
}

/// Whether a destination neither refuses us nor has to be left alone for a while.
fn is_open(facts: &NodeFacts, now: Time) -> bool {
    let pause = facts.pause.as_ref().map(|pause| pause.until);
    pause.max(facts.not_before).is_none_or(|until| until <= now)
}

/// Writes down what became of rows, and lets go of SENT rows that are old enough.
pub(super) fn settle(batch: &mut Batch<'_>, mut settlements: Vec<Settlement>, now: Time) -> Result<(), Fault> {
    // Newest first: an older row that comes back to READY finds its successors already settled. Oldest first what moves: it
    // is put behind what stands there, row by row.
    settlements.sort_by_key(|settlement| match settlement.outcome {
        Outcome::Move { .. } => (true, settlement.row.sequence),
        _ => (false, u64::MAX - settlement.row.sequence),
    });
    for Settlement { row, outcome } in settlements {
        let place = Place::of(row);
        let Some(record) = batch.tables.record(place)?.filter(|record| record.turn == row.turn) else { continue };
        settle_one(batch, place, Record { changed: now, ..record }, outcome)?;
    }
    for place in batch.ledger.old_sent(now - SENT_KEPT_FOR, SENT_KEPT) {
        let record = batch.record(place)?;
        remove(batch, place, &record)?;
    }
    Ok(())
}

fn settle_one(batch: &mut Batch<'_>, place: Place, mut record: Record, outcome: Outcome) -> Result<(), Fault> {
    match outcome {
        Outcome::Delivered => batch.put(place, &Record { state: RowState::Sent, reason: None, ..record }),
        Outcome::Move { to } if record.state == RowState::Ready => move_to(batch, place, record, &to),
        Outcome::Move { .. } => Ok(()),
        Outcome::Drop => remove(batch, place, &record),
        Outcome::Ready if record.state == RowState::Dead => wait_again(batch, place, record.anew()),
        Outcome::Ready => wait_again(batch, place, record),
        Outcome::Retry { reason } => {
            record.attempts += 1;
            wait_again(batch, place, Record { reason: Some(reason), ..record })
        }
        Outcome::Shrink { reason, rung } => wait_again(batch, place, Record { rung, reason: Some(reason), ..record }),
        Outcome::Dead { reason } => match living_around(batch, place, &record)? {
            (_, later) if later.is_empty() => {
                batch.put(place, &Record { state: RowState::Dead, reason: Some(reason), ..record })
            }
            // The newer revision tells all that this one could.
            _ => remove(batch, place, &record),
        },
    }
}

/// Puts a waiting row behind those of another destination; its reference to the edition goes with it.
fn move_to(batch: &mut Batch<'_>, place: Place, record: Record, to: &Destination) -> Result<(), Fault> {
    batch.forget(place, &record)?;
    let node = batch.tables.number(to)?;
    let (key, revision) = (record.key, record.revision);
    match place_one(batch, node, record)? {
        true => Ok(()),
        false => batch.tables.release(&key, revision),
    }
}

/// READY again, unless newer revisions of the item came meanwhile. If there is one, and it waits, it takes this row's
/// place, which is the earlier one. If one may be or is on the node, sending this one would be a step back, and moving
/// another one before it would be out of order.
fn wait_again(batch: &mut Batch<'_>, place: Place, record: Record) -> Result<(), Fault> {
    let (earlier, later) = living_around(batch, place, &record)?;
    let record = Record { state: RowState::Ready, ..record };
    match (earlier.last(), later.as_slice()) {
        // Only a DEAD row that is revived has one that waits before it.
        (Some(older), []) if older.1.state == RowState::Ready => take_over(batch, older, &(place, record)),
        (_, []) => batch.put(place, &record),
        (_, [newer]) if newer.1.state == RowState::Ready => take_over(batch, &(place, record), newer),
        _ => remove(batch, place, &record),
    }
}

/// Puts a newer row in the place of an older one.
fn take_over(batch: &mut Batch<'_>, older: &(Place, Record), newer: &(Place, Record)) -> Result<(), Fault> {
    batch.forget(newer.0, &newer.1)?;
    batch.tables.release(&older.1.key, older.1.revision)?;
    batch.put(older.0, &newer.1.clone().replacing(&older.1))
}

/// The living rows of the item that came before this one, and those that came after it.
fn living_around(batch: &Batch<'_>, place: Place, record: &Record) -> Result<(Rows, Rows), Fault> {
    let rows = batch.tables.rows_of_item(place.node, &record.item.0)?.into_iter();
    Ok(rows
        .filter(|(other, row)| *other != place && row.state != RowState::Dead)
        .partition(|(other, _)| *other < place))
}

/// Removes a row, and its edition if it was the last to refer to it.
fn remove(batch: &mut Batch<'_>, place: Place, record: &Record) -> Result<(), Fault> {
    batch.forget(place, record)?;
    batch.tables.release(&record.key, record.revision)
}

/// Writes down what was learnt of a destination.
pub(super) fn set_node(batch: &mut Batch<'_>, destination: Destination, facts: NodeFacts) -> Result<(), Fault> {
    let number = batch.tables.number(&destination)?;
    batch.put_node(number, Node { destination, facts })
}

/// The day of a claim of [`super::tables::OWNERS`].
pub(super) fn day(now: Time) -> u32 {
    u32::try_from(now.timestamp() / 86_400).unwrap_or(0)
}
