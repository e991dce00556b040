//! Pure: which known entries the feed has withdrawn.
//!
//! Absence is read only in a full document, only from inside it, and only twice in a row: falling out is no deletion. Nor is it
//! read of an entry that came back once: two caches may answer, one of which is behind.

use crate::feed::EntryKey;
use crate::store::{Seen, SeenEntry};

use super::alias::key_alias;
use super::diff::{Change, Occasion};
use super::identify::Sighting;
use super::reason::Notice;
use super::recognise::{By, Recognised};

/// A known entry that is absent though something that stood below it is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Missing {
    /// Where it stands in the seen-set.
    pub at: usize,
    /// Where it would stand in the document.
    pub place: u16,
}

/// Writes down which known entries are absent, and gives the keys of those that are gone: by a tombstone, or because a full
/// document leaves them out. Too many at once are a broken feed, not a deletion.
pub(super) fn settle_absent(
    recognised: &Recognised,
    seen: &Seen,
    occasion: &Occasion<'_>,
    memory: &mut [SeenEntry],
    notices: &mut Vec<Notice>,
) -> Vec<EntryKey> {
    let known = &recognised.known;
    let mut gone: Vec<usize> = occasion.tombstones.iter().filter_map(|key| buried(key, known, seen)).collect();
    if occasion.is_full {
        let mut missing = if occasion.is_complete { missing_anywhere(known, seen) } else { recognised.missing.clone() };
        if is_broken(missing.len(), seen) {
            notices.push(Notice::Vanished { missing: missing.len() });
            missing.clear();
        }
        // Who is present gets a place again; who fell out below has none, and is not looked for any more.
        memory.iter_mut().for_each(|entry| (entry.place, entry.is_absent) = (None, false));
        for Missing { at, place } in missing {
            if occasion.is_complete || seen.entries[at].is_absent {
                gone.push(at);
            } else {
                (memory[at].place, memory[at].is_absent) = (Some(place), true);
            }
        }
    }
    gone.sort_unstable();
    gone.dedup();
    gone.into_iter().map(|at| withdraw(&mut memory[at])).collect()
}

/// Marks an entry as gone. A withdrawal is a revision, newer than one that may still wait to be published.
fn withdraw(entry: &mut SeenEntry) -> EntryKey {
    entry.is_gone = true;
    entry.is_absent = false;
    entry.place = None;
    entry.revision = entry.revision.saturating_add(1);
    entry.key
}

/// Withdraws what was absent once and is so again, because the document has not changed; `None` when nothing was.
pub(super) fn absent_again(seen: &Seen) -> Option<(Vec<Change>, Seen)> {
    let mut seen = seen.clone();
    let absent = seen.entries.iter_mut().filter(|entry| entry.is_absent);
    let changes: Vec<Change> = absent.map(|entry| Change::gone(withdraw(entry))).collect();
    (!changes.is_empty()).then_some((changes, seen))
}

/// The entries that vanished from inside a document; none when the document was put into another order.
pub(super) fn missing_inside(sightings: &[Sighting], known: &[Option<(usize, By)>], seen: &Seen) -> Vec<Missing> {
    let mut is_present = vec![false; seen.entries.len()];
    known.iter().flatten().for_each(|(at, _)| is_present[*at] = true);

    // What stood in the last document and stands here unedited (an edit may lift an entry to the top), in today's order.
    let stayed: Vec<(u16, usize, u16)> = sightings
        .iter()
        .zip(known)
        .filter_map(|(sighting, known)| {
            let (at, _) = (*known)?;
            let entry = &seen.entries[at];
            Some((entry.place?, at, sighting.position)).filter(|_| entry.fingerprint == sighting.fingerprint)
        })
        .collect();
    if !stayed.is_sorted_by_key(|(old_place, ..)| *old_place) {
        return Vec::new();
    }

    let missing = |at: usize| {
        let entry = &seen.entries[at];
        let old_place = entry.place.filter(|_| !is_present[at] && !entry.is_fickle)?;
        // Below, and where both have a date not newer either: a feed need not be sorted by date.
        let is_below = |other: usize| {
            let other = &seen.entries[other];
            entry.date.is_none() || other.date.is_none() || other.published <= entry.published
        };
        let mut below = stayed.iter().filter(|(place, other, _)| *place >= old_place && is_below(*other));
        below.next().map(|(_, _, position)| Missing { at, place: *position })
    };
    (0..seen.entries.len()).filter_map(missing).collect()
}

/// The known entries that stood in the last full document and do not stand in this one.
fn missing_anywhere(known: &[Option<(usize, By)>], seen: &Seen) -> Vec<Missing> {
    let is_present = |at: usize| known.iter().flatten().any(|(other, _)| *other == at);
    let missing = |at: usize| seen.entries[at].place.filter(|_| !is_present(at)).map(|place| Missing { at, place });
    (0..seen.entries.len()).filter_map(missing).collect()
}

/// Whether so many entries are missing at once that the feed is broken rather than tidied: more than a fifth of those that
/// stood in the last document, and more than one.
fn is_broken(missing: usize, seen: &Seen) -> bool {
    let stood = seen.entries.iter().filter(|entry| entry.place.is_some()).count();
    missing > 1 && missing * 5 > stood
}

/// The known entry that a tombstone's key points to, unless it stands in the document (RFC 6721 §3).
fn buried(key: &EntryKey, known: &[Option<(usize, By)>], seen: &Seen) -> Option<usize> {
    let alias = key_alias(key);
    let by_alias = || seen.entries.iter().position(|entry| entry.aliases.contains(&alias));
    let at = seen.find(key).or_else(by_alias)?;
    let is_present = known.iter().flatten().any(|(other, _)| *other == at);
    (!is_present && !seen.entries[at].is_gone).then_some(at)
}
