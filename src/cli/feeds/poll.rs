//! `tidings feeds poll`: something else said that there is news.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use clap::Args;

use crate::config::Config;
use crate::control::{Answer, Question};
use crate::feed::FeedId;
use crate::gateway::{self, OnceOptions};
use crate::source::{Polled, Which};

use super::super::ask::{ask_gateway, misunderstood};
use super::super::exit::{Exit, Failure};
use super::super::signal::Signals;
use super::super::terminal::{entries, say, shown_time};
use super::must_be_known;

/// Polls feeds now, whatever their schedule
///
/// The whole document is asked for, whatever was known of it. A running gateway does it, and publishes what is new; when
/// none runs, this does, as `once` would.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidings feeds poll my-blog
  tidings feeds poll my-blog --wait   at the end of a site's build

Exit codes: 0 polled, or begun without --wait; 1 a poll failed, 64 there is no
such feed; when no gateway runs, those of `once`.")]
pub(super) struct Poll {
    /// Ids of feeds
    #[arg(required = true, value_name = "FEED")]
    feeds: Vec<FeedId>,
    /// Wait until they have been polled, and say what came of it
    #[arg(long)]
    wait: bool,
}

impl Poll {
    pub(super) async fn run(self, path: Option<&Path>, out: &mut impl Write) -> Result<Exit, Failure> {
        let config = Config::load(path)?;
        must_be_known(&config, &self.feeds)?;
        let question = Question::Poll { feeds: self.feeds.clone(), wait: self.wait };
        let polls = match ask_gateway(&config.store.path, &question).await? {
            Some(Answer::Polled { .. }) if !self.wait => {
                say("the running gateway polls now");
                return Ok(Exit::Ok);
            }
            Some(Answer::Polled { feeds }) => feeds,
            Some(_) => return Err(misunderstood()),
            None => self.by_itself(config).await?,
        };
        for (feed, polled) in &polls {
            writeln!(out, "{feed}: {}", told(polled))?;
        }
        let has_failed = polls.iter().any(|(_, polled)| matches!(polled, Polled::Failed(_)));
        Ok(if has_failed { Exit::Failed } else { Exit::Ok })
    }

    async fn by_itself(&self, config: Config) -> Result<Vec<(FeedId, Polled)>, Failure> {
        let signals = Signals::take_over()?;
        let options = OnceOptions { which: Which::These(self.feeds.clone()), timeout: Duration::from_secs(300) };
        let summary = gateway::once(config, options, signals.stop.clone(), |_| ()).await?;
        Ok(summary.polls)
    }
}

fn told(polled: &Polled) -> String {
    match polled {
        Polled::Unchanged => "nothing new".to_owned(),
        Polled::TakenIn { editions: 0 } => "read, nothing to publish".to_owned(),
        Polled::TakenIn { editions } => format!("{} to publish", entries(*editions)),
        Polled::Failed(reason) => format!("failed: {reason}"),
        Polled::Rested(until) => format!("not asked: its host rests until {}", shown_time(*until)),
    }
}
