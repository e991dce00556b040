//! XHTML as plain text that reads well: paragraphs, lists, quotations, addresses of links.

use minidom::{Element, Node};

use super::html::is_inline;
use super::xml::{fold, is_blank};

/// The text, blocks separated by an empty line. When there are only pictures: their addresses.
pub(super) fn plain(nodes: &[Node]) -> String {
    let text = Writer { has_addresses: true }.blocks(nodes).join("\n\n");
    if is_blank(&text) { pictures(nodes).join("\n") } else { text }
}

/// All of it on one line, without addresses.
pub(super) fn line(nodes: &[Node]) -> String {
    fold(&Writer { has_addresses: false }.blocks(nodes).join(" "))
}

/// The first line that says something, without addresses.
pub(super) fn first_line(nodes: &[Node]) -> String {
    let blocks = Writer { has_addresses: false }.blocks(nodes);
    let mut lines = blocks.iter().flat_map(|block| block.lines());
    fold(lines.find(|line| !is_blank(line)).unwrap_or_default())
}

/// As much of a text as fits into so many characters, cut between words, with `…` when something is missing.
pub(super) fn cut(text: &str, max_chars: usize) -> String {
    if text.chars().nth(max_chars).is_none() {
        return text.to_owned();
    }
    let head: String = text.chars().take(max_chars.saturating_sub(1)).collect();
    let words = head.rfind(char::is_whitespace).filter(|at| *at * 2 > head.len()).map_or(&*head, |at| &head[..at]);
    format!("{}…", words.trim_end())
}

struct Writer {
    has_addresses: bool,
}

impl Writer {
    fn blocks(&self, nodes: &[Node]) -> Vec<String> {
        let mut blocks = Vec::new();
        let mut run = String::new();
        for node in nodes {
            match node {
                Node::Element(element) if !is_inline(element.name()) => {
                    push_lines(&mut blocks, &std::mem::take(&mut run));
                    push_block(&mut blocks, self.block(element));
                }
                node => self.inline(node, &mut run),
            }
        }
        push_lines(&mut blocks, &run);
        blocks
    }

    fn block(&self, element: &Element) -> String {
        match element.name() {
            "ul" => self.list(element, |_| "• ".to_owned()),
            "ol" => {
                let first: usize = element.attr("start").and_then(|start| start.parse().ok()).unwrap_or(1);
                self.list(element, |at| format!("{}. ", first + at))
            }
            "dl" => self.each(element, |part| {
                let text = self.blocks_of(part).join("\n");
                if part.name() == "dd" { prefix(&text, "  ", "  ") } else { text }
            }),
            "table" | "tbody" | "thead" | "tfoot" => self.each(element, |part| self.block(part)),
            "tr" => {
                element.children().map(|cell| fold(&self.blocks_of(cell).join(" "))).collect::<Vec<_>>().join(" | ")
            }
            "blockquote" => prefix(&self.blocks_of(element).join("\n\n"), "> ", "> "),
            "pre" => element_text(element).trim_end().trim_start_matches('\n').to_owned(),
            "hr" => "———".to_owned(),
            _ => self.blocks_of(element).join("\n\n"),
        }
    }

    fn list(&self, element: &Element, marker: impl Fn(usize) -> String) -> String {
        let items = element.children().enumerate().map(|(at, item)| {
            let marker = marker(at);
            let indent = " ".repeat(marker.chars().count());
            prefix(&self.blocks_of(item).join("\n"), &marker, &indent)
        });
        items.collect::<Vec<_>>().join("\n")
    }

    fn each(&self, element: &Element, part: impl Fn(&Element) -> String) -> String {
        element.children().map(part).filter(|text| !is_blank(text)).collect::<Vec<_>>().join("\n")
    }

    fn blocks_of(&self, element: &Element) -> Vec<String> {
        self.blocks(element.nodes().as_slice())
    }

    /// Adds to a run of text. An end of line in it is a `<br/>`; other white space is folded.
    fn inline(&self, node: &Node, run: &mut String) {
        let element = match node {
            Node::Text(text) => return push_folded(run, text),
            Node::Element(element) => element,
        };
        match element.name() {
            "br" => run.push('\n'),
            "img" => {
                if let Some(words) = element.attr("alt").filter(|words| !is_blank(words)) {
                    run.push_str(&format!("[{}]", fold(words)));
                }
            }
            "a" => self.link(element, run),
            "q" => {
                run.push('“');
                element.nodes().for_each(|node| self.inline(node, run));
                run.push('”');
            }
            name => {
                let space = if is_inline(name) { "" } else { " " };
                push_folded(run, space);
                element.nodes().for_each(|node| self.inline(node, run));
                push_folded(run, space);
            }
        }
    }

    fn link(&self, element: &Element, run: &mut String) {
        let mut words = String::new();
        element.nodes().for_each(|node| self.inline(node, &mut words));
        push_folded(run, if words.starts_with(char::is_whitespace) { " " } else { "" });
        run.push_str(words.trim());
        if let Some(address) = element.attr("href").filter(|address| self.has_addresses && !says(&words, address)) {
            run.push_str(&format!(" ({address})"));
        }
        push_folded(run, if words.ends_with(char::is_whitespace) { " " } else { "" });
    }
}

/// Whether the words of a link show its address already, or there are no words to show an address for.
fn says(words: &str, address: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim();
        let text = text.split_once("://").map_or(text, |(_, rest)| rest);
        let text = text.strip_prefix("mailto:").or(text.strip_prefix("tel:")).unwrap_or(text);
        text.trim_start_matches("www.").trim_end_matches('/').to_lowercase()
    };
    is_blank(words) || bare(words) == bare(address)
}

fn push_folded(run: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            c if !c.is_whitespace() => run.push(c),
            _ if run.ends_with([' ', '\n']) => {}
            _ => run.push(' '),
        }
    }
}

fn push_lines(blocks: &mut Vec<String>, run: &str) {
    let lines: Vec<&str> = run.trim().lines().map(str::trim).collect();
    push_block(blocks, lines.join("\n"));
}

fn push_block(blocks: &mut Vec<String>, block: String) {
    if !is_blank(&block) {
        blocks.push(block);
    }
}

fn prefix(text: &str, first: &str, others: &str) -> String {
    let lines = text.lines().enumerate();
    lines.map(|(at, line)| format!("{}{line}", if at == 0 { first } else { others })).collect::<Vec<_>>().join("\n")
}

fn element_text(element: &Element) -> String {
    let text = |node: &Node| match node {
        Node::Text(text) => text.clone(),
        Node::Element(element) if element.name() == "br" => "\n".to_owned(),
        Node::Element(element) => element_text(element),
    };
    element.nodes().map(text).collect()
}

fn pictures(nodes: &[Node]) -> Vec<String> {
    let elements = nodes.iter().filter_map(Node::as_element);
    elements
        .flat_map(|element| match element.attr("src") {
            Some(source) => vec![source.to_owned()],
            None => pictures(element.nodes().as_slice()),
        })
        .collect()
}
