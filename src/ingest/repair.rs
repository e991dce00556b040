//! Any feed document to one that feed-rs reads right: RSS of every version, RDF and CDF to RSS 2.0, Atom drafts to Atom 1.0.
//!
//! The tolerant tree is written out again as canonical XML and read by feed-rs like any other document, rather than mapped to
//! entries here: so an entry reads the same whether its document is clean today or broken tomorrow, and a stray `&` makes
//! neither news nor edits. Nothing is written that feed-rs is known to refuse.

use url::Url;

use super::flaws::MAX_ENTRIES;
use super::namespace::Space;
use super::tree::{Element, Tree, grow};
use super::wording::{Body, Role, body, escaped, feed_role, passed, person, role};
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
    if is_truncated && parts.entries.len() > 1 && parts.entries.last().is_some_and(|(entry, _)| entry.is_open) {
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
        write_entry(&mut writer, entry, is_atom);
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
            "items" | "" => {}
            _ => return,
        }
        for inner in element.elements() {
            self.collect(inner, &scope);
        }
    }
}

fn write_feed(writer: &mut Writer, feed: &Element) {
    for field in feed.elements() {
        match feed_role(field) {
            Some(Role::Link) => writer.link(field),
            Some(Role::Author) => writer.feed_person(&person(field)),
            Some(role @ (Role::Title | Role::Summary)) => {
                if let Some(body) = body(field, writer.is_atom()) {
                    writer.feed_text(role, &body);
                }
            }
            Some(role) => writer.feed_text(role, &Body::Plain(field.text())),
            None if passed(field).is_some() => writer.copy(field),
            None => {}
        }
    }
    if let Some(address) = feed.attribute("href") {
        writer.page(address);
    }
}

fn write_entry(writer: &mut Writer, entry: &Element, is_atom: bool) {
    // One element of each kind: that of the best vocabulary, the last one of these as feed-rs does it.
    let mut best: [Option<(u8, &Element)>; Role::COUNT] = [None; Role::COUNT];
    let mut has_link = false;
    for field in entry.elements() {
        match role(field) {
            Some((Role::Link, _)) => {
                has_link = true;
                writer.link(field);
            }
            Some((Role::Author, _)) => writer.person(&person(field)),
            Some((Role::Category, _)) => writer.category(field),
            Some((role, rank)) => {
                let slot = &mut best[role as usize];
                let says = role == Role::Content && field.attribute("src").is_some() || !field.children.is_empty();
                if says && slot.is_none_or(|(known, _)| rank <= known) {
                    *slot = Some((rank, field));
                }
            }
            None if passed(field).is_some() => writer.copy(field),
            None => {}
        }
    }
    write_identity(writer, entry, best[Role::Id as usize].map(|(_, id)| id), has_link);
    for (role, field) in Role::ALL.into_iter().zip(best).filter_map(|(role, slot)| Some((role, slot?.1))) {
        match role {
            Role::Id => {}
            Role::Published | Role::Updated => writer.text(role, &Body::Plain(field.text()), field),
            Role::Content if is_atom && field.attribute("src").is_some() => writer.out_of_line(field),
            _ => {
                // Atom says what is plain text; RSS has HTML here.
                let body = body(field, is_atom || field.space == Space::Atom && role == Role::Content);
                match body {
                    Some(Body::Plain(text)) if !is_atom && field.space == Space::Atom && role == Role::Content => {
                        writer.text(role, &Body::Html(escaped(&text).into_owned()), field);
                    }
                    Some(body) => writer.text(role, &body, field),
                    None => {}
                }
            }
        }
    }
    if let Some(date) = entry.attribute("lastmod").filter(|_| best[Role::Published as usize].is_none()) {
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
