//! Any feed document to one that feed-rs reads right: RSS of every version, RDF and CDF to RSS 2.0, Atom drafts to Atom 1.0.
//!
//! The tolerant tree is written out again as canonical XML and read by feed-rs like any other document, rather than mapped to
//! entries here: so an entry reads the same whether its document is clean today or broken tomorrow, and a stray `&` makes
//! neither news nor edits. Nothing is written that feed-rs is known to refuse.

use url::Url;

use super::flaws::MAX_ENTRIES;
use super::namespace::Space;
use super::tree::{Element, End, Tree, grow};
use super::wording::{Body, Role, body, feed_role, person, role};
use super::write::Writer;

/// A document as it should have been.
pub(super) struct Repaired {
    /// Canonical XML.
    pub(super) text: String,
    /// Whether the document was cut short.
    pub(super) is_truncated: bool,
}

/// What relative addresses are relative to, and the language; as the document says at some place.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// `None` when the document does not say.
    pub(super) base: Option<Url>,
    /// `None` when the document does not say.
    pub(super) lang: Option<String>,
}

impl Scope {
    fn inside(&self, element: &Element, document: Option<&Url>) -> Self {
        let base = element.attribute("xml:base").and_then(|base| match self.base.as_ref().or(document) {
            Some(outer) => outer.join(base).ok(),
            None => Url::parse(base).ok(),
        });
        let lang = element.attribute("xml:lang").map(str::to_owned);
        Self { base: base.or_else(|| self.base.clone()), lang: lang.or_else(|| self.lang.clone()) }
    }
}

/// Rewrites a document; `None` when nothing in it looks like a feed.
pub(super) fn repair(text: &str, base: Option<&Url>) -> Option<Repaired> {
    let Tree { root, is_truncated } = grow(text);
    let mut parts = Parts { base, feed: Vec::new(), entries: Vec::new(), is_atom: None };
    parts.collect(&root, &Scope::default());
    let is_atom = parts.is_atom?;
    // The last entry of a cut document is cut too; but better a cut entry than none.
    if is_truncated && parts.entries.len() > 1 && parts.entries.last().is_some_and(|(entry, _)| entry.end == End::Cut) {
        parts.entries.pop();
    }
    let mut writer = Writer::new(is_atom);
    let scope = parts.feed.last().map(|(_, scope)| scope.clone()).unwrap_or_default();
    writer.open_feed(&scope);
    for (element, _) in &parts.feed {
        write_feed(&mut writer, element);
    }
    for (entry, scope) in &parts.entries {
        writer.open_entry(scope);
        write_entry(&mut writer, entry);
        writer.close_entry();
    }
    Some(Repaired { text: writer.finish(), is_truncated })
}

/// The parts of a document, wherever they stand: RSS has its items inside of the channel, RDF beside it, others in a list.
struct Parts<'a, 'b> {
    base: Option<&'b Url>,
    feed: Vec<(&'a Element, Scope)>,
    entries: Vec<(&'a Element, Scope)>,
    is_atom: Option<bool>,
}

impl<'a> Parts<'a, '_> {
    fn collect(&mut self, element: &'a Element, outer: &Scope) {
        let is_native = matches!(element.space, Space::Rss | Space::Atom | Space::Rdf);
        let scope = outer.inside(element, self.base);
        match element.name.as_str() {
            "item" | "entry" if is_native => {
                self.is_atom.get_or_insert(element.name == "entry");
                if self.entries.len() < MAX_ENTRIES {
                    self.entries.push((element, scope));
                }
                return;
            }
            "feed" | "channel" | "rss" | "rdf" if is_native => {
                self.is_atom.get_or_insert(element.name == "feed");
                self.feed.push((element, scope.clone()));
            }
            "items" | "html" | "body" | "" => {}
            // Whoever forgets an end tag did not mean all that follows to stand inside.
            _ if element.end != End::Tagged => {}
            _ => return,
        }
        for inner in element.elements() {
            self.collect(inner, &scope);
        }
    }
}

/// The elements that say one thing each: of every role that of the best vocabulary, and of several the last one, as feed-rs
/// takes it; but the first title.
#[derive(Default)]
struct Chosen<'a>([Option<(u8, &'a Element)>; Role::COUNT]);

impl<'a> Chosen<'a> {
    fn consider(&mut self, role: Role, rank: u8, field: &'a Element) {
        let says = !field.children.is_empty() || field.attribute("src").is_some();
        let slot = &mut self.0[role as usize];
        let is_better = |known| rank < known || rank == known && role != Role::Title;
        if says && slot.is_none_or(|(known, _)| is_better(known)) {
            *slot = Some((rank, field));
        }
    }

    fn get(&self, role: Role) -> Option<&'a Element> {
        self.0[role as usize].map(|(_, field)| field)
    }
}

fn write_feed(writer: &mut Writer, feed: &Element) {
    let mut chosen = Chosen::default();
    for field in feed.elements() {
        match feed_role(field) {
            Some((Role::Link, _)) => writer.link(field),
            Some((Role::Author, _)) => writer.feed_person(&person(field)),
            Some((role, rank)) => chosen.consider(role, rank, field),
            None => writer.copy(field),
        }
    }
    for role in Role::ALL {
        if let Some(body) = chosen.get(role).and_then(|field| body(field, writer.is_atom())) {
            writer.feed_text(role, &body);
        }
    }
    if let Some(address) = feed.attribute("href") {
        writer.page(address);
    }
}

fn write_entry(writer: &mut Writer, entry: &Element) {
    let mut chosen = Chosen::default();
    let mut has_link = false;
    for field in entry.elements() {
        match role(field) {
            Some((Role::Link, _)) => {
                has_link = true;
                writer.link(field);
            }
            Some((Role::Author, _)) => writer.person(&person(field)),
            Some((Role::Category, _)) => writer.category(field),
            Some((role, rank)) => chosen.consider(role, rank, field),
            None => writer.copy(field),
        }
    }
    write_identity(writer, entry, chosen.get(Role::Id), has_link);
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Id) {
        let Some(field) = chosen.get(role) else { continue };
        if role == Role::Content && writer.is_atom() && field.attribute("src").is_some() {
            writer.out_of_line(field);
        } else if let Some(body) = body(field, writer.is_atom()) {
            writer.text(role, &body, field);
        }
    }
    // CDF has the date in an attribute.
    if let (Some(date), None) = (entry.attribute("lastmod"), chosen.get(Role::Published)) {
        writer.text(Role::Published, &Body::Plain(date.to_owned()), entry);
    }
}

/// The id: guid, id, or what RSS 1.0 says in `rdf:about`, which is an address unless shown otherwise.
fn write_identity(writer: &mut Writer, entry: &Element, id: Option<&Element>, has_link: bool) {
    let about = entry.attribute("rdf:about").or_else(|| entry.attribute("about"));
    match (id, about) {
        (Some(id), _) => {
            let is_opaque = id.attribute("ispermalink").is_some_and(|value| value.eq_ignore_ascii_case("false"));
            writer.id(&id.text(), !is_opaque);
        }
        (None, Some(about)) => writer.id(about, true),
        (None, None) => {}
    }
    if let Some(address) = entry.attribute("href").filter(|_| !has_link) {
        writer.page(address);
    }
}
