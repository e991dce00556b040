//! What feed-rs drops of an entry.

use std::borrow::Cow;

use quick_xml::events::BytesStart;
use url::Url;

use crate::feed::{Category, Link};

/// Links of an entry beyond these are not read; each is compared with all before it.
pub(super) const MAX_LINKS: usize = 100;

/// What the survey takes out for feed-rs.
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
    /// `itunes:author`.
    pub(super) author: Option<String>,
    /// `dc:rights` of an RSS item.
    pub(super) rights: Option<String>,
    /// `xml:lang` in force.
    pub(super) lang: Option<String>,
    /// `xml:base` in force for the content, when the document sets one.
    pub(super) base: Option<String>,
}

impl Extras {
    /// Adds the link that a tag holds in the named attributes; one without an address is none, and a known one is completed.
    pub(super) fn add_link(&mut self, tag: &BytesStart<'_>, [href, length]: [&str; 2], rel: &str, base: Option<&Url>) {
        let Some(href) = attribute(tag, href).filter(|href| !href.trim().is_empty()) else { return };
        let href = base.and_then(|base| base.join(href.trim()).ok()).map_or(href, String::from);
        let media_type = attribute(tag, "type").filter(|kind| !kind.trim().is_empty());
        let length = attribute(tag, length).and_then(|length| length.trim().parse().ok());
        let is_full = self.links.len() >= MAX_LINKS;
        match self.links.iter_mut().find(|known| known.href == href && known.rel == rel) {
            Some(known) => {
                known.media_type = known.media_type.take().or(media_type);
                known.length = known.length.or(length);
            }
            None if !is_full => {
                let (title, lang) = (attribute(tag, "title"), attribute(tag, "hreflang"));
                self.links.push(Link { href, rel: rel.to_owned(), media_type, title, length, lang });
            }
            None => {}
        }
    }

    /// Gives a title to the last enclosure, or to all, that have none.
    pub(super) fn title_enclosures(&mut self, title: &str, is_last_only: bool) {
        let first = if is_last_only { self.links.len().saturating_sub(1) } else { 0 };
        for link in self.links[first..].iter_mut().filter(|link| link.rel == "enclosure") {
            link.title.get_or_insert_with(|| title.to_owned());
        }
    }
}

/// An attribute's value with its references resolved.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let raw = tag.try_get_attribute(name).ok()??.value;
    Some(quick_xml::escape::unescape(&raw).map_or_else(|_| raw.to_string(), Cow::into_owned))
}
