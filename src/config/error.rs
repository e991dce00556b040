//! What is wrong with a configuration, and how an operator reads it: message, place, the line itself, and a way out.
//!
//! A secret is never quoted: the line ends in `***` where one begins.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigError {
    /// The file; `None` when there is none at all.
    pub file: Option<PathBuf>,
    /// Line, from 1; `None` when the file as a whole is meant.
    pub line: Option<usize>,
    /// Column, from 1, counted in characters.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The line as it is shown.
    #[serde(skip)]
    pub(super) excerpt: Option<Excerpt>,
}

/// A line of a file with a part of it underlined; numbers are columns of a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub(super) text: String,
    pub(super) before: usize,
    pub(super) marked: usize,
}

/// Everything that is wrong with a configuration: one error at least, in the order of files and lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(
    /// The errors.
    pub Vec<ConfigError>,
);

/// One mistake in `[defaults]` may be an error of every feed.
const MOST_IN_A_LOG: usize = 20;

impl ConfigErrors {
    /// One error of a file as a whole.
    pub(super) fn of_file(file: &Path, message: impl Into<String>, hint: Option<String>) -> Self {
        Self(vec![ConfigError::of_file(file, message, hint)])
    }

    /// Whether nothing is wrong but that there is no configuration in any of the usual places.
    pub fn is_absence(&self) -> bool {
        self.0.iter().all(|error| error.file.is_none())
    }

    /// All errors as text, with terminal colours or without.
    pub fn render(&self, is_coloured: bool) -> String {
        self.rendered(self.0.len(), if is_coloured { &COLOURED } else { &PLAIN })
    }

    /// The first errors as text, and how many more there are: for a log.
    pub fn brief(&self) -> String {
        let text = self.rendered(MOST_IN_A_LOG, &PLAIN);
        match self.0.len().saturating_sub(MOST_IN_A_LOG) {
            0 => text,
            left => format!("{text}\nand {left} more: `tidings check` tells all of them\n"),
        }
    }

    fn rendered(&self, most: usize, paint: &Paint) -> String {
        self.0.iter().take(most).map(|error| error.render(paint)).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl ConfigError {
    /// An error of a file as a whole.
    pub(super) fn of_file(file: &Path, message: impl Into<String>, hint: Option<String>) -> Self {
        let file = Some(file.to_owned());
        Self { file, line: None, column: None, message: message.into(), hint, excerpt: None }
    }

    fn render(&self, paint: &Paint) -> String {
        let Paint { error, frame, hint, off } = paint;
        let mut text = format!("{error}error{off}: {}\n", self.message);
        let number = self.line.map(|line| line.to_string()).unwrap_or_default();
        let margin = " ".repeat(number.len());
        if let Some(file) = &self.file {
            let place = [self.line, self.column].into_iter().flatten().map(|n| format!(":{n}")).collect::<String>();
            text += &format!("{margin} {frame}-->{off} {}{place}\n", file.display());
        }
        if let Some(Excerpt { text: line, before, marked }) = &self.excerpt {
            let (before, carets) = (" ".repeat(*before), "^".repeat(*marked));
            text += &format!("{margin}  {frame}|{off}\n {frame}{number} |{off} {line}\n");
            text += &format!("{margin}  {frame}|{off} {before}{error}{carets}{off}\n");
        }
        for (index, line) in self.hint.iter().flat_map(|hint| hint.lines()).flat_map(wrapped).enumerate() {
            let label = if index == 0 { format!("{hint}hint{off}: ") } else { "      ".to_owned() };
            text += &format!("{margin}  {label}{}\n", line.trim_end());
        }
        text
    }
}

/// A long line as several.
fn wrapped(line: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split_inclusive(' ') {
        match lines.last_mut() {
            Some(last) if last.is_empty() || last.len() + word.len() <= 100 => last.push_str(word),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Escape sequences of a terminal.
struct Paint {
    error: &'static str,
    frame: &'static str,
    hint: &'static str,
    off: &'static str,
}

const PLAIN: Paint = Paint { error: "", frame: "", hint: "", off: "" };
const COLOURED: Paint = Paint { error: "\x1b[1;31m", frame: "\x1b[34m", hint: "\x1b[1;36m", off: "\x1b[0m" };
