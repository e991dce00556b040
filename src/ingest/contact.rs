//! Pure: first contact, of a feed and of each of its own destinations.
//!
//! At first contact everything is marked as seen, and only the newest entries go to the destinations that ask for them.

use crate::feed::{Destination, Time};
use crate::store::{ReadFacts, Seen};

use super::Plan;
use super::diff::Change;
use super::rules::Backfill;
use super::when::first_believed;

/// Whether one unconditional poll is called for: a destination with backfill came to a feed that is known already.
pub fn needs_backfill(read: &ReadFacts, plan: &Plan<'_>) -> bool {
    read.first_contact.is_some() && read.entries > 0 && newcomers(plan, read).next().is_some()
}

/// Whether the feed's first contact is one that it had before, in a state that was lost: then the nodes know better than
/// `backfill` what is still to be told.
pub(super) fn is_known_to_nodes(plan: &Plan<'_>, read: &ReadFacts) -> bool {
    plan.is_rebuilt && read.contacts.is_empty()
}

/// The own destinations that the newest entries of a document go to, each with how many.
pub(super) fn newcomers<'a>(plan: &Plan<'a>, read: &ReadFacts) -> impl Iterator<Item = (&'a Destination, usize)> {
    plan.to.iter().filter(|(destination, _)| !read.contacts.contains(destination)).filter_map(
        |(destination, backfill)| match (*backfill)? {
            // A room or a person cannot be asked what was told there.
            _ if is_known_to_nodes(plan, read) => destination.holds_items().then_some((destination, usize::MAX)),
            Backfill::All => Some((destination, usize::MAX)),
            Backfill::Newest(0) => None,
            Backfill::Newest(count) => Some((destination, usize::try_from(count).unwrap_or(usize::MAX))),
        },
    )
}

/// Notes what later polls ask for.
pub(super) fn remember(read: &mut ReadFacts, changes: &[Change], seen: &Seen, now: Time) {
    if read.first_contact.is_none() {
        read.first_contact = Some(now);
        read.oldest = changes.iter().filter_map(|change| first_believed(&change.entry, now)).min();
    }
    read.taken_in = Some(now);
    read.entries = changes.iter().filter(|change| !change.is_gone()).count();
    read.absent = seen.entries.iter().filter(|entry| entry.is_absent).count();
}

/// Notes that the feed's own destinations had their first contact; an empty document is none.
pub(super) fn conclude(read: &mut ReadFacts, plan: &Plan<'_>) {
    if read.entries > 0 {
        let new = plan.to.iter().map(|(destination, _)| destination).filter(|own| !read.contacts.contains(own));
        let new: Vec<Destination> = new.cloned().collect();
        read.contacts.extend(new);
    }
}
