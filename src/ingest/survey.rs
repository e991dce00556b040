//! One pass over the markup before feed-rs: what feed-rs drops, and whether it would read the document right at all.
//!
//! The pass keeps no tree and allocates only for what it takes out, because every document pays for it.

use memchr::memmem;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use url::{ParseError, Url};

use crate::feed::Category;

use super::date;
use super::document::{Hints, Tombstone};
use super::extras::{Extras, attribute};
use super::flaws::{Flaws, Place, is_bad};
use super::namespace::{Declared, Space, declared_prefix};

/// What the pass found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Why feed-rs would read the document wrong, if so; the rest is of no use then.
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

/// Looks over a document; stops at the first thing that makes it unfit for feed-rs.
pub(super) fn survey(text: &str, base: Option<&Url>) -> Survey {
    let mut pass = Pass { bases: base.map(|base| (0, base.clone())).into_iter().collect(), ..Pass::default() };
    // Most feeds list no more; to grow is to copy.
    pass.survey.extras.reserve(64);
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    reader.config_mut().trim_markup_names_in_closing_tags = true;
    while pass.flaws.found.is_none() {
        match reader.read_event() {
            Ok(Event::Start(tag)) => {
                pass.open(&tag);
                if let Some(data) = pass_over_data(&mut reader, text) {
                    pass.text(data);
                }
            }
            Ok(Event::End(_)) => pass.close(),
            Ok(Event::Text(text)) => pass.text(&text),
            Ok(Event::CData(text)) => pass.text(&text),
            Ok(Event::GeneralRef(reference)) => match reference.resolve_char_ref() {
                Ok(Some(c)) if !is_bad(Some(c)) => pass.text(c.encode_utf8(&mut [0; 4])),
                Ok(None) => match quick_xml::escape::resolve_predefined_entity(&reference) {
                    Some(text) => pass.text(text),
                    None => pass.flaws.add("entities that XML does not know"),
                },
                _ => pass.flaws.add("impossible character references"),
            },
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(_) => pass.flaws.add("broken markup"),
        }
    }
    if pass.place.depth > 0 {
        pass.flaws.add("broken markup");
    }
    pass.survey.flaw = pass.flaws.found;
    pass.survey
}

/// Passes over the CDATA section that a start tag is followed by, if it is, and gives its text. quick-xml would stop at each
/// `>` of it, and contents are full of them.
fn pass_over_data<'a>(reader: &mut Reader<&[u8]>, text: &'a str) -> Option<&'a str> {
    let (before, rest) = text.split_at_checked(text.len() - reader.get_ref().len())?;
    // An element that is empty has an end yet to be told.
    let data = rest.strip_prefix("<![CDATA[").filter(|_| !before.ends_with("/>"))?;
    let end = memmem::find(data.as_bytes(), b"]]>")?;
    *reader.get_mut() = reader.get_ref().get(rest.len() - data.len() + end + 3..)?;
    Some(&data[..end])
}

/// What the text that is being read belongs to.
#[derive(Debug, Clone, Copy)]
enum Field {
    OriginalLink,
    Subject,
    Rights,
    Author,
    Language,
    UpdatePeriod,
    UpdateFrequency,
    SkipHour,
    SkipDay,
    /// Of the media right before it, or of all that stand with it.
    MediaTitle {
        is_inside: bool,
    },
}

#[derive(Debug, Default)]
struct Pass {
    survey: Survey,
    flaws: Flaws,
    place: Place,
    declared: Declared,
    /// The text that is being taken out, and the depth of its element.
    field: Option<(Field, usize, String)>,
    /// Depths where `xml:base` is set, and the addresses; 0 is the document's own.
    bases: Vec<(usize, Url)>,
    /// Depths where `xml:lang` is set, and the tags.
    langs: Vec<(usize, String)>,
    /// Depth of the `media:content` that is being read.
    media: Option<usize>,
    /// `sy:updatePeriod` in seconds and `sy:updateFrequency`.
    period: (Option<u32>, Option<u32>),
}

impl Pass {
    fn open(&mut self, tag: &BytesStart<'_>) {
        let whole = tag.name();
        let whole: &str = whole.as_ref();
        let (prefix, name) = whole.split_once(':').unwrap_or(("", whole));
        self.place.depth += 1;
        if self.place.depth == 1 {
            self.place.is_atom = matches!(name, "feed" | "entry");
        }
        // Most tags have no attributes.
        let raw = tag.attributes_raw();
        let is_outdated = !raw.is_empty() && raw.contains("xmlns") && self.declare(tag);
        let space = match self.declared.find(prefix) {
            Some(space) => space,
            None if prefix.is_empty() => self.place.native(),
            None => return self.flaws.add("undeclared prefixes"),
        };
        if self.place.entry.is_none() && matches!((space, name), (Space::Rss, "item") | (Space::Atom, "entry")) {
            self.place.entry = Some(self.place.depth);
        }
        self.flaws.open(self.place, space, [prefix, name], tag);
        if is_outdated {
            self.flaws.add("an outdated namespace");
        }
        if self.flaws.found.is_some() {
            return;
        }
        if !raw.is_empty() && raw.contains("xml:") {
            self.scope(tag);
        }
        match self.place.entry {
            None => self.open_feed_part(space, name, tag),
            Some(depth) if depth == self.place.depth => self.open_entry(),
            Some(_) => self.open_entry_part(space, name, tag),
        }
    }

    /// Takes note of the namespaces that a tag declares; says whether it is the root and one of them is out of use.
    fn declare(&mut self, tag: &BytesStart<'_>) -> bool {
        let mut is_outdated = false;
        for attribute in tag.attributes().with_checks(false).flatten() {
            if let Some(prefix) = declared_prefix(attribute.key.as_ref()) {
                let space = Space::exact(&attribute.value);
                is_outdated |= space == Space::Other && Space::of_uri(&attribute.value) != Space::Other;
                self.declared.add(self.place.depth, prefix, space);
            }
        }
        is_outdated && self.place.depth == 1
    }

    /// Takes note of `xml:base` and `xml:lang`.
    fn scope(&mut self, tag: &BytesStart<'_>) {
        let depth = self.place.depth;
        if let Some(base) = attribute(tag, "xml:base") {
            let outer = self.bases.last().map(|(_, outer)| outer);
            match Url::parse(base.trim()) {
                Ok(base) => self.bases.push((depth, base)),
                Err(ParseError::RelativeUrlWithoutBase) => {
                    let base = outer.and_then(|outer| outer.join(base.trim()).ok());
                    self.bases.extend(base.map(|base| (depth, base)));
                }
                Err(_) => self.flaws.add("an impossible xml:base"),
            }
        }
        if let Some(lang) = attribute(tag, "xml:lang").filter(|lang| !lang.trim().is_empty()) {
            if depth == 1 || depth == 2 && self.place.entry.is_none() && !self.place.is_atom {
                self.survey.lang = Some(lang.trim().to_owned());
            }
            self.langs.push((depth, lang.trim().to_owned()));
        }
    }

    /// The address that the document sets for what is being read, if it does.
    fn xml_base(&self) -> Option<String> {
        self.bases.last().filter(|(depth, _)| *depth > 0).map(|(_, base)| base.to_string())
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
            _ => {}
        }
    }

    fn open_entry(&mut self) {
        let lang = self.langs.last().map(|(_, lang)| lang.clone());
        self.survey.extras.push(Extras { lang, base: self.xml_base(), ..Extras::default() });
    }

    fn open_entry_part(&mut self, space: Space, name: &str, tag: &BytesStart<'_>) {
        let is_field = self.place.is_in_entry();
        match (space, name) {
            (Space::Rss, "guid") if is_field => {
                let is_opaque =
                    attribute(tag, "isPermaLink").is_some_and(|value| value.trim().eq_ignore_ascii_case("false"));
                self.extras(|extras| extras.is_permalink = Some(!is_opaque));
            }
            (Space::Feedburner, "origLink") => self.take(Field::OriginalLink),
            (Space::DublinCore, "subject") => self.take(Field::Subject),
            (Space::DublinCore, "rights") => self.take(Field::Rights),
            (Space::Itunes, "author") => self.take(Field::Author),
            (Space::Media, "title") => self.take(Field::MediaTitle { is_inside: self.media.is_some() }),
            (Space::Rss, "enclosure") if is_field => self.link(tag, ["url", "length"], "enclosure"),
            (Space::Media, "content") => {
                self.media = Some(self.place.depth);
                self.link(tag, ["url", "fileSize"], "enclosure");
            }
            (Space::Atom, "link") if is_field && !self.place.is_atom => {
                let rel = attribute(tag, "rel").unwrap_or_else(|| "alternate".to_owned());
                self.link(tag, ["href", "length"], rel.trim());
            }
            (Space::Atom, "content") if is_field => {
                let base = self.xml_base();
                self.extras(|extras| extras.base = base);
            }
            _ => {}
        }
    }

    fn extras(&mut self, change: impl FnOnce(&mut Extras)) {
        if let Some(extras) = self.survey.extras.last_mut() {
            change(extras);
        }
    }

    fn link(&mut self, tag: &BytesStart<'_>, attributes: [&str; 2], rel: &str) {
        let base = self.bases.last().map(|(_, base)| base);
        if let Some(extras) = self.survey.extras.last_mut() {
            extras.add_link(tag, attributes, rel, base);
        }
    }

    fn take(&mut self, field: Field) {
        self.field = Some((field, self.place.depth, String::new()));
    }

    fn text(&mut self, text: &str) {
        if let Some((.., taken)) = &mut self.field {
            taken.push_str(text);
        }
    }

    fn close(&mut self) {
        let depth = self.place.depth;
        if let Some((field, _, text)) = self.field.take_if(|(_, taken_at, _)| *taken_at == depth) {
            self.keep(field, text.trim());
        }
        self.flaws.close(self.place);
        self.media.take_if(|media| *media == depth);
        self.place.entry.take_if(|entry| *entry == depth);
        self.bases.pop_if(|(set_at, _)| *set_at == depth && depth > 0);
        self.langs.pop_if(|(set_at, _)| *set_at == depth);
        self.declared.leave(depth);
        self.place.depth = depth.saturating_sub(1);
    }

    fn keep(&mut self, field: Field, text: &str) {
        if text.is_empty() {
            return;
        }
        let owned = || text.to_owned();
        let hints = &mut self.survey.hints;
        match field {
            Field::OriginalLink => self.extras(|extras| extras.original_link = Some(owned())),
            Field::Rights => self.extras(|extras| extras.rights = Some(owned())),
            Field::Author => self.extras(|extras| extras.author = Some(owned())),
            Field::Subject => {
                self.extras(|extras| extras.categories.push(Category { term: owned(), ..Category::default() }));
            }
            Field::MediaTitle { is_inside } => self.extras(|extras| extras.title_enclosures(text, is_inside)),
            Field::Language => self.survey.lang = Some(owned()),
            Field::UpdatePeriod => self.period.0 = seconds_of(text),
            Field::UpdateFrequency => self.period.1 = text.parse().ok(),
            Field::SkipHour => {
                add_once(&mut hints.skip_hours, text.parse().ok().filter(|hour| *hour <= 24).map(|hour: u8| hour % 24))
            }
            Field::SkipDay => {
                let day = text.parse().ok().map(|day: chrono::Weekday| day.num_days_from_monday() as u8);
                add_once(&mut hints.skip_days, day);
            }
        }
        if let (Some(seconds), frequency) = self.period {
            self.survey.hints.update_seconds = Some((seconds / frequency.unwrap_or(1).max(1)).max(1));
        }
    }
}

fn add_once(known: &mut Vec<u8>, new: Option<u8>) {
    known.extend(new.filter(|new| !known.contains(new)));
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
