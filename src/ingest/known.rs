//! Pure: what is known of a feed's entries, for look-up by key and by every other name.

use crate::feed::EntryKey;
use crate::store::{Alias, Seen, SeenEntry};

/// A seen-set and the other names of its entries.
#[derive(Debug, Clone)]
pub struct Known<'a> {
    /// The set.
    pub seen: &'a Seen,
    /// Every alias with where its entry stands in the set; sorted.
    names: Vec<(Alias, usize)>,
}

impl<'a> Known<'a> {
    /// What a seen-set knows.
    pub fn of(seen: &'a Seen) -> Self {
        let of_one = |(at, entry): (usize, &'a SeenEntry)| entry.aliases.iter().map(move |alias| (*alias, at));
        let mut names: Vec<(Alias, usize)> = seen.entries.iter().enumerate().flat_map(of_one).collect();
        names.sort_unstable();
        Self { seen, names }
    }

    /// The entry of a key.
    pub(super) fn entry(&self, key: &EntryKey) -> Option<&'a SeenEntry> {
        self.seen.find(key).map(|at| &self.seen.entries[at])
    }

    /// Where the entries stand that have this alias.
    pub(super) fn holders(&self, alias: Alias) -> impl Iterator<Item = usize> {
        let first = self.names.partition_point(|(known, _)| *known < alias);
        self.names[first..].iter().take_while(move |(known, _)| *known == alias).map(|(_, at)| *at)
    }

    /// The entry that has this alias; one of them, when there are several.
    pub(super) fn namesake(&self, alias: Alias) -> Option<&'a SeenEntry> {
        self.holders(alias).last().map(|at| &self.seen.entries[at])
    }
}
