//! Log lines: on stderr, for people or as JSON, chosen by RUST_LOG.
//!
//! The XMPP crate logs whole stanzas, the login among them, below info: it is held at info whatever RUST_LOG says.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::layer::{Filter, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

use super::exit::{Exit, Failure};
use super::terminal;

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
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(terminal::is_coloured());
    // The journal knows the time.
    let has_clock = std::env::var_os("JOURNAL_STREAM").is_some() && !io::stderr().is_terminal();
    let layer = match format {
        Format::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
        Format::Human if has_clock => lines.without_time().with_target(false).with_filter(filter).boxed(),
        Format::Human => lines.with_target(false).with_filter(filter).boxed(),
    };
    let _ = tracing_subscriber::registry().with(layer).try_init();
    Ok(())
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
