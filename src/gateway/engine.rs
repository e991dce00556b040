//! What runs all the time in a daemon: the poller's task, the session, and the deliverer's task over it.
//!
//! A deliverer belongs to a session: another account or server means another pair, when the former one has finished.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::deliver::{Deliverer, Until};
use crate::store::Store;
use crate::xmpp::{Session, Status, Wire};

use super::parts::Parts;
use super::{DRAIN, GatewayError, refusal};

/// How long the end of a poll that brought nothing waits for others, to share a commit with them.
const PATIENCE: Duration = Duration::from_millis(100);

/// The tasks of a daemon.
pub(super) struct Engine {
    store: Arc<dyn Store>,
    polling: Task,
    stop_polling: watch::Sender<bool>,
    pub(super) publisher: Publisher,
}

/// A session and the deliverer over it.
pub(super) struct Publisher {
    session: Session,
    pub(super) deliverer: Arc<Deliverer>,
    delivering: Task,
    phase: watch::Sender<Until>,
}

impl Engine {
    /// Starts polling and publishing.
    pub(super) async fn start(parts: &Parts) -> Result<Self, GatewayError> {
        let publisher = Publisher::start(parts).await?;
        parts.store.set_patience(PATIENCE);
        let (stop_polling, is_stopping) = watch::channel(false);
        let polling = Task::new(parts.poll_until(is_stopping));
        Ok(Self { store: parts.store.clone(), polling, stop_polling, publisher })
    }

    /// Waits until it cannot go on: the login was refused, or a half of it panicked. Half a gateway must not go on as if it
    /// were a whole one: whoever watches the process starts it again.
    pub(super) async fn failure(&mut self) -> GatewayError {
        let Publisher { session, delivering, .. } = &mut self.publisher;
        let mut status = session.status();
        tokio::select! {
            refused = status.wait_for(|status| matches!(status, Status::Refused { .. })) => refusal(refused.ok().as_deref()),
            () = self.polling.panic() => GatewayError::Bug,
            () = delivering.panic() => GatewayError::Bug,
        }
    }

    /// Finishes what is in flight.
    pub(super) async fn stop(mut self) {
        self.stop_polling.send_replace(true);
        // What polls still bring is written before the process ends.
        self.store.set_patience(Duration::ZERO);
        tokio::join!(self.polling.end(), self.publisher.stop());
    }
}

impl Publisher {
    /// Starts to log in, and publishes when that is done.
    pub(super) async fn start(parts: &Parts) -> Result<Self, GatewayError> {
        let session = parts.start_session().await?;
        let deliverer = parts.deliverer(&session);
        let (phase, until) = watch::channel(Until::Stopped);
        let delivering = Task::new(deliverer.clone().run(until));
        Ok(Self { session, deliverer, delivering, phase })
    }

    /// Waits for the answers to what was sent, and logs out.
    pub(super) async fn stop(&mut self) {
        self.phase.send_replace(Until::Now);
        self.delivering.end().await;
        self.session.close().await;
    }

    /// Whether it was stopped.
    pub(super) fn is_stopped(&self) -> bool {
        *self.phase.borrow() == Until::Now
    }
}

/// A task that ends with its handle.
struct Task {
    handle: JoinHandle<()>,
    /// Nobody may ask a handle again that told the end.
    is_over: bool,
}

impl Task {
    fn new(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { handle: tokio::spawn(work), is_over: false }
    }

    /// Waits for its panic, for ever when there is none.
    async fn panic(&mut self) {
        if !self.is_over {
            let ended = (&mut self.handle).await;
            self.is_over = true;
            if ended.is_err() {
                return;
            }
        }
        std::future::pending().await
    }

    /// Waits for its end, though not for long.
    async fn end(&mut self) {
        if self.is_over {
            return;
        }
        self.is_over = timeout(DRAIN, &mut self.handle).await.is_ok();
        if !self.is_over {
            tracing::warn!("not everything was finished in time; it goes on from the state at the next start");
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.handle.abort();
    }
}
