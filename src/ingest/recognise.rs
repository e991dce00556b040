//! Pure: which known entry each entry of a document is.
//!
//! An entry is new only when neither its key nor an alias is known; no known entry stands for two of a document.

use crate::store::{Alias, Seen, SeenEntry};

use super::alias::Aliases;
use super::diff::Occasion;
use super::gone::{Missing, missing_inside};
use super::identify::{Name, Sighting};
use super::known::Known;

/// How an entry was known again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// By its key.
    Key,
    /// By another name.
    Alias,
    /// By its address without the host, after a move.
    Move,
    /// It took the place of one that vanished, with the same content, or the same title and date.
    Rename,
}

/// What is known of the entries of a document.
#[derive(Debug)]
pub(super) struct Recognised {
    /// For each entry of the document: where the known one stands in the seen-set, and how it was found.
    pub known: Vec<Option<(usize, By)>>,
    /// Known entries that vanished from inside a full document.
    pub(super) missing: Vec<Missing>,
    /// Whether all ids changed at once while the links stayed.
    pub is_rekeyed: bool,
}

/// Looks up every entry, by the strongest evidence first.
pub(super) fn recognise(sightings: &[Sighting], known: &Known<'_>, occasion: &Occasion<'_>) -> Recognised {
    let seen = known.seen;
    let mut search =
        Search { sightings, seen, known: vec![None; sightings.len()], is_taken: vec![false; seen.entries.len()] };

    search.pass(By::Key, |sighting| seen.find(&sighting.key).into_iter());
    search.pass(By::Key, |sighting| known.holders(sighting.key_alias()));

    let is_rekeyed = search.is_rekeyed(known);
    let holders = |alias: &Option<Alias>| (*alias).into_iter().flat_map(|alias| known.holders(alias));
    let is_alike = |sighting: &Sighting, at: &usize| has_same_story(sighting, &seen.entries[*at]);
    search.pass(By::Alias, |sighting| {
        let Aliases { id, links, text, .. } = &sighting.aliases;
        let likely = links.iter().flat_map(holders).filter(move |at| is_rekeyed || is_alike(sighting, at));
        [id, text].into_iter().flat_map(holders).chain(likely)
    });
    search.pass(By::Alias, |sighting| {
        let shorter = sighting.shared.iter().filter_map(|key| seen.find(key));
        shorter.filter(move |at| is_alike(sighting, at))
    });
    if occasion.has_moved {
        search.pass(By::Move, |sighting| sighting.aliases.moved.iter().flat_map(holders));
    }
    let mut known = search.known;
    let mut missing = if occasion.is_full { missing_inside(sightings, &known, seen) } else { Vec::new() };
    find_renamed(sightings, seen, &mut missing, &mut known);
    Recognised { known, missing, is_rekeyed }
}

/// Finds entries whose id was edited: one vanished, one came with the same content, or with the same headline and date. The
/// likeness must point to one entry only, or it says nothing ("Read more" as the content of every entry).
fn find_renamed(sightings: &[Sighting], seen: &Seen, missing: &mut Vec<Missing>, known: &mut [Option<(usize, By)>]) {
    let is_alike = |new: usize, old: usize| {
        let (sighting, entry) = (&sightings[new], &seen.entries[old]);
        let is_same_text = sighting.content != [0; 8] && sighting.content == entry.content;
        is_same_text || (sighting.headline == entry.headline && sighting.date.is_some() && sighting.date == entry.date)
    };
    let only = |mut alike: Vec<usize>| alike.pop().filter(|_| alike.is_empty());
    for old in missing.iter().map(|missing| missing.at).collect::<Vec<_>>() {
        let Some(new) = only((0..sightings.len()).filter(|new| is_alike(*new, old)).collect()) else { continue };
        let is_only = missing.iter().filter(|other| is_alike(new, other.at)).count() == 1;
        if is_only && known[new].is_none() {
            known[new] = Some((old, By::Rename));
        }
    }
    missing.retain(|missing| !known.iter().flatten().any(|(at, _)| *at == missing.at));
}

/// Same headline, or same date.
fn has_same_story(sighting: &Sighting, entry: &SeenEntry) -> bool {
    sighting.headline == entry.headline || (sighting.date.is_some() && sighting.date == entry.date)
}

/// A search in passes from the strongest evidence to the weakest.
struct Search<'a> {
    sightings: &'a [Sighting],
    seen: &'a Seen,
    known: Vec<Option<(usize, By)>>,
    is_taken: Vec<bool>,
}

impl<'a> Search<'a> {
    /// Gives each entry that is not known yet the first of its candidates that no other entry has.
    fn pass<C: Iterator<Item = usize>>(&mut self, by: By, candidates: impl Fn(&'a Sighting) -> C) {
        for (sighting, known) in self.sightings.iter().zip(&mut self.known).filter(|(_, known)| known.is_none()) {
            if let Some(at) = candidates(sighting).find(|at| !self.is_taken[*at]) {
                self.is_taken[at] = true;
                *known = Some((at, by));
            }
        }
    }

    /// All ids changed, and at least four fifths of the addresses are known.
    fn is_rekeyed(&self, known: &Known<'_>) -> bool {
        let is_known_address = |sighting: &&Sighting| {
            let mut aliases = sighting.aliases.id.iter().chain(sighting.aliases.links.iter().flatten());
            aliases.any(|alias| known.holders(*alias).next().is_some())
        };
        let all = self.sightings.len();
        all >= 3
            && self.seen.entries.len() >= 3
            && self.known.iter().all(Option::is_none)
            && self.sightings.iter().all(|sighting| sighting.named_by == Name::Id)
            && self.sightings.iter().filter(is_known_address).count() * 5 >= all * 4
    }
}
