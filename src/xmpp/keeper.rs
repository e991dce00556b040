//! The task behind a session: logs in, lets the stream live, waits, logs in again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};

use super::connect::{Bound, Login, LoginError};
use super::password::Secret;
use super::session::Hub;
use super::stream::Live;
use super::tls::Security;
use super::{Config, Options, Status, Timing};

/// The task that keeps the session up.
pub(super) struct Keeper {
    pub(super) config: Config,
    pub(super) password: Secret,
    pub(super) security: Security,
    pub(super) options: Options,
    pub(super) hub: Arc<Hub>,
}

impl Keeper {
    /// Runs until `closing` changes, every handle is gone, or the login is refused for good.
    pub(super) async fn run(self, mut closing: watch::Receiver<bool>) {
        let (mut binds, mut failures) = (0, 0);
        while !is_closing(&closing) {
            match self.log_in(&mut closing).await {
                None => break,
                Some(Ok(bound)) => {
                    binds += 1;
                    let is_steady = self.live(bound, binds, &mut closing).await;
                    failures = if is_steady { 1 } else { failures + 1 };
                }
                Some(Err(refusal)) if refusal.is_refused() && binds == 0 && self.options.is_refusal_final => {
                    error!("{refusal}");
                    self.hub.disconnect(Status::Refused { reason: refusal.to_string() });
                    return;
                }
                Some(Err(error)) => {
                    self.hub.count_ending("login");
                    self.offline(&error.to_string());
                    failures += 1;
                }
            }
            if !is_closing(&closing) {
                let delay = back_off(failures, &self.options.timing, fastrand::f64());
                tokio::select! { () = sleep(delay) => {}, _ = closing.changed() => {} }
            }
        }
        self.hub.disconnect(Status::Closed);
    }

    /// `None`: the session is being closed.
    async fn log_in(&self, closing: &mut watch::Receiver<bool>) -> Option<Result<Bound, LoginError>> {
        let Self { config, password, security, options, .. } = self;
        let login = Login { config, password, security, resource: &options.resource, timing: &options.timing };
        tokio::select! { bound = login.run() => Some(bound), _ = closing.changed() => None }
    }

    /// Says whether the stream lived long enough to forget the failures before it.
    async fn live(&self, bound: Bound, bind: u64, closing: &mut watch::Receiver<bool>) -> bool {
        info!(jid = %bound.jid, "online");
        let started = Instant::now();
        let outgoing = self.hub.connect(&bound, bind);
        let ended = Live::new(bound, outgoing, self.hub.clone(), &self.options).run(closing).await;
        // Whoever learns that a request is lost must not find the old stream's state any more.
        if is_closing(closing) {
            self.hub.disconnect(Status::Closed);
        } else {
            self.hub.count_ending(ended.kind);
            self.offline(&ended.reason);
        }
        ended.tell();
        started.elapsed() >= self.options.timing.steady
    }

    /// Tells the operator if it is news.
    fn offline(&self, reason: &str) {
        if self.hub.disconnect(Status::Offline { reason: Some(reason.to_owned()) }) {
            warn!("offline: {reason}");
        }
    }
}

fn is_closing(closing: &watch::Receiver<bool>) -> bool {
    *closing.borrow() || closing.has_changed().is_err()
}

/// The wait before the next try, after so many failures on end; `jitter` is between 0 and 1.
fn back_off(failures: u32, timing: &Timing, jitter: f64) -> Duration {
    let (first, longest) = timing.back_off;
    let doubled = first.saturating_mul(2u32.saturating_pow(failures.saturating_sub(1)));
    doubled.min(longest).mul_f64(0.5 + jitter / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_are_jittered() {
        let seconds = |failures, jitter| back_off(failures, &Timing::default(), jitter).as_secs_f64();
        assert_eq!(
            [1, 2, 3, 6, 7, 8, 100, u32::MAX].map(|n| seconds(n, 1.0)),
            [1.0, 2.0, 4.0, 32.0, 60.0, 60.0, 60.0, 60.0]
        );
        assert_eq!([1, 3, 8].map(|n| seconds(n, 0.0)), [0.5, 2.0, 30.0]);
    }
}
