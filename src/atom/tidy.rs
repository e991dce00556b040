//! The small rules of white space that keep XHTML readable in clients that drop some of it, or all tags.
//!
//! Seen: Movim deletes a text of nothing but white space, so that two words run together; clients that show text only
//! need an end of line after each block; and an element without content, written `<b/>`, is never closed when a client
//! reads XHTML as HTML.

use minidom::{Element, Node};

use super::html::{holds_no_text, is_inline, is_void};

/// The element with its white space put right, of which each bit counts where it is preformatted; its children are tidy
/// already.
pub(super) fn tidy(mut element: Element, is_preformatted: bool) -> Element {
    let name = element.name().to_owned();
    let mut nodes = element.take_nodes();
    nodes.retain(|node| !is_empty(node));
    if name == "pre" {
        strip_first_newlines(&mut nodes);
    } else if holds_no_text(&name) {
        nodes.retain(|node| !is_space(node));
    } else if !is_inline(&name) && !is_preformatted {
        drop_space_beside_blocks(&mut nodes);
    }
    let mut nodes = keep_space_between_words(nodes);
    if !is_inline(&name) && !is_void(&name) && !holds_no_text(&name) {
        end_line(nodes.last_mut());
    }
    if nodes.is_empty() && matches!(&*name, "td" | "th") {
        nodes.push(Node::Text("\n".to_owned()));
    }
    nodes.into_iter().filter(|node| !is_empty(node)).for_each(|node| element.append_node(node));
    element
}

/// Whether only its content is kept: it shows nothing by itself.
pub(super) fn dissolves(element: &Element) -> bool {
    match element.name() {
        "br" | "hr" | "td" | "th" => false,
        "img" => element.attr("src").is_none(),
        "a" => element.attr("href").is_none() || !has_content(element),
        _ => !has_content(element),
    }
}

/// Whether anything but white space stands in it.
pub(super) fn has_content(element: &Element) -> bool {
    element.nodes().any(|node| !is_space(node))
}

/// Whether the text is nothing but white space.
pub(super) fn is_white(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// HTML drops the first end of line in `<pre>`, XML does not; all are dropped, so that a second time changes nothing.
fn strip_first_newlines(nodes: &mut [Node]) {
    if let Some(Node::Text(text)) = nodes.first_mut() {
        *text = text.trim_start_matches('\n').to_owned();
    }
}

fn drop_space_beside_blocks(nodes: &mut Vec<Node>) {
    let is_edge = |node: Option<&Node>| node.is_none_or(|node| node.as_element().is_some() && !is_inline_element(node));
    let is_dropped = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| nodes.get(before));
        is_space(&nodes[at]) && (is_edge(before) || is_edge(nodes.get(at + 1)))
    };
    let dropped: Vec<bool> = (0..nodes.len()).map(is_dropped).collect();
    let mut dropped = dropped.into_iter();
    nodes.retain(|_| !dropped.next().unwrap_or(false));
}

/// A white-space-only text between two inline elements moves to the end of the one before it.
fn keep_space_between_words(nodes: Vec<Node>) -> Vec<Node> {
    let mut kept: Vec<Node> = Vec::with_capacity(nodes.len());
    let mut nodes = nodes.into_iter().peekable();
    while let Some(node) = nodes.next() {
        let is_between = is_space(&node) && nodes.peek().is_some_and(is_inline_element);
        match kept.last_mut().filter(|before| is_between && is_wordy(before)) {
            Some(before) => append_space(before, node.as_text().unwrap_or_default()),
            None => kept.push(node),
        }
    }
    kept
}

fn append_space(node: &mut Node, space: &str) {
    let Node::Element(element) = node else { return };
    match element.nodes_mut().next_back().filter(|last| is_wordy(last)) {
        Some(last) => append_space(last, space),
        None => element.append_text(space),
    }
}

/// The last text of a block ends with an end of line.
fn end_line(last: Option<&mut Node>) {
    match last {
        Some(Node::Text(text)) if !text.ends_with('\n') => {
            text.truncate(text.trim_end_matches([' ', '\t']).len());
            text.push('\n');
        }
        Some(Node::Element(element)) if is_inline(element.name()) => end_line(element.nodes_mut().next_back()),
        _ => {}
    }
}

fn is_empty(node: &Node) -> bool {
    node.as_text().is_some_and(str::is_empty)
}

fn is_space(node: &Node) -> bool {
    node.as_text().is_some_and(is_white)
}

fn is_inline_element(node: &Node) -> bool {
    node.as_element().is_some_and(|element| is_inline(element.name()))
}

/// An inline element that has a content, so that a space can go to its end.
fn is_wordy(node: &Node) -> bool {
    node.as_element().is_some_and(|element| is_inline(element.name()) && !is_void(element.name()))
}

#[cfg(test)]
mod tests {
    use super::super::address::Place;
    use super::super::xhtml::{div, sanitise};

    fn check(html: &str, expected: &str) {
        let shown = String::from(&div(sanitise(html, &Place::default())));
        assert_eq!(shown, format!("<div xmlns='http://www.w3.org/1999/xhtml'>{expected}</div>"), "{html}");
    }

    #[test]
    fn a_space_between_words_survives_clients_that_delete_texts_of_white_space() {
        check("<p><b>one</b> <i>two</i></p>", "<p><b>one </b><i>two\n</i></p>");
        check(
            "<p><a href='mailto:a@b.c'><b>one</b></a>\n<i>two</i> three</p>",
            "<p><a href='mailto:a@b.c'><b>one\n</b></a><i>two</i> three\n</p>",
        );
        check("one<b> </b>two", "one two\n");
    }

    #[test]
    fn each_block_ends_with_an_end_of_line() {
        check("<ul><li>one <li><b>two</b></ul>", "<ul><li>one\n</li><li><b>two\n</b></li></ul>");
        check("<blockquote><p>x</p> </blockquote> y", "<blockquote><p>x\n</p></blockquote> y\n");
        check("<pre>\n\n  code\n</pre>", "<pre>  code\n</pre>");
    }

    #[test]
    fn no_element_is_without_content_but_those_that_never_have_any() {
        check("<p></p><b></b><ul><li></li></ul><p>&nbsp;</p>a<br>", "a<br/>");
        check(
            "<table><tr><td></td><td>x</td></tr></table>",
            "<table><tbody><tr><td>\n</td><td>x\n</td></tr></tbody></table>",
        );
    }
}
