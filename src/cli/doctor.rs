//! `tidings doctor`: looks at everything outside of the configuration, and changes nothing.

mod here;
mod places;
mod report;
mod there;

use std::io::Write;
use std::path::Path;

use clap::Args;

use crate::config::Config;
use crate::control::Status;
use crate::gateway;

use self::report::{Check, Report};
use super::exit::{Exit, Failure};
use super::terminal::counted;

/// Looks at the server, the destinations, the state and this machine
///
/// A line for each thing: ok, warn or fail, and what to do about it. Nothing is changed, and a running gateway is not
/// disturbed.
#[derive(Debug, Default, Args)]
#[command(after_help = "Examples:
  tidings doctor
  tidings doctor --json | jq '.checks[] | select(.status != \"ok\")'

Exit codes: 0 nothing fails, 1 something does, 78 the configuration.")]
pub struct Doctor {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Looks.
    pub async fn run(self, path: Option<&Path>, out: &mut impl Write) -> Result<Exit, Failure> {
        let config = Config::load(path)?;
        let mut report = Report::new(out, self.json);
        let feeds = counted(config.feeds.len(), "feed");
        report.add(Check::ok("config", format!("{}, {feeds}", config.path.display())))?;
        let (state, status) = here::state(&config).await;
        report.add(state)?;
        if let Some(status) = &status {
            report.add(health(status))?;
        }
        report.add(here::disk(&config.store.path))?;
        let password = here::password(&config);
        let has_password = !password.is_failure();
        report.add(password)?;
        let session = if has_password { there::way(&config, (gateway::clock())(), &mut report).await? } else { None };
        let time = match &session {
            Some(session) => there::time(session, &config).await,
            None => None,
        };
        report.add(here::clock((gateway::clock())(), time))?;
        if let Some(session) = session {
            let looked = there::destinations(&session, &config, &mut report).await;
            session.close().await;
            looked?;
        }
        Ok(if report.end()? { Exit::Ok } else { Exit::Failed })
    }
}

/// What `status --check` would complain of, and feeds that fail.
fn health(status: &Status) -> Check {
    let failing = status.feeds.iter().filter(|feed| feed.state == "failing" || feed.state == "stopped").count();
    let mut complaints = status.complaints();
    if failing > 0 {
        complaints.push(format!("{failing} of {} fail", counted(status.feeds.len(), "feed")));
    }
    match complaints.is_empty() {
        true => Check::ok("gateway", "it is healthy"),
        false => Check::warn("gateway", complaints.join("; "), "`tidings status` says more"),
    }
}
