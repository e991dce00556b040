//! Texts and elements that may stand in a stanza.
//!
//! Every text of a payload goes through [`clean`]: the XML writer panics on a character that XML forbids, and a character
//! that turns the reading direction would turn a client's own words too.

use std::borrow::Cow;

use minidom::Element;
use minidom::rxml::{Namespace, NcName};

/// Namespace of Atom (RFC 4287).
pub const ATOM: &str = "http://www.w3.org/2005/Atom";
/// Namespace of XHTML.
pub const XHTML: &str = "http://www.w3.org/1999/xhtml";
/// Namespace of pubsub (XEP-0060).
pub const PUBSUB: &str = "http://jabber.org/protocol/pubsub";

/// An Atom element with a text.
pub(super) fn texted(name: &str, text: &str) -> Element {
    Element::builder(name, ATOM).append(clean(text).into_owned()).build()
}

/// Sets an attribute; a name that XML does not allow sets none.
pub(super) fn set(element: &mut Element, name: &str, value: &str) {
    if let Ok(name) = NcName::try_from(name) {
        element.set_attr(Namespace::NONE, name, clean(value).into_owned());
    }
}

/// Sets `xml:lang`, when the tag has the shape that BCP 47 asks for.
pub(super) fn set_lang(element: &mut Element, tag: &str) {
    let has_shape = tag.len() <= 35
        && tag.split('-').all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if has_shape && let Ok(name) = NcName::try_from("lang") {
        element.set_attr(Namespace::XML, name, tag);
    }
}

/// The text without what XML 1.0 §2.2 forbids or discourages, and without overrides of the reading direction. Line ends
/// become `\n`. Marks that only hint at a direction (U+200E, U+200F, U+061C) stay.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let text = if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    };
    let is_plain = text.bytes().all(|byte| matches!(byte, b'\t' | b'\n' | b' '..=b'~'));
    if is_plain || text.chars().all(may_stand) {
        text
    } else {
        Cow::Owned(text.chars().filter(|c| may_stand(*c)).collect())
    }
}

/// A line: clean, white space folded, nothing at its ends.
pub(super) fn fold(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a reader would see nothing of it. Spaces of no width do not count as something to see.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || !may_stand(c) || is_invisible(c))
}

fn may_stand(c: char) -> bool {
    let code = u32::from(c);
    let is_noncharacter = code & 0xFFFE == 0xFFFE || (0xFDD0..=0xFDEF).contains(&code);
    let turns_text = matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let is_byte_order_mark = c == '\u{FEFF}';
    matches!(c, '\t' | '\n') || !(c.is_control() || is_noncharacter || turns_text || is_byte_order_mark)
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
        | '\u{2060}'..='\u{2065}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_xml_forbids_or_that_turn_text_are_removed() {
        assert_eq!(clean("\u{FEFF}a\0b\u{8}c\u{B}\u{FFFE}\u{1FFFF}\u{85}\u{FDD0}d"), "abcd");
        assert_eq!(clean("user\u{202E}gpj.exe\u{2066}x\u{2069}"), "usergpj.exex");
        assert_eq!(clean("שלום\u{200F} and a tab\tstay"), "שלום\u{200F} and a tab\tstay");
        assert_eq!(clean("one\r\ntwo\rthree"), "one\ntwo\nthree");
    }

    #[test]
    fn what_nobody_can_see_is_blank() {
        for blank in ["", " \n\t", "\u{A0}", "\u{200B}\u{FEFF}", "\u{2800}", "\0"] {
            assert!(is_blank(blank), "{blank:?}");
        }
        assert!(!is_blank("."));
    }

    #[test]
    fn only_a_language_tag_becomes_one() {
        for (tag, is_set) in
            [("en", true), ("zh-Hant-TW", true), ("", false), ("en_US", false), ("a very long thing", false)]
        {
            let mut element = Element::bare("entry", ATOM);
            set_lang(&mut element, tag);
            assert_eq!(element.attrs().iter().count() == 1, is_set, "{tag:?}");
        }
    }
}
