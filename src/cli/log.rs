//! Log lines: on stderr, for people or as JSON, chosen by RUST_LOG.
//!
//! The XMPP crate logs whole stanzas, the login among them, below info: it is held at info whatever RUST_LOG says.

use std::io;

use clap::ValueEnum;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

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
    let chosen = match std::env::var("RUST_LOG") {
        Ok(chosen) if !chosen.trim().is_empty() => chosen,
        _ => level.to_owned(),
    };
    let filter = EnvFilter::try_new(&chosen).map_err(|error| {
        Failure::new(Exit::Usage, format!("RUST_LOG=\"{chosen}\": {error}"), "try RUST_LOG=tidings=debug")
    })?;
    let filter = filter.and(filter_fn(tells_no_secret));
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(terminal::is_coloured());
    // The journal knows the time.
    let has_clock = std::env::var_os("JOURNAL_STREAM").is_some();
    let layer = match format {
        Format::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
        Format::Human if has_clock => lines.without_time().with_target(false).with_filter(filter).boxed(),
        Format::Human => lines.with_target(false).with_filter(filter).boxed(),
    };
    let _ = tracing_subscriber::registry().with(layer).with(LevelFilter::TRACE).try_init();
    Ok(())
}

fn tells_no_secret(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO || !metadata.target().starts_with("tokio_xmpp")
}
