//! Pure: the plain text of a text construct, white space folded.
//!
//! Frozen: the identity of entries without id and link is a hash of it.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer};

use crate::feed::Text;

/// How much is given to the tokenizer at a time, bytes.
const PIECE: usize = 4096;
/// A token whose separators weigh more is nobody's, and ends the text: html5ever compares each attribute of a tag with all
/// before it.
const MOST_SEPARATORS: usize = 131_072;

/// The characters that a reader would see, white space folded to single spaces.
pub(super) fn plain(text: &Text) -> String {
    match text {
        Text::Plain(text) => folded(text).into_owned(),
        Text::Html(html) if !html.contains(['<', '&']) => folded(html).into_owned(),
        Text::Html(html) => {
            let tokenizer = Tokenizer::new(Reader::default(), Default::default());
            let input = BufferQueue::default();
            let (mut rest, mut separators) = (&**html, 0);
            while !rest.is_empty() && separators <= MOST_SEPARATORS {
                let end = (PIECE.min(rest.len())..=rest.len()).find(|at| rest.is_char_boundary(*at));
                let (piece, more) = rest.split_at(end.unwrap_or(rest.len()));
                rest = more;
                input.push_back(StrTendril::from_slice(piece));
                // Without a tree builder nothing ever waits for a script.
                let _ = tokenizer.feed(&input);
                let has_moved = tokenizer.sink.has_moved.replace(false);
                separators = if has_moved { 0 } else { separators + weigh_separators(piece) };
            }
            tokenizer.end();
            folded(&tokenizer.sink.text.borrow()).into_owned()
        }
    }
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

/// White space folded to single spaces, none at the ends.
pub(super) fn folded(text: &str) -> Cow<'_, str> {
    let mut rest = text.trim();
    let Some(mut even) = even_length(rest) else { return Cow::Borrowed(rest) };
    let mut folded = String::with_capacity(rest.len());
    loop {
        folded.push_str(&rest[..even]);
        folded.push(' ');
        rest = rest[even..].trim_start();
        match even_length(rest) {
            Some(length) => even = length,
            None => return Cow::Owned(folded + rest),
        }
    }
}

/// How far a trimmed text is folded already; `None`: to its end. Every content is folded at every change of its feed, and hardly
/// any has much to fold: so this looks at a block at a time, without branches, which the compiler makes a few instructions.
fn even_length(text: &str) -> Option<usize> {
    const BLOCK: usize = 31;
    let bytes = text.as_bytes();
    (0..bytes.len()).step_by(BLOCK).find_map(|start| {
        // One more byte to see whether a space is the last of its run, and two to see the end of a character.
        let mut window = [0; BLOCK + 3];
        let block = &bytes[start..bytes.len().min(start + BLOCK + 3)];
        window[..block.len()].copy_from_slice(block);
        let mut spaces = [false; BLOCK + 1];
        for at in 0..BLOCK + 1 {
            spaces[at] = is_space([window[at], window[at + 1], window[at + 2]]);
        }
        let mut is_even = true;
        for at in 0..BLOCK {
            is_even &= !spaces[at] | ((window[at] == b' ') & !spaces[at + 1]);
        }
        let is_odd = |at: &usize| spaces[*at] && (window[*at] != b' ' || spaces[*at + 1]);
        if is_even { None } else { (0..BLOCK).find(is_odd).map(|at| start + at) }
    })
}

/// Whether UTF-8 that begins so begins with white space, as [`char::is_whitespace`] has it.
fn is_space([a, b, c]: [u8; 3]) -> bool {
    (a == b' ')
        | (a.wrapping_sub(b'\t') < 5)
        | (a == 0xC2) & ((b == 0x85) | (b == 0xA0))
        | (a == 0xE1) & (b == 0x9A) & (c == 0x80)
        | (a == 0xE2) & (b == 0x80) & ((c <= 0x8A) | (c == 0xA8) | (c == 0xA9) | (c == 0xAF))
        | (a == 0xE2) & (b == 0x81) & (c == 0x9F)
        | (a == 0xE3) & (b == 0x80) & (c == 0x80)
}

/// Collects the characters between the tags, scripts and styles left out.
#[derive(Default)]
struct Reader {
    text: RefCell<String>,
    is_hidden: Cell<bool>,
    /// Whether a token has come since this was looked at.
    has_moved: Cell<bool>,
}

impl TokenSink for Reader {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        self.has_moved.set(self.has_moved.get() || !matches!(token, Token::ParseError(_)));
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
        let attributes: String = (0..1_000_000).map(|n| format!(" a{n}")).collect();
        assert_eq!(plain(&Text::Html(format!("one<p{attributes}>two"))), "one", "and takes no hours");
        let picture = format!("{}/", "R0lGODlhAQABAIAAAP".repeat(3)).repeat(60_000);
        assert_eq!(plain(&Text::Html(format!("one<img src='data:image/gif;base64,{picture}'>two"))), "one two");
        assert_eq!(plain(&Text::Plain(" 1 &lt; <b> ".to_owned())), "1 &lt; <b>");
    }

    #[test]
    fn every_character_is_white_space_or_not() {
        for c in '\0'..=char::MAX {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes);
            assert_eq!(is_space([bytes[0], bytes[1], bytes[2]]), c.is_whitespace(), "{c:?}");
        }
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
