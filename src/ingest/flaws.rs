//! Whether feed-rs reads a document right: what it is known to refuse, to overlook or to mix up.
//!
//! Judged tag by tag while the survey passes; the first flaw ends the pass, and the document is repaired instead.

use quick_xml::events::BytesStart;

use super::decode::allowed;
use super::extras::attribute;
use super::mend::numbered;
use super::namespace::Space;

/// Deeper than this no feed nests, and whoever walks a tree of it could run out of stack.
pub(super) const MAX_DEPTH: usize = 256;
/// Feeds with more elements or entries are read by the tree, which stops in time: feed-rs keeps all.
const MAX_ELEMENTS: usize = 1_000_000;
pub(super) const MAX_ENTRIES: usize = 10_000;
/// A tag longer than this many bytes with more than so many attributes is no feed's, and feed-rs compares each with all.
const LONG_TAG: usize = 512;
const MAX_ATTRIBUTES: usize = 64;

/// Where in a document an element stands.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Place {
    /// 1 is the root.
    pub(super) depth: usize,
    /// Depth of the entry around it, or of itself when it is one.
    pub(super) entry: Option<usize>,
    /// Whether the document is Atom; else it is RSS.
    pub(super) is_atom: bool,
}

impl Place {
    /// Whether it is an entry.
    pub(super) fn is_entry(self) -> bool {
        self.entry == Some(self.depth)
    }

    /// Whether it stands right inside of an entry.
    pub(super) fn is_in_entry(self) -> bool {
        self.entry.is_some_and(|entry| self.depth == entry + 1)
    }

    /// Whether it stands where the feed's own elements do, not inside of a text.
    pub(super) fn is_above_text(self) -> bool {
        self.depth <= self.entry.map_or(if self.is_atom { 2 } else { 3 }, |entry| entry + 1)
    }

    /// The vocabulary of the document.
    pub(super) fn native(self) -> Space {
        if self.is_atom { Space::Atom } else { Space::Rss }
    }

    /// Whether a namespace is the document's vocabulary.
    pub(super) fn is_native(self, space: Space) -> bool {
        space == self.native()
    }
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Flaws {
    /// The first one.
    pub(super) found: Option<&'static str>,
    /// Depth of the text element that is being read; nothing may nest in it.
    leaf: Option<usize>,
    /// What the entry that is being read holds.
    holds: u8,
    elements: usize,
    entries: usize,
}

/// What an entry holds: a title, a title in another vocabulary, and so on.
mod holds {
    pub(super) const TITLE: u8 = 1;
    pub(super) const OTHER_TITLE: u8 = 2;
    pub(super) const DATE: u8 = 4;
    pub(super) const DC_DATE: u8 = 8;
    pub(super) const OTHER_DATE: u8 = 16;
    pub(super) const TEXT: u8 = 32;
    pub(super) const OTHER_TEXT: u8 = 64;
}

impl Flaws {
    /// Takes note of a flaw, unless there is one.
    pub(super) fn add(&mut self, flaw: &'static str) {
        self.found.get_or_insert(flaw);
    }

    /// Judges a start tag, given as prefix and local name too; `place` is where it stands.
    pub(super) fn open(&mut self, place: Place, space: Space, [prefix, name]: [&str; 2], tag: &BytesStart<'_>) {
        self.elements += 1;
        let raw = tag.attributes_raw();
        if place.depth == 1 {
            self.open_root(space, name, tag);
        }
        if place.depth > MAX_DEPTH || self.elements > MAX_ELEMENTS || self.entries > MAX_ENTRIES {
            self.add("too large");
        } else if is_oversized(raw) {
            self.add("oversized tags");
        } else if !raw.is_empty() && raw.contains('&') && holds_bad_reference(raw) {
            self.add("impossible references in attributes");
        } else if self.leaf.is_some() {
            self.add("markup inside of text");
        } else if place.is_above_text() && prefix.is_empty() && is_misread(name, place.is_native(space)) {
            self.add(if place.is_native(space) { "names in the wrong case" } else { "an unknown default namespace" });
        } else if place.is_entry() {
            self.entries += 1;
            self.holds = 0;
        } else if place.is_in_entry() {
            self.open_field(place, space, name, tag);
        } else if place.is_atom && place.entry.is_some() && has_awkward_quotes(raw) {
            self.add("quotes inside of attributes");
        } else if place.entry.is_none()
            && place.depth == 3
            && space == Space::Rss
            && matches!(name, "title" | "link" | "description")
        {
            self.leaf = Some(place.depth);
        }
    }

    fn open_root(&mut self, space: Space, name: &str, tag: &BytesStart<'_>) {
        let version = attribute(tag, "version");
        match name {
            "rss" if matches!(version.as_deref(), Some("2.0" | "0.91" | "0.92" | "")) => {}
            "rss" => self.add("an RSS version of its own"),
            "feed" | "entry" if matches!(space, Space::Atom | Space::Rss) => {}
            "feed" | "entry" => self.add("Atom before 1.0"),
            "RDF" => self.add("RSS 1.0"),
            _ => self.add("an unknown root element"),
        }
    }

    /// An element right inside of an entry.
    fn open_field(&mut self, place: Place, space: Space, name: &str, tag: &BytesStart<'_>) {
        let is_rss = !place.is_atom;
        let what = match (space, name) {
            _ if space == place.native() && name == "title" => holds::TITLE,
            (Space::DublinCore | Space::Terms | Space::Itunes | Space::Media, "title") => holds::OTHER_TITLE,
            (Space::Rss, "pubDate") | (Space::Atom, "published" | "updated") => holds::DATE,
            (Space::DublinCore, "date") => {
                if is_rss {
                    holds::DC_DATE
                } else {
                    holds::OTHER_DATE
                }
            }
            (Space::Terms, "date" | "issued" | "created" | "modified") => holds::OTHER_DATE,
            (Space::Rss, "description") | (Space::Content, "encoded") | (Space::Atom, "summary" | "content") => {
                holds::TEXT
            }
            (Space::DublinCore, "description") | (Space::Xhtml, "body" | "div") => holds::OTHER_TEXT,
            _ => 0,
        };
        // feed-rs takes the last one; others, and so people, the first.
        if what == holds::TITLE && self.holds & what != 0 {
            self.add("several titles");
        }
        self.holds |= what;
        match (space, name) {
            (Space::Atom, "link") if place.is_atom && attribute(tag, "href").is_none() => {
                self.add("links without an address")
            }
            (Space::Rss, "link") if is_rss && attribute(tag, "href").is_some() => self.add("Atom's links in RSS"),
            (Space::Atom, "link" | "updated") => {}
            (Space::Atom, _) if is_rss => self.add("Atom elements in RSS"),
            (
                Space::Rss,
                "id" | "published" | "issued" | "created" | "modified" | "summary" | "abstract" | "content" | "rights",
            ) if is_rss => {
                self.add("Atom's words in RSS");
            }
            _ => {}
        }
        // feed-rs takes the first run of characters of such an element, and no more.
        let is_leaf = match (space, name) {
            (Space::Atom, "title" | "summary" | "content" | "rights") => {
                attribute(tag, "type").as_deref() != Some("xhtml")
            }
            (Space::Rss, "source" | "image" | "textInput") => false,
            (space, _) => matches!(space, Space::Rss | Space::DublinCore | Space::Content),
        };
        if is_leaf {
            self.leaf = Some(place.depth);
        }
    }

    /// Judges an end tag.
    pub(super) fn close(&mut self, place: Place) {
        self.leaf.take_if(|depth| *depth == place.depth);
        if place.is_entry() {
            let has = |what: u8| self.holds & what != 0;
            let lacks = has(holds::OTHER_TITLE) && !has(holds::TITLE)
                || has(holds::OTHER_DATE) && !has(holds::DATE | holds::DC_DATE)
                || has(holds::OTHER_TEXT) && !has(holds::TEXT);
            // Of two dates feed-rs takes the last one.
            if lacks || has(holds::DATE) && has(holds::DC_DATE) {
                self.add("elements of several vocabularies");
            }
        }
    }
}

/// Whether a name says something to us, but not to feed-rs: in a namespace that it does not know, or in the wrong case.
fn is_misread(name: &str, is_native: bool) -> bool {
    const TELLING: [&str; 16] = [
        "channel",
        "item",
        "entry",
        "title",
        "link",
        "description",
        "guid",
        "pubDate",
        "id",
        "updated",
        "published",
        "issued",
        "modified",
        "summary",
        "content",
        "author",
    ];
    !(is_native && TELLING.contains(&name)) && TELLING.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn is_oversized(raw: &str) -> bool {
    raw.len() > LONG_TAG && raw.bytes().filter(|byte| *byte == b'=').count() > MAX_ATTRIBUTES
}

/// Whether an `&` is no reference, or one to what is no character or is taken out of texts. feed-rs then resolves none.
fn holds_bad_reference(raw: &str) -> bool {
    let numbers = raw.split('&').skip(1).filter_map(|rest| rest.split_once(';')).filter_map(|(name, _)| numbered(name));
    quick_xml::escape::unescape(raw).is_err() || numbers.into_iter().any(is_bad)
}

/// Whether a numeric reference must not be read as it stands.
pub(super) fn is_bad(character: Option<char>) -> bool {
    character.is_none_or(|c| allowed(c) != Some(c))
}

/// feed-rs writes the attributes of XHTML back without escaping them.
fn has_awkward_quotes(raw: &str) -> bool {
    !raw.is_empty() && (raw.contains("&quot;") || raw.contains("&#34;") || raw.contains("='") && raw.contains('"'))
}
