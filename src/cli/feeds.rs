//! `tidings feeds`: the feeds of the configuration, shown and changed, also while a gateway runs.

mod add;
mod list;
mod pause;
mod poll;
mod remove;

use std::io::Write;
use std::path::Path;

use clap::{Args, Subcommand};

use crate::config::Config;
use crate::feed::FeedId;

use super::exit::{Exit, Failure};

pub(super) use self::add::{Add, free_id};

/// Lists, adds, removes, pauses and polls feeds
///
/// Lists them when nothing else is said. What is changed in feeds.d keeps every other byte of it.
#[derive(Debug, Args)]
#[command(subcommand_value_name = "WHAT", subcommand_help_heading = "What", disable_help_subcommand = true)]
#[command(after_help = "Examples:
  tidings feeds
  tidings feeds add https://planet.jabber.org/ --id planet-jabber
  tidings feeds pause planet-jabber
  tidings feeds poll my-blog --wait   when the site has been built

Each says more with --help: tidings feeds add --help

Exit codes: those of what is done.")]
pub struct Feeds {
    /// Print one JSON object, when listing
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    List(list::List),
    Add(Add),
    Remove(remove::Remove),
    Pause(pause::Pause),
    Resume(pause::Resume),
    Poll(poll::Poll),
}

impl Feeds {
    /// Shows or changes.
    pub async fn run(self, config: Option<&Path>, out: &mut impl Write) -> Result<Exit, Failure> {
        match self.what.unwrap_or_else(|| What::List(list::List::default())) {
            What::List(list) => list::List { json: list.json || self.json }.run(config, out).await,
            What::Add(add) => add.run(config, out).await,
            What::Remove(remove) => remove.run(config, out).await,
            What::Pause(pause) => pause.run(config).await,
            What::Resume(resume) => resume.run(config).await,
            What::Poll(poll) => poll.run(config, out).await,
        }
    }
}

/// The feeds that were named must be in the configuration.
fn must_be_known(config: &Config, feeds: &[FeedId]) -> Result<(), Failure> {
    match feeds.iter().find(|id| !config.feeds.contains_key(*id)) {
        Some(id) => {
            let message = format!("there is no feed `{id}` in the configuration");
            Err(Failure::new(Exit::Usage, message, "`tidings feeds list` lists them"))
        }
        None => Ok(()),
    }
}
