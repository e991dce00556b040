//! Broken markup to markup that a tokenizer can go through: stray `&` and `<`, HTML entities, open-ended sections, DOCTYPE.
//!
//! Works on text, once, in linear time; it does not know which elements there are. No entity that a document declares grows
//! beyond a budget, and no external one is looked at.

use std::collections::HashMap;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

use super::decode::allowed;

/// HTML's entities are some two thousand; names beyond twice that are nobody's.
const MAX_NAMES: usize = 4_096;
/// What all entities of a document together may grow to, bytes. A feed has a company's name in them, no more.
const ENTITY_BUDGET: usize = 64 * 1024;

/// Mends a document.
pub(super) fn mend(text: &str) -> String {
    let mut entities = Entities::default();
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    let mut rest = text;
    // What was looked for once to the end and not found is not looked for again, which would be quadratic.
    let (mut has_cdata_end, mut has_comment_end, mut has_instruction_end) = (true, true, true);
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = if rest.starts_with('&') {
            entities.reference(rest, &mut out)
        } else if let Some(inner) = rest.strip_prefix("<![CDATA[") {
            match section(rest, inner, "]]>", &mut has_cdata_end) {
                Some((whole, behind)) => {
                    out.push_str(whole);
                    behind
                }
                None => inner,
            }
        } else if let Some(inner) = rest.strip_prefix("<!--") {
            section(rest, inner, "-->", &mut has_comment_end).map_or(inner, |(_, behind)| behind)
        } else if let Some(inner) = rest.strip_prefix("<?") {
            section(rest, inner, "?>", &mut has_instruction_end).map_or_else(|| behind_tag(inner), |(_, behind)| behind)
        } else if rest.starts_with("<!") {
            entities.declare(rest)
        } else {
            let is_tag = rest[1..]
                .strip_prefix('/')
                .unwrap_or(&rest[1..])
                .starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | ':'));
            out.push_str(if is_tag { "<" } else { "&lt;" });
            &rest[1..]
        };
    }
    out.push_str(rest);
    close_last_tag(&mut out);
    out
}

/// A section that ends with `end`: all of it, and what is behind.
fn section<'a>(whole: &'a str, inner: &'a str, end: &str, is_worth_it: &mut bool) -> Option<(&'a str, &'a str)> {
    let found = is_worth_it.then(|| inner.find(end)).flatten();
    *is_worth_it = found.is_some();
    let length = whole.len() - inner.len() + found? + end.len();
    Some(whole.split_at(length))
}

fn behind_tag(text: &str) -> &str {
    text.find('>').map_or("", |end| &text[end + 1..])
}

/// A document may end in the middle of its last tag: an end tag is completed, anything else taken out.
fn close_last_tag(out: &mut String) {
    if let Some(at) = out.rfind('<').filter(|at| !out[*at..].contains('>')) {
        match out[at..].starts_with("</") {
            true => out.push('>'),
            false => out.truncate(at),
        }
    }
}

/// Named references: those that the document declares, and HTML's.
#[derive(Default)]
struct Entities {
    declared: HashMap<String, String>,
    html: HashMap<String, Option<String>>,
    spent: usize,
    has_doctype: bool,
}

impl Entities {
    /// Writes what the reference at the start of `text` means, or a literal `&`; gives what is behind.
    fn reference<'a>(&mut self, text: &'a str, out: &mut String) -> &'a str {
        let inner = &text[1..];
        let end = inner.bytes().take(32).position(|byte| byte == b';');
        let Some((name, behind)) = end.map(|end| (&inner[..end], &inner[end + 1..])) else {
            out.push_str("&amp;");
            return inner;
        };
        if let Some(c) = numbered(name) {
            match c.and_then(allowed) {
                Some(c @ ('<' | '&' | '>' | '"' | '\'')) => out.push_str(&format!("&#{};", u32::from(c))),
                c => out.extend(c),
            }
        } else if matches!(name, "amp" | "lt" | "gt" | "quot" | "apos") {
            out.push_str(&text[..name.len() + 2]);
        } else if let Some(value) = self.declared.get(name) {
            self.spent += value.len();
            if self.spent <= ENTITY_BUDGET {
                out.push_str(value);
            }
        } else if let Some(value) = self.html(name) {
            out.push_str(value);
        } else {
            out.push_str("&amp;");
            return inner;
        }
        behind
    }

    fn html(&mut self, name: &str) -> Option<&str> {
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_name || self.html.len() > MAX_NAMES {
            return None;
        }
        self.html.entry(name.to_owned()).or_insert_with(|| html_entity(name)).as_deref()
    }

    /// Takes note of the entities of a `<!DOCTYPE … [ … ]>`, the first one; gives what is behind it.
    fn declare<'a>(&mut self, text: &'a str) -> &'a str {
        let end = text.find('>').unwrap_or(text.len());
        let Some(open) = text[..end].find('[').filter(|_| !self.has_doctype) else { return behind_tag(text) };
        self.has_doctype = true;
        let subset = &text[open + 1..];
        let Some(close) = subset.find("]>").or_else(|| subset.find(']')) else { return behind_tag(text) };
        for declaration in subset[..close].split("<!ENTITY").skip(1) {
            // `name "value"`; `% name` and `name SYSTEM "address"` are none of ours.
            let Some((name, value)) = declaration.trim_start().split_once(char::is_whitespace) else { continue };
            let value = value.trim_start();
            let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
            let Some((value, _)) = value[1..].split_once(quote) else { continue };
            let value = self.expand(value);
            self.declared.entry(name.to_owned()).or_insert(value);
        }
        behind_tag(&subset[close..])
    }

    /// An entity's value with the entities declared before it put in, within the budget.
    fn expand(&mut self, value: &str) -> String {
        let mut out = String::new();
        let mut rest = value;
        while let Some(at) = rest.find('&') {
            out.push_str(&rest[..at]);
            rest = self.reference(&rest[at..], &mut out);
        }
        out.push_str(rest);
        self.spent += out.len();
        if self.spent > ENTITY_BUDGET { String::new() } else { out }
    }
}

/// The character that a numeric reference (`#38`, `#x26`, `#X26`) stands for, if there is such a character.
pub(super) fn numbered(name: &str) -> Option<Option<char>> {
    let number = name.strip_prefix('#')?;
    let (digits, radix) = number.strip_prefix(['x', 'X']).map_or((number, 10), |digits| (digits, 16));
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    is_number.then(|| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32))
}

/// The characters of an HTML entity, from the table that html5ever carries.
fn html_entity(name: &str) -> Option<String> {
    let reference = format!("&{name};");
    let text = characters(&reference);
    (text.chars().count() <= 2 && text != reference).then_some(text)
}

/// The characters of a short piece of HTML, without tags, references resolved.
pub(super) fn characters(html: &str) -> String {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let tokenizer = Tokenizer::new(Characters::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

/// Collects characters.
#[derive(Default)]
struct Characters(std::cell::RefCell<String>);

impl TokenSink for Characters {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        if let Token::CharacterTokens(text) = token {
            self.0.borrow_mut().push_str(&text);
        }
        TokenSinkResult::Continue
    }
}
