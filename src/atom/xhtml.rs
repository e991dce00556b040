//! HTML as XHTML that may be shown to anyone: balanced, sanitised, with absolute addresses, as nodes.
//!
//! Three passes: [`balance`] makes the input shallow, ammonia lets through what html.rs lists, [`Builder`] makes nodes of
//! it. A second time changes nothing.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::UrlRelative;
use html5ever::tokenizer::{Tag, TagKind, Token};
use minidom::{Element, Node};

use super::address::{self, Place, SCHEMES};
use super::balance::{DEPTH, balance};
use super::html::{ATTRIBUTES, COMMON_ATTRIBUTES, ELEMENTS, is_void, tokenise};
use super::tidy::{dissolves, tidy};
use super::xml::{ATOM, XHTML, clean, is_blank, set};

/// What may be shown of an HTML text that stands at a place.
pub(super) fn sanitise(html: &str, place: &Place) -> Vec<Node> {
    let html = html.replace("<![CDATA[", "").replace("]]>", "");
    let safe = ALLOWED.clean(&balance(&html)).to_string();
    let mut builder = Builder::new(place);
    tokenise(&safe, |token| {
        builder.take(token);
        None
    });
    builder.finish()
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

    fn take(&mut self, token: Token) {
        match token {
            Token::CharacterTokens(text) => self.text(&text),
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => self.start(&tag),
            Token::TagToken(tag) => self.end(&tag),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(parent) = self.open.last_mut() {
            parent.append_text(clean(text));
        }
    }

    fn start(&mut self, tag: &Tag) {
        if self.open.len() > 2 * DEPTH {
            return;
        }
        let mut element = Element::bare(&*tag.name, XHTML);
        for attribute in &tag.attrs {
            if let Some(value) = self.attribute(&attribute.name.local, &attribute.value) {
                set(&mut element, &attribute.name.local, &value);
            }
        }
        self.open.push(element);
        if is_void(&tag.name) {
            self.close();
        }
    }

    fn end(&mut self, tag: &Tag) {
        if self.open.len() > 1 && self.open.last().is_some_and(|open| *open.name() == *tag.name) {
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
