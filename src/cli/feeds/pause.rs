//! `tidings feeds pause` and `resume`: it is the state that remembers a pause.

use std::path::Path;

use clap::Args;

use crate::config::Config;
use crate::control::{Answer, Question};
use crate::feed::FeedId;
use crate::gateway;

use super::super::ask::{ask, ask_gateway, misunderstood};
use super::super::exit::{Exit, Failure};
use super::super::terminal::say;
use super::must_be_known;

/// Stops polling feeds until they are resumed
///
/// A pause outlasts restarts. `enabled = false` in feeds.d does the same by the configuration.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tidings feeds pause planet-jabber

Exit codes: 0 done, 64 there is no such feed, 73 74 75 78 the state,
78 the configuration.")]
pub(super) struct Pause {
    /// Ids of feeds
    #[arg(required = true, value_name = "FEED")]
    feeds: Vec<FeedId>,
}

/// Polls paused feeds again
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tidings feeds resume planet-jabber

Exit codes: 0 done, 64 there is no such feed, 73 74 75 78 the state,
78 the configuration.")]
pub(super) struct Resume {
    /// Ids of feeds
    #[arg(required = true, value_name = "FEED")]
    feeds: Vec<FeedId>,
}

impl Pause {
    pub(super) async fn run(self, config: Option<&Path>) -> Result<Exit, Failure> {
        set(config, &self.feeds, true).await
    }
}

impl Resume {
    pub(super) async fn run(self, config: Option<&Path>) -> Result<Exit, Failure> {
        set(config, &self.feeds, false).await
    }
}

async fn set(path: Option<&Path>, feeds: &[FeedId], is_paused: bool) -> Result<Exit, Failure> {
    let config = Config::load(path)?;
    must_be_known(&config, feeds)?;
    let state = &config.store.path;
    for feed in feeds {
        let question = Question::Pause { feed: feed.clone(), is_paused };
        let is_running = match ask_gateway(state, &question).await? {
            Some(Answer::Paused { is_known: true }) => continue,
            Some(Answer::Paused { is_known: false }) => true,
            Some(_) => return Err(misunderstood()),
            None => false,
        };
        if is_running {
            let message = format!("the running gateway does not know the feed `{feed}` yet");
            return Err(Failure::new(Exit::TryAgain, message, "let it take over the configuration: tidings reload"));
        }
        // The state may not know what was added to the configuration since.
        gateway::sync(&config).await?;
        ask(state, &question).await?;
    }
    let names = feeds.iter().map(FeedId::as_str).collect::<Vec<_>>().join(", ");
    say(&format!("{names}: {}", if is_paused { "paused" } else { "no longer paused" }));
    Ok(Exit::Ok)
}
