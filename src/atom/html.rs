//! What is kept of HTML: the elements and attributes that every known client shows, and html5ever's tokenizer over them.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

/// The elements that may stand in a payload: never script, svg, math, style, form.
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

/// Calls `each` for every token; what it returns tells how the content of the element just begun is to be read.
pub(super) fn tokenise(html: &str, each: impl FnMut(Token) -> Option<RawKind>) {
    let tokenizer = Tokenizer::new(Sink(RefCell::new(each)), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    // The tokenizer stops only for scripts and encodings, and the sink never asks it to.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
}

struct Sink<F>(RefCell<F>);

impl<F: FnMut(Token) -> Option<RawKind>> TokenSink for Sink<F> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match (self.0.borrow_mut())(token) {
            Some(kind) => TokenSinkResult::RawData(kind),
            None => TokenSinkResult::Continue,
        }
    }
}
