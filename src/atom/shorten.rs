//! An entry that is too large for its server, made to fit.

use minidom::{Element, Node};

/// The first nodes that fit into so many bytes of XML, with `…` where the rest is missing; and whether some is.
pub(super) fn shorten(nodes: Vec<Node>, max_bytes: usize) -> (Vec<Node>, bool) {
    let mut room = Room { bytes: max_bytes, is_full: false };
    (room.take(nodes), room.is_full)
}

/// The same for a text.
pub(super) fn shorten_text(text: &str, max_bytes: usize) -> (String, bool) {
    let mut room = Room { bytes: max_bytes, is_full: false };
    (room.text(text), room.is_full)
}

struct Room {
    bytes: usize,
    is_full: bool,
}

impl Room {
    fn take(&mut self, nodes: Vec<Node>) -> Vec<Node> {
        let mut kept = Vec::new();
        for node in nodes {
            if self.is_full {
                break;
            }
            match node {
                Node::Text(text) => kept.push(Node::Text(self.text(&text))),
                Node::Element(element) => kept.extend(self.element(element).map(Node::Element)),
            }
        }
        kept
    }

    fn text(&mut self, text: &str) -> String {
        let end = text.char_indices().find(|(_, c)| !self.pay(cost(*c))).map(|(at, _)| at);
        match end {
            None => text.to_owned(),
            Some(at) => {
                self.is_full = true;
                format!("{}…\n", text[..at].trim_end())
            }
        }
    }

    fn element(&mut self, mut element: Element) -> Option<Element> {
        let attributes = element.attrs().iter();
        let attributes: usize =
            attributes.map(|((_, name), value)| name.len() + 4 + value.chars().map(cost).sum::<usize>()).sum();
        if !self.pay(2 * element.name().len() + 5 + attributes) {
            self.is_full = true;
            return None;
        }
        let nodes = element.take_nodes();
        let had_nodes = !nodes.is_empty();
        for node in self.take(nodes) {
            element.append_node(node);
        }
        // An element that lost all of its content would be written `<b/>`.
        (!had_nodes || element.nodes().len() > 0).then_some(element)
    }

    fn pay(&mut self, bytes: usize) -> bool {
        let is_enough = self.bytes >= bytes;
        if is_enough {
            self.bytes -= bytes;
        }
        is_enough
    }
}

/// Bytes that a character takes in XML.
fn cost(c: char) -> usize {
    match c {
        '&' | '<' | '>' | '"' | '\'' => 6,
        c => c.len_utf8(),
    }
}
