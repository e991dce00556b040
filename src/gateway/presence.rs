//! What the session is, and since when, for all who ask.

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::control::SessionStatus;
use crate::feed::Clock;
use crate::xmpp::Status;

/// What is known of the session.
#[derive(Debug, Default)]
pub(super) struct Presence(Mutex<Option<SessionStatus>>);

impl Presence {
    /// The session; `None` before there ever was one.
    pub(super) fn session(&self) -> Option<SessionStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes down what a session is until it ends.
    pub(super) async fn keep_watch(&self, mut status: watch::Receiver<Status>, clock: Clock) {
        let before = self.session().map_or(0, |session| session.binds);
        let mut binds = before;
        loop {
            let offline = |reason| SessionStatus { is_connected: false, since: clock(), jid: None, reason, binds };
            let now = match &*status.borrow_and_update() {
                Status::Online { bind, jid } => {
                    binds = before + *bind;
                    SessionStatus {
                        is_connected: true,
                        since: clock(),
                        jid: Some(jid.to_string()),
                        reason: None,
                        binds,
                    }
                }
                Status::Offline { reason } => offline(reason.clone()),
                Status::Refused { reason } => offline(Some(reason.clone())),
                Status::Closed => return,
            };
            self.remember(now);
            if status.changed().await.is_err() {
                return;
            }
        }
    }

    fn remember(&self, now: SessionStatus) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = seen.as_ref().filter(|before| before.is_connected == now.is_connected && before.binds == now.binds);
        let since = same.map_or(now.since, |before| before.since);
        *seen = Some(SessionStatus { since, ..now });
    }
}
