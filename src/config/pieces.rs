//! A file of feeds, table by table: of very many feeds the parsed tables are most of the memory, so that a large file is
//! parsed in pieces, and each piece is gone before the next one is looked at.
//!
//! A piece ends before a line that begins with a `[`. Where that is no header, but stands within a text or a list, the piece
//! does not parse, and goes on to the end of the file. A file in which later tables may add to earlier ones is one piece.

use std::iter;

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use super::file::File;

/// A key of a file and what stands under it.
pub(super) type Entry<'a> = (Spanned<DeString<'a>>, Spanned<DeValue<'a>>);

/// No piece is cut off before this many bytes.
const PIECE: usize = 64 * 1024;

/// What stands in a file, in order as far as pieces go. Broken syntax is complained of, and is all that then is.
pub(super) fn entries(file: &File) -> impl Iterator<Item = Entry<'_>> {
    let text = &*file.text;
    let least = if has_plain_headers(text) { PIECE } else { text.len() };
    let mut start = 0;
    let pieces = iter::from_fn(move || {
        let ends = (start < text.len()).then(|| [end_of_piece(text, start + least), text.len()])?;
        let parsed = ends.into_iter().find_map(|end| Some((end, DeTable::parse(&text[start..end]).ok()?)));
        let Some((end, table)) = parsed else {
            start = text.len();
            file.begin_again();
            return Some(file.parse().into_inner());
        };
        let by = std::mem::replace(&mut start, end);
        Some(shifted_table(table.into_inner(), by))
    });
    pieces.flatten()
}

/// Whether every table is called by one word, as feeds are.
fn has_plain_headers(text: &str) -> bool {
    let headers = text.lines().map(str::trim_start).filter(|line| line.starts_with('['));
    let is_bare = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    headers.map(|line| line[1..].split_once(']').map_or("", |(name, _)| name)).all(|name| {
        let quoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
        match quoted {
            Some(name) => name.bytes().all(|c| is_bare(c) || c == b'.'),
            None => !name.is_empty() && name.bytes().all(is_bare),
        }
    })
}

/// Where a line begins with a `[`, from an offset on.
fn end_of_piece(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let is_end = |at: &usize| bytes[*at] == b'[' && bytes[at - 1] == b'\n';
    (from.max(1)..text.len()).find(is_end).unwrap_or(text.len())
}

/// What was read of a piece, at the places that it has in the file.
fn shifted_table(table: DeTable<'_>, by: usize) -> DeTable<'_> {
    let entries = table.into_iter().map(|(key, value)| {
        let at = key.span();
        (Spanned::new(at.start + by..at.end + by, key.into_inner()), shifted(value, by))
    });
    entries.collect()
}

fn shifted(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let at = value.span();
    let value = match value.into_inner() {
        DeValue::Array(array) => DeValue::Array(array.into_iter().map(|value| shifted(value, by)).collect::<DeArray>()),
        DeValue::Table(table) => DeValue::Table(shifted_table(table, by)),
        plain => plain,
    };
    Spanned::new(at.start + by..at.end + by, value)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::path::Path;

    use super::super::error::ConfigErrors;
    use super::*;

    /// A file of several pieces; it may have lines that look like headers within texts and lists.
    fn large(with_look_alikes: bool) -> String {
        let mut text = String::from("# feeds\n");
        let look_alikes = "name = \"\"\"\n[feed-1]\n\"\"\"\nlist = [\n[1],\n]\n";
        for number in 0..5000 {
            let more = if with_look_alikes { look_alikes } else { "tags = [[\"a\"]]\n" };
            writeln!(text, "[feed-{number}]\nurl = \"https://example.org/{number}\"\n{more}").unwrap();
        }
        text
    }

    /// What stands in the file with the places of all of it, and what it complains of.
    fn read(text: &str, read: impl Fn(&File) -> DeTable<'_>) -> (String, String) {
        let file = File::new(Path::new("feeds.toml"), text.to_owned(), false);
        let table = format!("{:?}", read(&file));
        (table, ConfigErrors(file.errors()).to_string())
    }

    fn in_pieces(file: &File) -> DeTable<'_> {
        entries(file).collect()
    }

    fn at_once(file: &File) -> DeTable<'_> {
        file.parse().into_inner()
    }

    #[test]
    fn a_large_file_reads_as_if_it_were_read_at_once() {
        let more = "[feed-1.more]\nurl = \"https://example.org/more\"\n";
        for end in ["", "[last]", more, "[last]\nurl = \"https://example.org", "[last]\nlast = 1\nlast = 2\n[feed"] {
            for with_look_alikes in [false, true] {
                let text = large(with_look_alikes) + end;
                assert!(text.len() > 3 * PIECE);
                let (pieces, whole) = (read(&text, in_pieces), read(&text, at_once));
                assert_eq!(pieces.1, whole.1, "{end}");
                assert!(pieces.0 == whole.0, "{end}");
            }
        }
    }
}
