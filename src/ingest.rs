//! First half of the journey, read top-down: decode → parse → identify → diff → filter → route.
//!
//! Pure: bytes and what is known go in, what to write down and what to publish comes out. The one commit is the poller's.

mod address;
mod date;
pub mod decode;
pub mod diff;
pub mod discover;
pub mod document;
mod extras;
pub mod filter;
mod flaws;
pub mod identify;
mod json;
mod mend;
mod namespace;
pub mod parse;
mod repair;
pub mod route;
mod survey;
mod tree;
mod wording;
mod write;

use std::time::Duration;

use crate::feed::{Destination, Edition, FeedId, Time};
use crate::store::{Placement, ReadFacts, Seen};

use self::parse::{Hints, ParseError};

/// How many entries first contact publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone)]
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

/// A document as a source hands it over; simulations enter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The feed that it was polled for.
    pub feed: FeedId,
    /// When.
    pub at: Time,
    /// Final address after redirects, what relative addresses are relative to.
    pub base: String,
    /// `Content-Type` header.
    pub content_type: Option<String>,
    /// The body, decompressed.
    pub body: Vec<u8>,
    /// Whether the body is known to be cut short.
    pub is_truncated: bool,
    /// The feed moved here from another host by a recorded redirect, and this is the first poll after.
    pub has_moved: bool,
}

/// What the configuration says of the feed that an arrival belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The feed's id.
    pub feed: &'a FeedId,
    /// The id that its entry keys are made with.
    pub key_id: &'a str,
    /// Its tags.
    pub tags: &'a [String],
    /// How its entries are judged.
    pub rules: &'a Rules,
    /// Its own destinations, each with what first contact publishes there.
    pub to: &'a [(Destination, Option<Backfill>)],
    /// The routes of the configuration.
    pub routes: &'a [route::Route],
}

/// What an arrival brought: everything to write down, and what to publish.
#[derive(Debug, Clone, PartialEq)]
pub struct Harvest {
    /// The seen-set afterwards.
    pub seen: Seen,
    /// What intake remembers of the feed afterwards.
    pub read: ReadFacts,
    /// What to publish and where, in publishing order: oldest first.
    pub editions: Vec<(Edition, Vec<Placement>)>,
    /// What the document says of polling.
    pub hints: Hints,
    /// Whether the validators of this document may be kept: not those of a truncated one.
    pub keeps_validators: bool,
    /// Whether anything was new or edited, published or not.
    pub has_news: bool,
}

/// Takes in one arrival. Pure; oldest first; nothing is lost: what is not published is counted in `read.suppressed`.
pub fn ingest(
    _arrival: &Arrival,
    _plan: &Plan<'_>,
    _read: &ReadFacts,
    _seen: &Seen,
    _now: Time,
) -> Result<Harvest, ParseError> {
    Err(ParseError::Empty)
}
