//! `tidings once`: one pass, for cron and timers.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;

use crate::config::{self, Config};
use crate::gateway::{self, GatewayError, OnceOptions, Progress, Summary};
use crate::source::Which;

use super::exit::{Exit, Failure};
use super::rebuild::rebuild;
use super::signal::Signals;
use super::terminal::{bar, counted, is_terminal, say};

/// Polls what is due and publishes what is new, once
///
/// The same engine and the same state as `run`. Ends when each polled feed succeeded or failed and nothing is left that
/// could be sent now.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidings once
  tidings once --all --strict   every feed; fails when one of them does
  */15 * * * * tidings once     in a crontab; feeds are polled when they are due

Exit codes: 0 done, or stopped by SIGTERM; 1 with --strict a feed failed, 69 the
server was not reached, 73 74 75 78 the state, 75 out of time, 77 the login was
refused, 78 the configuration, 130 stopped by SIGINT.")]
pub struct Once {
    /// Poll every feed, not only those that are due; servers are still asked for changes only
    #[arg(long)]
    all: bool,
    /// The longest it may take, polling included
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = time)]
    timeout: Duration,
    /// Exit with 1 when a feed failed
    #[arg(long)]
    strict: bool,
    /// Make a new state if the former one is lost: feeds count as read up to the newest entry on their nodes
    #[arg(long)]
    rebuild: bool,
}

impl Once {
    /// Runs one pass.
    pub async fn run(self, config: Option<&Path>) -> Result<Exit, Failure> {
        let config = Config::load(config)?;
        rebuild(self.rebuild, &config.store.path)?;
        let signals = Signals::take_over()?;
        let which = if self.all { Which::All } else { Which::Due };
        let options = OnceOptions { which, timeout: self.timeout };
        let bar = bar("{bar:24} {pos}/{len} feeds, {eta} left, {msg}", 0);
        let summary = gateway::once(config, options, signals.stop.clone(), |progress| show(&bar, progress)).await;
        bar.finish_and_clear();
        let summary = match summary {
            // What a service manager wishes is no failure of the unit.
            Err(GatewayError::Interrupted) if signals.exit() == Exit::Ok => {
                say("stopped; nothing is lost: the next run goes on");
                return Ok(Exit::Ok);
            }
            other => other?,
        };
        // Cron mails whatever is said: without a terminal that is only what somebody should know.
        let (polled, failed) = (summary.polls.len(), summary.failed().count());
        if is_terminal() || failed > 0 {
            say(&told(&summary));
        }
        if self.strict && failed > 0 {
            return Err(GatewayError::FeedsFailed { failed, polled }.into());
        }
        Ok(Exit::Ok)
    }
}

fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_length(progress.feeds as u64);
    bar.set_position(progress.polled as u64);
    bar.set_message(format!("{} to be sent", progress.waiting));
}

fn told(summary: &Summary) -> String {
    let Summary { polls, left, dead } = summary;
    let mut text = format!("{} polled, {} failed", counted(polls.len(), "feed"), summary.failed().count());
    let entries = summary.editions();
    if entries > 0 {
        text += &format!(", {entries} new or edited entries");
    }
    if *left > 0 {
        text += &format!(", {left} waiting: `tidings outbox` says for what");
    }
    if *dead > 0 {
        text += &format!(", {dead} given up: `tidings status` says why");
    }
    summary.failed().for_each(|(feed, why)| text += &format!("\n  {feed}: {why}"));
    text
}

fn time(text: &str) -> Result<Duration, String> {
    config::duration(text).ok_or_else(|| "a time looks like 30s, 5m or 1h30m".to_owned())
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::feed::FeedId;
    use crate::source::Polled;

    #[test]
    fn the_summary_names_feeds_that_failed() {
        let poll = |id: &str, polled| (FeedId::new(id).unwrap(), polled);
        let polls = vec![
            poll("blog", Polled::TakenIn { editions: 7 }),
            poll("log", Polled::Unchanged),
            poll("planet", Polled::Failed("404 Not Found".to_owned())),
        ];
        assert_snapshot!(told(&Summary { polls, left: 2, dead: 1 }), @r"
        3 feeds polled, 1 failed, 7 new or edited entries, 2 waiting: `tidings outbox` says for what, 1 given up: `tidings status` says why
          planet: 404 Not Found
        ");
        assert_snapshot!(told(&Summary { polls: vec![poll("blog", Polled::Unchanged)], ..Summary::default() }), @"1 feed polled, 0 failed");
    }
}
