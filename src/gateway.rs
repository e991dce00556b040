//! Composition root: opens the store, starts session, poller and deliverer, answers other verbs, drains.
//!
//! The only place beside `main.rs` that reads a clock.

mod answers;
mod error;
mod once;
mod open;
mod parts;
mod presence;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::Config;
use crate::deliver::Until;
use crate::feed::{Clock, Time};
use crate::xmpp::{Status, Wire};

pub use self::error::GatewayError;
pub use self::once::{OnceOptions, Progress, Summary, once};
pub use self::open::rebuild;
use self::parts::Parts;

/// What is in flight at the end gets this long.
const DRAIN: Duration = Duration::from_secs(10);

/// The system's clock.
pub fn clock() -> Clock {
    #[expect(clippy::disallowed_methods, reason = "the gateway is where the clock is read")]
    Arc::new(|| Time::from(std::time::SystemTime::now()))
}

/// The daemon: polls and publishes until `stop` turns true, then finishes what is in flight.
pub async fn run(config: Config, mut stop: watch::Receiver<bool>) -> Result<(), GatewayError> {
    let parts = Parts::open(config, "run").await?;
    let session = parts.start_session().await?;
    let (phase, until) = watch::channel(Until::Stopped);
    let (stop_polling, is_stopping) = watch::channel(false);
    let mut status = session.status();
    let mut tasks = JoinSet::new();
    tasks.spawn(parts.deliverer(&session).run(until));
    tasks.spawn(parts.poll_until(is_stopping));
    tracing::info!(feeds = parts.config.feeds.len(), "running");
    let ended = tokio::select! {
        _ = stop.wait_for(|stop| *stop) => Ok(()),
        refused = status.wait_for(|status| matches!(status, Status::Refused { .. })) => Err(refusal(refused.ok().as_deref())),
        () = panic_of_one(&mut tasks) => Err(GatewayError::Bug),
    };
    tracing::info!("finishing what is in flight");
    stop_polling.send_replace(true);
    phase.send_replace(Until::Now);
    if timeout(DRAIN, async { while tasks.join_next().await.is_some() {} }).await.is_err() {
        tracing::warn!("not everything was finished in time; it goes on from the state at the next start");
    }
    session.close().await;
    ended
}

/// Half a gateway must not go on as if it were a whole one: whoever watches the process starts it again.
async fn panic_of_one(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        if ended.is_err() {
            return;
        }
    }
    std::future::pending().await
}

fn refusal(status: Option<&Status>) -> GatewayError {
    match status {
        Some(Status::Refused { reason }) => GatewayError::Refused(reason.clone()),
        _ => GatewayError::Refused("the session ended".to_owned()),
    }
}
