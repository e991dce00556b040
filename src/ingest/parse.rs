//! Bytes to [`Document`]: decode, look over, read by feed-rs; says what it looks like when it is no feed.
//!
//! Nothing that a document holds can end more than its own reading, and no id is ever made up here.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use feed_rs::model::Feed;
use url::Url;

pub use super::document::{Document, Hints, ParseError, Tombstone};

use super::decode::{clean, decode};
use super::discover::{is_page, not_a_feed};
use super::model::document;
use super::repair::repair;
use super::survey::{Survey, survey};
use super::{date, json};

/// Entries of a document beyond the newest of these are not taken in.
const MAX_ENTRIES: usize = 1_000;

/// Reads a document. `base` is the address that it was fetched from; `content_type` the HTTP header.
pub fn parse(body: &[u8], base: &str, content_type: Option<&str>) -> Result<Document, ParseError> {
    let decoded = decode(body, content_type);
    let text: &str = &decoded.text;
    let base = Url::parse(base).ok();
    let mut document = match text.trim_start().as_bytes().first() {
        None => Err(ParseError::Empty),
        Some(b'{' | b'[') => json::read(text, base.as_ref()),
        Some(_) => read_markup(text, base.as_ref()),
    }?;
    if let Some(repair) = decoded.repair {
        document.read_by = match document.read_by.as_str() {
            "fast" => format!("repaired: {repair}"),
            read_by => format!("{read_by}, {repair}"),
        };
    }
    document.keep_newest(MAX_ENTRIES);
    Ok(document)
}

fn read_markup(text: &str, base: Option<&Url>) -> Result<Document, ParseError> {
    let looked_over = survey(text, base);
    let flaw = match looked_over.flaw {
        None => match read_fast(text, looked_over, base) {
            Ok(document) if !document.entries.is_empty() || !holds_entries(text) => return Ok(document),
            Ok(_) => "no entry came out".to_owned(),
            Err(error) => error.to_string(),
        },
        Some(flaw) => flaw.to_owned(),
    };
    if is_page(text) {
        return Err(not_a_feed(text, base));
    }
    let Some(repaired) = repair(text, base) else { return Err(not_a_feed(text, base)) };
    let looked_over = survey(&repaired.text, base);
    let document = read_fast(&repaired.text, looked_over, base)?;
    if document.entries.is_empty() && holds_entries(text) {
        return Err(ParseError::EntriesLost { why: flaw });
    }
    Ok(Document { is_truncated: repaired.is_truncated, read_by: format!("repaired: {flaw}"), ..document })
}

/// Reads a document that feed-rs is fit for.
fn read_fast(text: &str, survey: Survey, base: Option<&Url>) -> Result<Document, ParseError> {
    let feed = feed_rs(text, base)?;
    // feed-rs drops what it takes for no entry; then what the survey saw belongs to others.
    if feed.entries.len() != survey.extras.len() {
        return Err(ParseError::EntriesLost {
            why: format!("{} of {} came out", feed.entries.len(), survey.extras.len()),
        });
    }
    Ok(document(feed, survey, base))
}

thread_local! {
    /// Whether a panic of this thread is caught and told as an error.
    static IS_CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics that end as a [`ParseError`] off stderr; for `main`, once. All others are told as before.
pub fn mute_contained_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !IS_CONTAINED.get() {
            usual(info);
        }
    }));
}

/// Runs feed-rs.
fn feed_rs(text: &str, base: Option<&Url>) -> Result<Feed, ParseError> {
    let parser = feed_rs::parser::Builder::new()
        .base_uri(base.map(Url::as_str))
        .sanitize_content(false)
        .timestamp_parser(date::parse)
        // An id that is made up of what may change, or of nothing, must not be taken for the entry's own.
        .id_generator(|_, _, _| String::new())
        .build();
    // feed-rs 3.0.0 panics on some documents (an `itunes:duration` beyond u64, a dash beside a mail address). That is a fault
    // of one document and must not end more than its reading. Nothing is shared with the parser, so nothing is left half done.
    IS_CONTAINED.set(true);
    let read = catch_unwind(AssertUnwindSafe(|| parser.parse(text.as_bytes())));
    IS_CONTAINED.set(false);
    match read {
        Ok(Ok(feed)) => Ok(feed),
        Ok(Err(error)) => Err(ParseError::Malformed { why: clean(&error.to_string()).into_owned() }),
        Err(_) => Err(ParseError::Malformed { why: "the parser gave up".to_owned() }),
    }
}

/// Whether entries stand in the text, by their tags.
fn holds_entries(text: &str) -> bool {
    text.split('<').skip(1).any(|tag| {
        let name = tag.split([' ', '>', '\t', '\n', '\r', '/']).next().unwrap_or_default();
        let name = name.rsplit(':').next().unwrap_or_default();
        name.eq_ignore_ascii_case("item") || name.eq_ignore_ascii_case("entry")
    })
}
