//! Pure: whether what looks new is new, and what looks edited is to be told.
//!
//! A false "new" tells subscribers twice, a false "seen" loses an entry: what is held back is always counted.

use std::time::Duration;

use chrono::TimeDelta;

use crate::feed::Time;
use crate::store::{Seen, SeenEntry};

use super::diff::{Kind, Occasion};
use super::identify::{READER, Sighting};
use super::reason::{Notice, Reason};
use super::recognise::{By, Recognised};
use super::rules::{OnRemove, OnUpdate};
use super::when::first_believed;

/// What each entry of a document is, in the document's order, and what the operator should hear.
pub(super) fn judge(
    sightings: &[Sighting],
    recognised: &Recognised,
    seen: &Seen,
    occasion: &Occasion<'_>,
) -> (Vec<Kind>, Vec<Notice>) {
    let pairs: Vec<(&Sighting, Option<(&SeenEntry, By)>)> = sightings
        .iter()
        .zip(&recognised.known)
        .map(|(sighting, known)| (sighting, known.map(|(at, by)| (&seen.entries[at], by))))
        .collect();
    let new: Vec<&Sighting> =
        pairs.iter().filter(|(_, known)| known.is_none()).map(|(sighting, _)| *sighting).collect();
    let edits = pairs.iter().filter(|(sighting, known)| known.is_some_and(|(e, _)| is_edited(sighting, e))).count();

    let lowest_known = pairs.iter().filter(|(_, known)| known.is_some()).map(|(sighting, _)| sighting.position).max();
    let crowd = Crowd::of(&new, sightings.len(), seen, occasion);
    let is_redesign = is_too_many(edits, sightings.len());

    let judge_one = |(sighting, known): &(&Sighting, Option<(&SeenEntry, By)>)| match known {
        None if occasion.is_first_contact => Kind::Held(Reason::Backfill),
        None if is_old(sighting, lowest_known, occasion) => Kind::Held(Reason::Old),
        None => crowd.judge(sighting, occasion.now),
        Some((entry, _)) if entry.is_gone && !entry.is_held && occasion.rules.on_remove == OnRemove::Retract => {
            Kind::Updated { not_before: None }
        }
        Some((entry, _)) if !is_edited(sighting, entry) => Kind::Same,
        Some((_, by)) if occasion.has_moved || (recognised.is_rekeyed && *by == By::Alias) => Kind::Held(Reason::Moved),
        Some(_) if is_redesign => Kind::Held(Reason::EditBrake),
        Some(_) if occasion.rules.on_update == OnUpdate::Ignore => Kind::Held(Reason::IgnoredUpdate),
        Some((entry, _)) => {
            Kind::Updated { not_before: after_cool_down(entry, occasion.rules.cool_down, occasion.now) }
        }
    };
    let kinds: Vec<Kind> = pairs.iter().map(judge_one).collect();

    let held = |reason| kinds.iter().filter(|kind| **kind == Kind::Held(reason)).count();
    let mut notices = Vec::new();
    if held(Reason::FloodBrake) > 0 {
        notices.push(Notice::Flood { new: new.len(), held: held(Reason::FloodBrake) });
    }
    if held(Reason::EditBrake) > 0 {
        notices.push(Notice::Redesign { edited: edits });
    }
    if recognised.is_rekeyed {
        notices.push(Notice::Rekeyed { entries: sightings.len() - new.len() });
    }
    if matches!(crowd, Crowd::Moved { .. }) {
        notices.push(Notice::Moved { held: held(Reason::Moved) });
    }
    (kinds, notices)
}

/// More than half of a document, and more than five.
fn is_too_many(count: usize, all: usize) -> bool {
    count > 5 && count * 2 > all
}

/// The new entries of a document, taken together.
enum Crowd {
    /// Believable.
    Plain,
    /// A flood: only what is dated newer than the newest known entry passes; entries without a date do.
    Flood { newest_known: Option<Time> },
    /// A feed that moved and is hardly known again: at most its newest entry passes.
    Moved { newest: Option<u16> },
}

impl Crowd {
    fn of(new: &[&Sighting], all: usize, seen: &Seen, occasion: &Occasion<'_>) -> Self {
        let newest_known = seen.entries.iter().filter(|entry| entry.date.is_some()).map(|entry| entry.published).max();
        let is_newer = |sighting: &&&Sighting| is_newer(sighting, newest_known, occasion.now);
        if occasion.has_moved && !new.is_empty() && new.len() * 5 >= all * 4 {
            let newest = new
                .iter()
                .filter(is_newer)
                .max_by_key(|s| (first_believed(&s.entry, occasion.now), u16::MAX - s.position));
            return Self::Moved { newest: newest.map(|sighting| sighting.position) };
        }
        let not_newer = new.len() - new.iter().filter(is_newer).count();
        if seen.entries.len() >= 5 && is_too_many(new.len(), all) && not_newer * 2 >= new.len() {
            return Self::Flood { newest_known };
        }
        Self::Plain
    }

    fn judge(&self, sighting: &Sighting, now: Time) -> Kind {
        match self {
            Self::Flood { newest_known } if !is_newer(sighting, *newest_known, now) => Kind::Held(Reason::FloodBrake),
            Self::Moved { newest } if *newest != Some(sighting.position) => Kind::Held(Reason::Moved),
            _ => Kind::New,
        }
    }
}

fn is_newer(sighting: &Sighting, newest_known: Option<Time>, now: Time) -> bool {
    first_believed(&sighting.entry, now).is_none_or(|date| newest_known.is_none_or(|newest| date > newest))
}

/// Dated before everything that first contact saw; or long before the last good poll, and standing below all that is known:
/// such an entry slides in when a newer one is deleted.
fn is_old(sighting: &Sighting, lowest_known: Option<u16>, occasion: &Occasion<'_>) -> bool {
    let Some(date) = first_believed(&sighting.entry, occasion.now) else { return false };
    let is_before = |limit: Option<Time>| limit.is_some_and(|limit| date < limit);
    let long_ago = occasion.last_good.and_then(|poll| poll.checked_sub_signed(delta(occasion.rules.old_after)));
    let is_below = lowest_known.is_none_or(|lowest| sighting.position > lowest);
    is_before(occasion.oldest) || (is_before(long_ago) && is_below)
}

/// A fingerprint that another reader made tells nothing.
fn is_edited(sighting: &Sighting, entry: &SeenEntry) -> bool {
    sighting.fingerprint != entry.fingerprint && entry.fingerprint.0[0] == READER
}

/// When an edit may be published: the first one at once, another one when the cool-down since the last has passed. `revised`
/// may lie ahead: then that edit is still waiting, and this one takes its place.
fn after_cool_down(entry: &SeenEntry, cool_down: Duration, now: Time) -> Option<Time> {
    if entry.revision == 0 {
        return None;
    }
    let longest = now.checked_add_signed(delta(cool_down))?;
    let end = if entry.revised > now { entry.revised } else { entry.revised.checked_add_signed(delta(cool_down))? };
    // A clock that was put back must not hold up an edit for longer.
    Some(end.min(longest)).filter(|end| *end > now)
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
