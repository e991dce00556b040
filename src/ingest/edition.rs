//! Pure: what is published of an entry, with the dates that are believed.

use chrono::SubsecRound;

use crate::feed::{Edition, FeedMeta, ItemId, Time};
use crate::store::{Placement, Seen, SeenEntry};

use super::Plan;
use super::diff::Change;
use super::when::believed;

/// Makes editions of changes that go somewhere; from now on they are published.
pub(super) fn editions(
    routed: Vec<(Change, Vec<Placement>)>,
    plan: &Plan<'_>,
    meta: &FeedMeta,
    seen: &mut Seen,
    now: Time,
) -> Vec<(Edition, Vec<Placement>)> {
    let edition = |(change, placements): (Change, Vec<Placement>)| {
        let at = seen.find(&change.key)?;
        let known = &mut seen.entries[at];
        // What was never published cannot be retracted.
        let is_told = !(change.is_gone() && known.is_held);
        known.is_held &= change.is_gone();
        is_told.then(|| (edition(change, known, plan, meta, now), placements))
    };
    routed.into_iter().filter_map(edition).collect()
}

fn edition(change: Change, known: &SeenEntry, plan: &Plan<'_>, meta: &FeedMeta, now: Time) -> Edition {
    let given = believed(change.entry.updated, now);
    let updated = match known.revision {
        0 => given.unwrap_or(known.published),
        // The time that the edit was seen; a revision that waits for its cool-down has its time ahead.
        _ => given.into_iter().chain([known.revised.min(now.trunc_subsecs(0))]).max().unwrap_or(now),
    };
    Edition {
        feed: plan.feed.clone(),
        key: known.key,
        item: known.item.clone().map_or_else(|| known.key.item_id(), ItemId),
        revision: known.revision,
        published: known.published,
        updated,
        tags: plan.tags.to_vec(),
        entry: change.entry,
        source: meta.clone(),
    }
}
