//! Why entries were not published, and what an operator should hear of: plain data.

use std::fmt;

use crate::store::{NODE_LIMIT, ReadFacts};

use super::identify::MOST_ENTRIES;

/// Why an entry was seen and not published; its name is what `status` counts under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It stood in the document at first contact, beyond what is published then.
    Backfill,
    /// It is older than what first contact saw, or slid in from below.
    Old,
    /// One of a flood of new entries that are not newer.
    FloodBrake,
    /// One of too many edits at once.
    EditBrake,
    /// It looked new or edited because the feed moved or changed all its ids.
    Moved,
    /// An edit, and the feed says `on-update = "ignore"`, or goes to nothing that takes edits.
    IgnoredUpdate,
    /// A rule of the feed's filter dropped it.
    Filtered,
    /// It matches no route, and the feed has no destination of its own.
    NoDestination,
    /// A template has made all the nodes that it may make; counted by the store, which decides it.
    NodeLimit,
}

impl Reason {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Backfill,
        Self::Old,
        Self::FloodBrake,
        Self::EditBrake,
        Self::Moved,
        Self::IgnoredUpdate,
        Self::Filtered,
        Self::NoDestination,
        Self::NodeLimit,
    ];

    /// The name that it is counted under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Backfill => "backfill",
            Self::Old => "old",
            Self::FloodBrake => "flood-brake",
            Self::EditBrake => "edit-brake",
            Self::Moved => "moved",
            Self::IgnoredUpdate => "ignored-update",
            Self::Filtered => "filtered",
            Self::NoDestination => "no-destination",
            Self::NodeLimit => NODE_LIMIT,
        }
    }

    /// Counts entries that were not published for this reason.
    pub(super) fn count(self, entries: usize, read: &mut ReadFacts) {
        if entries > 0 {
            *read.suppressed.entry(self.name().to_owned()).or_default() += entries as u64;
        }
    }
}

/// Something that a feed did and that its operator should hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Too many entries came that are not newer than the known ones.
    Flood {
        /// Entries that look new.
        new: usize,
        /// Those of them that were held.
        held: usize,
    },
    /// Too many entries were edited at once.
    Redesign {
        /// Edited entries.
        edited: usize,
    },
    /// All ids changed while the links stayed.
    Rekeyed {
        /// Entries known again by their links.
        entries: usize,
    },
    /// After a move to another host hardly an entry was known again.
    Moved {
        /// Entries that were held.
        held: usize,
    },
    /// Too many entries vanished at once to have been deleted.
    Vanished {
        /// Vanished entries.
        missing: usize,
    },
    /// The document has more entries than are looked at.
    Overlong,
}

impl Notice {
    /// Its name, which stays the same while the numbers in it change.
    fn name(self) -> &'static str {
        match self {
            Self::Flood { .. } => "flood",
            Self::Redesign { .. } => "redesign",
            Self::Rekeyed { .. } => "rekeyed",
            Self::Moved { .. } => "moved",
            Self::Vanished { .. } => "vanished",
            Self::Overlong => "overlong",
        }
    }

    /// Those that the last document did not give already: a feed with new ids on every fetch is told of once.
    pub(super) fn news(mut notices: Vec<Self>, read: &mut ReadFacts) -> Vec<Self> {
        let now = notices.iter().map(|notice| (notice.name().to_owned(), notice.to_string())).collect();
        let before = std::mem::replace(&mut read.oddities, now);
        notices.retain(|notice| !before.contains_key(notice.name()));
        notices
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flood { new, held } => {
                write!(f, "{new} entries look new at once; {held} that are not newer than the known ones are held back")
            }
            Self::Redesign { edited } => write!(f, "{edited} entries were edited at once; none is published again"),
            Self::Rekeyed { entries } => {
                write!(f, "the feed changed the ids of all its entries; {entries} are known again by their links")
            }
            Self::Moved { held } => {
                write!(f, "after the feed's move hardly an entry is known again; {held} are held back")
            }
            Self::Vanished { missing } => {
                write!(f, "{missing} entries vanished at once; none is taken for deleted")
            }
            Self::Overlong => {
                write!(f, "the document has more than {MOST_ENTRIES} entries; only the newest are looked at")
            }
        }
    }
}
