//! First half of the journey, read top-down: decode → parse → identify → diff → filter → route.
//!
//! Pure: bytes and what is known go in, what to write down and what to publish comes out. The one commit is the poller's.

mod address;
mod alias;
pub mod archive;
mod brake;
mod contact;
mod date;
pub mod decode;
pub mod diff;
pub mod discover;
pub mod document;
mod draft;
mod edition;
mod extras;
pub mod filter;
mod flaws;
mod gone;
pub mod identify;
mod json;
mod known;
mod link;
mod matching;
mod memory;
mod mend;
mod model;
mod namespace;
pub mod parse;
mod plain;
mod reason;
mod recognise;
mod repair;
pub mod route;
mod rules;
mod survey;
mod template;
mod tree;
mod when;
mod wording;
mod write;

use bytes::Bytes;

use crate::feed::{Destination, Edition, FeedId, Time};
use crate::store::{Placement, ReadFacts, Seen};

use self::diff::{Diff, Kind, Occasion, diff};
use self::identify::identify;
use self::known::Known;
use self::parse::{Document, Hints, ParseError};

pub use self::contact::needs_backfill;
pub use self::reason::{Notice, Reason};
pub use self::rules::{Backfill, ItemIdScheme, OnRemove, OnUpdate, Rules};

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
    pub body: Bytes,
    /// Whether the body is known to be cut short.
    pub is_truncated: bool,
    /// The feed moved here from another host, by a permanent redirect or an edited address, and this is the first document.
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
    /// Whether what was known of its entries was lost with a former state.
    pub is_rebuilt: bool,
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
    /// Whether anything was new, edited or gone, published or not.
    pub has_news: bool,
    /// Whether an entry of the document was known before: a feed that moved is still itself.
    pub has_known: bool,
    /// What the operator should hear of, unless the last document was odd in the same way.
    pub notices: Vec<Notice>,
}

/// Takes in one arrival. Pure; oldest first; nothing is lost: what is not published is counted in `read.suppressed`.
pub fn ingest(
    arrival: &Arrival,
    plan: &Plan<'_>,
    read: &ReadFacts,
    seen: &Seen,
    now: Time,
) -> Result<Harvest, ParseError> {
    Ok(take_in(self::read(arrival)?, arrival.has_moved, plan, read, seen, now))
}

/// Reads the document of an arrival: decode → parse.
pub fn read(arrival: &Arrival) -> Result<Document, ParseError> {
    let mut document = parse::parse(&arrival.body, &arrival.base, arrival.content_type.as_deref())?;
    document.is_truncated |= arrival.is_truncated;
    Ok(document)
}

/// Takes in a document that is parsed already: identify → diff → filter → route.
pub fn take_in(
    document: Document,
    has_moved: bool,
    plan: &Plan<'_>,
    read: &ReadFacts,
    seen: &Seen,
    now: Time,
) -> Harvest {
    let occasion = Occasion::of(&document, has_moved, plan, read, now);
    let mut read = ReadFacts { meta: document.meta, read_by: document.read_by, ..read.clone() };

    let known = Known::of(seen);
    let sightings = identify(document.entries, &read.meta, plan.key_id, &known);
    let Diff { changes, mut seen, has_known, notices } = diff(sightings, &known, &occasion);
    let has_news = changes.iter().any(|change| change.kind != Kind::Same);
    contact::remember(&mut read, &changes, &seen, now);

    let kept = filter::keep(changes, plan, &mut read);
    let routed = route::route(kept, plan, &mut read);
    let editions = edition::editions(routed, plan, &read.meta, &mut seen, now);
    contact::conclude(&mut read, plan);
    let notices = Notice::news(notices, &mut read);

    let keeps_validators = !document.is_truncated;
    Harvest { seen, read, editions, hints: document.hints, keeps_validators, has_news, has_known, notices }
}

/// Takes in that a document is still the same (a 304, or the body of last time): what was absent from it is absent for the
/// second time. `None` when that changes nothing; [`ReadFacts::absent`] is 0 then, so the seen-set need not be loaded.
pub fn unchanged(plan: &Plan<'_>, read: &ReadFacts, seen: &Seen, now: Time) -> Option<Harvest> {
    let (changes, mut seen) = gone::absent_again(seen)?;
    let mut read = ReadFacts { absent: 0, ..read.clone() };
    let routed = route::route(changes, plan, &mut read);
    let editions = edition::editions(routed, plan, &read.meta, &mut seen, now);
    let hints = Hints::default();
    Some(Harvest {
        seen,
        read,
        editions,
        hints,
        keeps_validators: true,
        has_news: true,
        has_known: true,
        notices: Vec::new(),
    })
}
