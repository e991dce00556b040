//! `tidings feeds remove`: a feed less in feeds.d.

use std::io::Write;
use std::path::Path;

use clap::Args;

use crate::config::{Config, RemoveError};
use crate::feed::FeedId;

use super::super::exit::{Exit, Failure};
use super::super::take_over::take_over;
use super::must_be_known;

/// Takes a feed out of feeds.d
///
/// Its node stays, with all its items; the state remembers its entries for a year.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tidings feeds remove planet-jabber

Exit codes: 0 it is gone, 1 it must be taken out by hand, 64 there is no such
feed, 78 the configuration.")]
pub(super) struct Remove {
    /// Its id
    feed: FeedId,
}

impl Remove {
    pub(super) async fn run(self, path: Option<&Path>, out: &mut impl Write) -> Result<Exit, Failure> {
        let config = Config::load(path)?;
        must_be_known(&config, std::slice::from_ref(&self.feed))?;
        let file = config.remove_feed(&self.feed)?;
        writeln!(out, "{}: taken out of {}", self.feed, file.display())?;
        take_over(&config).await?;
        Ok(Exit::Ok)
    }
}

impl From<RemoveError> for Failure {
    fn from(error: RemoveError) -> Self {
        let (exit, hint) = match &error {
            RemoveError::Unknown(_) => (Exit::Usage, "`tidings feeds list` lists them"),
            RemoveError::ByHand { .. } => (Exit::Failed, "`tidings check` says whether the file is right afterwards"),
            RemoveError::Io { .. } => (Exit::Io, "whoever changes feeds must be able to write the file and its folder"),
        };
        Self::new(exit, error, hint)
    }
}
