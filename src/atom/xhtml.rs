//! HTML as XHTML that may be shown to anyone: balanced, sanitised, with absolute addresses, as nodes.
//!
//! Three passes: [`balance`] makes the input shallow, ammonia lets through what html.rs lists, [`Builder`] makes nodes of
//! what ammonia writes, which is so regular that an XML reader reads it. A second time changes nothing.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::UrlRelative;
use minidom::{Element, Node};
use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape_with};
use quick_xml::events::{BytesStart, Event};

use super::address::{self, Place, SCHEMES};
use super::balance::{DEPTH, balance};
use super::html::{ATTRIBUTES, COMMON_ATTRIBUTES, ELEMENTS, is_void};
use super::tidy::{dissolves, tidy};
use super::xml::{ATOM, XHTML, clean, is_blank, set};

/// What may be shown of an HTML text that stands at a place.
pub(super) fn sanitise(html: &str, place: &Place) -> Vec<Node> {
    let html = html.replace("<![CDATA[", "").replace("]]>", "");
    nodes(&ALLOWED.clean(&balance(&html)).to_string(), place)
}

/// The nodes of HTML as html5ever writes it: each tag in lower case, each value in quotes, four characters as references
/// (HTML §13.3); void elements have no end.
fn nodes(safe: &str, place: &Place) -> Vec<Node> {
    let mut builder = Builder::new(place);
    read(safe, |piece| match piece {
        Piece::Start(tag) => builder.start(tag),
        Piece::End(name) => builder.end(name),
        Piece::Text(text) => builder.text(text),
    });
    builder.finish()
}

/// What sanitised HTML consists of.
enum Piece<'a> {
    Start(&'a BytesStart<'a>),
    End(&'a str),
    Text(&'a str),
}

fn read(safe: &str, mut each: impl FnMut(Piece<'_>)) {
    let mut reader = Reader::from_str(safe);
    let config = reader.config_mut();
    (config.check_end_names, config.allow_unmatched_ends, config.allow_dangling_amp) = (false, true, true);
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => each(Piece::Start(&tag)),
            Ok(Event::End(tag)) => each(Piece::End(tag.name().into_inner())),
            Ok(Event::Text(text)) => each(Piece::Text(&text)),
            Ok(Event::GeneralRef(name)) => each(Piece::Text(character(&name).unwrap_or_default())),
            Ok(Event::Eof) => return,
            Ok(_) => {}
            Err(error) => {
                debug_assert!(false, "{error} in {safe:?}");
                return;
            }
        }
    }
}

fn attributes<'a>(tag: &'a BytesStart<'_>) -> impl Iterator<Item = (&'a str, String)> {
    let mut attributes = tag.attributes();
    attributes.with_checks(false);
    attributes.flatten().map(|attribute| {
        (attribute.key.into_inner(), unescape_with(&attribute.value, character).unwrap_or_default().into_owned())
    })
}

/// What html5ever writes as a reference.
fn character(reference: &str) -> Option<&'static str> {
    match reference {
        "nbsp" => Some("\u{a0}"),
        other => resolve_predefined_entity(other),
    }
}

/// A plain text as XHTML: paragraphs at empty lines, a line break at each other end of line.
pub(super) fn paragraphs(text: &str) -> Vec<Node> {
    let text = clean(text);
    let paragraphs = text.split("\n\n").filter(|paragraph| !is_blank(paragraph));
    let paragraph = |text: &str| {
        let mut p = Element::bare("p", XHTML);
        for (at, line) in text.trim().lines().enumerate() {
            if at > 0 {
                p.append_child(Element::bare("br", XHTML));
            }
            p.append_text(line.trim());
        }
        p.append_text("\n");
        Node::Element(p)
    };
    paragraphs.map(paragraph).collect()
}

/// The nodes as Atom content, in the `<div>` that RFC 4287 §3.1.1.3 asks for.
pub(super) fn content(nodes: Vec<Node>) -> Element {
    let mut content = Element::builder("content", ATOM).append(div(nodes)).build();
    set(&mut content, "type", "xhtml");
    content
}

/// The nodes in a `<div>`.
pub(super) fn div(nodes: Vec<Node>) -> Element {
    Element::builder("div", XHTML).append_all(nodes).build()
}

/// A paragraph that is a link.
pub(super) fn link(address: &str) -> Node {
    let mut a = Element::builder("a", XHTML).append(format!("{address}\n")).build();
    set(&mut a, "href", address);
    Node::Element(Element::builder("p", XHTML).append(a).build())
}

static ALLOWED: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut allowed = ammonia::Builder::empty();
    allowed
        .tags(ELEMENTS.into_iter().collect())
        .clean_content_tags(HashSet::from(["math", "script", "style", "svg", "template", "title"]))
        .generic_attributes(COMMON_ATTRIBUTES.into_iter().collect())
        .tag_attributes(
            ATTRIBUTES.iter().map(|(of, names)| (*of, names.iter().copied().collect())).collect::<HashMap<_, _>>(),
        )
        .url_schemes(SCHEMES.into_iter().collect())
        .url_relative(UrlRelative::PassThrough)
        .link_rel(None)
        .strip_comments(true);
    allowed
});

/// Makes nodes of sanitised HTML.
struct Builder<'a> {
    place: &'a Place,
    /// The elements that are open, around them the fragment itself.
    open: Vec<Element>,
}

impl<'a> Builder<'a> {
    fn new(place: &'a Place) -> Self {
        Self { place, open: vec![Element::bare("div", XHTML)] }
    }

    fn text(&mut self, text: &str) {
        if let Some(parent) = self.open.last_mut() {
            parent.append_text(clean(text));
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) {
        if self.open.len() > 2 * DEPTH {
            return;
        }
        let name = tag.name().into_inner();
        let mut element = Element::bare(name, XHTML);
        for (name, value) in attributes(tag) {
            if let Some(value) = self.attribute(name, &value) {
                set(&mut element, name, &value);
            }
        }
        self.open.push(element);
        if is_void(name) {
            self.close();
        }
    }

    fn end(&mut self, name: &str) {
        if self.open.len() > 1 && self.open.last().is_some_and(|open| open.name() == name) {
            self.close();
        }
    }

    fn close(&mut self) {
        if self.open.len() < 2 {
            return;
        }
        let (Some(element), Some(parent)) = (self.open.pop(), self.open.last_mut()) else { return };
        let element = tidy(element);
        if dissolves(&element) {
            splice(element, parent);
        } else {
            parent.append_child(element);
        }
    }

    fn finish(mut self) -> Vec<Node> {
        while self.open.len() > 1 {
            self.close();
        }
        self.open.pop().map_or_else(Vec::new, |fragment| tidy(fragment).take_nodes())
    }

    /// The value as it is published; `None`: the attribute is left out.
    fn attribute(&self, name: &str, value: &str) -> Option<String> {
        match name {
            "src" => self.place.absolute(value).filter(address::is_web).map(|url| address::ascii(&url)),
            "href" | "cite" => self.place.ascii(value),
            "width" | "height" | "colspan" | "rowspan" | "start" => {
                value.trim().parse::<u16>().ok().map(|n| n.to_string())
            }
            "dir" => matches!(value, "ltr" | "rtl" | "auto").then(|| value.to_owned()),
            // Movim cuts an attribute at an apostrophe.
            _ => (!is_blank(value) || name == "alt").then(|| value.replace('\'', "’")),
        }
    }
}

/// Puts what an element holds into its parent: a picture's words, any other's nodes.
fn splice(mut element: Element, parent: &mut Element) {
    if let Some(words) = element.attr("alt") {
        parent.append_text(words);
    }
    for node in element.take_nodes() {
        match node {
            Node::Text(text) => parent.append_text(text),
            Node::Element(child) => {
                parent.append_child(child);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use html5ever::tokenizer::{TagKind, Token};
    use proptest::prelude::*;

    use super::super::html::tokenise;
    use super::*;

    /// What a tokenizer of HTML makes of what ammonia wrote: names, values and texts in order.
    fn tokens(safe: &str) -> String {
        let mut out = String::new();
        tokenise(safe, |token| {
            match token {
                Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                    out.push_str(&format!("<{}", tag.name));
                    tag.attrs.iter().for_each(|it| out.push_str(&format!(" {}={:?}", it.name.local, &*it.value)));
                    out.push('>');
                }
                Token::TagToken(tag) => out.push_str(&format!("</{}>", tag.name)),
                Token::CharacterTokens(text) => out.push_str(&text),
                _ => {}
            }
            None
        });
        out
    }

    /// The same as [`nodes`] reads it.
    fn events(safe: &str) -> String {
        let mut out = String::new();
        read(safe, |piece| match piece {
            Piece::Start(tag) => {
                out.push_str(&format!("<{}", tag.name().into_inner()));
                attributes(tag).for_each(|(name, value)| out.push_str(&format!(" {name}={value:?}")));
                out.push('>');
            }
            Piece::End(name) => out.push_str(&format!("</{name}>")),
            Piece::Text(text) => out.push_str(text),
        });
        out
    }

    proptest! {
        #[test]
        fn what_ammonia_writes_reads_as_xml_as_it_does_as_html(
            html in proptest::collection::vec(prop_oneof![
                "<[a-z]{1,5}( (href|title|alt|src|lang)=['\"]?[ -~é\u{a0}]{0,8}['\"]?){0,2}>",
                "</(p|b|a|i|ul|li|table|td|pre|div|ruby|rt)>",
                "<(p|b|a|i|ul|li|table|tr|td|pre|br|img|div|ruby|rt|q)( title=\"[ -~]{0,8}\")?>",
                "[ -~\u{a0}é<>&;\"'\n]{0,12}",
                "&(amp|lt|gt|quot|nbsp|#39|#160|#38|#60|copy|x);?",
            ], 0..20).prop_map(|pieces| pieces.concat())
        ) {
            let safe = ALLOWED.clean(&balance(&html)).to_string();
            prop_assert_eq!(events(&safe), tokens(&safe), "{}", safe);
        }
    }
}
