//! Whether there is a terminal, and what may be sent to it.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};

use crate::feed::Time;
use crate::ingest::decode::clean;

/// Escape sequences for errors, for hints, and back.
pub const COLOURS: (&str, &str, &str) = ("\x1b[1;31m", "\x1b[1;36m", "\x1b[0m");

/// Whether what is said on stderr may be coloured: on a terminal, unless NO_COLOR is set (no-color.org).
pub fn is_coloured() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Whether somebody watches stderr.
pub fn is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// A bar for so many steps, drawn by a template of indicatif; on a terminal only, and not where NO_COLOR is set.
pub fn bar(template: &str, steps: usize) -> ProgressBar {
    let bar = if is_coloured() { ProgressBar::new(steps as u64) } else { ProgressBar::hidden() };
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Says something about the work. Nobody may be listening; the work goes on.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{}", harmless(text.trim_end()));
}

/// Without control characters but line breaks and tabs: what feeds and servers say must not steer a terminal.
pub fn harmless(text: &str) -> String {
    let is_harmful = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    text.chars().map(|c| if is_harmful(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The same for all that is written.
#[derive(Debug)]
pub struct Clean<W> {
    inner: W,
    /// The last byte may have been the first one of a control character (U+0080 to U+009F).
    is_open: bool,
}

impl<W: Write> Clean<W> {
    /// Lets through to `inner` what may be shown.
    pub fn new(inner: W) -> Self {
        Self { inner, is_open: false }
    }
}

impl<W: Write> Write for Clean<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        const REPLACED: &[u8] = "\u{FFFD}".as_bytes();
        const OPENS: u8 = 0xC2;
        let mut clean = Vec::with_capacity(bytes.len() + 1);
        for byte in bytes {
            match (std::mem::take(&mut self.is_open), byte) {
                (true, 0x80..=0x9F) => clean.extend_from_slice(REPLACED),
                (was_open, byte) => {
                    clean.extend(was_open.then_some(OPENS));
                    match byte {
                        &OPENS => self.is_open = true,
                        b'\n' | b'\t' | 0x20..=0x7E | 0x80.. => clean.push(*byte),
                        _ => clean.extend_from_slice(REPLACED),
                    }
                }
            }
        }
        self.inner.write_all(&clean)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Words of others on one line, without what would move a terminal.
pub fn printable(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A time for people.
pub fn shown_time(time: Time) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A number of things: "1 feed", "2 feeds".
pub fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// A number of entries: "1 entry", "2 entries".
pub fn entries(number: usize) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{number} entries") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_written_steers_a_terminal() {
        let text = "a\u{1b}[31m\u{7}\r\u{7f}\u{9b}é§\t\u{c2a0}\n";
        let expected = "a\u{FFFD}[31m\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}é§\t\u{c2a0}\n";
        assert_eq!(harmless(text), expected);
        for size in 1..=text.len() {
            let mut out = Clean::new(Vec::new());
            text.as_bytes().chunks(size).for_each(|piece| out.write_all(piece).unwrap());
            assert_eq!(String::from_utf8(out.inner).unwrap(), expected);
        }
    }
}
