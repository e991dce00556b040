//! JSON Feed (versions 1 and 1.1) to [`Document`].
//!
//! Not by feed-rs: it refuses a whole feed for one numeric id, and everything that a JSON Feed says stands here.

use serde_json::Value;
use url::Url;

use crate::feed::{Category, Entry, FeedMeta, Link, Person, Text, Time};

use super::address::absolute;
use super::decode::clean;
use super::document::{Document, ParseError};
use super::flaws::MAX_ENTRIES;
use super::{date, discover::Found};

/// A document with more values than these is no feed's, and would take many times its size to hold.
const MAX_VALUES: usize = 500_000;

/// Reads a JSON Feed.
pub(super) fn read(text: &str, base: Option<&Url>) -> Result<Document, ParseError> {
    if text.len() > MAX_VALUES && values(text) > MAX_VALUES {
        return Err(ParseError::Malformed { why: "it holds more values than a feed does".to_owned() });
    }
    let parsed = serde_json::from_str(text.trim());
    let (parsed, read_by) = match parsed {
        Err(_) => (serde_json::from_str(&with_escaped_controls(text.trim())), "repaired: line breaks inside of texts"),
        parsed => (parsed, "fast"),
    };
    let root: Value = parsed.map_err(|error| ParseError::Malformed { why: error.to_string() })?;
    let is_feed =
        root["version"].as_str().is_some_and(|version| version.contains("jsonfeed.org")) || root["items"].is_array();
    if !is_feed {
        let feeds: Vec<Found> = Vec::new();
        return Err(ParseError::NotAFeed { looks_like: "it looks like JSON of another kind".to_owned(), feeds });
    }
    let meta = FeedMeta {
        title: words(&root["title"]),
        description: words(&root["description"]),
        link: address(&root["home_page_url"], base),
        self_link: address(&root["feed_url"], base),
        lang: words(&root["language"]),
        authors: people(&root),
        ..FeedMeta::default()
    };
    let items = root["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let items = items.iter().filter(|item| item.is_object()).take(MAX_ENTRIES);
    let entries = items.map(|item| entry(item, &meta, base)).collect();
    Ok(Document { meta, entries, read_by: read_by.to_owned(), ..Document::default() })
}

/// How many values a text holds at most: one behind each opening bracket, colon and comma outside of its strings.
fn values(text: &str) -> usize {
    let (mut is_inside, mut is_escaped) = (false, false);
    let mut count = 0;
    for byte in text.bytes() {
        count += usize::from(!is_inside && matches!(byte, b'[' | b'{' | b':' | b','));
        is_inside ^= byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
    }
    count
}

/// JSON with the line breaks and tabs inside of its texts escaped, as writers forget who put JSON together by hand.
fn with_escaped_controls(text: &str) -> String {
    let (mut is_inside, mut is_escaped) = (false, false);
    let mut out = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' if is_inside => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
        is_inside ^= c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
    }
    out
}

fn entry(item: &Value, meta: &FeedMeta, base: Option<&Url>) -> Entry {
    let page = address(&item["url"], base);
    let external = address(&item["external_url"], base);
    let html = words(&item["content_html"]).map(Text::Html);
    let plain = words(&item["content_text"]).map(Text::Plain);
    let summary = words(&item["summary"]).map(Text::Plain);
    let (content, spare) = match html {
        Some(html) => (Some(html), plain),
        None => (plain, None),
    };
    let (summary, content) = match content {
        Some(content) => (summary.or(spare), Some(content)),
        None => (None, summary),
    };
    let link = page.or_else(|| external.clone());
    let related = external.filter(|external| link.as_ref() != Some(external));
    let related = related.map(|href| Link { href, rel: "related".to_owned(), ..Link::default() });
    Entry {
        id: words(&item["id"]),
        title: words(&item["title"]).map(Text::Plain),
        links: related.into_iter().chain(attachments(item, base)).collect(),
        published: time(&item["date_published"]),
        updated: time(&item["date_modified"]),
        authors: people(item),
        summary,
        content,
        categories: tags(item),
        lang: words(&item["language"]).or_else(|| meta.lang.clone()),
        base: link.clone().or_else(|| base.map(Url::to_string)),
        link,
        ..Entry::default()
    }
}

/// A text, or a number in its place (ids are often numbers); blank is none.
fn words(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => clean(text.trim()).into_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn address(value: &Value, base: Option<&Url>) -> Option<String> {
    absolute(&words(value)?, base)
}

fn time(value: &Value) -> Option<Time> {
    date::parse(&words(value)?)
}

/// `authors` of version 1.1, `author` of version 1.
fn people(value: &Value) -> Vec<Person> {
    let one = std::slice::from_ref(&value["author"]);
    let many = value["authors"].as_array().map_or(one, Vec::as_slice);
    let person = |author: &Value| Person { name: words(&author["name"]), email: None, uri: words(&author["url"]) };
    many.iter().map(person).filter(|person| *person != Person::default()).collect()
}

fn tags(item: &Value) -> Vec<Category> {
    let tags = item["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    tags.iter().filter_map(words).map(|term| Category { term, ..Category::default() }).collect()
}

fn attachments(item: &Value, base: Option<&Url>) -> Vec<Link> {
    let attachments = item["attachments"].as_array().map(Vec::as_slice).unwrap_or_default();
    let link = |attachment: &Value| {
        Some(Link {
            href: address(&attachment["url"], base)?,
            rel: "enclosure".to_owned(),
            media_type: words(&attachment["mime_type"]),
            title: words(&attachment["title"]),
            length: attachment["size_in_bytes"].as_u64(),
            lang: None,
        })
    };
    attachments.iter().filter_map(link).collect()
}
