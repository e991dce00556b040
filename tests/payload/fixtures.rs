//! Editions to render.

use chrono::{DateTime, Utc};
use minidom::Element;
use tidings::atom::{self, Style};
use tidings::feed::{Edition, Entry, EntryKey, FeedId, FeedMeta, Link, Text};

pub(crate) fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// An edition of the harbour log that says what the entry says.
pub(crate) fn edition(entry: Entry) -> Edition {
    let key = EntryKey([0x52; 10]);
    Edition {
        feed: FeedId::new("harbour-log").unwrap(),
        key,
        item: key.item_id(),
        revision: 0,
        published: time("2026-11-02T07:15:00Z"),
        updated: time("2026-11-02T07:15:00Z"),
        tags: Vec::new(),
        entry,
        source: FeedMeta {
            id: Some("https://harbour.example/feed".to_owned()),
            title: Some("Harbour Log".to_owned()),
            self_link: Some("https://harbour.example/feed".to_owned()),
            link: Some("https://harbour.example/".to_owned()),
            ..FeedMeta::default()
        },
    }
}

pub(crate) fn html(html: &str) -> Entry {
    Entry { content: Some(Text::Html(html.to_owned())), ..Entry::default() }
}

pub(crate) fn titled(title: &str, content: &str) -> Entry {
    Entry { title: Some(Text::Plain(title.to_owned())), ..html(content) }
}

pub(crate) fn enclosure(href: &str, media_type: Option<&str>) -> Link {
    let media_type = media_type.map(str::to_owned);
    Link { href: href.to_owned(), rel: "enclosure".to_owned(), media_type, ..Link::default() }
}

pub(crate) fn render(entry: Entry) -> Element {
    atom::render(&edition(entry), &Style::default(), 0)
}

/// The entry as text, an element a line.
pub(crate) fn lines(entry: &Element) -> String {
    let line = |child: &Element| String::from(child).replace(" xmlns='http://www.w3.org/2005/Atom'", "");
    entry.children().map(line).collect::<Vec<_>>().join("\n")
}

/// The children of one name, a line each.
pub(crate) fn only(entry: &Element, name: &str) -> String {
    lines(entry).lines().filter(|line| line.starts_with(&format!("<{name}"))).collect::<Vec<_>>().join("\n")
}

/// What stands in the XHTML content's `<div>`.
pub(crate) fn xhtml(entry: &Element) -> String {
    let content = entry.children().find(|child| child.attr("type") == Some("xhtml")).unwrap();
    let div = String::from(content.children().next().unwrap());
    div.strip_prefix("<div xmlns='http://www.w3.org/1999/xhtml'>").unwrap().strip_suffix("</div>").unwrap().to_owned()
}

/// The plain-text content.
pub(crate) fn text(entry: &Element) -> String {
    let is_text = |child: &&Element| child.name() == "content" && child.attr("type") == Some("text");
    entry.children().find(is_text).unwrap().text()
}
