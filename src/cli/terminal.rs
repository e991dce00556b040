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
    let _ = writeln!(io::stderr(), "{}", text.trim_end());
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
