//! `tidings parse`: what is read in a document, without network.
//!
//! All but the verb itself is pure: bytes in, what to print out. The JSON form is a contract with scripts.

use std::io::{self, Write};
use std::path::PathBuf;

use chrono::SecondsFormat;
use clap::Args;
use serde::Serialize;

use crate::feed::{Entry, Time};
use crate::ingest::parse::{Document, ParseError, parse};

use super::exit::{Exit, Failure};
use super::input::read;
use super::terminal;

/// Shows what is read in a document, without network
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidings parse feed.xml
  curl -s https://example.org/feed | \\
      tidings parse - --base https://example.org/feed --json

Exit codes: 0 read, 65 the document is no feed or cannot be read.")]
pub struct Parse {
    /// The document; - is standard input
    file: PathBuf,
    /// The address it was fetched from: what relative addresses are relative to
    #[arg(long, value_name = "URL", default_value = "", hide_default_value = true)]
    base: String,
    /// The Content-Type header it came with
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Parse {
    /// Reads and shows.
    pub fn run(self, out: &mut impl Write) -> Result<Exit, Failure> {
        let body = read(&self.file)?;
        let content_type = self.content_type.as_deref();
        if self.json {
            let report = report(&body, &self.base, content_type);
            writeln!(out, "{}", serde_json::to_string(&report).map_err(io::Error::from)?)?;
            return Ok(if matches!(report, Report::Read { .. }) { Exit::Ok } else { Exit::BadInput });
        }
        let lines = lines(&body, &self.base, content_type).map_err(|error| Failure::new(Exit::BadInput, error, ""))?;
        for line in lines {
            writeln!(out, "{line}")?;
        }
        Ok(Exit::Ok)
    }
}

/// What `--json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Report {
    /// The document was read.
    Read {
        /// Always true.
        ok: bool,
        /// Title of the feed.
        title: Option<String>,
        /// Its entries, in the document's order.
        entries: Vec<ReportEntry>,
    },
    /// It was not.
    Failed {
        /// Always false.
        ok: bool,
        /// Why.
        error: String,
    },
}

/// An entry as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportEntry {
    /// The entry's own id.
    pub id: Option<String>,
    /// Title, as read.
    pub title: Option<String>,
    /// The web page, absolute.
    pub link: Option<String>,
    /// RFC 3339, UTC.
    pub published: Option<String>,
    /// RFC 3339, UTC.
    pub updated: Option<String>,
}

/// Reads a document for `--json`.
pub fn report(body: &[u8], base: &str, content_type: Option<&str>) -> Report {
    match parse(body, base, content_type) {
        Ok(document) => Report::Read {
            ok: true,
            title: document.meta.title,
            entries: document.entries.into_iter().map(ReportEntry::from).collect(),
        },
        Err(error) => Report::Failed { ok: false, error: error.to_string() },
    }
}

impl From<Entry> for ReportEntry {
    fn from(entry: Entry) -> Self {
        Self {
            title: entry.title.map(|title| title.as_str().to_owned()),
            id: entry.id,
            link: entry.link,
            published: entry.published.map(rfc_3339),
            updated: entry.updated.map(rfc_3339),
        }
    }
}

fn rfc_3339(time: Time) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Reads a document for people: the lines to print, or why there are none.
pub fn lines(body: &[u8], base: &str, content_type: Option<&str>) -> Result<Vec<String>, ParseError> {
    parse(body, base, content_type).map(|document| render(&document))
}

fn render(document: &Document) -> Vec<String> {
    let meta = &document.meta;
    let count = terminal::entries(document.entries.len());
    let title = meta.title.as_deref().unwrap_or("no title");
    let mut lines = vec![format!("{title} ({count}, read {})", document.read_by)];
    lines.extend(meta.link.iter().map(|link| format!("  {link}")));
    if document.is_truncated {
        lines.push("  cut short: the last entry may be missing".to_owned());
    }
    for entry in &document.entries {
        let date = entry.published.or(entry.updated).map_or_else(|| "no date".to_owned(), rfc_3339);
        let title = entry.title.as_ref().map_or("no title", |title| title.as_str());
        lines.push(String::new());
        lines.push(title.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.push(format!("  {date}"));
        lines.extend(entry.link.iter().map(|link| format!("  {link}")));
        lines.push(format!("  id: {}", entry.id.as_deref().unwrap_or("none of its own")));
        lines.extend(entry.links.iter().map(|link| format!("  {}: {}", link.rel, link.href)));
    }
    lines
}
