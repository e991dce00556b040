//! `tidings feeds list`: every feed of the configuration, with how it is.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

use clap::Args;
use serde::Serialize;

use crate::config::{Config, Feed};
use crate::control::{Answer, FeedLine, Question};
use crate::feed::{FeedId, Time};

use super::super::ask::{look, misunderstood};
use super::super::exit::{Exit, Failure};
use super::super::terminal::printable;

/// Lists the feeds of the configuration
#[derive(Debug, Default, Args)]
#[command(after_help = "Examples:
  tidings feeds list
  tidings feeds list --json | jq -r '.feeds[] | select(.state == \"failing\") | .url'

Exit codes: 0 listed, 78 the configuration.")]
pub(super) struct List {
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Serialize)]
struct Listed<'a> {
    id: &'a FeedId,
    url: &'a str,
    name: Option<&'a str>,
    tags: &'a [String],
    state: &'a str,
    next_poll: Option<Time>,
}

impl List {
    pub(super) async fn run(self, config: Option<&Path>, out: &mut impl Write) -> Result<Exit, Failure> {
        let config = Config::load(config)?;
        let lines = match look(&config.store.path, &Question::Status { feed: None, is_brief: true }).await? {
            Some(Answer::Status(status)) => status.lines().into_owned(),
            Some(_) => return Err(misunderstood()),
            None => Vec::new(),
        };
        let lines: HashMap<&FeedId, &FeedLine> = lines.iter().map(|line| (&line.id, line)).collect();
        let feeds = config.feeds.values().map(|feed| listed(feed, lines.get(&feed.id).copied()));
        let feeds = feeds.collect::<Vec<_>>();
        if self.json {
            let feeds = serde_json::json!({ "feeds": feeds });
            writeln!(out, "{}", serde_json::to_string(&feeds).map_err(io::Error::from)?)?;
            return Ok(Exit::Ok);
        }
        let width = feeds.iter().map(|feed| feed.id.as_str().len()).max().unwrap_or_default();
        for Listed { id, url, name, state, .. } in feeds {
            let name = name.map(|name| format!("  {}", printable(name))).unwrap_or_default();
            writeln!(out, "{:width$}  {state:8}  {url}{name}", id.as_str())?;
        }
        Ok(Exit::Ok)
    }
}

fn listed<'a>(feed: &'a Feed, line: Option<&'a FeedLine>) -> Listed<'a> {
    let state = match line {
        _ if !feed.enabled => "disabled",
        Some(line) => line.state.as_str(),
        None => "new",
    };
    let title = line.and_then(|line| line.title.as_deref());
    Listed {
        id: &feed.id,
        url: feed.url.as_str(),
        name: feed.name.as_deref().or(title),
        tags: &feed.tags,
        state,
        next_poll: line.filter(|_| feed.enabled).and_then(|line| line.next_poll),
    }
}
