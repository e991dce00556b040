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
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (even, odd) = rest.split_at(even_length(rest));
        let (word, behind) = odd.split_at(odd.find(char::is_whitespace).unwrap_or(odd.len()));
        folded.push_str(even);
        folded.push_str(word);
        rest = behind.trim_start();
        if !rest.is_empty() {
            folded.push(' ');
        }
    }
    folded
}

/// How much at the beginning of a text is folded already. Every content is folded at every change of its feed, and hardly any
/// has much to fold: so this looks at a block at a time, without branches, which the compiler makes a few instructions.
fn even_length(text: &str) -> usize {
    const BLOCK: usize = 32;
    let bytes = text.as_bytes();
    // Beyond ASCII white space begins with one of these bytes.
    let may_be_space = |a: u8| (a <= b' ') | (a == 0xC2) | (0xE1..=0xE3).contains(&a);
    let is_odd = |a: u8, b: u8| if a == b' ' { may_be_space(b) } else { may_be_space(a) };
    let is_even = |block: &[u8], next: &[u8]| !block.iter().zip(next).fold(false, |any, (a, b)| any | is_odd(*a, *b));
    let blocks = bytes.chunks_exact(BLOCK).zip(bytes.get(1..).unwrap_or_default().chunks_exact(BLOCK));
    let length = blocks.take_while(|(block, next)| is_even(block, next)).count() * BLOCK;
    (0..=length).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
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

    proptest::proptest! {
        #[test]
        fn white_space_of_any_kind_is_folded_wherever_it_stands(
            text in "([a-z€é —]{0,40}[ \t\n\u{85}\u{a0}\u{2003}\u{3000}]{0,2}){0,12}"
        ) {
            let words: Vec<&str> = text.split_whitespace().collect();
            proptest::prop_assert_eq!(folded(&text), words.join(" "));
        }
    }
}
