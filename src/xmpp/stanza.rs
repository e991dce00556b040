//! Elements as they come off the stream, bounded: what nests deeper than [`MAX_DEPTH`] keeps its head only.
//!
//! Elements are freed and written recursively; an element of some ten thousand levels, which fits a stanza that servers pass on,
//! would overflow the stack and abort the process.

use minidom::Element;
use minidom::rxml::{AttrMap, Event, QName};
use xso::error::{Error, FromEventsError};
use xso::minidom_compat::ElementFromEvents;
use xso::{Context, FromEventsBuilder, FromXml};

/// How deep a stanza may nest.
pub(super) const MAX_DEPTH: usize = 256;

/// A first-level element of a stream.
#[derive(Debug)]
pub(super) struct Incoming {
    /// The element; without any content when `is_cut`.
    pub(super) element: Element,
    /// Whether its content was dropped because it nested too deeply.
    pub(super) is_cut: bool,
}

/// Builds an [`Incoming`] from the events of the XML parser.
pub(super) struct Builder {
    head: (QName, AttrMap),
    whole: Option<ElementFromEvents>,
    depth: usize,
}

impl FromXml for Incoming {
    type Builder = Builder;

    fn from_events(name: QName, attrs: AttrMap, _: &Context<'_>) -> Result<Builder, FromEventsError> {
        let whole = Some(ElementFromEvents::new(name.clone(), attrs.clone()));
        Ok(Builder { head: (name, attrs), whole, depth: 1 })
    }
}

impl FromEventsBuilder for Builder {
    type Output = Incoming;

    fn feed(&mut self, event: Event, context: &Context<'_>) -> Result<Option<Incoming>, Error> {
        match event {
            Event::StartElement(..) => self.depth += 1,
            Event::EndElement(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth > MAX_DEPTH {
            self.whole = None;
        }
        if let Some(whole) = &mut self.whole {
            return Ok(whole.feed(event, context)?.map(|element| Incoming { element, is_cut: false }));
        }
        Ok((self.depth == 0).then(|| Incoming { element: self.bare_head(), is_cut: true }))
    }
}

impl Builder {
    fn bare_head(&self) -> Element {
        let ((namespace, name), attrs) = self.head.clone();
        let mut head = Element::bare(name.to_string(), namespace.to_string());
        *head.attrs_mut() = attrs;
        head
    }
}

/// Why an element may not be put on a stream: the peer would close the stream on it, and a half-written element cannot be taken back.
pub(super) fn unsendable(element: &Element) -> Option<&'static str> {
    unsendable_at(element, 1)
}

fn unsendable_at(element: &Element, depth: usize) -> Option<&'static str> {
    if depth > MAX_DEPTH {
        return Some("nests too deeply");
    }
    let texts = element.texts().chain(element.attrs().iter().map(|(_, value)| value.as_str()));
    if texts.flat_map(str::chars).any(is_forbidden) {
        return Some("contains characters that XML forbids");
    }
    element.children().find_map(|child| unsendable_at(child, depth + 1))
}

/// XML 1.0 §2.2, `Char`.
fn is_forbidden(char: char) -> bool {
    matches!(char, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use minidom::rxml::{Parse, Parser};

    fn read(xml: &str) -> Incoming {
        let mut parser = Parser::new();
        let (mut bytes, mut builder) = (xml.as_bytes(), None::<Builder>);
        loop {
            let event = parser.parse(&mut bytes, true).unwrap().unwrap();
            match (&mut builder, event) {
                (None, Event::StartElement(_, name, attrs)) => {
                    builder = Some(Incoming::from_events(name, attrs, &Context::empty()).unwrap());
                }
                (None, _) => {}
                (Some(builder), event) => {
                    if let Some(incoming) = builder.feed(event, &Context::empty()).unwrap() {
                        return incoming;
                    }
                }
            }
        }
    }

    fn nested(levels: usize) -> String {
        let inner = levels - 1;
        format!("<iq xmlns='jabber:client' id='i1'>{}{}</iq>", "<a>".repeat(inner), "</a>".repeat(inner))
    }

    #[test]
    fn a_stanza_keeps_its_content_up_to_the_bound() {
        let incoming = read(&nested(MAX_DEPTH));
        assert!(!incoming.is_cut);
        assert_eq!(incoming.element.children().count(), 1);
    }

    #[test]
    fn a_stanza_that_nests_too_deeply_keeps_its_head_and_overflows_no_stack() {
        for levels in [MAX_DEPTH + 1, 20_000] {
            let incoming = read(&nested(levels));
            assert!(incoming.is_cut);
            assert_eq!(incoming.element.attr("id"), Some("i1"));
            assert!(incoming.element.is("iq", "jabber:client"));
            assert_eq!(incoming.element.children().count(), 0);
        }
    }

    #[test]
    fn forbidden_characters_are_found_wherever_they_stand() {
        let clean: Element = "<a xmlns='urn:x' b='tab\t'>é\n🎉<c/></a>".parse().unwrap();
        assert_eq!(unsendable(&clean), None);
        for bad in ['\0', '\u{8}', '\u{1f}', '\u{fffe}'] {
            let mut text = clean.clone();
            text.append_child(Element::builder("d", "urn:x").append(bad.to_string()).build());
            assert_eq!(unsendable(&text), Some("contains characters that XML forbids"), "{bad:?}");
        }
        let mut deep = Element::bare("x", "urn:x");
        for _ in 0..MAX_DEPTH {
            deep = Element::builder("x", "urn:x").append(deep).build();
        }
        assert_eq!(unsendable(&deep), Some("nests too deeply"));
    }
}
