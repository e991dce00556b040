//! Pure: a feed's archive (RFC 5005 §4), as far as intake is concerned: which pages a gap calls for, and what they add.
//!
//! An archive only ever adds entries that nobody knew: what it says of others is older than what is known of them.

use crate::feed::{Entry, Time};
use crate::store::{ReadFacts, Seen};

use super::Plan;
use super::diff::Occasion;
use super::document::{Document, Tombstone};
use super::identify::{canonical_link, identify};
use super::known::Known;
use super::link::bare;
use super::recognise::recognise;

/// Whether entries may have come and gone between the last document and this one, and an archive may hold them: nothing in it
/// is known. Not at first contact, nor after a move, when it may be another feed.
pub fn is_gap(document: &Document, has_moved: bool, plan: &Plan<'_>, read: &ReadFacts, seen: &Seen, now: Time) -> bool {
    let may_be = document.prev_archive.is_some()
        && !document.is_complete
        && !document.entries.is_empty()
        && read.first_contact.is_some()
        && !seen.entries.is_empty()
        && !has_moved;
    may_be && !drop_known(&mut document.clone(), plan, read, seen, now)
}

/// Leaves only the entries of a page that are not known; whether any was.
pub fn drop_known(page: &mut Document, plan: &Plan<'_>, read: &ReadFacts, seen: &Seen, now: Time) -> bool {
    // What is absent from an archive page means nothing.
    let occasion = Occasion { is_full: false, ..Occasion::of(page, false, plan, read, now) };
    let known = Known::of(seen);
    let sightings = identify(std::mem::take(&mut page.entries), &page.meta, plan.key_id, &known);
    let known = recognise(&sightings, &known, &occasion).known;
    let has_known = known.iter().any(Option::is_some);
    let unknown = sightings.into_iter().zip(known).filter(|(_, known)| known.is_none());
    page.entries = unknown.map(|(sighting, _)| sighting.entry).collect();
    has_known
}

/// Adds the entries of an older page below those of a document, except the ones that the document has a later text of, or
/// says were deleted.
pub fn join(document: &mut Document, page: Document) {
    let is_added = |entry: &Entry| {
        let is_there = document.entries.iter().any(|newer| is_same(newer, entry));
        !is_there && !document.tombstones.iter().any(|dead| is_buried(entry, dead))
    };
    let older: Vec<_> = page.entries.into_iter().filter(is_added).collect();
    document.entries.extend(older);
}

/// By id and address: an id alone may be one that a broken feed gives to all its entries.
fn is_same(one: &Entry, other: &Entry) -> bool {
    let id = |entry: &Entry| entry.id.as_deref().map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned);
    let address = |entry: &Entry| canonical_link(entry).map(|link| bare(&link).to_owned());
    id(one).is_some_and(|own| id(other).as_ref() == Some(&own)) && address(one) == address(other)
}

/// RFC 6721 §3: an entry that was updated later than deleted is not deleted.
fn is_buried(entry: &Entry, dead: &Tombstone) -> bool {
    let is_meant = entry.id.as_deref().map(str::trim) == Some(dead.id.trim());
    is_meant && entry.updated.zip(dead.at).is_none_or(|(updated, at)| updated <= at)
}
