//! Pure: what is remembered of an entry, and for how long.

use std::cmp::Reverse;

use chrono::{SubsecRound, TimeDelta};

use crate::feed::Time;
use crate::store::{ALIASES, Alias, SeenEntry};

use super::diff::{Kind, Occasion};
use super::identify::Sighting;
use super::when::first_believed;

/// Takes up an entry that was never seen before; gives its place in the memory.
pub(super) fn remember_new(memory: &mut Vec<SeenEntry>, sighting: &Sighting, occasion: &Occasion<'_>) -> usize {
    let now = occasion.now.trunc_subsecs(0);
    memory.push(SeenEntry {
        key: sighting.key,
        fingerprint: sighting.fingerprint,
        headline: sighting.headline,
        content: sighting.content,
        revision: 0,
        published: first_believed(&sighting.entry, now).unwrap_or(now),
        date: sighting.date,
        first_seen: now,
        last_seen: now,
        revised: now,
        place: None,
        is_absent: false,
        is_gone: false,
        is_held: true,
        is_fickle: false,
        aliases: Vec::new(),
        item: sighting.item_id(occasion.rules.item_id),
    });
    memory.len() - 1
}

/// Writes down what was read of an entry.
pub(super) fn stamp(entry: &mut SeenEntry, sighting: &Sighting, kind: Kind, occasion: &Occasion<'_>) {
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
    entry.is_fickle |= entry.is_gone;
    entry.is_gone = false;
    remember_names(entry, sighting);
}

/// Keeps the names of today, and of the former ones as many as there is room for.
fn remember_names(entry: &mut SeenEntry, sighting: &Sighting) {
    let is_same_key = sighting.key == entry.key;
    if is_same_key && sighting.aliases.are_newest_of(entry) {
        return;
    }
    let changed_key = (!is_same_key).then(|| sighting.key_alias());
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
pub(super) fn forget(entries: &mut Vec<SeenEntry>, length: usize, now: Time) {
    const MOST: usize = 20_000;
    if entries.len() <= 4 * length {
        return;
    }
    entries.sort_by_key(|entry| Reverse((entry.place.is_some(), entry.last_seen)));
    let is_recent = |entry: &SeenEntry| now.signed_duration_since(entry.last_seen) <= TimeDelta::days(365);
    let recent = entries.iter().rposition(is_recent).map_or(0, |last| last + 1);
    entries.truncate(recent.max(4 * length).min(MOST));
}
