//! One pass over the markup before feed-rs: what feed-rs drops, and whether it would read the document right at all.
//!
//! The pass keeps no tree and allocates only for what it takes out, because every document pays for it.

use std::borrow::Cow;

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use url::Url;

use crate::feed::{Category, Link};

use super::date;
use super::document::{Hints, Tombstone};

/// Deeper than this no feed nests, and clients of a tree could run out of stack.
pub(super) const MAX_DEPTH: usize = 256;

/// What the pass found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Local name of the root element, lower case; empty when there is none.
    pub(super) root: String,
    /// Why feed-rs would read the document wrong, if so.
    pub(super) flaw: Option<&'static str>,
    /// What feed-rs drops of each entry, in the document's order.
    pub(super) extras: Vec<Extras>,
    /// What the document says of polling.
    pub(super) hints: Hints,
    /// Deleted entries (RFC 6721).
    pub(super) tombstones: Vec<Tombstone>,
    /// `fh:complete` (RFC 5005 §2).
    pub(super) is_complete: bool,
    /// Language of the feed, from `xml:lang` or `dc:language`.
    pub(super) lang: Option<String>,
}

/// What feed-rs drops of an entry.
#[derive(Debug, Default)]
pub(super) struct Extras {
    /// `isPermaLink` of the guid; `Some(true)` where RSS leaves it out.
    pub(super) is_permalink: Option<bool>,
    /// `feedburner:origLink`.
    pub(super) original_link: Option<String>,
    /// Enclosures, and `atom:link` inside an RSS item.
    pub(super) links: Vec<Link>,
    /// `dc:subject`.
    pub(super) categories: Vec<Category>,
    /// `xml:lang` in force.
    pub(super) lang: Option<String>,
    /// `xml:base` in force for the content, when the document sets one.
    pub(super) base: Option<String>,
}

/// The namespaces that tell something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Space {
    /// None, or RSS 1.0.
    Rss,
    Atom,
    DublinCore,
    Content,
    Syndication,
    Feedburner,
    Media,
    History,
    Tombstones,
    Other,
}

impl Space {
    fn of(resolved: &ResolveResult<'_>) -> Self {
        match resolved {
            ResolveResult::Unbound => Self::Rss,
            ResolveResult::Unknown(_) => Self::Other,
            ResolveResult::Bound(Namespace(uri)) => match *uri {
                "http://purl.org/rss/1.0/" => Self::Rss,
                "http://www.w3.org/2005/Atom" => Self::Atom,
                "http://purl.org/dc/elements/1.1/" => Self::DublinCore,
                "http://purl.org/rss/1.0/modules/content/" => Self::Content,
                "http://purl.org/rss/1.0/modules/syndication/" => Self::Syndication,
                "http://rssnamespace.org/feedburner/ext/1.0" => Self::Feedburner,
                "http://search.yahoo.com/mrss/" => Self::Media,
                "http://purl.org/syndication/history/1.0" => Self::History,
                "http://purl.org/atompub/tombstones/1.0" => Self::Tombstones,
                _ => Self::Other,
            },
        }
    }
}

/// What the text that is being read belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    OriginalLink,
    Subject,
    Language,
    UpdatePeriod,
    UpdateFrequency,
    SkipHour,
    SkipDay,
    MediaTitle,
}

/// Looks over a document; stops at the first thing that makes it unfit for feed-rs.
pub(super) fn survey(text: &str, base: Option<&Url>) -> Survey {
    let mut pass = Pass { bases: base.map(|base| (0, base.clone())).into_iter().collect(), ..Pass::default() };
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    reader.config_mut().trim_markup_names_in_closing_tags = true;
    while pass.survey.flaw.is_none() {
        match reader.read_resolved_event() {
            Ok((resolved, Event::Start(tag))) => pass.open(Space::of(&resolved), &resolved, &tag),
            Ok((_, Event::End(_))) => pass.close(),
            Ok((_, Event::Text(text))) => pass.text(&text),
            Ok((_, Event::CData(text))) => pass.text(&text),
            Ok((_, Event::GeneralRef(reference))) => match reference.resolve_char_ref() {
                Ok(Some(c)) => pass.text(c.encode_utf8(&mut [0; 4])),
                Ok(None) => match quick_xml::escape::resolve_predefined_entity(&reference) {
                    Some(text) => pass.text(text),
                    None => pass.flaw("entities that XML does not know"),
                },
                Err(_) => pass.flaw("impossible character references"),
            },
            Ok((_, Event::Eof)) => break,
            Ok(_) => {}
            Err(_) => pass.flaw("broken markup"),
        }
    }
    if pass.depth > 0 {
        pass.flaw("broken markup");
    }
    pass.survey
}

#[derive(Debug, Default)]
struct Pass {
    survey: Survey,
    depth: usize,
    is_atom: bool,
    /// Depth of the entry that is being read.
    entry: Option<usize>,
    /// Depth of the text element that is being read; nothing may nest in it.
    leaf: Option<usize>,
    /// The text that is being taken out, and the depth of its element.
    field: Option<(Field, usize, String)>,
    /// Depths where `xml:base` is set, and the addresses.
    bases: Vec<(usize, Url)>,
    /// Depths where `xml:lang` is set, and the tags.
    langs: Vec<(usize, String)>,
    /// `sy:updatePeriod` in seconds and `sy:updateFrequency`.
    period: (Option<u32>, Option<u32>),
}

impl Pass {
    fn flaw(&mut self, flaw: &'static str) {
        self.survey.flaw.get_or_insert(flaw);
    }

    fn open(&mut self, space: Space, resolved: &ResolveResult<'_>, tag: &BytesStart<'_>) {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.flaw("nested too deep");
        }
        if matches!(resolved, ResolveResult::Unknown(_)) {
            return self.flaw("undeclared prefixes");
        }
        let raw = tag.attributes_raw();
        // Both feed-rs and this pass look for duplicate attributes, which is quadratic.
        if raw.len() > 4096 && raw.bytes().filter(|b| *b == b'=').count() > 512 {
            return self.flaw("oversized tags");
        }
        let name = tag.local_name();
        let name: &str = name.as_ref();
        if self.depth == 1 {
            self.open_root(space, name, tag);
        }
        if raw.contains("xml:") {
            self.scope(tag);
        }
        let space = if self.is_atom && space == Space::Rss { Space::Atom } else { space };
        let native = if self.is_atom { Space::Atom } else { Space::Rss };
        let level = self.entry.map_or(if self.is_atom { 2 } else { 3 }, |entry| entry + 1);
        if self.depth <= level && space != native && tag.name().prefix().is_none() {
            return self.flaw("an unknown default namespace");
        }
        if self.leaf.is_some() {
            return self.flaw("markup inside of text");
        }
        match (self.entry, space, name) {
            (None, Space::Rss, "item") | (None, Space::Atom, "entry") => self.open_entry(),
            (None, ..) => self.open_feed_part(space, name, tag),
            (Some(_), ..) => self.open_entry_part(space, name, tag),
        }
    }

    fn open_root(&mut self, space: Space, name: &str, tag: &BytesStart<'_>) {
        self.survey.root = name.to_ascii_lowercase();
        self.is_atom = matches!(name, "feed" | "entry");
        let version = attribute(tag, "version");
        match name {
            "rss" if !matches!(version.as_deref(), Some("2.0" | "0.91" | "0.92" | "")) => {
                self.flaw("an RSS version of its own")
            }
            "rss" => {}
            "feed" | "entry" if matches!(space, Space::Atom | Space::Rss) => {}
            "feed" | "entry" => self.flaw("Atom before 1.0"),
            "RDF" => self.flaw("RSS 1.0"),
            _ => self.flaw("an unknown root element"),
        }
    }

    /// Takes note of `xml:base` and `xml:lang`.
    fn scope(&mut self, tag: &BytesStart<'_>) {
        if let Some(base) = attribute(tag, "xml:base") {
            let parsed = match self.bases.last() {
                Some((_, outer)) => outer.join(base.trim()).ok(),
                None => Url::parse(base.trim()).ok(),
            };
            match parsed {
                Some(base) => self.bases.push((self.depth, base)),
                None => self.flaw("an impossible xml:base"),
            }
        }
        if let Some(lang) = attribute(tag, "xml:lang").filter(|lang| !lang.trim().is_empty()) {
            if self.depth == 1 {
                self.survey.lang = Some(lang.trim().to_owned());
            }
            self.langs.push((self.depth, lang.trim().to_owned()));
        }
    }

    fn open_entry(&mut self) {
        self.entry = Some(self.depth);
        self.survey.extras.push(Extras {
            lang: self.langs.last().map(|(_, lang)| lang.clone()),
            base: self.xml_base(),
            ..Extras::default()
        });
    }

    fn open_feed_part(&mut self, space: Space, name: &str, tag: &BytesStart<'_>) {
        match (space, name) {
            (Space::Syndication, "updatePeriod") => self.take(Field::UpdatePeriod),
            (Space::Syndication, "updateFrequency") => self.take(Field::UpdateFrequency),
            (Space::Rss, "hour") => self.take(Field::SkipHour),
            (Space::Rss, "day") => self.take(Field::SkipDay),
            (Space::DublinCore, "language") => self.take(Field::Language),
            (Space::History, "complete") => self.survey.is_complete = true,
            (Space::Tombstones, "deleted-entry") => {
                if let Some(id) = attribute(tag, "ref") {
                    let at = attribute(tag, "when").and_then(|when| date::parse(&when));
                    self.survey.tombstones.push(Tombstone { id: id.trim().to_owned(), at });
                }
            }
            (Space::Rss, "title" | "link" | "description") if self.depth == 3 => self.leaf = Some(self.depth),
            _ => {}
        }
    }

    fn open_entry_part(&mut self, space: Space, name: &str, tag: &BytesStart<'_>) {
        let is_child = self.entry.is_some_and(|entry| self.depth == entry + 1);
        if is_child && self.is_leaf(space, name, tag) {
            self.leaf = Some(self.depth);
        }
        let xml_base = self.xml_base();
        let Some(extras) = self.survey.extras.last_mut() else { return };
        match (space, name) {
            (Space::Rss, "guid") if is_child => {
                let is_opaque =
                    attribute(tag, "isPermaLink").is_some_and(|value| value.trim().eq_ignore_ascii_case("false"));
                extras.is_permalink = Some(!is_opaque);
            }
            (Space::Feedburner, "origLink") => self.take(Field::OriginalLink),
            (Space::DublinCore, "subject") => self.take(Field::Subject),
            (Space::Media, "title") => self.take(Field::MediaTitle),
            (Space::Rss, "enclosure") if is_child => self.link(tag, "url", "length", "enclosure"),
            (Space::Media, "content") => self.link(tag, "url", "fileSize", "enclosure"),
            (Space::Atom, "link") if is_child && !self.is_atom => {
                let rel = attribute(tag, "rel").unwrap_or_else(|| "alternate".to_owned());
                self.link(tag, "href", "length", rel.trim());
            }
            (Space::Atom, "content") if is_child => extras.base = xml_base,
            (Space::Atom, name) if is_child && !self.is_atom && name != "updated" => self.flaw("Atom elements in RSS"),
            _ => {}
        }
    }

    /// The address that the document sets for what is being read, if it does.
    fn xml_base(&self) -> Option<String> {
        self.bases.last().filter(|(depth, _)| *depth > 0).map(|(_, base)| base.to_string())
    }

    /// Whether feed-rs takes the element's first run of characters only.
    fn is_leaf(&self, space: Space, name: &str, tag: &BytesStart<'_>) -> bool {
        match (space, name) {
            (Space::Atom, "title" | "summary" | "content" | "rights") => {
                attribute(tag, "type").as_deref() != Some("xhtml")
            }
            (Space::Rss, "source" | "image" | "textInput") => false,
            (space, _) => matches!(space, Space::Rss | Space::DublinCore | Space::Content),
        }
    }

    /// Adds a link to the entry; one without an address is none.
    fn link(&mut self, tag: &BytesStart<'_>, href: &str, length: &str, rel: &str) {
        let Some(href) = attribute(tag, href).filter(|href| !href.trim().is_empty()) else { return };
        let href = match self.bases.last() {
            Some((_, base)) => base.join(href.trim()).map_or(href, String::from),
            None => href,
        };
        let link = Link {
            href,
            rel: rel.to_owned(),
            media_type: attribute(tag, "type").filter(|kind| !kind.trim().is_empty()),
            title: attribute(tag, "title"),
            length: attribute(tag, length).and_then(|length| length.trim().parse().ok()),
            lang: attribute(tag, "hreflang"),
        };
        if let Some(extras) = self.survey.extras.last_mut() {
            match extras.links.iter_mut().find(|known| known.href == link.href && known.rel == link.rel) {
                Some(known) => {
                    known.media_type = known.media_type.take().or(link.media_type);
                    known.length = known.length.or(link.length);
                }
                None => extras.links.push(link),
            }
        }
    }

    fn take(&mut self, field: Field) {
        self.field = Some((field, self.depth, String::new()));
    }

    fn text(&mut self, text: &str) {
        if let Some((.., taken)) = &mut self.field {
            taken.push_str(text);
        }
    }

    fn close(&mut self) {
        if let Some((field, _, text)) = self.field.take_if(|(_, depth, _)| *depth == self.depth) {
            self.keep(field, text.trim());
        }
        self.leaf.take_if(|depth| *depth == self.depth);
        self.entry.take_if(|depth| *depth == self.depth);
        self.bases.pop_if(|(depth, _)| *depth == self.depth);
        self.langs.pop_if(|(depth, _)| *depth == self.depth);
        self.depth = self.depth.saturating_sub(1);
    }

    fn keep(&mut self, field: Field, text: &str) {
        if text.is_empty() {
            return;
        }
        let entry = self.entry.and(self.survey.extras.last_mut());
        let hints = &mut self.survey.hints;
        match (field, entry) {
            (Field::OriginalLink, Some(extras)) => extras.original_link = Some(text.to_owned()),
            (Field::Subject, Some(extras)) => {
                extras.categories.push(Category { term: text.to_owned(), ..Category::default() });
            }
            (Field::MediaTitle, Some(extras)) => {
                for link in extras.links.iter_mut().filter(|link| link.rel == "enclosure") {
                    link.title.get_or_insert_with(|| text.to_owned());
                }
            }
            (Field::Language, _) => self.survey.lang = Some(text.to_owned()),
            (Field::UpdatePeriod, _) => self.period.0 = seconds_of(text),
            (Field::UpdateFrequency, _) => self.period.1 = text.parse().ok(),
            (Field::SkipHour, _) => {
                hints.skip_hours.extend(text.parse().ok().filter(|hour: &u8| *hour <= 24).map(|hour| hour % 24))
            }
            (Field::SkipDay, _) => {
                hints.skip_days.extend(text.parse().ok().map(|day: chrono::Weekday| day.num_days_from_monday() as u8))
            }
            _ => {}
        }
        if let (Some(seconds), frequency) = self.period {
            hints.update_seconds = Some((seconds / frequency.unwrap_or(1).max(1)).max(1));
        }
    }
}

/// `sy:updatePeriod` of the RSS 1.0 syndication module.
fn seconds_of(period: &str) -> Option<u32> {
    match period.to_ascii_lowercase().as_str() {
        "hourly" => Some(3_600),
        "daily" => Some(86_400),
        "weekly" => Some(604_800),
        "monthly" => Some(2_592_000),
        "yearly" => Some(31_536_000),
        _ => None,
    }
}

/// An attribute's value with its references resolved.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let raw = tag.try_get_attribute(name).ok()??.value;
    Some(quick_xml::escape::unescape(&raw).map_or_else(|_| raw.to_string(), Cow::into_owned))
}
