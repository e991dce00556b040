//! Composition root: opens the store, starts session, poller and deliverer, answers other verbs, reloads, drains.
//!
//! The only place beside `main.rs` that reads a clock.

mod answers;
mod edits;
mod engine;
mod error;
mod family;
mod metrics;
mod once;
mod open;
mod parts;
mod presence;
mod reload;
mod reroute;
mod supervisor;
mod vitals;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;

use crate::config::Config;
use crate::feed::{Clock, Time};
use crate::web;
use crate::xmpp::Status;

use self::edits::Watch;
use self::engine::Engine;
pub use self::error::GatewayError;
pub use self::once::{OnceOptions, Progress, Summary, once};
pub use self::open::{rebuild, sync};
use self::parts::Parts;

/// What is in flight at the end gets this long.
const DRAIN: Duration = Duration::from_secs(10);

/// What is asked of a running daemon from outside.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// Turns true when it is to end.
    pub stop: watch::Receiver<bool>,
    /// Notified when it is to read its configuration anew.
    pub reload: Arc<Notify>,
}

/// The system's clock.
pub fn clock() -> Clock {
    #[expect(clippy::disallowed_methods, reason = "the gateway is where the clock is read")]
    Arc::new(|| Time::from(std::time::SystemTime::now()))
}

/// The daemon: polls and publishes until it is to stop, then finishes what is in flight.
pub async fn run(config: Config, mut wishes: Wishes) -> Result<(), GatewayError> {
    let (requests, mut requested) = mpsc::channel(1);
    let mut parts = Parts::open(config, "run", Some(requests)).await?;
    let mut watchers = JoinSet::new();
    if let Some(listen) = &parts.config.web.listen {
        let refused = |error| GatewayError::Web { listen: listen.clone(), error };
        watchers.spawn(web::Server::bind(listen).await.map_err(refused)?.serve(parts.vitals.clone()));
    }
    let mut engine = Engine::start(&parts).await?;
    watchers.spawn(supervisor::keep_telling(parts.vitals.clone()));
    supervisor::ready();
    tracing::info!(feeds = parts.config.feeds.len(), "running");
    let mut watch = Watch::new(wishes.reload.clone());
    let ended = loop {
        watch.keep_to(&parts.config);
        tokio::select! {
            _ = wishes.stop.wait_for(|stop| *stop) => break Ok(()),
            failure = engine.failure() => break Err(failure),
            lost = parts.store.lost() => break Err(lost.into()),
            () = wishes.reload.notified() => drop(reload::reload(&mut parts, &mut engine).await?),
            Some(asker) = requested.recv() => {
                // Who asked may have gone.
                let _ = asker.send(reload::reload(&mut parts, &mut engine).await?);
            }
        }
    };
    supervisor::stopping();
    tracing::info!("finishing what is in flight");
    engine.stop().await;
    ended
}

fn refusal(status: Option<&Status>) -> GatewayError {
    match status {
        Some(Status::Refused { reason }) => GatewayError::Refused(reason.clone()),
        _ => GatewayError::Refused("the session ended".to_owned()),
    }
}
