//! Pure: what a document that is no feed looks like, and the feeds that a web page links to.
//!
//! Only what the page declares: `<link rel="alternate">` with a media type of feeds. No address is guessed.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tag, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use serde::{Deserialize, Serialize};
use url::Url;

use super::decode::clean;
use super::document::ParseError;

/// A feed that a page names (`<link rel="alternate" type="…">`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Absolute address.
    pub url: String,
    /// Media type.
    pub media_type: String,
    /// Title, when given.
    pub title: Option<String>,
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.title {
            Some(title) => write!(f, "{} ({title}, {})", self.url, self.media_type),
            None => write!(f, "{} ({})", self.url, self.media_type),
        }
    }
}

/// Media types that a page gives its feeds.
const FEED_TYPES: [&str; 5] =
    ["application/atom+xml", "application/rss+xml", "application/feed+json", "application/rdf+xml", "application/json"];

/// So much of a page is looked at, bytes; `<head>` is in front.
const PAGE: usize = 512 * 1024;
/// Links beyond this many are not looked at: a page has a handful.
const MAX_LINKS: usize = 200;
/// Nor are the bytes of a tag beyond these: html5ever compares each attribute with all before it.
const TAG: usize = 2_048;

/// The feeds that a page links to, in the page's order, each once. `base` is the page's address.
pub fn discover(page: &str, base: Option<&Url>) -> Vec<Found> {
    let mut base = base.cloned();
    let mut found: Vec<Found> = Vec::new();
    let mut rest = start(page, PAGE);
    let mut links = 0;
    while let Some(at) = rest.find('<').filter(|_| links < MAX_LINKS) {
        rest = &rest[at..];
        // What looks like a tag inside of these is none.
        let skipped = [("<!--", "-->"), ("<script", "</script"), ("<style", "</style"), ("<textarea", "</textarea")];
        if let Some((_, end)) = skipped.into_iter().find(|(start, _)| starts_with(rest, start)) {
            rest = find_ignoring_case(rest, end).map_or("", |end| &rest[end + 1..]);
            continue;
        }
        let is_link = starts_with(rest, "<link") || starts_with(rest, "<base");
        links += usize::from(is_link);
        match is_link.then(|| tag(rest)).flatten() {
            Some(tag) if &*tag.name == "base" => {
                base = attribute(&tag, "href").and_then(|href| resolve(&href, base.as_ref())).or(base)
            }
            Some(tag) if &*tag.name == "link" => {
                let feed = feed(&tag, base.as_ref());
                found.extend(feed.filter(|feed| !found.iter().any(|known| known.url == feed.url)));
            }
            _ => {}
        }
        rest = &rest[1..];
    }
    found
}

/// The feed that a `<link>` names, if it names one.
fn feed(tag: &Tag, base: Option<&Url>) -> Option<Found> {
    let rel = attribute(tag, "rel")?;
    let media_type = attribute(tag, "type")?.to_ascii_lowercase();
    let is_alternate = rel.split_whitespace().any(|rel| rel.eq_ignore_ascii_case("alternate"));
    let is_feed = FEED_TYPES.contains(&media_type.split(';').next().unwrap_or_default().trim());
    let url = resolve(&attribute(tag, "href")?, base).filter(|_| is_alternate && is_feed)?;
    Some(Found { url: url.into(), media_type, title: attribute(tag, "title") })
}

fn resolve(href: &str, base: Option<&Url>) -> Option<Url> {
    base.map_or_else(|| Url::parse(href), |base| base.join(href)).ok()
}

fn attribute(tag: &Tag, name: &str) -> Option<String> {
    let value = &tag.attrs.iter().find(|attribute| &*attribute.name.local == name)?.value;
    let value = clean(value.trim());
    (!value.is_empty()).then(|| value.into_owned())
}

/// The start tag at the beginning of a text.
fn tag(text: &str) -> Option<Tag> {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(start(text, TAG)));
    let tokenizer = Tokenizer::new(FirstTag::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.sink.0.into_inner()
}

/// Stops at the first tag.
#[derive(Default)]
struct FirstTag(RefCell<Option<Tag>>);

impl TokenSink for FirstTag {
    /// There are no scripts; the tokenizer merely stops for one.
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) => {
                self.0.borrow_mut().get_or_insert(tag);
                TokenSinkResult::Script(())
            }
            _ => TokenSinkResult::Continue,
        }
    }
}

/// The first so many bytes, or a few less where a character would be cut.
fn start(text: &str, bytes: usize) -> &str {
    let end = (0..=text.len().min(bytes)).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start))
}

fn find_ignoring_case(text: &str, word: &str) -> Option<usize> {
    text.as_bytes().windows(word.len()).position(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

/// Says what a text that is no feed looks like, and which feeds a page links to.
pub(super) fn not_a_feed(text: &str, base: Option<&Url>) -> ParseError {
    let beginning: String = text.trim_start().chars().take(40).collect();
    let looks_like = if is_page(text) {
        "it looks like a web page".to_owned()
    } else if find_ignoring_case(start(text, 2_048), "<opml").is_some() {
        "it looks like an OPML list of feeds".to_owned()
    } else if beginning.starts_with('<') {
        format!("it looks like XML of another kind, starting {beginning:?}")
    } else {
        format!("it starts {beginning:?}")
    };
    ParseError::NotAFeed { looks_like, feeds: discover(text, base) }
}

/// Whether the text is a web page, by its first tag behind comments and the like; anything may stand inside of a feed. One
/// that holds a feed right in its body is none: that is what some programs wrap around it.
pub(super) fn is_page(text: &str) -> bool {
    const OF_PAGES: [&str; 6] = ["<html", "<head", "<body", "<script", "<meta", "<title"];
    const OF_FEEDS: [&str; 5] = ["<rss ", "<rss>", "<feed ", "<feed>", "<rdf:rdf"];
    let mut rest = text;
    let mut has_doctype = false;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        let end = if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<!") || rest.starts_with("<?") {
            has_doctype |= starts_with(rest, "<!doctype html");
            ">"
        } else {
            let is_page = has_doctype || OF_PAGES.iter().any(|name| starts_with(rest, name));
            let beginning = start(rest, 1_024);
            return is_page && !OF_FEEDS.iter().any(|name| find_ignoring_case(beginning, name).is_some());
        };
        rest = rest.find(end).map_or("", |end| &rest[end..]);
    }
    has_doctype
}
