//! `tidings export`: the feeds of the configuration as OPML. The same configuration gives the same bytes.

use std::io::{self, Write};
use std::path::Path;

use clap::Args;
use serde_json::json;

use crate::config::Config;
use crate::opml::{self, Row};

use super::exit::{Exit, Failure};

/// Prints the feeds of the configuration as OPML
///
/// Other programs read it, and `tidings import` reads it back: exporting again gives the same bytes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidings export > feeds.opml
  tidings export --json | jq -r '.feeds[].url'

Exit codes: 0 printed, 78 the configuration.")]
pub struct Export {
    /// Print one JSON object instead
    #[arg(long)]
    json: bool,
}

impl Export {
    /// Prints.
    pub fn run(self, config: Option<&Path>, out: &mut impl Write) -> Result<Exit, Failure> {
        let config = Config::load(config)?;
        let feeds = config.feeds.values();
        if self.json {
            let feed = |feed: &crate::config::Feed| json!({ "id": feed.id, "url": feed.url, "name": feed.name, "tags": feed.tags, "enabled": feed.enabled });
            let feeds = feeds.map(|one| feed(one)).collect::<Vec<_>>();
            writeln!(out, "{}", serde_json::to_string(&json!({ "feeds": feeds })).map_err(io::Error::from)?)?;
            return Ok(Exit::Ok);
        }
        let rows = feeds.map(|feed| Row {
            id: feed.id.as_str(),
            url: feed.url.as_str(),
            name: feed.name.as_deref(),
            tags: &feed.tags,
            is_comment: !feed.enabled,
        });
        out.write_all(opml::write(&rows.collect::<Vec<_>>()).as_bytes())?;
        Ok(Exit::Ok)
    }
}
