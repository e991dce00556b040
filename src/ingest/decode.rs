//! Bytes to clean text: charset, byte order mark, repair of stray bytes, no character that XML forbids.
//!
//! Order of trust: byte order mark, HTTP charset, XML declaration; each only if the bytes decode by it without an error, and
//! valid UTF-8 beats a label of a single-byte charset. What comes out never carries an XML declaration, so no later reader
//! can decode a second time.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, GB18030, GBK, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// A document as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The text, without byte order mark, XML declaration and forbidden characters.
    pub text: Cow<'a, str>,
    /// What was mended beyond the declared charset, if anything.
    pub repair: Option<&'static str>,
}

/// Decodes a document; `content_type` is the HTTP header. Always succeeds: the worst guess is still text.
pub fn decode<'a>(body: &'a [u8], content_type: Option<&str>) -> Decoded<'a> {
    let (text, repair) = to_text(body, content_type);
    let (text, repair) = match undo_double_encoding(&text) {
        Some(mended) => (Cow::Owned(mended), Some("UTF-8 encoded twice")),
        None => (text, repair),
    };
    let text = match text {
        Cow::Borrowed(text) => clean(without_declaration(text)),
        Cow::Owned(text) => Cow::Owned(clean(without_declaration(&text)).into_owned()),
    };
    Decoded { text, repair }
}

fn to_text<'a>(body: &'a [u8], content_type: Option<&str>) -> (Cow<'a, str>, Option<&'static str>) {
    if let Some(text) = utf_32(body) {
        return (Cow::Owned(text), None);
    }
    let (marked, body) = match Encoding::for_bom(body) {
        Some((encoding, length)) => (Some(encoding), &body[length..]),
        None => (wide_without_mark(body), body),
    };
    let utf_8 = UTF_8.decode_without_bom_handling_and_without_replacement(body);
    let labels = [content_type.and_then(charset_of_header), charset_of_declaration(body)];
    for encoding in marked.into_iter().chain(labels.into_iter().flatten()) {
        match &utf_8 {
            // A wide label without a mark or zero bytes is a lie; so is a single-byte one on what is valid UTF-8.
            _ if marked.is_none() && is_wide(encoding) => {}
            Some(text) if encoding == UTF_8 || is_single_byte(encoding) => return (text.clone(), None),
            _ => {
                // Any bytes are text in a single-byte charset; what is UTF-8 but for a few of them was meant as that.
                if let Some(text) = utf_8_with_strays(body, 8).filter(|_| is_single_byte(encoding)) {
                    return (Cow::Owned(text), Some("stray bytes in UTF-8"));
                }
                if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(body) {
                    return (text, None);
                }
            }
        }
    }
    if let Some(text) = utf_8 {
        return (text, None);
    }
    if let Some(encoding) = marked.filter(|encoding| is_wide(encoding)) {
        return (encoding.decode_without_bom_handling(body).0, Some("broken UTF-16"));
    }
    if let Some(text) = utf_8_with_strays(body, 1) {
        return (Cow::Owned(text), Some("stray bytes in UTF-8"));
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(body, true);
    (detector.guess(None, Utf8Detection::Allow).decode_without_bom_handling(body).0, Some("charset guessed"))
}

fn is_wide(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

/// Whether text that happens to be valid UTF-8 is hardly ever meant in this charset. ISO-2022-JP is plain ASCII to the eye.
fn is_single_byte(encoding: &'static Encoding) -> bool {
    encoding.is_single_byte() || [GBK, GB18030, SHIFT_JIS].contains(&encoding) && encoding != ISO_2022_JP
}

/// UTF-16 without a mark: the zero byte of the first `<` or `{` tells.
fn wide_without_mark(body: &[u8]) -> Option<&'static Encoding> {
    match body {
        [0, b'<' | b'{', 0, ..] => Some(UTF_16BE),
        [b'<' | b'{', 0, _, 0, ..] => Some(UTF_16LE),
        _ => None,
    }
}

/// UTF-32, which the WHATWG's list does not know, by its mark or by the zero bytes of the first `<`.
fn utf_32(body: &[u8]) -> Option<String> {
    let to_scalar: fn([u8; 4]) -> u32 = match body {
        [0, 0, 0xFE, 0xFF, ..] | [0, 0, 0, b'<', ..] => u32::from_be_bytes,
        [0xFF, 0xFE, 0, 0, ..] | [b'<', 0, 0, 0, ..] => u32::from_le_bytes,
        _ => return None,
    };
    let units = body.chunks_exact(4).map(|unit| to_scalar([unit[0], unit[1], unit[2], unit[3]]));
    Some(
        units
            .map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
            .skip_while(|c| *c == '\u{FEFF}')
            .collect(),
    )
}

/// `text/xml; charset="utf-8"`.
fn charset_of_header(content_type: &str) -> Option<&'static Encoding> {
    let parameter = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then_some(value)
    })?;
    by_label(parameter)
}

/// `<?xml version="1.0" encoding="iso-8859-1"?>`.
fn charset_of_declaration(body: &[u8]) -> Option<&'static Encoding> {
    let start = body.trim_ascii_start();
    let head = String::from_utf8_lossy(&start[..start.len().min(256)]);
    let declaration = head.strip_prefix("<?xml")?.split("?>").next()?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    by_label(value[1..].split(quote).next()?)
}

fn by_label(label: &str) -> Option<&'static Encoding> {
    let label = label.trim().trim_matches(['"', '\'']);
    Encoding::for_label_no_replacement(label.as_bytes())
        .or_else(|| Encoding::for_label_no_replacement(label.replace(['-', '_'], "").as_bytes()))
}

/// UTF-8 in which a few bytes of windows-1252 stand: pasted text of a writer's old program. `None` unless there are `times` as
/// many characters beyond ASCII as there are such bytes.
fn utf_8_with_strays(body: &[u8], times: usize) -> Option<String> {
    let mut text = String::with_capacity(body.len() + 64);
    let (mut sequences, mut strays) = (0_usize, 0_usize);
    for chunk in body.utf8_chunks() {
        sequences += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        strays += chunk.invalid().len();
        text.push_str(chunk.valid());
        text.push_str(&WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0);
    }
    (sequences > strays.saturating_mul(times)).then_some(text)
}

/// Text whose every run of characters beyond ASCII is a windows-1252 reading of UTF-8 (`Ã©` for `é`), read as it was meant.
fn undo_double_encoding(text: &str) -> Option<String> {
    // Each such run has one of U+00C2 to U+00F4 in front, whose first byte is this: most texts have none.
    memchr::memchr(0xC3, text.as_bytes())?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| !c.is_ascii()) {
        let end = rest[start..].find(|c: char| c.is_ascii()).map_or(rest.len(), |length| start + length);
        out.push_str(&rest[..start]);
        out.push_str(std::str::from_utf8(&windows_1252(&rest[start..end])?).ok()?);
        rest = &rest[end..];
    }
    out.push_str(rest);
    Some(out)
}

/// The bytes that a text was read from as windows-1252.
fn windows_1252(text: &str) -> Option<Vec<u8>> {
    let mut buffer = [0_u8; 4];
    let byte = |c: char| match u8::try_from(u32::from(c)) {
        Ok(byte) => Some(byte),
        Err(_) => match WINDOWS_1252.encode(c.encode_utf8(&mut buffer)) {
            (byte, _, false) => byte.first().copied(),
            _ => None,
        },
    };
    text.chars().map(byte).collect()
}

/// The text behind byte order mark, white space and XML declaration.
fn without_declaration(text: &str) -> &str {
    let start = text.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n', '\0']);
    match start.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) {
        Some((declaration, rest)) if declaration.starts_with([' ', '\t', '\r', '\n']) && !declaration.contains('<') => {
            rest
        }
        _ => start,
    }
}

/// Whether a character may not stand in XML, or lies about the order of the others (bidi overrides and isolates).
fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{7F}'..='\u{9F}'
        | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFFE}' | '\u{FFFF}')
}

/// A character as it may stand in a text. A C1 control is what a windows-1252 byte becomes under a wrong label, and is read
/// as that (`&#146;` is an apostrophe everywhere on the web).
pub(super) fn allowed(c: char) -> Option<char> {
    match c {
        '\u{80}'..='\u{9F}' => {
            let byte = [u32::from(c) as u8];
            WINDOWS_1252.decode_without_bom_handling(&byte).0.chars().next().filter(|c| !is_forbidden(*c))
        }
        c => (!is_forbidden(c)).then_some(c),
    }
}

/// Takes out what is forbidden in XML and what hides the order of characters.
pub fn clean(text: &str) -> Cow<'_, str> {
    if holds_forbidden(text.as_bytes()) {
        Cow::Owned(text.chars().filter_map(allowed).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a forbidden character stands in UTF-8. Every document pays for this, so there are no branches: the compiler makes
/// it look at many bytes at a time.
fn holds_forbidden(bytes: &[u8]) -> bool {
    let is_control = |a: u8| (a < 0x20) & (a != b'\t') & (a != b'\n') & (a != b'\r') | (a == 0x7F);
    let is_c1 = |a: u8, b: u8| (a == 0xC2) & (b < 0xA0);
    let is_bidi = |a: u8, b: u8, c: u8| {
        (a == 0xE2) & ((b == 0x80) & (0xAA..=0xAE).contains(&c) | (b == 0x81) & (0xA6..=0xA9).contains(&c))
    };
    let is_noncharacter = |a: u8, b: u8, c: u8| (a == 0xEF) & (b == 0xBF) & (0xBE <= c);
    let (Some(seconds), Some(thirds)) = (bytes.get(1..), bytes.get(2..)) else {
        return bytes.iter().any(|byte| is_control(*byte));
    };
    let tail = &bytes[bytes.len() - 2..];
    let is_in_tail = is_c1(tail[0], tail[1]) | is_control(tail[0]) | is_control(tail[1]);
    is_in_tail
        | bytes.iter().zip(seconds).zip(thirds).fold(false, |any, ((a, b), c)| {
            any | is_control(*a) | is_c1(*a, *b) | is_bidi(*a, *b, *c) | is_noncharacter(*a, *b, *c)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &[u8], content_type: Option<&str>, expected: &str) {
        assert_eq!(decode(body, content_type).text, expected, "{body:?} {content_type:?}");
    }

    #[test]
    fn the_charset_is_found_in_order_of_trust() {
        let wide = |encode: fn(u16) -> [u8; 2], text: &str| text.encode_utf16().flat_map(encode).collect::<Vec<_>>();
        check(b"\xEF\xBB\xBF<a>\xC3\xA9", Some("text/xml; charset=iso-8859-1"), "<a>é");
        check(&wide(u16::to_le_bytes, "\u{FEFF}<a>é"), None, "<a>é");
        check(&wide(u16::to_be_bytes, "<a>é"), Some("text/xml; charset=utf-8"), "<a>é");
        check(&wide(u16::to_be_bytes, "<?xml version='1.0' encoding='utf-16'?><a>é"), None, "<a>é");
        check(&"<a>é".chars().flat_map(|c| u32::from(c).to_be_bytes()).collect::<Vec<_>>(), None, "<a>é");
        check(b"<a>\xE4\xF6", Some("text/xml; charset=\"ISO-8859-1\""), "<a>äö");
        check(b"<?xml version='1.0' encoding='windows-1251'?><a>\xC4\xE0", None, "<a>Да");
        check(b"<?xml version='1.0' encoding='windows-1251'?><a>\xC4\xE0", Some("text/xml; charset=utf-8"), "<a>Да");
        check("<?xml version='1.0' encoding='iso-8859-1'?><a>é".as_bytes(), None, "<a>é");
        check("<?xml version='1.0' encoding='utf-16'?><a>é".as_bytes(), None, "<a>é");
        check(b"<?xml version='1.0' encoding='iso-2022-jp'?><a>\x1B$B$\"\x1B(B", None, "<a>あ");
        check(b"<a>\x83\x41\x83\x42\x83\x43\x83\x8B\x82\xCC", Some("text/xml; charset=x-no-such"), "<a>アィイルの");
    }

    #[test]
    fn what_is_wrongly_encoded_is_mended() {
        check(b"<a>\xC3\xA9\xC3\xA8 \x93quoted", None, "<a>éè “quoted");
        let latin = "<?xml version='1.0' encoding='iso-8859-1'?><a>";
        let mostly_utf_8 = [latin.as_bytes(), "é".repeat(9).as_bytes(), b"\xF8"].concat();
        check(&mostly_utf_8, None, "<a>éééééééééø");
        check(&[latin.as_bytes(), b"\xC3\xA9\xF8"].concat(), None, "<a>Ã©ø");
        check("<a>cafÃ© â€œxâ€˜".as_bytes(), None, "<a>café “x‘");
        check("<a>Ã©".as_bytes(), None, "<a>é");
        check("<a>é Ã©".as_bytes(), None, "<a>é Ã©");
        check("a\0b\u{1}c\u{202E}d\u{FFFE}e\u{85}f".as_bytes(), None, "abcde…f");
    }

    #[test]
    fn the_declaration_is_taken_off() {
        check(b" \n<?xml version='1.0'?>\n<a/>", None, "\n<a/>");
        check(b"<?xml-stylesheet href='x'?><a/>", None, "<?xml-stylesheet href='x'?><a/>");
        check(b"<?xml version='1.0'><a/>", None, "<?xml version='1.0'><a/>");
        check(b"", None, "");
    }
}
