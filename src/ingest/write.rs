//! Canonical RSS 2.0 or Atom 1.0, element by element, as feed-rs reads it without fault.

use url::Url;

use super::decode::clean;
use super::repair::Scope;
use super::tree::{Element, Node};
use super::wording::{Body, Named, Role, escaped, passed};

/// What every document declares.
const PREFIXES: &str = concat!(
    r#" xmlns:dc="http://purl.org/dc/elements/1.1/""#,
    r#" xmlns:content="http://purl.org/rss/1.0/modules/content/""#,
    r#" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/""#,
    r#" xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0""#,
    r#" xmlns:fh="http://purl.org/syndication/history/1.0""#,
    r#" xmlns:at="http://purl.org/atompub/tombstones/1.0""#,
    r#" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd""#,
    r#" xmlns:media="http://search.yahoo.com/mrss/""#,
    r#" xmlns:atom="http://www.w3.org/2005/Atom""#,
);

/// Writes a document.
pub(super) struct Writer {
    out: String,
    is_atom: bool,
}

impl Writer {
    pub(super) fn new(is_atom: bool) -> Self {
        Self { out: String::new(), is_atom }
    }

    pub(super) fn is_atom(&self) -> bool {
        self.is_atom
    }

    pub(super) fn open_feed(&mut self, scope: &Scope) {
        let root = if self.is_atom { r#"<feed xmlns="http://www.w3.org/2005/Atom""# } else { r#"<rss version="2.0""# };
        self.out.push_str(root);
        self.out.push_str(PREFIXES);
        self.scope(scope);
        self.out.push_str(if self.is_atom { ">" } else { "><channel>" });
    }

    pub(super) fn finish(mut self) -> String {
        self.out.push_str(if self.is_atom { "</feed>" } else { "</channel></rss>" });
        self.out
    }

    pub(super) fn open_entry(&mut self, scope: &Scope) {
        self.out.push_str(if self.is_atom { "\n<entry" } else { "\n<item" });
        self.scope(scope);
        self.out.push('>');
    }

    pub(super) fn close_entry(&mut self) {
        self.out.push_str(if self.is_atom { "</entry>" } else { "</item>" });
    }

    fn scope(&mut self, scope: &Scope) {
        self.attribute("xml:base", scope.base.as_ref().map(Url::as_str));
        self.attribute("xml:lang", scope.lang.as_deref());
    }

    fn attribute(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.out.extend([" ", name, "=\"", &escaped(&clean(value)), "\""]);
        }
    }

    fn element(&mut self, name: &str, attributes: &[(&str, Option<&str>)], text: &str) {
        self.out.extend(["<", name]);
        for (name, value) in attributes {
            self.attribute(name, *value);
        }
        let text = clean(text);
        // Escaped markup is twice as long and four times as slow to read.
        match text.contains('<') && !text.contains("]]>") {
            true => self.out.extend(["><![CDATA[", &text, "]]></", name, ">"]),
            false => self.out.extend([">", &escaped(&text), "</", name, ">"]),
        }
    }

    /// A text of the feed as a whole.
    pub(super) fn feed_text(&mut self, role: Role, body: &Body) {
        let name = match (role, self.is_atom) {
            (Role::Summary, true) => "subtitle",
            (Role::Updated, true) | (Role::Published, true) => "updated",
            (Role::Updated, false) => "lastBuildDate",
            (Role::Language, false) => "language",
            (Role::Language, true) => "dc:language",
            (Role::Id, false) => return,
            (role, _) => return self.text_as(role, body, None),
        };
        self.typed(name, body, None);
    }

    /// A text of an entry; `field` is where it came from.
    pub(super) fn text(&mut self, role: Role, body: &Body, field: &Element) {
        self.text_as(role, body, Some(field));
    }

    fn text_as(&mut self, role: Role, body: &Body, field: Option<&Element>) {
        let name = match (role, self.is_atom) {
            (Role::Id, true) => "id",
            (Role::Id, false) => "guid",
            (Role::Title, _) => "title",
            (Role::Published, true) => "published",
            (Role::Published, false) => "pubDate",
            (Role::Updated, true) => "updated",
            (Role::Updated, false) => "atom:updated",
            (Role::Summary, true) => "summary",
            (Role::Summary, false) => "description",
            (Role::Content, true) => "content",
            (Role::Content, false) => "content:encoded",
            (Role::Rights, true) => "rights",
            (Role::Rights, false) => "dc:rights",
            (Role::Language | Role::Link | Role::Author | Role::Category, _) => return,
        };
        self.typed(name, body, field);
    }

    fn typed(&mut self, name: &str, body: &Body, field: Option<&Element>) {
        let (kind, text) = match body {
            // RSS has HTML here, whatever was meant.
            Body::Plain(text) if matches!(name, "description" | "content:encoded") => {
                ("text", &escaped(text).into_owned())
            }
            Body::Plain(text) => ("text", text),
            Body::Html(text) => ("html", text),
        };
        if text.trim().is_empty() {
            return;
        }
        let is_construct = self.is_atom && matches!(name, "title" | "summary" | "content" | "rights" | "subtitle");
        let base = field.and_then(|field| field.attribute("xml:base")).filter(|base| is_fit_base(base));
        let lang = field.and_then(|field| field.attribute("xml:lang"));
        self.element(name, &[("type", is_construct.then_some(kind)), ("xml:base", base), ("xml:lang", lang)], text);
    }

    /// Content that stands elsewhere (RFC 4287 §4.1.3.2).
    pub(super) fn out_of_line(&mut self, content: &Element) {
        let kind = content.attribute("type").filter(|kind| kind.contains('/')).unwrap_or("text/html");
        self.element("content", &[("src", content.attribute("src")), ("type", Some(kind))], "");
    }

    pub(super) fn id(&mut self, id: &str, is_permalink: bool) {
        if id.is_empty() {
        } else if self.is_atom {
            self.element("id", &[], id);
        } else {
            self.element("guid", &[("isPermaLink", Some(if is_permalink { "true" } else { "false" }))], id);
        }
    }

    /// The web page of what is being written.
    pub(super) fn page(&mut self, address: &str) {
        if self.is_atom {
            self.element("link", &[("href", Some(address))], "");
        } else if !address.is_empty() {
            self.element("link", &[], address);
        }
    }

    /// A link in Atom's way or in RSS's, or in one way with the words of the other.
    pub(super) fn link(&mut self, link: &Element) {
        let text = link.text();
        let href = link.attribute("href").or_else(|| link.attribute("rdf:resource"));
        let href = match (href, link.attribute("rel")) {
            (None, None) => return self.page(&text),
            (href, _) => href.unwrap_or(&text),
        };
        let name = if self.is_atom { "link" } else { "atom:link" };
        let attributes = ["rel", "type", "hreflang", "title", "length"].map(|name| (name, link.attribute(name)));
        let base = link.attribute("xml:base").filter(|base| is_fit_base(base));
        let attributes: Vec<_> = [("href", Some(href)), ("xml:base", base)].into_iter().chain(attributes).collect();
        self.element(name, &attributes, "");
    }

    /// An author of an entry.
    pub(super) fn person(&mut self, person: &Named) {
        self.person_as("author", person);
    }

    /// An author of the feed, for whom RSS has no element of its own.
    pub(super) fn feed_person(&mut self, person: &Named) {
        self.person_as("itunes:author", person);
    }

    fn person_as(&mut self, rss: &str, person: &Named) {
        let Named { name, email, uri } = person;
        if self.is_atom {
            self.out.push_str("<author>");
            for (part, text) in [("name", name), ("email", email), ("uri", uri)] {
                if !text.is_empty() {
                    self.element(part, &[], text);
                }
            }
            self.out.push_str("</author>");
        } else if !email.is_empty() {
            // In this form no dash and no letter beyond ASCII touches the address, on which feed-rs would panic.
            self.element(rss, &[], &format!("{name} <{email}>"));
        } else if !name.is_empty() {
            self.element(rss, &[], name);
        }
    }

    pub(super) fn category(&mut self, category: &Element) {
        let text = category.text();
        let scheme = ["scheme", "domain"].iter().find_map(|name| category.attribute(name));
        let term = category.attribute("term").unwrap_or(&text);
        if term.is_empty() {
        } else if self.is_atom {
            let label = category.attribute("label");
            self.element("category", &[("term", Some(term)), ("scheme", scheme), ("label", label)], "");
        } else {
            self.element("category", &[("domain", scheme)], term);
        }
    }

    /// An element that goes over as it is, with those inside that do.
    pub(super) fn copy(&mut self, element: &Element) {
        let Some(name) = passed(element) else { return };
        let is_text = matches!(name, "media:title" | "media:description" | "itunes:summary");
        if is_text && element.text().is_empty() {
            return;
        }
        self.out.extend(["<", name]);
        for (name, value) in &element.attributes {
            let name = if name.eq_ignore_ascii_case("fileSize") { "fileSize" } else { name };
            // feed-rs refuses a document for an unknown type of text.
            let is_fit = !(is_text && name == "type") || matches!(value.as_str(), "plain" | "html");
            if is_fit && name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
                self.attribute(name, Some(value));
            }
        }
        self.out.push('>');
        for node in &element.children {
            match node {
                Node::Text(text) => self.out.push_str(&escaped(&clean(text))),
                Node::Element(inner) => self.copy(inner),
            }
        }
        self.out.extend(["</", name, ">"]);
    }
}

/// Whether feed-rs takes an address for `xml:base`, or refuses the document for it.
fn is_fit_base(base: &str) -> bool {
    matches!(Url::parse(base), Ok(_) | Err(url::ParseError::RelativeUrlWithoutBase))
}
