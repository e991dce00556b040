//! Pure: which known entry each entry of a document is.
//!
//! An entry is new only when neither its key nor an alias is known; no known entry stands for two of a document.

use std::collections::HashMap;

use crate::store::{Alias, Seen, SeenEntry};

use super::diff::Occasion;
use super::gone::{Missing, missing_inside};
use super::identify::{Name, Sighting};

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
pub(super) fn recognise(sightings: &[Sighting], seen: &Seen, occasion: &Occasion<'_>) -> Recognised {
    let names = Names::of(seen);
    let mut search =
        Search { sightings, seen, known: vec![None; sightings.len()], is_taken: vec![false; seen.entries.len()] };

    search.pass(By::Key, |sighting| seen.find(&sighting.key).map(|at| (at, true)).into_iter().collect());
    search.pass(By::Key, |sighting| names.holders(&sighting.key_alias()).into_iter().map(|at| (at, true)).collect());

    let is_rekeyed = search.is_rekeyed(&names);
    search.pass(By::Alias, |sighting| {
        let (id, text) = (&sighting.aliases.id, &sighting.aliases.text);
        let certain = id.iter().chain(text).flat_map(|alias| names.holders(alias)).map(|at| (at, true));
        let likely = sighting.aliases.links.iter().flat_map(|alias| names.holders(alias));
        certain.chain(likely.map(|at| (at, is_rekeyed || has_same_story(sighting, &seen.entries[at])))).collect()
    });
    search.pass(By::Alias, |sighting| {
        let shorter = sighting.shared.iter().filter_map(|key| seen.find(key));
        shorter.map(|at| (at, has_same_story(sighting, &seen.entries[at]))).collect()
    });
    if occasion.has_moved {
        search.pass(By::Move, |sighting| {
            sighting.aliases.moved.iter().flat_map(|alias| names.holders(alias)).map(|at| (at, true)).collect()
        });
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

impl Search<'_> {
    /// Gives each entry that is not known yet the first of its acceptable candidates that no other entry has.
    fn pass(&mut self, by: By, candidates: impl Fn(&Sighting) -> Vec<(usize, bool)>) {
        for (sighting, known) in self.sightings.iter().zip(&mut self.known).filter(|(_, known)| known.is_none()) {
            let found = candidates(sighting).into_iter().find(|(at, is_accepted)| *is_accepted && !self.is_taken[*at]);
            if let Some((at, _)) = found {
                self.is_taken[at] = true;
                *known = Some((at, by));
            }
        }
    }

    /// All ids changed, and at least four fifths of the addresses are known.
    fn is_rekeyed(&self, names: &Names) -> bool {
        let is_known_address = |sighting: &&Sighting| {
            let mut aliases = sighting.aliases.id.iter().chain(&sighting.aliases.links);
            aliases.any(|alias| !names.holders(alias).is_empty())
        };
        let all = self.sightings.len();
        all >= 3
            && self.seen.entries.len() >= 3
            && self.known.iter().all(Option::is_none)
            && self.sightings.iter().all(|sighting| sighting.named_by == Name::Id)
            && self.sightings.iter().filter(is_known_address).count() * 5 >= all * 4
    }
}

/// The aliases of a seen-set, for look-up.
struct Names(HashMap<Alias, Vec<usize>>);

impl Names {
    fn of(seen: &Seen) -> Self {
        let mut names: HashMap<Alias, Vec<usize>> = HashMap::new();
        for (at, entry) in seen.entries.iter().enumerate() {
            entry.aliases.iter().for_each(|alias| names.entry(*alias).or_default().push(at));
        }
        Self(names)
    }

    fn holders(&self, alias: &Alias) -> Vec<usize> {
        self.0.get(alias).cloned().unwrap_or_default()
    }
}
