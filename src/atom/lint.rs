//! How an item will show in the known clients: the rules behind [`super::render`], asked of any item.
//!
//! Each rule was seen in a client's own code; the names of the rules are those of the fields they speak of.

use std::fmt;

use chrono::DateTime;
use minidom::{Element, Node};
use url::Url;

use super::address::is_web;
use super::html::{is_inline, is_void};
use super::xml::{ATOM, XHTML, fold, is_blank};

/// A reader of pubsub nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Client {
    /// Movim.
    Movim,
    /// Converse.js with its microblog plugin.
    Converse,
    /// RSS Guard.
    RssGuard,
    /// Libervia.
    Libervia,
    /// Any chat client that shows a notification's `<body>` and nothing else.
    BodyOnly,
}

/// All of them, in the order in which findings are told.
pub const CLIENTS: [Client; 5] =
    [Client::Movim, Client::Converse, Client::RssGuard, Client::Libervia, Client::BodyOnly];

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Movim => "Movim",
            Self::Converse => "Converse",
            Self::RssGuard => "RSS Guard",
            Self::Libervia => "Libervia",
            Self::BodyOnly => "body-only clients",
        })
    }
}

/// What becomes of the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// As it is meant.
    Shows,
    /// With something missing or wrong.
    ShowsBadly,
    /// Not at all.
    Drops,
}

/// One thing that a client does with the item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Who does it.
    pub client: Client,
    /// The field that it is about: `title`, `content`, `node` …; `all` when nothing is wrong.
    pub rule: &'static str,
    /// How bad it is.
    pub verdict: Verdict,
    /// For people: why, in a few words.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.verdict {
            Verdict::Shows => "would show this",
            Verdict::ShowsBadly => "would show this, but",
            Verdict::Drops => "would drop this",
        };
        let colon = if self.verdict == Verdict::ShowsBadly { "" } else { ":" };
        write!(f, "{} {verb}{colon} {}", self.client, self.message)
    }
}

/// What each client would do with an item on a node of this `pubsub#type`; at least one finding a client.
pub fn lint(item: &Element, node_type: &str) -> Vec<Finding> {
    let mut lint = Lint { findings: Vec::new() };
    match item.get_child("entry", ATOM) {
        None => lint.tell(&CLIENTS, "item", Verdict::Drops, "it is no Atom entry"),
        Some(entry) => {
            lint.item(item);
            lint.title(entry);
            lint.dates(entry);
            lint.author(entry);
            lint.links(entry);
            lint.content(entry);
            lint.white_space(entry);
            lint.category(entry);
            lint.source(entry);
            lint.node(entry, node_type);
            lint.praise(entry);
        }
    }
    lint.findings.sort_by_key(|finding| CLIENTS.iter().position(|client| *client == finding.client));
    lint.findings
}

struct Lint {
    findings: Vec<Finding>,
}

use Client::{BodyOnly, Converse, Libervia, Movim, RssGuard};
use Verdict::{Drops, Shows, ShowsBadly};

impl Lint {
    fn tell(&mut self, clients: &[Client], rule: &'static str, verdict: Verdict, message: &str) {
        let finding = |client: &Client| Finding { client: *client, rule, verdict, message: message.to_owned() };
        self.findings.extend(clients.iter().map(finding));
    }

    fn item(&mut self, item: &Element) {
        let id = item.attr("id").unwrap_or_default();
        if matches!(id, "0" | "test_post") || id.starts_with("urn:xmpp:avatar:") {
            self.tell(&[Movim], "item", Drops, &format!("the item id {id:?} means something else to it"));
        }
    }

    fn title(&mut self, entry: &Element) {
        let titles: Vec<&Element> = all(entry, "title").collect();
        match titles[..] {
            [] => self.tell(&[Movim, Libervia], "title", Drops, "no title"),
            [title] if is_blank(&title.text()) => self.tell(&[Movim], "title", Drops, "the title is blank"),
            [title] if title.attr("type") == Some("html") => self.tell(&[Movim], "title", Drops, "the title is HTML"),
            [title] if title.text() == "♥" => self.tell(&[Movim], "title", ShowsBadly, "as a “like” of another post"),
            [_] => {}
            _ => self.tell(&[Libervia], "title", Drops, "more than one title"),
        }
        if all(entry, "id").next().is_none() {
            self.tell(&[Libervia], "id", ShowsBadly, "it cannot tell it from others: no id");
        }
    }

    fn dates(&mut self, entry: &Element) {
        let Some(updated) = all(entry, "updated").next() else {
            return self.tell(&[Movim, Libervia], "updated", Drops, "no date of update");
        };
        if DateTime::parse_from_rfc3339(&updated.text()).is_err() {
            self.tell(&[Movim, Converse, Libervia], "updated", ShowsBadly, "its date cannot be read");
        }
        let is_sortable = |date: String| date.len() == "2026-11-02T07:15:00Z".len() && date.ends_with('Z');
        if !all(entry, "published").chain(all(entry, "updated")).all(|date| is_sortable(date.text())) {
            self.tell(
                &[Converse],
                "updated",
                ShowsBadly,
                "out of order: it sorts dates as text, and this one is not in whole seconds of UTC",
            );
        }
        if all(entry, "published").next().is_none() {
            self.tell(&[Movim], "published", ShowsBadly, "an edit moves it: no date of publication");
        }
    }

    fn author(&mut self, entry: &Element) {
        let uris: Vec<String> = all(entry, "author").flat_map(|author| all(author, "uri")).map(Element::text).collect();
        if uris.iter().any(|uri| uri.starts_with("http")) {
            self.tell(&[Libervia], "author", Drops, "the author has a web address");
            self.tell(&[Converse], "author", ShowsBadly, "as a repost: the author has a web address");
        }
        if !uris.is_empty() {
            self.tell(&[RssGuard], "author", ShowsBadly, "name and address of the author run together");
        }
        if all(entry, "author").count() > 1 {
            self.tell(&[Movim, Libervia], "author", ShowsBadly, "only the first author is named");
        }
    }

    fn links(&mut self, entry: &Element) {
        let of =
            |rel: &'static str| all(entry, "link").filter(move |link| link.attr("rel").unwrap_or("alternate") == rel);
        let href = |link: &Element| link.attr("href").unwrap_or_default().to_owned();
        match of("alternate").map(href).next() {
            None => self.tell(&[Movim, Converse, RssGuard], "link", ShowsBadly, "there is no page to open"),
            Some(address) if address.starts_with("xmpp:") => {
                self.tell(
                    &[RssGuard],
                    "link",
                    ShowsBadly,
                    "it links to the xmpp address, which stands before the page",
                );
            }
            Some(address) if !address.is_ascii() => {
                self.tell(&[Movim], "link", ShowsBadly, "without its link, which is not ASCII")
            }
            Some(_) => {}
        }
        if of("via").next().is_some() {
            self.tell(&[Movim, Converse], "link", ShowsBadly, "as a repost: it has a “via” link");
        }
        let is_page = |link: &Element| Url::parse(&href(link)).is_ok_and(|url| is_web(&url));
        let is_named_comments =
            |link: &Element| link.attr("title").is_some_and(|title| title.eq_ignore_ascii_case("comments"));
        if all(entry, "link")
            .any(|link| is_page(link) && (is_named_comments(link) || link.attr("rel") == Some("replies")))
        {
            self.tell(&[Movim], "replies", ShowsBadly, "it takes a web page for the comments node");
        }
        let untyped = of("enclosure").filter(|link| link.attr("type").is_none()).count();
        if untyped > 0 {
            self.tell(
                &[Movim],
                "enclosure",
                ShowsBadly,
                &format!("without {untyped} of its files, which have no type"),
            );
        }
    }

    fn content(&mut self, entry: &Element) {
        let kinds: Vec<&str> = all(entry, "content").map(|content| content.attr("type").unwrap_or("text")).collect();
        let has_html = kinds.contains(&"html");
        if has_html && kinds.contains(&"text") {
            self.tell(&[Libervia], "content", Drops, "the content is given as HTML and as text");
        }
        if has_html && all(entry, "content").any(|content| !content.text().is_ascii()) {
            self.tell(
                &[Movim],
                "content",
                ShowsBadly,
                "letters beyond ASCII are garbled: the content is HTML, not XHTML",
            );
        }
        if !has_html && !kinds.contains(&"xhtml") {
            self.tell(&[Movim], "content", ShowsBadly, "the title only: the content is not XHTML");
        }
        if kinds.first() == Some(&"text") && kinds.len() > 1 {
            self.tell(&[RssGuard], "content", ShowsBadly, "without any markup: it reads the first content, the text");
        }
        if !kinds.is_empty() && all(entry, "summary").next().is_some() {
            self.tell(&[Movim, Converse], "summary", ShowsBadly, "summary and content one below the other");
        }
    }

    fn white_space(&mut self, entry: &Element) {
        let mut divs = all(entry, "content").filter_map(|content| content.get_child("div", XHTML));
        if divs.any(|div| loses_a_space(div, super::tree::DEPTH)) {
            self.tell(
                &[Movim],
                "white-space",
                ShowsBadly,
                "some words run together: it deletes a space between two elements",
            );
        }
        let mut divs = all(entry, "content").filter_map(|content| content.get_child("div", XHTML));
        if divs.any(|div| has_apostrophe(div, super::tree::DEPTH)) {
            self.tell(&[Movim], "content", ShowsBadly, "an address or a description ends at its apostrophe");
        }
    }

    fn category(&mut self, entry: &Element) {
        let terms: Vec<&str> =
            all(entry, "category").map(|category| category.attr("term").unwrap_or_default()).collect();
        if terms.iter().any(|term| is_blank(term)) {
            self.tell(&[Movim, Libervia], "category", ShowsBadly, "an empty tag is shown");
        }
        if terms.iter().any(|term| term.eq_ignore_ascii_case("nsfw")) {
            self.tell(&[Movim], "category", ShowsBadly, "behind a warning: it is tagged nsfw");
        }
    }

    fn source(&mut self, entry: &Element) {
        let position = |name: &str| entry.children().position(|child| child.is(name, ATOM));
        let Some(source) = position("source") else { return };
        if ["title", "updated"].into_iter().filter_map(position).any(|at| source < at) {
            self.tell(
                &[RssGuard],
                "source",
                ShowsBadly,
                "with title and date of its feed: the source stands before its own",
            );
        }
    }

    fn node(&mut self, entry: &Element, node_type: &str) {
        let is_listed =
            matches!(node_type, ATOM | "urn:xmpp:pubsub-social-feed:1" | "urn:xmpp:pubsub-social-feed:gallery:1");
        if !is_listed {
            self.tell(&[Converse], "node", Drops, &format!("it does not list nodes of type {node_type:?}"));
        }
        if all(entry, "summary").next().is_none() {
            let message = match node_type {
                ATOM => "on Prosody as “posted” and the title, without the link; elsewhere without a text",
                _ => "without a text, unless the server is told to make one (pubsub_summary_templates)",
            };
            self.tell(&[BodyOnly], "node", ShowsBadly, message);
        }
    }

    /// Whoever has nothing to find fault with.
    fn praise(&mut self, entry: &Element) {
        let files = all(entry, "link").filter(|link| link.attr("rel") == Some("enclosure")).count();
        let title = all(entry, "title").next().map(|title| fold(&title.text())).unwrap_or_default();
        let message = match files {
            0 => format!("“{title}”"),
            1 => format!("“{title}” with a file"),
            files => format!("“{title}” with {files} files"),
        };
        let silent = |client: &Client| self.findings.iter().all(|finding| finding.client != *client);
        let content: Vec<Client> = CLIENTS.into_iter().filter(silent).collect();
        self.tell(&content, "all", Shows, &message);
    }
}

fn all<'a>(parent: &'a Element, name: &'a str) -> impl Iterator<Item = &'a Element> {
    parent.children().filter(move |child| child.is(name, ATOM))
}

/// Whether an apostrophe stands in an attribute.
fn has_apostrophe(element: &Element, depth: usize) -> bool {
    element.attrs().iter().any(|(_, value)| value.contains('\''))
        || (depth > 0 && element.children().any(|child| has_apostrophe(child, depth - 1)))
}

fn loses_a_space(element: &Element, depth: usize) -> bool {
    let nodes: Vec<&Node> = element.nodes().collect();
    let is_word = |node: &Node| node.as_element().is_some_and(|e| is_inline(e.name()) && !is_void(e.name()));
    let is_lost = |three: &[&Node]| {
        is_word(three[0]) && three[1].as_text().is_some_and(|text| text.trim().is_empty()) && is_word(three[2])
    };
    nodes.windows(3).any(is_lost) || (depth > 0 && element.children().any(|child| loses_a_space(child, depth - 1)))
}
