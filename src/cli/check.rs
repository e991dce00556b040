//! `tidings check`: is the configuration right, and what does it come to?

use std::io::Write;
use std::path::Path;

use clap::Args;
use serde_json::json;

use crate::config::Config;

use super::exit::{Exit, Failure};
use super::terminal::{counted, say};

/// Checks the configuration
///
/// Reports every error of every file. Needs no network, no state and no password.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidings check
  tidings check --print | less   every setting, and the line it comes from

Exit codes: 0 all is well, 78 something is wrong.")]
pub struct Check {
    /// Print what the files come to, with the place each setting is from; secrets as ***
    #[arg(long)]
    print: bool,
    /// Print {"ok": true, …} or {"ok": false, "errors": […]}
    #[arg(long, conflicts_with = "print")]
    json: bool,
}

impl Check {
    /// Checks.
    pub fn run(self, config: Option<&Path>, out: &mut impl Write) -> Result<Exit, Failure> {
        if self.print {
            write!(out, "{}", Config::explain(config)?.1)?;
            return Ok(Exit::Ok);
        }
        let config = match Config::load(config) {
            Ok(config) => config,
            Err(errors) if self.json => {
                writeln!(out, "{}", json!({ "ok": false, "errors": errors.0 }))?;
                return Ok(Exit::Config);
            }
            Err(errors) => return Err(errors.into()),
        };
        let (feeds, routes) = (config.feeds.len(), config.routes.len());
        if self.json {
            writeln!(out, "{}", json!({ "ok": true, "file": config.path, "feeds": feeds, "routes": routes }))?;
        } else {
            let paused = config.feeds.values().filter(|feed| !feed.enabled).count();
            let paused = if paused > 0 { format!(" ({paused} not enabled)") } else { String::new() };
            let (feeds, routes) = (counted(feeds, "feed"), counted(routes, "route"));
            say(&format!("{}: all is well, {feeds}{paused}, {routes}", config.path.display()));
        }
        Ok(Exit::Ok)
    }
}
