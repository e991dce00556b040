//! An edition as an Atom `<entry>` (RFC 4287), and HTML as XHTML and as plain text.
//!
//! Pure. What clients need of the payload is in `tests/payload.rs`, one test a rule.

mod address;
mod content;
mod html;
mod links;
pub mod lint;
mod message;
pub mod read;
mod shorten;
mod text;
mod tidy;
mod tree;
mod xhtml;
mod xml;

use std::collections::HashSet;

use chrono::SecondsFormat;
use minidom::Element;
use url::Url;

use crate::feed::{Category, Edition, Person, Text, Time};

use self::address::Place;
use self::content::Content;
use self::xml::{fold, is_blank, set, set_lang, texted};

pub use self::message::message;
pub use self::xml::{ATOM, PUBSUB, XHTML};

/// An entry is rendered on one of three rungs: 0 whole, 1 shortened, 2 title and link only.
pub const LAST_RUNG: u8 = 2;

/// On rung 1 an entry takes less than this as XML.
pub const SHORTENED_BYTES: usize = 60_000;

/// How [`SHORTENED_BYTES`] are shared out; what is left is for title, author, dates and source.
const XHTML_BYTES: usize = 20_000;
const TEXT_BYTES: usize = 8_000;
const TARGET_BYTES: usize = 1_000;
const LINK_BYTES: usize = 8_000;
const CATEGORY_BYTES: usize = 3_000;

/// Bounds of single lines, in characters.
const MAX_LINE: usize = 500;
const MADE_TITLE: usize = 100;

/// How entries are rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// `author-uri = "publisher"`: the bare JID to put into `<author><uri>`.
    pub author_uri: Option<String>,
    /// `summary = "text"`: a plain-text `<summary>` beside the content.
    pub has_summary: bool,
    /// Template of the title: `{title}`, `{feed}`.
    pub title: String,
}

impl Default for Style {
    fn default() -> Self {
        Self { author_uri: None, has_summary: false, title: "{title}".to_owned() }
    }
}

/// The item to publish: `<item id='…'><entry …/></item>`.
pub fn item(edition: &Edition, style: &Style, rung: u8) -> Element {
    let mut item = Element::builder("item", PUBSUB).append(render(edition, style, rung)).build();
    set(&mut item, "id", &edition.item.0);
    item
}

/// The entry on a rung. Title, dates and link are on each.
pub fn render(edition: &Edition, style: &Style, rung: u8) -> Element {
    let entry = &edition.entry;
    let place = Place::of(entry, &edition.source);
    let content = Content::of(entry, &place);
    let target = links::target(entry, &place).filter(|target| rung == 0 || target.len() <= TARGET_BYTES);
    let title = title_of(edition, style, &content, target.as_deref());
    let mut element = Element::bare("entry", ATOM);
    if let Some(lang) = entry.lang.as_deref().or(edition.source.lang.as_deref()) {
        set_lang(&mut element, lang);
    }
    let mut append = |child: Element| element.append_node(child.into());
    append(plain("title", &title));
    append(texted("id", &id_of(edition)));
    append(texted("published", &date(edition.published)));
    append(texted("updated", &date(edition.updated)));
    append(author(edition, style));
    fitting(links::of(entry, &place, rung == LAST_RUNG), rung, LINK_BYTES).for_each(&mut append);
    if style.has_summary {
        append(plain("summary", &content.summary(entry).unwrap_or(title.clone())));
    }
    let (xhtml, text) = content.on_rung(rung, target.as_deref(), &title);
    append(xhtml::content(xhtml));
    append(plain("content", &text));
    if rung < LAST_RUNG {
        fitting(categories(edition), rung, CATEGORY_BYTES).for_each(&mut append);
    }
    if let Some(rights) = entry.rights.as_ref().map(one_line).filter(|rights| !is_blank(rights)) {
        append(plain("rights", &rights));
    }
    append(source(edition));
    element
}

/// The title as [`render`] writes it: one line, never empty.
pub fn title(edition: &Edition, style: &Style) -> String {
    let place = Place::of(&edition.entry, &edition.source);
    let target = links::target(&edition.entry, &place);
    title_of(edition, style, &Content::of(&edition.entry, &place), target.as_deref())
}

/// The web page of the entry, absolute and ASCII.
pub fn web_link(edition: &Edition) -> Option<String> {
    links::web_page(&edition.entry, &Place::of(&edition.entry, &edition.source))
}

fn title_of(edition: &Edition, style: &Style, content: &Content, target: Option<&str>) -> String {
    let own = edition.entry.title.as_ref().map(one_line);
    let made = || text::cut(&text::first_line(&content.xhtml), MADE_TITLE);
    let feed = feed_title(edition);
    let title = own
        .filter(|title| !is_blank(title))
        .or_else(|| Some(made()).filter(|title| !is_blank(title)))
        .or_else(|| target.map(str::to_owned))
        .unwrap_or_else(|| feed.clone());
    let styled = fold(&style.title.replace("{feed}", &feed).replace("{title}", &title));
    let styled = if is_blank(&styled) { title } else { styled };
    match text::cut(&styled, MAX_LINE) {
        // Movim takes a lone heart for a "like" of another post.
        heart if heart == "♥" => "♥\u{FE0F}".to_owned(),
        title => title,
    }
}

/// The entry's own id; a URN of the item when it has none.
fn id_of(edition: &Edition) -> String {
    let own = edition.entry.id.as_deref().map(fold).filter(|id| !is_blank(id) && id.len() <= MAX_LINE);
    own.unwrap_or_else(|| format!("urn:tidings:item:{}", edition.item))
}

/// RFC 3339 in whole seconds: Converse sorts dates as text.
fn date(time: Time) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// One author, by name only: Libervia drops an entry whose author has a web address, Converse shows it as a repost.
fn author(edition: &Edition, style: &Style) -> Element {
    let names = |persons: &[Person]| {
        let name = |person: &Person| person.name.clone().filter(|name| !is_blank(name)).or(person.email.clone());
        let mut names: Vec<String> = persons.iter().filter_map(name).map(|name| fold(&name)).collect();
        names.retain(|name| !is_blank(name));
        names.dedup();
        Some(names.join(", ")).filter(|names| !names.is_empty())
    };
    let name = names(&edition.entry.authors).or_else(|| names(&edition.source.authors));
    let name = text::cut(&name.unwrap_or_else(|| feed_title(edition)), MAX_LINE);
    let mut author = Element::builder("author", ATOM).append(texted("name", &name)).build();
    if let Some(publisher) = &style.author_uri {
        author.append_child(texted("uri", &format!("xmpp:{publisher}")));
    }
    author
}

fn feed_title(edition: &Edition) -> String {
    let own = edition.source.title.as_deref().map(fold).filter(|title| !is_blank(title));
    own.map_or_else(|| edition.feed.to_string(), |title| text::cut(&title, MAX_LINE))
}

/// The entry's categories and the feed's tags, each term once.
fn categories(edition: &Edition) -> Vec<Element> {
    let tags = edition.tags.iter().map(|tag| Category { term: tag.clone(), ..Category::default() });
    let mut seen = HashSet::new();
    let element = |category: Category| {
        let words = |text: &str| Some(fold(text)).filter(|text| !is_blank(text));
        let label = category.label.as_deref().and_then(words);
        let term = words(&category.term).or(label.clone())?;
        let mut element = Element::bare("category", ATOM);
        set(&mut element, "term", &term);
        let attributes = [("label", label), ("scheme", category.scheme.as_deref().and_then(words))];
        for (name, value) in attributes {
            value.into_iter().for_each(|value| set(&mut element, name, &value));
        }
        seen.insert(term.to_lowercase()).then_some(element)
    };
    edition.entry.categories.iter().cloned().chain(tags).filter_map(element).collect()
}

/// The feed that the entry came from. It stands last, since RSS Guard takes the first title and date that it finds; and it
/// names no address that may hold a token.
fn source(edition: &Edition) -> Element {
    let meta = &edition.source;
    let public = |address: &Option<String>| address::public(address.as_deref()?).filter(|url| url.len() <= MAX_LINE);
    let own = meta.id.clone().filter(|id| !is_blank(id) && id.len() <= MAX_LINE);
    let is_address = own.as_deref().is_some_and(|id| Url::parse(id).is_ok_and(|url| address::is_web(&url)));
    let id = if is_address { public(&own) } else { own.as_deref().map(fold) };
    let id = id.or_else(|| public(&meta.self_link)).or_else(|| public(&meta.link));
    let mut source = Element::bare("source", ATOM);
    source.append_child(texted("id", &id.unwrap_or_else(|| format!("urn:tidings:feed:{}", edition.feed))));
    source.append_child(texted("title", &feed_title(edition)));
    source.append_child(texted("updated", &date(meta.updated.unwrap_or(edition.updated))));
    if let Some(address) = public(&meta.self_link) {
        source.append_child(links::link("self", &address));
    }
    source
}

fn one_line(text: &Text) -> String {
    let line = match text {
        Text::Plain(text) => fold(text),
        Text::Html(html) => text::line(&xhtml::sanitise(html, &Place::default())),
    };
    text::cut(&line, MAX_LINE)
}

/// A text construct of plain text (RFC 4287 §3.1.1.1).
fn plain(name: &str, text: &str) -> Element {
    let mut element = texted(name, text);
    set(&mut element, "type", "text");
    element
}

/// On the upper rungs the first elements that take no more than so many bytes.
fn fitting(elements: Vec<Element>, rung: u8, max_bytes: usize) -> impl Iterator<Item = Element> {
    let mut room = max_bytes;
    elements.into_iter().filter(move |element| {
        if rung == 0 {
            return true;
        }
        let bytes = String::from(element).len();
        let fits = bytes <= room;
        room -= if fits { bytes } else { 0 };
        fits
    })
}
