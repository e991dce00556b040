//! HTML and plain text as XHTML that may be shown to anyone, as nodes.

use minidom::{Element, Node};

use super::address::Place;
use super::tree::tree;
use super::xml::{ATOM, XHTML, clean, is_blank, set};

/// What may be shown of an HTML text that stands at a place.
pub(super) fn sanitise(html: &str, place: &Place) -> Vec<Node> {
    if html.contains("<![CDATA[") {
        tree(&html.replace("<![CDATA[", "").replace("]]>", ""), place)
    } else {
        tree(html, place)
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
            if !line.trim().is_empty() {
                p.append_text(line.trim());
            }
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
