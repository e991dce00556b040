//! The content of an entry in the two forms that together show in every client: XHTML, then plain text.
//!
//! Never `html`: Movim garbles it, and beside a text Libervia drops the item. Neither form is ever empty.

use minidom::Node;

use crate::feed::{Entry, Text};

use super::address::Place;
use super::shorten::{shorten, shorten_text};
use super::xml::{clean, is_blank};
use super::{LAST_RUNG, MAX_LINE, TEXT_BYTES, XHTML_BYTES, text, xhtml};

/// What an entry says, both forms whole; both empty when it says nothing.
pub(super) struct Content {
    pub(super) xhtml: Vec<Node>,
    text: String,
}

impl Content {
    /// The content; the summary, when that is all there is.
    pub(super) fn of(entry: &Entry, place: &Place) -> Self {
        let texts = [&entry.content, &entry.summary].into_iter().flatten();
        let mut contents = texts.map(|text| Self::read(text, place));
        contents.find(|content| !is_blank(&content.text)).unwrap_or(Self { xhtml: Vec::new(), text: String::new() })
    }

    fn read(text: &Text, place: &Place) -> Self {
        match text {
            Text::Plain(text) => Self { xhtml: xhtml::paragraphs(text), text: clean(text.trim()).into_owned() },
            Text::Html(html) => {
                let xhtml = xhtml::sanitise(html, place);
                Self { text: text::plain(&xhtml), xhtml }
            }
        }
    }

    /// The first words, for clients that make a chat message of an item; the entry's own summary when it has one.
    pub(super) fn summary(&self, entry: &Entry) -> Option<String> {
        let own = entry.summary.as_ref().map(|text| Self::read(text, &Place::default()).text);
        let words = own.filter(|own| !is_blank(own)).unwrap_or_else(|| self.text.clone());
        (!is_blank(&words)).then(|| text::cut(&words, MAX_LINE))
    }

    /// Both forms as a rung allows: whole; shortened, with the link; the link alone.
    pub(super) fn on_rung(self, rung: u8, link: Option<&str>, title: &str) -> (Vec<Node>, String) {
        if rung >= LAST_RUNG || is_blank(&self.text) {
            return match link {
                Some(link) => (vec![xhtml::link(link)], link.to_owned()),
                None => (xhtml::paragraphs(title), title.to_owned()),
            };
        }
        if rung == 0 {
            return (self.xhtml, self.text);
        }
        let (mut xhtml, is_cut) = shorten(self.xhtml, XHTML_BYTES);
        let (mut text, is_text_cut) = shorten_text(&self.text, TEXT_BYTES);
        if let Some(link) = link {
            if is_cut {
                xhtml.push(xhtml::link(link));
            }
            if is_text_cut {
                text.push_str(&format!("\n{link}"));
            }
        }
        (xhtml, text)
    }
}
