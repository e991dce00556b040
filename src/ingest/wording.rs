//! What the elements of feeds mean, whatever the vocabulary, and how their text is to be taken.

use std::borrow::Cow;

use data_encoding::BASE64;

use super::mend::characters;
use super::namespace::Space;
use super::tree::{Element, Node, VOID};

/// What an element says of an entry or a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Id,
    Title,
    Published,
    Updated,
    Summary,
    Content,
    Rights,
    Link,
    Author,
    Category,
    Language,
}

impl Role {
    pub(super) const COUNT: usize = 11;

    /// Those with one text each, in the order in which they are written.
    pub(super) const ALL: [Self; Self::COUNT] = [
        Self::Id,
        Self::Title,
        Self::Published,
        Self::Updated,
        Self::Summary,
        Self::Content,
        Self::Rights,
        Self::Link,
        Self::Author,
        Self::Category,
        Self::Language,
    ];
}

/// What an element of an entry says, and how good a source it is; 0 is the best.
pub(super) fn role(element: &Element) -> Option<(Role, u8)> {
    use Space::{Atom, Content, DublinCore, Itunes, Media, Rss, Terms, Xhtml};
    Some(match (element.space, element.name.as_str()) {
        (Rss | Atom, "guid" | "id") => (Role::Id, 0),
        (Rss | Atom, "title") => (Role::Title, 0),
        (DublinCore | Terms, "title") => (Role::Title, 1),
        (Itunes, "title") => (Role::Title, 2),
        (Media, "title") => (Role::Title, 3),
        (Rss | Atom, "link") => (Role::Link, 0),
        (Rss | Atom, "pubdate" | "published") => (Role::Published, 0),
        (Rss | Atom, "issued") | (Terms, "issued") => (Role::Published, 1),
        (DublinCore, "date") | (Terms, "date") => (Role::Published, 2),
        (Rss | Atom, "created") | (Terms, "created") => (Role::Published, 3),
        (Rss | Atom, "updated" | "modified" | "lastbuilddate") => (Role::Updated, 0),
        (Terms, "modified") => (Role::Updated, 1),
        (Rss | Atom, "description" | "summary" | "abstract") => (Role::Summary, 0),
        (DublinCore, "description") => (Role::Summary, 1),
        (Atom | Rss, "content") | (Content, "encoded") => (Role::Content, 0),
        (Xhtml, "body" | "div") => (Role::Content, 1),
        (Rss | Atom, "rights" | "copyright") => (Role::Rights, 0),
        (DublinCore | Terms, "rights") => (Role::Rights, 1),
        (Rss | Atom, "author") | (DublinCore, "creator" | "author") => (Role::Author, 0),
        (Rss | Atom, "category") | (DublinCore, "subject") => (Role::Category, 0),
        _ => return None,
    })
}

/// What an element of a feed says of it as a whole, and how good a source it is.
pub(super) fn feed_role(element: &Element) -> Option<(Role, u8)> {
    use Space::{Atom, DublinCore, Itunes, Rss, Terms};
    Some(match (element.space, element.name.as_str()) {
        (Atom | Rss, "id") => (Role::Id, 0),
        (Rss | Atom, "title") => (Role::Title, 0),
        (DublinCore, "title") => (Role::Title, 1),
        (Rss | Atom, "link") => (Role::Link, 0),
        (Rss | Atom, "description" | "subtitle" | "tagline" | "abstract") => (Role::Summary, 0),
        (DublinCore, "description") => (Role::Summary, 1),
        (Rss | Atom, "updated" | "modified" | "lastbuilddate") => (Role::Updated, 0),
        (Terms, "modified") => (Role::Updated, 1),
        (Rss | Atom, "pubdate") => (Role::Published, 0),
        (DublinCore, "date") => (Role::Published, 1),
        (Rss | Atom, "language") => (Role::Language, 0),
        (DublinCore, "language") => (Role::Language, 1),
        (Atom | Itunes, "author") => (Role::Author, 0),
        _ => return None,
    })
}

/// Elements that go over as they are, with the names that feed-rs and the survey know.
const PASSED: [(Space, &str, &str); 21] = [
    (Space::Rss, "enclosure", "enclosure"),
    (Space::Rss, "comments", "comments"),
    (Space::Rss, "ttl", "ttl"),
    (Space::Rss, "skiphours", "skipHours"),
    (Space::Rss, "hour", "hour"),
    (Space::Rss, "skipdays", "skipDays"),
    (Space::Rss, "day", "day"),
    (Space::Syndication, "updateperiod", "sy:updatePeriod"),
    (Space::Syndication, "updatefrequency", "sy:updateFrequency"),
    (Space::Feedburner, "origlink", "feedburner:origLink"),
    (Space::History, "complete", "fh:complete"),
    (Space::History, "archive", "fh:archive"),
    (Space::Tombstones, "deleted-entry", "at:deleted-entry"),
    (Space::Media, "group", "media:group"),
    (Space::Media, "content", "media:content"),
    (Space::Media, "title", "media:title"),
    (Space::Media, "player", "media:player"),
    (Space::Media, "description", "media:description"),
    (Space::Itunes, "author", "itunes:author"),
    (Space::Itunes, "summary", "itunes:summary"),
    (Space::Rss, "source", "source"),
];

/// The canonical name of an element that goes over as it is.
pub(super) fn passed(element: &Element) -> Option<&'static str> {
    // RSS in Atom's namespace is meant as RSS.
    let is_in = |space: Space| space == element.space || space == Space::Rss && element.space == Space::Atom;
    let known = PASSED.iter().find(|(space, name, _)| is_in(*space) && *name == element.name);
    known.map(|(.., canonical)| *canonical)
}

/// A text, and whether it is HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    Plain(String),
    Html(String),
}

/// The text of an element as its attributes say that it is to be taken; `None` when there is none.
pub(super) fn body(element: &Element, is_atom: bool) -> Option<Body> {
    let kind = element.attribute("type").unwrap_or_default().to_ascii_lowercase();
    let has_markup = element.elements().next().is_some();
    let is_text =
        kind.is_empty() || kind.starts_with("text") || kind.contains("html") || kind.contains("xml") || kind == "plain";
    let is_base64 = element.attribute("mode") == Some("base64") || !is_text && kind.contains('/');
    if is_base64
        && !has_markup
        && let Some(text) = from_base64(&element.text())
    {
        return Some(Body::Html(text));
    }
    if has_markup {
        return given(inner_html(element)).map(Body::Html);
    }
    let text = given(element.text())?;
    Some(match kind.as_str() {
        // Only Atom says what its texts are; in RSS they are HTML, or shall be taken for what they look like.
        _ if !is_atom && !is_atom_text(element) => Body::Html(text),
        "" | "text" | "plain" | "text/plain" => Body::Plain(text),
        "xhtml" | "application/xhtml+xml" => Body::Html(escaped(&text).into_owned()),
        _ => Body::Html(text),
    })
}

/// Whether an element in RSS is one of Atom's texts, not RSS in Atom's namespace.
fn is_atom_text(element: &Element) -> bool {
    element.space == Space::Atom && matches!(element.name.as_str(), "summary" | "content")
}

fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn from_base64(text: &str) -> Option<String> {
    let dense: String = text.split_whitespace().collect();
    String::from_utf8(BASE64.decode(dense.as_bytes()).ok()?).ok().map(|text| text.trim().to_owned())
}

/// What stands in an element as HTML; the one `<div>` around XHTML content (RFC 4287 §3.1.1.3) is not part of it.
fn inner_html(element: &Element) -> String {
    let mut parts = element.children.iter().filter(|node| !matches!(node, Node::Text(text) if text.trim().is_empty()));
    let inside = match (parts.next(), parts.next()) {
        (Some(Node::Element(only)), None) if only.name == "div" => only,
        _ => element,
    };
    let mut html = String::new();
    push_html(inside, &mut html);
    html.trim().to_owned()
}

/// Writes markup as feed-rs writes it, so that content reads the same however its document was read.
fn push_html(element: &Element, out: &mut String) {
    for node in &element.children {
        match node {
            Node::Text(text) => out.push_str(&quick_xml::escape::minimal_escape(text.as_str())),
            Node::Element(inner) => {
                out.extend(["<", inner.written()]);
                for (name, value) in &inner.attributes {
                    out.extend([" ", name, "=\"", &value.replace('"', "&quot;"), "\""]);
                }
                out.push('>');
                if !VOID.contains(&inner.name.as_str()) {
                    push_html(inner, out);
                    out.extend(["</", inner.written(), ">"]);
                }
            }
        }
    }
}

/// Text as it stands in markup.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    quick_xml::escape::escape(text)
}

/// A person: name, mail address, address of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) uri: String,
}

/// The person that an element names, in Atom's way or in one line.
pub(super) fn person(element: &Element) -> Named {
    if element.elements().next().is_none() {
        return one_line_person(&element.text());
    }
    let part = |names: &[&str]| {
        element.elements().find(|part| names.contains(&part.name.as_str())).map(Element::text).unwrap_or_default()
    };
    Named { name: part(&["name"]), email: part(&["email"]), uri: part(&["uri", "url", "homepage"]) }
}

/// `jane@example.org (Jane)`, `Jane <jane@example.org>`, `Jane`. No `@` is left in the name, where feed-rs would look for an
/// address again and panic when a dash stands beside it.
fn one_line_person(line: &str) -> Named {
    let is_edge = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '@' | '.' | '_' | '%' | '+' | '-');
    let email = line
        .split(is_edge)
        .find(|word| word.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.')));
    let without_address = |part| -> &str {
        let word = str::trim_end_matches(part, is_edge);
        if word.contains('@') { &part[word.len()..] } else { part }
    };
    let name: String = line.split_inclusive(is_edge).map(without_address).collect();
    let name = name.replace("mailto:", " ");
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = match email {
        Some(_) => name.trim_matches(|c: char| c.is_whitespace() || "()<>[],;:\"".contains(c)),
        None => name.as_str(),
    };
    Named { name: name.to_owned(), email: email.unwrap_or_default().to_owned(), uri: String::new() }
}

/// feed-rs writes `<br/>` of XHTML as `<br></br>`, which HTML reads as two.
pub(super) fn without_void_ends(html: String) -> String {
    if !html.contains("></") {
        return html;
    }
    VOID.iter()
        .map(|name| format!("></{name}>"))
        .fold(html, |html, end| if html.contains(&end) { html.replace(&end, ">") } else { html })
}

/// Whether a text without a declared type is HTML: it closes an element, or holds a reference.
pub(super) fn looks_like_html(text: &str) -> bool {
    let closes = text.contains("</") || text.contains("/>") || text.contains("<br") || text.contains("<p>");
    closes
        || text.split('&').skip(1).any(|rest| {
            rest.split_once(';').is_some_and(|(name, _)| {
                let name = name.strip_prefix('#').unwrap_or(name);
                (1..=12).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric())
            })
        })
}

/// A line of text that may be HTML, as plain text.
pub(super) fn plain(text: &str) -> String {
    // A title of four thousand characters is none; html5ever would take a while for the attributes of a tag in it.
    let text: Cow<'_, str> =
        if text.len() > 4_096 { text.chars().take(1_000).collect::<String>().into() } else { text.into() };
    if looks_like_html(&text) { characters(&text).trim().to_owned() } else { text.into_owned() }
}
