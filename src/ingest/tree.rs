//! A tolerant tree of a feed document: whatever the markup, there is one.
//!
//! quick-xml tokenizes, told to let everything pass; what belongs where is decided here, by what feeds hold. Not by xml5ever
//! or html5ever, whose tokenizers compare each attribute of a tag with all before it: a tag of 10 MB would take hours.
//! Bounded: depth, elements, attributes of an element and declared prefixes have a most.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::flaws::MAX_DEPTH;
use super::mend::mend;
use super::namespace::{Declared, Space, declared_prefix};

/// Elements and attributes beyond these are not read: a thousand entries with five hundred each.
const MAX_NODES: usize = 500_000;
/// Attributes of an element beyond these are not read.
const MAX_ATTRIBUTES: usize = 64;

/// A document.
#[derive(Debug)]
pub(super) struct Tree {
    /// Holds the elements of the outermost level.
    pub(super) root: Element,
    /// Whether the document ends before its elements do.
    pub(super) is_truncated: bool,
}

/// An element.
#[derive(Debug)]
pub(super) struct Element {
    /// Its namespace.
    pub(super) space: Space,
    /// Its local name, lower case.
    pub(super) name: String,
    /// Its attributes, references resolved; names as written.
    pub(super) attributes: Vec<(String, String)>,
    /// What stands in it.
    pub(super) children: Vec<Node>,
    /// How it ended.
    pub(super) end: End,
    /// Its name as written, with prefix.
    tag: String,
}

/// How an element ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By its own end tag, or it needs none.
    Tagged,
    /// Because what it stands in ended, or what cannot stand in it began.
    Forgotten,
    /// The document ended before it did.
    Cut,
}

/// A part of an element.
#[derive(Debug)]
pub(super) enum Node {
    /// An element.
    Element(Element),
    /// Characters, references resolved.
    Text(String),
}

impl Element {
    fn new(space: Space, tag: String) -> Self {
        let name = local(&tag).to_ascii_lowercase();
        Self { space, name, tag, attributes: Vec::new(), children: Vec::new(), end: End::Cut }
    }

    /// Its local name as written; SVG minds the case.
    pub(super) fn written(&self) -> &str {
        local(&self.tag)
    }

    fn has_prefix(&self) -> bool {
        self.tag.contains(':')
    }

    /// Whether this is its name, without regard to case.
    fn is_tagged(&self, tag: &str) -> bool {
        self.tag.eq_ignore_ascii_case(tag)
    }

    /// An attribute that says something, trimmed; the case of its name is not looked at.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found =
            self.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
        found.filter(|value| !value.is_empty())
    }

    /// The elements in it.
    pub(super) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// All characters in it, trimmed.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.push_text(&mut text);
        text.trim().to_owned()
    }

    fn push_text(&self, out: &mut String) {
        for node in &self.children {
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Element(element) => element.push_text(out),
            }
        }
    }
}

fn local(tag: &str) -> &str {
    tag.rsplit(':').next().unwrap_or_default()
}

/// Elements that hold others all through a document. An end tag of anything else never reaches beyond them.
fn is_frame(name: &str) -> bool {
    matches!(name, "rss" | "rdf" | "feed" | "channel") || is_entry(name)
}

fn is_entry(name: &str) -> bool {
    matches!(name, "item" | "entry")
}

/// Elements with a line of text, which no sibling can stand in; when one seems to, the end tag was forgotten.
fn is_line(element: &Element) -> bool {
    !element.has_prefix()
        && matches!(
            element.name.as_str(),
            "title" | "link" | "guid" | "pubdate" | "comments" | "id" | "updated" | "published" | "issued" | "modified"
        )
}

/// HTML elements that have no end tag.
pub(super) const VOID: [&str; 10] = ["area", "br", "col", "embed", "hr", "img", "input", "meta", "param", "wbr"];

/// Reads a document.
pub(super) fn grow(text: &str) -> Tree {
    let text = mend(text);
    let mut reader = Reader::from_str(&text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut grower =
        Grower { stack: vec![Element::new(Space::Other, String::new())], declared: Declared::default(), nodes: 0 };
    let is_whole = loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => grower.open(&tag),
            Ok(Event::Empty(tag)) => {
                grower.open(&tag);
                grower.close(tag.name().as_ref());
            }
            Ok(Event::End(tag)) => grower.close(tag.name().as_ref()),
            Ok(Event::Text(text)) => grower.text(&text),
            Ok(Event::CData(text)) => grower.text(&text),
            Ok(Event::GeneralRef(reference)) => match reference.resolve_char_ref() {
                Ok(Some(c)) => grower.text(c.encode_utf8(&mut [0; 4])),
                _ => grower.text(quick_xml::escape::resolve_predefined_entity(&reference).unwrap_or_default()),
            },
            Ok(Event::Eof) => break true,
            Ok(_) => {}
            Err(_) => break false,
        }
        if grower.nodes > MAX_NODES {
            break false;
        }
    };
    let is_truncated = !is_whole || grower.stack.iter().any(|element| is_frame(&element.name));
    Tree { root: grower.finish(), is_truncated }
}

struct Grower {
    /// The open elements, outermost first; the first one is the document.
    stack: Vec<Element>,
    declared: Declared,
    nodes: usize,
}

impl Grower {
    fn open(&mut self, tag: &BytesStart<'_>) {
        self.nodes += 1;
        if self.stack.len() >= MAX_DEPTH {
            return;
        }
        let mut element = Element::new(Space::Rss, tag.name().as_ref().to_owned());
        for attribute in tag.html_attributes().with_checks(false).flatten().take(MAX_ATTRIBUTES) {
            let value =
                quick_xml::escape::unescape(&attribute.value).map_or_else(|_| attribute.value.to_string(), Into::into);
            element.attributes.push((attribute.key.as_ref().to_owned(), value));
        }
        self.nodes += element.attributes.len();
        self.close_forgotten(&element);
        self.declare(&element);
        element.space = self.space(&element.tag);
        self.stack.push(element);
        if self.stack.last().is_some_and(|top| VOID.contains(&top.name.as_str()) && !top.has_prefix()) {
            self.close_top(End::Tagged);
        }
    }

    /// Closes what cannot hold the new element.
    fn close_forgotten(&mut self, new: &Element) {
        if is_entry(&new.name)
            && let Some(at) = self.stack.iter().rposition(|open| open.is_tagged(&new.tag))
            && !self.stack[at..].iter().any(|open| is_xml_inside(open) || open.space == Space::Other)
        {
            while self.stack.len() > at {
                self.close_top(End::Forgotten);
            }
        }
        const LONGER: [&str; 6] = ["description", "summary", "content", "author", "category", "enclosure"];
        let is_field = is_line(new) || LONGER.contains(&new.tag.as_str());
        if is_field && self.stack.last().is_some_and(is_line) {
            self.close_top(End::Forgotten);
        }
    }

    fn declare(&mut self, element: &Element) {
        for (name, uri) in &element.attributes {
            let name = name.to_ascii_lowercase();
            let Some(prefix) = declared_prefix(&name) else { continue };
            // A namespace of nobody's on the outermost elements is a writer's idea of RSS.
            let space = match (Space::of_uri(uri), prefix) {
                (Space::Other, "") if self.stack.len() <= 2 => Space::Rss,
                (Space::Other, prefix) => Space::of_prefix(prefix),
                (space, _) => space,
            };
            self.declared.add(self.stack.len(), prefix, space);
        }
    }

    fn space(&self, tag: &str) -> Space {
        let prefix = tag.split_once(':').map_or("", |(prefix, _)| prefix);
        let usual = || if prefix.is_empty() { Space::Rss } else { Space::of_prefix(&prefix.to_ascii_lowercase()) };
        self.declared.find(prefix).unwrap_or_else(usual)
    }

    fn text(&mut self, text: &str) {
        let Some(top) = self.stack.last_mut().filter(|top| !top.tag.is_empty()) else { return };
        match top.children.last_mut() {
            Some(Node::Text(known)) => known.push_str(text),
            _ => top.children.push(Node::Text(text.to_owned())),
        }
    }

    /// Closes the innermost element of that name, and all in it; an end tag without one is not looked at.
    fn close(&mut self, tag: &str) {
        let is_far_reaching = is_frame(&local(tag).to_ascii_lowercase());
        for at in (1..self.stack.len()).rev() {
            if self.stack[at].is_tagged(tag) {
                while self.stack.len() > at + 1 {
                    self.close_top(End::Forgotten);
                }
                return self.close_top(End::Tagged);
            }
            if !is_far_reaching && is_frame(&self.stack[at].name) {
                return;
            }
        }
    }

    fn close_top(&mut self, end: End) {
        if self.stack.len() < 2 {
            return;
        }
        if let (Some(mut element), depth) = (self.stack.pop(), self.stack.len())
            && let Some(parent) = self.stack.last_mut()
        {
            element.end = end;
            self.declared.leave(depth);
            parent.children.push(Node::Element(element));
        }
    }

    fn finish(mut self) -> Element {
        while self.stack.len() > 1 {
            self.close_top(End::Cut);
        }
        self.stack.pop().unwrap_or_else(|| Element::new(Space::Other, String::new()))
    }
}

/// Atom content that is XML of its own, in which an entry may stand.
fn is_xml_inside(element: &Element) -> bool {
    element.name == "content"
        && element.attribute("type").is_some_and(|kind| kind.contains("xml") && !kind.contains("xhtml"))
}
