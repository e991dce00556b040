//! One configuration file: its text, and every complaint about it.
//!
//! A file with syntax errors complains of nothing else: what could be read of it is not what was meant.

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use toml::Spanned;
use toml::de::DeTable;

use super::error::{ConfigError, Excerpt};

/// So many bytes of a long line are shown on either side.
const AROUND: usize = 60;

/// A file as read, and what is wrong with it.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// Whether everyone on the machine may read it.
    pub(super) is_public: bool,
    is_broken: Cell<bool>,
    complaints: RefCell<Vec<Complaint>>,
    secrets: RefCell<Vec<Range<usize>>>,
    /// Offsets of the line feeds, when they were needed.
    line_ends: OnceCell<Vec<usize>>,
}

struct Complaint {
    /// `None`: the file as a whole.
    span: Option<Range<usize>>,
    message: String,
    hint: Option<String>,
}

/// A part of a file.
#[derive(Clone)]
pub(super) struct Place {
    file: Rc<File>,
    span: Range<usize>,
}

impl Place {
    /// Writes down what is wrong there.
    pub(super) fn complain(&self, message: String, hint: String) {
        self.file.complain(Some(self.span.clone()), message, Some(hint));
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.path.display(), self.file.line_of(self.span.start))
    }
}

impl File {
    pub(super) fn new(path: &Path, text: String, is_public: bool) -> Rc<Self> {
        Rc::new(Self {
            path: path.to_owned(),
            text,
            is_public,
            is_broken: Cell::new(false),
            complaints: RefCell::default(),
            secrets: RefCell::default(),
            line_ends: OnceCell::new(),
        })
    }

    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The tables of the file, as far as it can be read.
    pub(super) fn parse(&self) -> Spanned<DeTable<'_>> {
        let (table, errors) = DeTable::parse_recoverable(&self.text);
        let mut last_line = None;
        let mut twin = 0..0;
        for error in &errors {
            let span = error.span().unwrap_or_default();
            // What else is wrong in a line mostly follows from the first, and every key of a table that is there twice is, too.
            let line = self.line_of(span.start);
            let message = error.message().replace('\n', " ");
            let is_duplicate = message.contains("duplicate key");
            if last_line.replace(line) != Some(line) && !(is_duplicate && twin.contains(&span.start)) {
                let (message, hint) = in_plain_words(&message);
                self.complain(Some(span.clone()), format!("not TOML: {message}"), Some(hint.to_owned()));
                if is_duplicate && self.text[..span.start].ends_with('[') {
                    let below = &self.text[span.end..];
                    twin = span.end..span.end + below.find("\n[").unwrap_or(below.len());
                }
            }
        }
        self.is_broken.set(!errors.is_empty());
        table
    }

    /// Forgets all that was complained of.
    pub(super) fn begin_again(&self) {
        self.complaints.take();
    }

    /// Writes down what is wrong at a place, `None` being the file as a whole. An empty hint is none.
    pub(super) fn complain(&self, span: Option<Range<usize>>, message: String, hint: Option<String>) {
        if !self.is_broken.get() {
            let hint = hint.filter(|hint| !hint.is_empty());
            self.complaints.borrow_mut().push(Complaint { span, message, hint });
        }
    }

    /// Keeps a part of the text out of messages.
    pub(super) fn hide(&self, span: Range<usize>) {
        self.secrets.borrow_mut().push(span);
    }

    pub(super) fn place(self: &Rc<Self>, span: Range<usize>) -> Place {
        Place { file: Rc::clone(self), span }
    }

    /// All that is wrong, in the order of the file.
    pub(super) fn errors(&self) -> Vec<ConfigError> {
        let mut complaints = self.complaints.take();
        complaints.sort_by_key(|complaint| complaint.span.as_ref().map(|span| span.start));
        complaints.into_iter().map(|complaint| self.error(complaint)).collect()
    }

    fn error(&self, Complaint { span, message, hint }: Complaint) -> ConfigError {
        let Some(span) = span else { return ConfigError::of_file(&self.path, message, hint) };
        let start = self.char_start(span.start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        let line_end = start + self.text[start..line_end].trim_end_matches('\r').len();
        let end = self.char_start(span.end.clamp(start, line_end));
        let secrets = self.secrets_of(line_start..line_end);
        // Of a very long line the part around the place.
        let from = if start - line_start > 2 * AROUND { self.char_start(start - AROUND) } else { line_start };
        let until = if line_end - start > 2 * AROUND { self.char_start(start + AROUND) } else { line_end };
        let cut = |is_cut: bool| if is_cut { "…" } else { "" };
        let (before, after) = (cut(from > line_start), cut(until < line_end));
        let shown = |range: Range<usize>| shown(&self.text, range, &secrets);
        ConfigError {
            file: Some(self.path.clone()),
            line: Some(self.line_of(start)),
            column: Some(self.text[line_start..start].chars().count() + 1),
            message,
            hint,
            excerpt: Some(Excerpt {
                text: format!("{before}{}{after}", shown(from..until).trim_end()),
                before: width(before) + width(&shown(from..start)),
                marked: width(&shown(start..end.min(until))).max(1),
            }),
        }
    }

    /// Where the character that holds a byte begins.
    fn char_start(&self, offset: usize) -> usize {
        (0..=offset.min(self.text.len())).rev().find(|&at| self.text.is_char_boundary(at)).unwrap_or_default()
    }

    fn line_of(&self, offset: usize) -> usize {
        let starts = self.line_ends.get_or_init(|| self.text.match_indices('\n').map(|(at, _)| at).collect());
        starts.partition_point(|&end| end < offset) + 1
    }

    /// The secrets in a line: those that were read as such, or, in a line that could not be read, what follows a telling
    /// word.
    fn secrets_of(&self, line: Range<usize>) -> Vec<Range<usize>> {
        let known = self.secrets.borrow();
        let mut secrets = known
            .iter()
            .filter(|secret| secret.start < line.end && line.start < secret.end)
            .cloned()
            .collect::<Vec<_>>();
        secrets.sort_by_key(|secret| secret.start);
        if secrets.is_empty() {
            let secret = guessed_secret(&self.text[line.clone()]);
            secrets.extend(secret.map(|at| line.start + at..line.end));
        }
        secrets
    }
}

/// What the parser says of broken syntax, and how it is written right.
fn in_plain_words(message: &str) -> (&str, &'static str) {
    let is = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let hint = match message {
        _ if is(&["escape"]) => "in single quotes a backslash is itself",
        _ if is(&["must be quoted", "invalid boolean"]) => {
            return (
                "this is neither a text in quotes nor a number, true or false",
                "a text stands in double quotes: \"30m\"; true and false without, in small letters",
            );
        }
        _ if is(&["basic string", "literal string"]) => {
            "a text ends, in the same line, with the quote that it began with"
        }
        _ if is(&["duplicate key"]) => return ("this is there twice", "it stands above already: keep one of them"),
        _ if is(&["inline table"]) => "a table in braces looks like { key = value, key = value }",
        _ if is(&["unclosed array", "array elements"]) => "a list looks like [\"one\", \"two\"]",
        _ if is(&["unclosed table"]) => "a header is a name in square brackets, in a line of its own: [my-blog]",
        _ if is(&["expected newline"]) => "each setting stands in a line of its own",
        _ if is(&["leading zero"]) => "write the number without the 0 in front",
        _ => "a setting looks like key = \"value\", a header like [name]",
    };
    (message, hint)
}

/// Where in a line something begins that looks like a secret: the value of a key with a telling name, or the user of an
/// address.
fn guessed_secret(line: &str) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    let named = ["password", "authorization", "cookie", "token", "secret"].iter().filter_map(|name| {
        let after = lower.find(name)? + name.len();
        let value = lower[after..].trim_start_matches(['"', '\'', ' ', '\t']).strip_prefix('=')?.trim_start();
        Some(lower.len() - value.len())
    });
    let userinfo = lower.find("://").map(|at| at + 3).filter(|&at| {
        let authority = lower[at..].split(['/', '"', '\'', ' ']).next().unwrap_or_default();
        authority.contains('@')
    });
    named.chain(userinfo).min()
}

/// A part of a text as it may go to a terminal: secrets (sorted) are `***`, tabs four spaces, other control characters and
/// direction marks are made visible.
fn shown(text: &str, range: Range<usize>, secrets: &[Range<usize>]) -> String {
    let mut shown = String::with_capacity(range.len());
    let mut hidden_until = 0;
    for (offset, c) in text[range.clone()].char_indices().map(|(offset, c)| (range.start + offset, c)) {
        match secrets.iter().find(|secret| secret.contains(&offset)) {
            Some(secret) if offset >= hidden_until => {
                shown.push_str("***");
                hidden_until = secret.end;
            }
            Some(secret) => hidden_until = hidden_until.max(secret.end),
            None if c == '\t' => shown.push_str("    "),
            None if c.is_control() || is_direction_mark(c) => shown.push('\u{FFFD}'),
            None => shown.push(c),
        }
    }
    shown
}

fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Columns that a text takes on a terminal. Wide characters by the blocks of Unicode's East Asian Width.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| match c {
            '\u{0300}'..='\u{036F}' | '\u{200B}'..='\u{200D}' | '\u{FE00}'..='\u{FE0F}' => 0,
            '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{303E}' | '\u{3041}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}' => 2,
            '\u{F900}'..='\u{FAFF}' | '\u{FE30}'..='\u{FE6F}' | '\u{FF00}'..='\u{FF60}' | '\u{FFE0}'..='\u{FFE6}' => 2,
            '\u{1F300}'..='\u{1F64F}' | '\u{1F680}'..='\u{1F6FF}' | '\u{1F900}'..='\u{1F9FF}' => 2,
            '\u{20000}'..='\u{3FFFD}' => 2,
            _ => 1,
        })
        .sum()
}
