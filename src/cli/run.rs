//! `tidings run`: the daemon.

use std::path::Path;

use clap::Args;

use crate::config::Config;
use crate::gateway::{self, Wishes};

use super::exit::{Exit, Failure};
use super::rebuild::rebuild;
use super::signal::Signals;

/// Polls and publishes until it is stopped
///
/// SIGTERM and the first SIGINT end it in order: what is in flight is finished, for at most ten seconds. SIGHUP and
/// `tidings reload` make it read the configuration anew.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidings run
  tidings run --log-format json
  RUST_LOG=tidings=debug tidings run

Exit codes: 0 stopped by SIGTERM, 130 by SIGINT, 73 74 75 78 the state,
77 the login was refused, 78 the configuration.")]
pub struct Run {
    /// Make a new state if the former one is lost: feeds count as read up to the newest entry on their nodes
    #[arg(long)]
    rebuild: bool,
}

impl Run {
    /// Runs.
    pub async fn run(self, config: Option<&Path>) -> Result<Exit, Failure> {
        let config = Config::load(config)?;
        rebuild(self.rebuild, &config.store.path)?;
        let signals = Signals::take_over()?;
        let wishes = Wishes { stop: signals.stop.clone(), reload: signals.reload.clone() };
        gateway::run(config, wishes).await?;
        Ok(signals.exit())
    }
}
