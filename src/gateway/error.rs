//! Why a gateway ended otherwise than asked.

use std::path::PathBuf;

use crate::control::Holder;
use crate::store::StoreError;
use crate::web::Listen;
use crate::xmpp::StartError;

/// Why a gateway ended; the command line maps each to an exit code.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Another instance holds the state.
    #[error("the state {} is held by {}", path.display(), name(holder.as_ref()))]
    Held {
        /// The state file.
        path: PathBuf,
        /// Who, when it answers.
        holder: Option<Holder>,
    },
    /// The state.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The session cannot even be started.
    #[error(transparent)]
    Session(#[from] StartError),
    /// The HTTP client cannot even be made.
    #[error("the HTTP client: {0}")]
    Http(String),
    /// Metrics and health cannot be served.
    #[error("[web] listen: {listen}: {error}")]
    Web {
        /// Where.
        listen: Listen,
        /// What the system said.
        error: std::io::Error,
    },
    /// The server refused the login.
    #[error("{0}")]
    Refused(String),
    /// The account changed while deliveries of the former one are in doubt.
    #[error(
        "the state belongs to {former}, and deliveries of that account are in doubt: run once more as {former} before changing to {now}"
    )]
    AccountChanged {
        /// The account that the state was used with.
        former: String,
        /// The account of the configuration.
        now: String,
    },
    /// `once` never reached the server; what was polled is kept.
    #[error("the XMPP server was not reached ({reason}); {waiting} entries wait in the state")]
    Unreachable {
        /// The last failure.
        reason: String,
        /// Rows that wait.
        waiting: usize,
    },
    /// `once` took too long.
    #[error("out of time: {waiting} entries wait in the state, {in_doubt} of them may have been sent")]
    OutOfTime {
        /// Rows that wait.
        waiting: usize,
        /// Of these, rows in doubt.
        in_doubt: usize,
    },
    /// `once --strict`.
    #[error("{failed} of {polled} feeds failed")]
    FeedsFailed {
        /// Feeds that failed.
        failed: usize,
        /// Feeds that were polled.
        polled: usize,
    },
    /// A signal ended `once` early.
    #[error("interrupted")]
    Interrupted,
    /// The poller or the deliverer panicked.
    #[error("this is a bug in tidings; the lines above say where")]
    Bug,
}

fn name(holder: Option<&Holder>) -> String {
    holder.map_or_else(
        || "another process".to_owned(),
        |holder| {
            format!(
                "`tidings {}`, process {}, since {}",
                holder.verb,
                holder.pid,
                holder.since.format("%Y-%m-%d %H:%M:%S UTC")
            )
        },
    )
}
