//! Pure: what changed in a feed since it was looked at last, and the seen-set afterwards.
//!
//! Every entry of the document is named once in the result: as new, edited, the same, or held back with a reason.

use std::cmp::Reverse;

use crate::feed::{Entry, EntryKey, Time};
use crate::store::{ReadFacts, Seen, SeenEntry};

use super::Plan;
use super::brake::judge;
use super::gone::settle_absent;
use super::identify::{MOST_ENTRIES, Sighting, key_of};
use super::known::Known;
use super::memory::{forget, remember_new, stamp};
use super::parse::Document;
use super::reason::{Notice, Reason};
use super::recognise::{Recognised, recognise};
use super::rules::Rules;
use super::when::first_believed;

/// What has to be known of a document and its feed beside its entries.
#[derive(Debug, Clone)]
pub struct Occasion<'a> {
    /// How the feed's entries are judged.
    pub rules: &'a Rules,
    /// Whether this is the first document of the feed.
    pub is_first_contact: bool,
    /// Whether the document is all that the server had, and not empty: only then absence says something.
    pub is_full: bool,
    /// Whether it has more entries than are looked at.
    pub is_overlong: bool,
    /// Whether the feed promises that what is absent is gone (RFC 5005 §2).
    pub is_complete: bool,
    /// Keys of the entries that the feed declares deleted (RFC 6721).
    pub tombstones: Vec<EntryKey>,
    /// Whether this is the first poll after a move to another host.
    pub has_moved: bool,
    /// Date of the oldest entry of first contact.
    pub oldest: Option<Time>,
    /// When a document of the feed was taken in last.
    pub last_good: Option<Time>,
    /// Now.
    pub now: Time,
}

impl<'a> Occasion<'a> {
    /// Of a document that comes in now.
    pub fn of(document: &Document, has_moved: bool, plan: &Plan<'a>, read: &ReadFacts, now: Time) -> Self {
        let is_overlong = document.entries.len() > MOST_ENTRIES;
        Self {
            rules: plan.rules,
            is_first_contact: read.first_contact.is_none(),
            is_full: !document.is_truncated && !document.entries.is_empty() && !is_overlong,
            is_overlong,
            is_complete: document.is_complete,
            tombstones: document.tombstones.iter().map(|dead| key_of(plan.key_id, dead.id.trim())).collect(),
            has_moved,
            oldest: read.oldest,
            last_good: read.taken_in.map(|at| at.min(now)),
            now,
        }
    }
}

/// What changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Diff {
    /// Every entry of the document, oldest first; then what is gone.
    pub changes: Vec<Change>,
    /// The seen-set afterwards.
    pub seen: Seen,
    /// Whether an entry of the document was known before.
    pub has_known: bool,
    /// What the operator should hear of.
    pub notices: Vec<Notice>,
}

/// What became of one entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What.
    pub kind: Kind,
    /// The entry's key, by which [`Diff::seen`] knows it.
    pub key: EntryKey,
    /// What was read; nothing when it is gone.
    pub entry: Entry,
    /// What another feed's copy of the entry is known by, too.
    pub shared_name: Option<[u8; 8]>,
}

impl Change {
    /// Whether it was withdrawn.
    pub fn is_gone(&self) -> bool {
        self.kind == Kind::Gone
    }

    /// The entry of this key was withdrawn.
    pub fn gone(key: EntryKey) -> Self {
        Self { kind: Kind::Gone, key, entry: Entry::default(), shared_name: None }
    }
}

/// What can become of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Never seen before.
    New,
    /// Edited.
    Updated {
        /// When the cool-down ends, if it has not.
        not_before: Option<Time>,
    },
    /// As it was.
    Same,
    /// New or edited, and written down only.
    Held(Reason),
    /// Withdrawn by the feed.
    Gone,
}

/// Compares a document with what is known.
pub fn diff(sightings: Vec<Sighting>, known: &Known<'_>, occasion: &Occasion<'_>) -> Diff {
    let seen = known.seen;
    let recognised = recognise(&sightings, known, occasion);
    let (kinds, mut notices) = judge(&sightings, &recognised, seen, occasion);
    if occasion.is_overlong {
        notices.push(Notice::Overlong);
    }

    let mut memory = seen.entries.clone();
    let gone = settle_absent(&recognised, seen, occasion, &mut memory, &mut notices);
    let length = sightings.len();
    let mut changes = sorted(sightings, &recognised, kinds, &mut memory, occasion);
    changes.extend(gone.into_iter().map(Change::gone));
    forget(&mut memory, length, occasion.now);

    let has_known = recognised.known.iter().any(Option::is_some);
    Diff { changes, seen: Seen::new(memory), has_known, notices }
}

/// Writes down every entry of the document, and puts them into publishing order: by date when every new one has a date, else
/// from the bottom of the document to the top.
fn sorted(
    sightings: Vec<Sighting>,
    recognised: &Recognised,
    kinds: Vec<Kind>,
    memory: &mut Vec<SeenEntry>,
    occasion: &Occasion<'_>,
) -> Vec<Change> {
    let is_dated = |(sighting, known): (&Sighting, &Option<_>)| {
        known.is_some() || first_believed(&sighting.entry, occasion.now).is_some()
    };
    let by_date = sightings.iter().zip(&recognised.known).all(is_dated);
    let mut changes = Vec::with_capacity(sightings.len());
    for ((sighting, known), kind) in sightings.into_iter().zip(&recognised.known).zip(kinds) {
        let at = known.map_or_else(|| remember_new(memory, &sighting, occasion), |(at, _)| at);
        let entry = &mut memory[at];
        stamp(entry, &sighting, kind, occasion);
        let shared_name = sighting.shared_name();
        let order = (by_date.then_some(entry.published), Reverse(sighting.position));
        changes.push((order, Change { kind, key: entry.key, entry: sighting.entry, shared_name }));
    }
    changes.sort_by_key(|(order, _)| *order);
    changes.into_iter().map(|(_, change)| change).collect()
}
