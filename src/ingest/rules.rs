//! How a feed's entries are judged, as the configuration says it: plain data.

use std::time::Duration;

use super::filter;

/// How many entries first contact publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backfill {
    /// The newest so many.
    Newest(u32),
    /// Every one.
    All,
}

/// How item ids are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemIdScheme {
    /// Base32 of the entry key.
    Tidings,
    /// The entry's id with `:`, `,`, `/` replaced by `-`, as atomtopubsub made them.
    Atomtopubsub,
}

/// What is done with an edited entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUpdate {
    /// Published again under the same item id.
    Publish,
    /// Written down only.
    Ignore,
}

/// What is done with an entry that the feed withdrew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRemove {
    /// It stays on the node.
    Keep,
    /// It is retracted.
    Retract,
}

/// How a feed's entries are judged; shared by all feeds that say the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// First contact.
    pub backfill: Backfill,
    /// Older entries that show up late are not published.
    pub old_after: Duration,
    /// Several edits of an entry within this time become one.
    pub cool_down: Duration,
    /// Edits.
    pub on_update: OnUpdate,
    /// Withdrawals.
    pub on_remove: OnRemove,
    /// Item ids.
    pub item_id: ItemIdScheme,
    /// Keep and drop rules, in order.
    pub filter: Vec<filter::Rule>,
}
