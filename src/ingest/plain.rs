//! Pure: the plain text of a text construct, white space folded.
//!
//! Frozen: the identity of entries without id and link is a hash of it.

use std::cell::{Cell, RefCell};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer};

use crate::feed::Text;

/// The characters that a reader would see, white space folded to single spaces.
pub(super) fn plain(text: &Text) -> String {
    match text {
        Text::Plain(text) => folded(text),
        Text::Html(html) if !html.contains(['<', '&']) => folded(html),
        Text::Html(html) => {
            let tokenizer = Tokenizer::new(Reader::default(), Default::default());
            let input = BufferQueue::default();
            input.push_back(StrTendril::from_slice(html));
            // Without a tree builder nothing ever waits for a script.
            let _ = tokenizer.feed(&input);
            tokenizer.end();
            folded(&tokenizer.sink.text.borrow())
        }
    }
}

/// White space folded to single spaces, none at the ends.
pub(super) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}

/// Collects the characters between the tags, scripts and styles left out.
#[derive(Default)]
struct Reader {
    text: RefCell<String>,
    is_hidden: Cell<bool>,
}

impl TokenSink for Reader {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::CharacterTokens(characters) if !self.is_hidden.get() => {
                self.text.borrow_mut().push_str(&characters);
            }
            Token::TagToken(tag) => return self.cross(&tag),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Reader {
    fn cross(&self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        match name {
            "script" | "style" => {
                let is_start = tag.kind == TagKind::StartTag;
                self.is_hidden.set(is_start);
                if is_start {
                    return TokenSinkResult::RawData(RawKind::Rawtext);
                }
            }
            "a" | "abbr" | "b" | "code" | "em" | "font" | "i" | "mark" | "s" | "small" | "span" | "strong" | "sub"
            | "sup" | "u" | "wbr" => {}
            _ => self.text.borrow_mut().push(' '),
        }
        TokenSinkResult::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_reads_as_its_characters() {
        for (html, expected) in [
            ("Fish &amp; <b>ch</b>ips", "Fish & chips"),
            ("<p>one</p><p>two</p>", "one two"),
            ("caf&eacute;&nbsp;&#8364;&#x41;", "café €A"),
            ("a<script>if (a < b) { c() }</script>b", "ab"),
            ("a<!-- b -->c <img alt='x'> d", "ac d"),
            ("1 < 2", "1 < 2"),
            ("  plain \n\t text ", "plain text"),
        ] {
            assert_eq!(plain(&Text::Html(html.to_owned())), expected, "{html}");
        }
        assert_eq!(plain(&Text::Plain(" 1 &lt; <b> ".to_owned())), "1 &lt; <b>");
    }
}
