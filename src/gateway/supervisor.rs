//! What the service manager is told (sd_notify(3)); nothing when there is none.
//!
//! The watchdog is fed while polling and publishing both go round. One that hangs lets it starve, and the manager starts
//! the process again: from the state, nothing is lost by that.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::sleep;

use super::vitals::Vitals;

/// How often the manager's line about us is renewed.
const RENEW: Duration = Duration::from_secs(10);

/// The state is open, the configuration read: other units may start.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The configuration is read again; [`ready`] follows.
pub(super) fn reloading() {
    // What notify-reload waits for (systemd.service(5)), with the time as sd_notify(3) wants it.
    let now = NotifyState::monotonic_usec_now().into_iter();
    tell(&std::iter::once(NotifyState::Reloading).chain(now).collect::<Vec<_>>());
}

/// What is in flight is being finished.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("finishing what is in flight")]);
}

/// Tells how everything is, and feeds the watchdog while it is well. Never ends.
pub(super) async fn keep_telling(vitals: Arc<Vitals>) {
    // Twice as often as asked for (sd_watchdog_enabled(3)).
    let patience = sd_notify::watchdog_enabled().map(|patience| patience / 2);
    let (mut told, mut was_alive) = (String::new(), true);
    loop {
        let hangs = vitals.hangs();
        match &hangs {
            None if patience.is_some() => tell(&[NotifyState::Watchdog]),
            Some(why) if was_alive => tracing::error!("{why}"),
            _ => {}
        }
        was_alive = hangs.is_none();
        // Words of the server stand in it, and a line break would begin another assignment.
        let summary = vitals.summary().replace(char::is_control, " ");
        if summary != told {
            tell(&[NotifyState::Status(&summary)]);
            told = summary;
        }
        sleep(patience.map_or(RENEW, |patience| patience.min(RENEW))).await;
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
