//! What is kept of HTML: the elements and attributes that every known client shows, and html5ever's tokenizer over them.

use std::cell::{Cell, RefCell};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

/// The elements that may stand in a payload, sorted: never script, svg, math, style, form.
pub(super) const ELEMENTS: [&str; 55] = [
    "a",
    "abbr",
    "b",
    "bdi",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "dd",
    "del",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "small",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "time",
    "tr",
    "u",
    "ul",
    "var",
];

const HEADINGS: [&str; 6] = ["h1", "h2", "h3", "h4", "h5", "h6"];

/// Attributes that any of them may have.
pub(super) const COMMON_ATTRIBUTES: [&str; 3] = ["dir", "lang", "title"];

/// Attributes of single elements.
pub(super) const ATTRIBUTES: [(&str, &[&str]); 8] = [
    ("a", &["href", "hreflang"]),
    ("blockquote", &["cite"]),
    ("img", &["alt", "height", "src", "width"]),
    ("ol", &["start"]),
    ("q", &["cite"]),
    ("td", &["colspan", "rowspan"]),
    ("th", &["colspan", "rowspan"]),
    ("time", &["datetime"]),
];

/// Whether the attribute may.
pub(super) fn is_kept_attribute(element: &str, name: &str) -> bool {
    COMMON_ATTRIBUTES.contains(&name) || ATTRIBUTES.iter().any(|(of, names)| *of == element && names.contains(&name))
}

/// Whether the element never has content (HTML §13.1.2).
pub(super) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Whether the element stands inside a line of text.
pub(super) fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "a" | "abbr"
            | "b"
            | "bdi"
            | "br"
            | "cite"
            | "code"
            | "del"
            | "dfn"
            | "em"
            | "i"
            | "img"
            | "ins"
            | "kbd"
            | "mark"
            | "q"
            | "rp"
            | "rt"
            | "ruby"
            | "s"
            | "samp"
            | "small"
            | "strong"
            | "sub"
            | "sup"
            | "time"
            | "u"
            | "var"
    )
}

/// Whether the element holds other elements only, so that white space between them means nothing.
pub(super) fn holds_no_text(name: &str) -> bool {
    matches!(name, "dl" | "ol" | "table" | "tbody" | "tfoot" | "thead" | "tr" | "ul")
}

/// Whether the element stands in a table and nowhere else.
pub(super) fn is_table_part(name: &str) -> bool {
    matches!(name, "caption" | "tbody" | "td" | "tfoot" | "th" | "thead" | "tr")
}

/// The part that has to stand between an element and what is put into it, a text when `child` is empty: a text in a
/// table is in a cell of a row, one in a list is in an item. Over and over, until there is none.
pub(super) fn part_between(parent: &str, child: &str) -> Option<&'static str> {
    let (parts, between): (&[&str], _) = match parent {
        "table" => (&["caption", "tbody", "tfoot", "thead"], "tbody"),
        "tbody" | "tfoot" | "thead" => (&["tr"], "tr"),
        "tr" => (&["td", "th"], "td"),
        "ol" | "ul" => (&["li", "ol", "ul"], "li"),
        "dl" => (&["dd", "div", "dt"], "dd"),
        _ => return None,
    };
    (!parts.contains(&child)).then_some(between)
}

/// How many elements it takes at most until one of this name holds a text.
pub(super) fn levels(name: &str) -> usize {
    match name {
        "table" => 4,
        "tbody" | "tfoot" | "thead" => 3,
        "dl" | "ol" | "tr" | "ul" => 2,
        _ => 1,
    }
}

/// The open elements that a start tag ends without saying so (HTML §13.2.6.4.7).
pub(super) fn ended_by(name: &str) -> &'static [&'static str] {
    match name {
        "a" => &["a"],
        "li" => &["li", "p"],
        "dd" | "dt" => &["dd", "dt", "p"],
        "rp" | "rt" => &["rp", "rt"],
        "td" | "th" => &["caption", "td", "th"],
        "tr" => &["caption", "tr"],
        "caption" | "tbody" | "tfoot" | "thead" => &["caption", "tbody", "tfoot", "thead"],
        name if HEADINGS.contains(&name) => &["h1", "h2", "h3", "h4", "h5", "h6", "p"],
        "blockquote" | "div" | "dl" | "figcaption" | "figure" | "hr" | "ol" | "p" | "pre" | "table" | "ul" => &["p"],
        _ => &[],
    }
}

/// Whether the element ends a paragraph or a heading, but not the link in it.
pub(super) fn links_go_on_around(name: &str) -> bool {
    ended_by(name).contains(&"p") && !matches!(name, "dd" | "dt" | "li")
}

/// The open elements that an end tag ends: any end of a heading ends any heading (HTML §13.2.6.4.7).
pub(super) fn ended_by_end<'a>(name: &'a &'a str) -> &'a [&'a str] {
    if HEADINGS.contains(name) { &HEADINGS } else { std::slice::from_ref(name) }
}

/// The elements that a tag of this name never ends something outside of.
pub(super) fn scope(name: &str) -> &'static [&'static str] {
    match name {
        "li" => &["caption", "ol", "table", "td", "th", "ul"],
        "dd" | "dt" => &["caption", "dl", "table", "td", "th"],
        "rp" | "rt" => &["ruby"],
        name if name == "table" || is_table_part(name) => &["table"],
        _ => &["caption", "table", "td", "th"],
    }
}

/// The element that says the same and is known to every client.
pub(super) fn modern(name: &str) -> &str {
    match name {
        "address" | "article" | "aside" | "center" | "details" | "dialog" | "fieldset" | "footer" | "form"
        | "header" | "hgroup" | "legend" | "main" | "nav" | "section" | "summary" => "div",
        "acronym" => "abbr",
        "dir" | "menu" => "ul",
        "listing" | "plaintext" | "xmp" => "pre",
        "strike" => "s",
        "tt" => "code",
        other => other,
    }
}

/// Elements whose content is no text of the entry; of a formula its words are, but not its source.
pub(super) fn without_content(name: &str) -> Option<&'static str> {
    const NAMES: [&str; 13] = [
        "annotation",
        "annotation-xml",
        "datalist",
        "iframe",
        "noembed",
        "noframes",
        "script",
        "select",
        "style",
        "svg",
        "template",
        "textarea",
        "title",
    ];
    NAMES.into_iter().find(|without| *without == name)
}

/// The elements that begin outside of a drawing, wherever they stand (HTML §13.2.6.5).
pub(super) fn ends_drawing(name: &str) -> bool {
    const NAMES: &str = "b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li \
                         listing menu meta nobr ol p pre ruby s small span strike strong sub sup table tt u ul var";
    NAMES.split(' ').any(|ending| ending == name)
}

/// How the content is tokenised (HTML §13.2.6.4): in a script, `<` means nothing.
pub(super) fn raw_kind(name: &str) -> Option<RawKind> {
    match name {
        "script" => Some(RawKind::ScriptData),
        "iframe" | "noembed" | "noframes" | "style" => Some(RawKind::Rawtext),
        "textarea" | "title" => Some(RawKind::Rcdata),
        _ => None,
    }
}

/// How much is given to the tokenizer at a time, bytes.
const PIECE: usize = 4096;
/// A token whose separators weigh more is nobody's: html5ever compares each attribute of a tag with all before it.
const MOST_SEPARATORS: usize = 131_072;

/// Calls `each` for every token; what it returns tells how the content of the element just begun is to be read. The text ends
/// where a token does not.
pub(super) fn tokenise(html: &str, each: impl FnMut(Token) -> Option<RawKind>) {
    let tokenizer =
        Tokenizer::new(Sink { each: RefCell::new(each), has_moved: Cell::new(false) }, TokenizerOpts::default());
    let input = BufferQueue::default();
    let (mut rest, mut separators) = (html, 0);
    while !rest.is_empty() && separators <= MOST_SEPARATORS {
        let end = (PIECE.min(rest.len())..=rest.len()).find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
        let (piece, more) = rest.split_at(end);
        rest = more;
        input.push_back(StrTendril::from(piece));
        // The tokenizer stops only for scripts and encodings, and the sink never asks it to.
        let _ = tokenizer.feed(&input);
        separators = if tokenizer.sink.has_moved.replace(false) { 0 } else { separators + weigh_separators(piece) };
    }
    tokenizer.end();
}

/// What may stand between attributes. Slashes weigh little: a picture that is written out in base64 has many.
fn weigh_separators(text: &str) -> usize {
    let weigh = |byte| match byte {
        b' ' | b'\t' | b'\n' | 0x0c | b'\r' | b'"' | b'\'' => 8,
        b'/' => 1,
        _ => 0,
    };
    text.bytes().map(weigh).sum()
}

struct Sink<F> {
    each: RefCell<F>,
    /// Whether a token has come since this was looked at.
    has_moved: Cell<bool>,
}

impl<F: FnMut(Token) -> Option<RawKind>> TokenSink for Sink<F> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        // Each odd character of a tag is told while the tag goes on.
        self.has_moved.set(self.has_moved.get() || !matches!(token, Token::ParseError(_)));
        match (self.each.borrow_mut())(token) {
            Some(kind) => TokenSinkResult::RawData(kind),
            None => TokenSinkResult::Continue,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_elements_are_sorted_as_they_are_looked_up() {
        assert!(ELEMENTS.is_sorted());
    }
}
