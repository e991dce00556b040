//! A received Atom `<entry>` as something to print, and what is wrong with it.
//!
//! Whoever published it may be no friend: nothing here recurses deeper than [`DEPTH`], and every text is clean.

use chrono::{DateTime, Utc};
use minidom::{Element, Node};

use crate::feed::{Link, Time};

use super::address::Place;
use super::text;
use super::tree::DEPTH;
use super::xhtml::sanitise;
use super::xml::{ATOM, XHTML, clean, fold, is_blank};

/// What a reader wants to know of an entry; texts are clean, lines are folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// `<id>`.
    pub id: Option<String>,
    /// `<title>`, as plain text.
    pub title: Option<String>,
    /// `<published>`.
    pub published: Option<Time>,
    /// `<updated>`.
    pub updated: Option<Time>,
    /// Names of the authors.
    pub author: Option<String>,
    /// Address of the alternate link.
    pub link: Option<String>,
    /// Content or summary as plain text; may be empty.
    pub text: String,
    /// Files that come with it.
    pub enclosures: Vec<Link>,
    problems: Vec<String>,
}

impl Received {
    /// Reads an entry; of one that is not valid as much as there is.
    pub fn read(entry: &Element) -> Self {
        let texts = |name| all(entry, name).map(text_construct).filter(|text| !is_blank(text));
        let date = |name| all(entry, name).find_map(|element| instant(&element.text()));
        let names: Vec<String> =
            all(entry, "author").flat_map(|a| all(a, "name")).map(|name| fold(&name.text())).collect();
        let links: Vec<Link> = all(entry, "link").map(link).collect();
        let alternate = links.iter().find(|link| link.rel == "alternate" && !link.href.is_empty());
        Self {
            id: all(entry, "id").map(|id| fold(&id.text())).find(|id| !id.is_empty()),
            title: texts("title").next().map(|title| fold(&title)),
            published: date("published"),
            updated: date("updated"),
            author: Some(names.join(", ")).filter(|names| !names.is_empty()),
            link: alternate.map(|link| link.href.clone()),
            text: readable(entry),
            enclosures: links.into_iter().filter(|link| link.rel == "enclosure").collect(),
            problems: problems(entry),
        }
    }

    /// The date to show: of first publication, else of the last change.
    pub fn date(&self) -> Option<Time> {
        self.published.or(self.updated)
    }

    /// Why it is not a valid Atom entry (RFC 4287 §4.1.2); empty when it is. A second `<content>` of another type is
    /// taken as valid: pubsub clients need both.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

/// The content as text: the one that is text already, if there is one.
fn readable(entry: &Element) -> String {
    let contents = || all(entry, "content").chain(all(entry, "summary"));
    let is_text = |element: &&Element| matches!(element.attr("type"), None | Some("text"));
    let texts = contents().filter(is_text).chain(contents()).map(text_construct);
    texts.into_iter().find(|text| !is_blank(text)).unwrap_or_default()
}

/// A text construct (RFC 4287 §3.1) as plain text.
fn text_construct(element: &Element) -> String {
    match element.attr("type") {
        Some("html" | "text/html") => text::plain(&sanitise(&element.text(), &Place::default())),
        Some("xhtml") => {
            let nodes: Vec<Node> = element.nodes().map(|node| shallow(node, DEPTH)).collect();
            clean(&text::plain(&nodes)).into_owned()
        }
        _ => clean(element.text().trim()).into_owned(),
    }
}

/// The node down to a depth.
fn shallow(node: &Node, depth: usize) -> Node {
    let Node::Element(element) = node else { return node.clone() };
    let mut copy = Element::bare(element.name(), XHTML);
    *copy.attrs_mut() = element.attrs().clone();
    if depth > 0 {
        element.nodes().for_each(|child| copy.append_node(shallow(child, depth - 1)));
    }
    Node::Element(copy)
}

fn link(element: &Element) -> Link {
    let attribute = |name: &str| element.attr(name).map(fold).filter(|value| !value.is_empty());
    Link {
        href: attribute("href").unwrap_or_default(),
        rel: attribute("rel").unwrap_or_else(|| "alternate".to_owned()),
        media_type: attribute("type"),
        title: attribute("title"),
        length: attribute("length").and_then(|length| length.parse().ok()),
        lang: attribute("hreflang"),
    }
}

fn instant(text: &str) -> Option<Time> {
    DateTime::parse_from_rfc3339(text.trim()).ok().map(|date| date.with_timezone(&Utc))
}

fn all<'a>(parent: &'a Element, name: &'a str) -> impl Iterator<Item = &'a Element> {
    parent.children().filter(move |child| child.is(name, ATOM))
}

fn problems(entry: &Element) -> Vec<String> {
    let mut problems = Vec::new();
    if !entry.is("entry", ATOM) {
        return vec![format!("it is <{} xmlns='{}'>, not an Atom entry", fold(entry.name()), fold(&entry.ns()))];
    }
    for name in ["id", "title", "updated"] {
        match all(entry, name).count() {
            0 => problems.push(format!("it has no <{name}>")),
            1 => {}
            count => problems.push(format!("it has {count} <{name}> instead of one")),
        }
    }
    for name in ["published", "rights", "source", "summary"] {
        if all(entry, name).count() > 1 {
            problems.push(format!("it has more than one <{name}>"));
        }
    }
    if all(entry, "id").any(|id| id.text().trim().is_empty()) {
        problems.push("its <id> is empty".to_owned());
    }
    for name in ["published", "updated"] {
        let unreadable = all(entry, name).map(Element::text).filter(|date| instant(date).is_none());
        problems.extend(unreadable.map(|date| format!("its <{name}> is no RFC 3339 date: {:?}", fold(&date))));
    }
    problems.extend(problems_of_authors(entry));
    problems.extend(problems_of_content(entry));
    problems.extend(problems_of_links(entry));
    if all(entry, "category").any(|category| category.attr("term").is_none()) {
        problems.push("a <category> has no term".to_owned());
    }
    problems
}

fn problems_of_authors(entry: &Element) -> Option<String> {
    let mut authors =
        all(entry, "author").chain(all(entry, "source").flat_map(|source| all(source, "author"))).peekable();
    if authors.peek().is_none() {
        return Some("it has no <author>".to_owned());
    }
    let mut nameless = authors.filter(|author| all(author, "name").count() != 1);
    nameless.next().map(|_| "an <author> has no <name>, or several".to_owned())
}

fn problems_of_content(entry: &Element) -> Option<String> {
    let kinds: Vec<&str> = all(entry, "content").map(|content| content.attr("type").unwrap_or("text")).collect();
    let has_twice = kinds.iter().enumerate().any(|(at, kind)| kinds[..at].contains(kind));
    let is_bare = |content: &Element| content.attr("type") == Some("xhtml") && !content.has_child("div", XHTML);
    if has_twice {
        Some("it has two <content> of one type".to_owned())
    } else if all(entry, "content").any(is_bare) {
        Some("its XHTML <content> is not in a <div>".to_owned())
    } else if kinds.is_empty() && !all(entry, "link").any(|l| link(l).rel == "alternate") {
        Some("it has neither <content> nor an alternate <link>".to_owned())
    } else {
        None
    }
}

fn problems_of_links(entry: &Element) -> Option<String> {
    let links: Vec<Link> = all(entry, "link").map(link).collect();
    let alternates: Vec<_> = links.iter().filter(|l| l.rel == "alternate").map(|l| (&l.media_type, &l.lang)).collect();
    let has_twice = alternates.iter().enumerate().any(|(at, kind)| alternates[..at].contains(kind));
    if links.iter().any(|link| link.href.is_empty()) {
        Some("a <link> has no href".to_owned())
    } else {
        has_twice.then(|| "it has two alternate <link> of one type and language".to_owned())
    }
}
