//! What the session is, since when, and what is on its way, for all who ask.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::control::SessionStatus;
use crate::deliver::Flights;
use crate::feed::{Clock, Destination, Time};
use crate::xmpp::{Session, Status};

/// What is known of the session.
#[derive(Debug, Default)]
pub(super) struct Presence {
    session: Mutex<Option<SessionStatus>>,
    at_work: Mutex<Option<(Session, Flights)>>,
}

impl Presence {
    /// The session; `None` before there ever was one.
    pub(super) fn session(&self) -> Option<SessionStatus> {
        let session = locked(&self.session).clone()?;
        Some(match &*locked(&self.at_work) {
            Some((wire, _)) => {
                SessionStatus { in_flight: wire.in_flight(), stray_answers: wire.stray_answers(), ..session }
            }
            None => session,
        })
    }

    /// Window and publishes in flight of the destinations that are published to right now.
    pub(super) fn flights(&self) -> HashMap<Destination, (usize, usize)> {
        let open = locked(&self.at_work).as_ref().map(|(_, flights)| flights.open()).unwrap_or_default();
        open.into_iter().map(|(destination, flight)| (destination, (flight.window, flight.in_flight))).collect()
    }

    /// Tells of these numbers from now on.
    pub(super) fn take_up(&self, session: Session, flights: Flights) {
        *locked(&self.at_work) = Some((session, flights));
    }

    /// Writes down what a session is until it ends.
    pub(super) async fn keep_watch(&self, mut status: watch::Receiver<Status>, clock: Clock) {
        let before = self.session().map_or(0, |session| session.binds);
        let mut binds = before;
        loop {
            let since = clock();
            let now = match &*status.borrow_and_update() {
                Status::Online { bind, jid } => {
                    binds = before + *bind;
                    let jid = Some(jid.to_string());
                    SessionStatus { is_connected: true, since, jid, binds, ..SessionStatus::default() }
                }
                Status::Offline { reason } => offline(reason.clone(), since, binds),
                Status::Refused { reason } => offline(Some(reason.clone()), since, binds),
                Status::Closed => return,
            };
            self.remember(now);
            if status.changed().await.is_err() {
                return;
            }
        }
    }

    fn remember(&self, now: SessionStatus) {
        let mut seen = locked(&self.session);
        let same = seen.as_ref().filter(|before| before.is_connected == now.is_connected && before.binds == now.binds);
        let since = same.map_or(now.since, |before| before.since);
        *seen = Some(SessionStatus { since, ..now });
    }
}

fn offline(reason: Option<String>, since: Time, binds: u64) -> SessionStatus {
    SessionStatus { reason, since, binds, ..SessionStatus::default() }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
