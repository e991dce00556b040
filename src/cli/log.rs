//! Log lines: on stderr, for people or as JSON, with priorities for the journal; chosen by RUST_LOG.
//!
//! The XMPP crate logs whole stanzas, the login among them, below info: it is held at info whatever RUST_LOG says.

use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;

use clap::ValueEnum;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Filter, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

use super::exit::{Exit, Failure};
use super::terminal::{self, Clean};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Starts logging. `level` holds when RUST_LOG says nothing.
pub fn start(format: Format, level: &str) -> Result<(), Failure> {
    let chosen = std::env::var("RUST_LOG").ok().filter(|chosen| !chosen.trim().is_empty());
    let filter = filter(chosen.as_deref().unwrap_or(level))?;
    let stderr = Stderr { is_coloured: terminal::is_coloured(), is_journal: is_journal() };
    // The journal knows the time.
    let has_clock = stderr.is_journal;
    let lines = fmt::layer().with_ansi(stderr.is_coloured).with_writer(stderr);
    let layer = match format {
        Format::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
        Format::Human if has_clock => lines.without_time().with_target(false).with_filter(filter).boxed(),
        Format::Human => lines.with_target(false).with_filter(filter).boxed(),
    };
    let _ = tracing_subscriber::registry().with(layer).try_init();
    Ok(())
}

/// Whether stderr goes to the journal: `$JOURNAL_STREAM` names the device and inode of its socket (systemd.exec(5)).
fn is_journal() -> bool {
    let named = std::env::var("JOURNAL_STREAM").ok();
    let stderr = std::fs::metadata("/proc/self/fd/2").map(|stderr| format!("{}:{}", stderr.dev(), stderr.ino()));
    named.is_some_and(|named| stderr.is_ok_and(|stderr| stderr == named))
}

/// A terminal may show a bar in the line of the cursor: it gives way, and is drawn again below.
const OVER_THE_BAR: &[u8] = b"\r\x1b[2K";

/// Where lines go to.
struct Stderr {
    is_coloured: bool,
    is_journal: bool,
}

/// The lines of one event.
struct Lines {
    /// For the journal, `<4>` and the like (sd-daemon(3)).
    priority: &'static str,
    is_coloured: bool,
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Lines;

    fn make_writer(&'a self) -> Lines {
        Lines { priority: "", is_coloured: self.is_coloured }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Lines {
        let priority = match *metadata.level() {
            _ if !self.is_journal => "",
            Level::ERROR => "<3>",
            Level::WARN => "<4>",
            Level::INFO => "<6>",
            _ => "<7>",
        };
        Lines { priority, ..self.make_writer() }
    }
}

impl Write for Lines {
    /// What is coloured holds escape sequences of ours; those of others were taken out when it was formatted.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let mut text = Vec::with_capacity(event.len() + 3);
        for line in event.split_inclusive(|byte| *byte == b'\n') {
            text.extend_from_slice(self.priority.as_bytes());
            text.extend_from_slice(line);
        }
        let mut stderr = io::stderr().lock();
        match self.is_coloured {
            true => stderr.write_all(&[OVER_THE_BAR, text.as_slice()].concat())?,
            false => Clean::new(&mut stderr).write_all(&text)?,
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn filter(chosen: &str) -> Result<impl Filter<Registry> + use<>, Failure> {
    let wrong = |error| format!("RUST_LOG=\"{chosen}\": {error}");
    let filter = EnvFilter::try_new(chosen)
        .map_err(|error| Failure::new(Exit::Usage, wrong(error), "try RUST_LOG=tidings=debug"))?;
    let tells_no_secret =
        |metadata: &Metadata<'_>| *metadata.level() <= Level::INFO || !metadata.target().starts_with("tokio_xmpp");
    Ok(filter.and(filter_fn(tells_no_secret)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn stanzas_are_never_logged() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let writer = Arc::new(file.reopen().unwrap());
        let layer = fmt::layer().with_writer(writer).with_filter(filter("trace,tokio_xmpp=trace").unwrap());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::debug!(target: "tokio_xmpp::xmlstream::capture", "<auth>hunter2</auth>");
            tracing::info!(target: "tokio_xmpp::client", "connected");
            tracing::trace!("polling");
        });
        let written = std::fs::read_to_string(file.path()).unwrap();
        assert!(!written.contains("hunter2"), "{written}");
        assert!(written.contains("connected") && written.contains("polling"), "{written}");
    }
}
