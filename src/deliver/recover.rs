//! Pure: what to do with deliveries in doubt, from what the node says it has.
//!
//! A doubtful row is sent again only after its node was asked, by the same resource, when nothing of the dead session can
//! be executed any more, and said twice that it is not there.

use std::collections::HashMap;

use minidom::Element;
use xmpp_parsers::ns;

use crate::feed::{ItemId, Time};
use crate::store::{Action, OutboxRow, Outcome, RowState, Settlement};

use super::settings::OnDoubt;

/// What a node says of an item: the `updated` of the payload it holds; `None` when it holds none.
pub(crate) type Held = Option<Option<Time>>;

/// The rows to ask about: everything in doubt, and of what was acknowledged no more than can still be on the node, which
/// keeps `kept` items at least.
pub(crate) fn questions(rows: &[OutboxRow], kept: usize) -> Vec<OutboxRow> {
    let doubt = rows.iter().filter(|row| row.state == RowState::Doubt).count();
    let acknowledged = rows.iter().filter(|row| row.state == RowState::Sent).count();
    let skip = acknowledged - acknowledged.min(kept.saturating_sub(doubt));
    let (mut sent_before, mut asked) = (0, Vec::new());
    for row in rows {
        match row.state {
            RowState::Doubt => asked.push(row.clone()),
            RowState::Sent if sent_before >= skip => asked.push(row.clone()),
            RowState::Sent => sent_before += 1,
            RowState::Ready | RowState::Dead => {}
        }
    }
    asked
}

/// Reads the answer to a question about one item (XEP-0060 §6.5.8).
pub(crate) fn held(answer: Option<&Element>, item: &ItemId) -> Held {
    let item = answer?
        .get_child("items", ns::PUBSUB)?
        .children()
        .find(|child| child.name() == "item" && child.attr("id") == Some(item.0.as_str()))?;
    let updated = item.children().find(|child| child.name() == "entry").and_then(|entry| {
        let text = entry.get_child("updated", entry.ns().as_str())?.text();
        Some(chrono::DateTime::parse_from_rfc3339(text.trim()).ok()?.to_utc())
    });
    Some(updated)
}

/// Whether the node shows that the row was carried out.
pub(crate) fn is_done(row: &OutboxRow, held: Held) -> bool {
    match row.action {
        Action::Publish => held.is_some_and(|updated| updated.is_none_or(|at| at.timestamp() == row.stamp.timestamp())),
        Action::Retract => held.is_none(),
    }
}

/// What becomes of the rows that were asked about. A doubtful row that was not carried out is sent again, in its place. An
/// acknowledged one is sent again only when nothing after it is there either: then the server lost its tail; else somebody
/// retracted it.
pub(crate) fn judge(
    asked: &[OutboxRow],
    held: &HashMap<ItemId, Held>,
    on_doubt: OnDoubt,
    persists: bool,
) -> Vec<Settlement> {
    let done = |row: &OutboxRow| is_done(row, held.get(&row.item).copied().flatten());
    let last_done = asked.iter().filter(|row| done(row)).map(|row| row.id.sequence).max();
    let outcome = |row: &OutboxRow| match row.state {
        RowState::Doubt if done(row) => Some(Outcome::Delivered),
        RowState::Doubt if !persists && on_doubt == OnDoubt::Skip => Some(Outcome::Delivered),
        RowState::Doubt => Some(Outcome::Ready),
        RowState::Sent if persists && !done(row) && last_done.is_none_or(|last| last < row.id.sequence) => {
            Some(Outcome::Ready)
        }
        _ => None,
    };
    asked.iter().filter_map(|row| Some(Settlement { row: row.id, outcome: outcome(row)? })).collect()
}
