//! Pure: what changed in a feed since it was looked at last, and the seen-set afterwards.
//!
//! Every entry of the document is named once in the result: as new, edited, the same, or held back with a reason.

use std::cmp::Reverse;

use chrono::{DateTime, SubsecRound, TimeDelta};

use crate::feed::{Entry, EntryKey, Time};
use crate::store::{ALIASES, Alias, ReadFacts, Seen, SeenEntry};

use super::Plan;
use super::brake::judge;
use super::gone::{Absences, missing_inside};
use super::identify::{Sighting, key_of};
use super::parse::Document;
use super::reason::{Notice, Reason};
use super::recognise::{find_renamed, recognise};
use super::rules::Rules;

/// What has to be known of a document and its feed beside its entries.
#[derive(Debug, Clone)]
pub struct Occasion<'a> {
    /// How the feed's entries are judged.
    pub rules: &'a Rules,
    /// Whether this is the first document of the feed.
    pub is_first_contact: bool,
    /// Whether the document is all that the server had, and not empty: only then absence says something.
    pub is_full: bool,
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
        Self {
            rules: plan.rules,
            is_first_contact: read.first_contact.is_none(),
            is_full: !document.is_truncated && !document.entries.is_empty(),
            is_complete: document.is_complete,
            tombstones: document.tombstones.iter().map(|dead| key_of(plan.key_id, dead.id.trim())).collect(),
            has_moved,
            oldest: read.oldest,
            last_good: read.taken_in,
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
pub fn diff(sightings: Vec<Sighting>, seen: &Seen, occasion: &Occasion<'_>) -> Diff {
    let mut recognised = recognise(&sightings, seen, occasion.has_moved);
    let inside = if occasion.is_full { missing_inside(&sightings, &recognised.known, seen) } else { Vec::new() };
    let vanished: Vec<usize> = inside.iter().map(|missing| missing.at).collect();
    find_renamed(&sightings, seen, &vanished, &mut recognised.known);
    let (kinds, mut notices) = judge(&sightings, &recognised, seen, occasion);

    let mut entries = seen.entries.clone();
    let absent = Absences { known: &recognised.known, inside, seen, occasion };
    let gone = absent.settle(&mut entries, &mut notices);

    let length = sightings.len();
    let mut changes: Vec<(Change, Time, u16)> = Vec::with_capacity(length);
    let mut is_all_dated = true;
    for ((sighting, known), kind) in sightings.into_iter().zip(&recognised.known).zip(kinds) {
        is_all_dated &= known.is_some() || first_date(&sighting.entry, occasion.now).is_some();
        let entry = match known {
            Some((at, _)) => &mut entries[*at],
            None => {
                entries.push(first_sight(&sighting, occasion));
                let last = entries.len() - 1;
                &mut entries[last]
            }
        };
        stamp(entry, &sighting, kind, occasion);
        let shared_name = sighting.shared_name();
        let change = Change { kind, key: entry.key, entry: sighting.entry, shared_name };
        changes.push((change, entry.published, sighting.position));
    }
    // Oldest first: by date when every new entry has one, else from the bottom of the document to the top.
    changes.sort_by_key(|(_, published, position)| (is_all_dated.then_some(*published), Reverse(*position)));
    let gone = gone.into_iter().map(Change::gone);
    let changes = changes.into_iter().map(|(change, ..)| change).chain(gone).collect();

    forget(&mut entries, length, occasion.now);
    Diff { changes, seen: Seen::new(entries), notices }
}

/// What is known of an entry that was never seen before.
fn first_sight(sighting: &Sighting, occasion: &Occasion<'_>) -> SeenEntry {
    let now = occasion.now.trunc_subsecs(0);
    SeenEntry {
        key: sighting.key,
        fingerprint: sighting.fingerprint,
        headline: sighting.headline,
        content: sighting.content,
        revision: 0,
        published: first_date(&sighting.entry, now).unwrap_or(now),
        date: sighting.date,
        first_seen: now,
        last_seen: now,
        revised: now,
        place: None,
        is_absent: false,
        is_gone: false,
        is_held: true,
        aliases: Vec::new(),
        item: sighting.item_id(occasion.rules.item_id),
    }
}

/// Writes down what was read of an entry.
fn stamp(entry: &mut SeenEntry, sighting: &Sighting, kind: Kind, occasion: &Occasion<'_>) {
    let now = occasion.now.trunc_subsecs(0);
    entry.fingerprint = sighting.fingerprint;
    entry.headline = sighting.headline;
    entry.content = sighting.content;
    entry.date = sighting.date;
    if now.signed_duration_since(entry.last_seen) >= TimeDelta::days(1) {
        entry.last_seen = now;
    }
    if occasion.is_full {
        entry.place = Some(sighting.position);
    }
    entry.is_absent = false;
    if let Kind::Updated { not_before } = kind {
        entry.revision = entry.revision.saturating_add(1);
        entry.revised = not_before.unwrap_or(now);
    }
    entry.is_gone = false;
    remember_names(entry, sighting);
}

/// Keeps the names of today, and of the former ones as many as there is room for.
fn remember_names(entry: &mut SeenEntry, sighting: &Sighting) {
    let changed_key = (sighting.key != entry.key).then(|| sighting.key_alias());
    let mut aliases: Vec<Alias> = changed_key.into_iter().chain(sighting.aliases.all()).collect();
    aliases.extend(&entry.aliases);
    let mut kept = Vec::with_capacity(ALIASES);
    for alias in aliases {
        if kept.len() < ALIASES && !kept.contains(&alias) {
            kept.push(alias);
        }
    }
    entry.aliases = kept;
}

/// Forgets entries that were not seen for a year, but keeps four times the document's length of them, and no more than
/// 20,000 in all, so that a feed of random ids cannot grow without end.
fn forget(entries: &mut Vec<SeenEntry>, length: usize, now: Time) {
    const MOST: usize = 20_000;
    if entries.len() <= 4 * length {
        return;
    }
    entries.sort_by_key(|entry| Reverse((entry.place.is_some(), entry.last_seen)));
    let is_recent = |entry: &SeenEntry| now.signed_duration_since(entry.last_seen) <= TimeDelta::days(365);
    let recent = entries.iter().rposition(is_recent).map_or(0, |last| last + 1);
    entries.truncate(recent.max(4 * length).min(MOST));
}

/// The first date of an entry that can be believed.
pub fn first_date(entry: &Entry, now: Time) -> Option<Time> {
    believed(entry.published, now).or(believed(entry.updated, now)).map(|date| date.trunc_subsecs(0))
}

/// A date, if it can be believed: after 1989 and at most ten minutes ahead.
pub fn believed(date: Option<Time>, now: Time) -> Option<Time> {
    let earliest = DateTime::from_timestamp(631_152_000, 0);
    date.filter(|date| Some(*date) >= earliest && *date <= now + TimeDelta::minutes(10))
}
