//! The links of an entry: its web page first, files with the type that clients choose a player by, nothing that makes a
//! client take the entry for something else.

use std::collections::HashSet;

use minidom::Element;
use url::Url;

use crate::feed::{Entry, Link};

use super::address::{self, Place};
use super::xml::{ATOM, fold, is_blank, set};
use super::{MAX_LINE, text};

/// The type of a file that says and shows nothing of it.
const UNKNOWN: &str = "application/octet-stream";

/// The `<link>` elements, the alternate one first; `is_short`: that one only.
pub(super) fn of(entry: &Entry, place: &Place, is_short: bool) -> Vec<Element> {
    let page = web_page(entry, place).map(|href| {
        let mut element = link("alternate", &href);
        set(&mut element, "type", "text/html");
        element
    });
    let others = entry.links.iter().filter(|_| !is_short).filter_map(|link| {
        let url = place.absolute(&link.href)?;
        Some(other(link, relation(link, &url)?, &url))
    });
    let mut seen = HashSet::new();
    page.into_iter().chain(others).filter(|link| seen.insert(sameness(link))).collect()
}

/// What no two links of an entry have in common: relation and address, and of alternates type and language
/// (RFC 4287 §4.1.2).
fn sameness(link: &Element) -> [String; 3] {
    let [rel, href, media_type, lang] =
        ["rel", "href", "type", "hreflang"].map(|name| link.attr(name).unwrap_or_default().to_owned());
    if rel == "alternate" { [rel, media_type, lang] } else { [rel, href, String::new()] }
}

/// The web page of an entry: the page itself rather than a proxy's address for it.
pub(super) fn web_page(entry: &Entry, place: &Place) -> Option<String> {
    [&entry.original_link, &entry.link].into_iter().flatten().find_map(|link| place.ascii(link))
}

/// What there is to open: the web page, else the first file.
pub(super) fn target(entry: &Entry, place: &Place) -> Option<String> {
    let file = || entry.links.iter().filter(|link| link.rel == "enclosure").find_map(|link| place.ascii(&link.href));
    web_page(entry, place).or_else(file)
}

/// A link that is nothing but an address.
pub(super) fn link(rel: &str, href: &str) -> Element {
    let mut element = Element::bare("link", ATOM);
    set(&mut element, "rel", rel);
    set(&mut element, "href", href);
    element
}

/// The relation to publish; `None`: the link would be misread.
fn relation<'a>(link: &'a Link, url: &Url) -> Option<&'a str> {
    match link.rel.trim() {
        // Libervia, Movim and Converse: a repost of somebody's.
        "via" => None,
        // The document's own housekeeping.
        "self" | "edit" | "edit-media" | "hub" | "search" | "first" | "last" | "next" | "previous" | "prev-archive" => {
            None
        }
        // A node with comments (XEP-0277 §4), not a page with some.
        "replies" if url.scheme() != "xmpp" || !url.as_str().contains(";node=") => None,
        "" => Some("alternate"),
        rel => Some(rel),
    }
}

fn other(read: &Link, rel: &str, url: &Url) -> Element {
    let mut element = link(rel, &address::ascii(url));
    let media_type = media_type(read, url).or((rel == "enclosure").then_some(UNKNOWN));
    if let Some(media_type) = media_type {
        set(&mut element, "type", media_type);
    }
    if let Some(bytes) = read.length {
        set(&mut element, "length", &bytes.to_string());
    }
    let title = read.title.as_deref().map(fold).filter(|title| !is_blank(title));
    // Movim takes a link titled "comments" for the server of a comments node.
    if let Some(title) = title.filter(|title| !title.eq_ignore_ascii_case("comments")) {
        set(&mut element, "title", &text::cut(&title, MAX_LINE));
    }
    if let Some(lang) = read.lang.as_deref().map(str::trim).filter(|lang| !lang.is_empty()) {
        set(&mut element, "hreflang", lang);
    }
    element
}

/// The type given; the one that the name of the file tells, when none is given or one that says nothing.
fn media_type<'a>(link: &'a Link, url: &Url) -> Option<&'a str> {
    let given = link.media_type.as_deref().map(str::trim).filter(|given| is_media_type(given));
    let is_telling = given.is_some_and(|given| !given.ends_with("/octet-stream") && !given.ends_with("/*"));
    let guess = || mime_guess::from_path(url.path()).first_raw();
    if is_telling || link.rel.trim() != "enclosure" { given } else { guess().or(given) }
}

fn is_media_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim();
    let is_token =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-*".contains(&b));
    essence.split_once('/').is_some_and(|(kind, format)| is_token(kind) && is_token(format))
}
