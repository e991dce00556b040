//! What the session is, since when, and what is on its way, for all who ask.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::control::SessionStatus;
use crate::deliver::{Deliverer, Flights, Tally};
use crate::feed::{Clock, Destination, Time};
use crate::tally::Pulse;
use crate::xmpp::{Session, Status};

/// What is known of the session.
#[derive(Default)]
pub(super) struct Presence {
    session: Mutex<Option<SessionStatus>>,
    at_work: Mutex<Option<AtWork>>,
}

/// The session of now and the deliverer over it; they keep their own numbers.
struct AtWork {
    session: Session,
    flights: Flights,
    pulse: Pulse,
}

impl Presence {
    /// The session; `None` before there ever was one.
    pub(super) fn session(&self) -> Option<SessionStatus> {
        let session = locked(&self.session).clone()?;
        Some(match &*locked(&self.at_work) {
            Some(AtWork { session: wire, .. }) => {
                SessionStatus { in_flight: wire.in_flight(), stray_answers: wire.stray_answers(), ..session }
            }
            None => session,
        })
    }

    /// Window and publishes in flight of the destinations that are published to right now.
    pub(super) fn flights(&self) -> HashMap<Destination, (usize, usize)> {
        let open = locked(&self.at_work).as_ref().map(|at_work| at_work.flights.open()).unwrap_or_default();
        open.into_iter().map(|(destination, flight)| (destination, (flight.window, flight.in_flight))).collect()
    }

    /// Tells of these from now on.
    pub(super) fn take_up(&self, session: Session, deliverer: &Deliverer) {
        *locked(&self.at_work) = Some(AtWork { session, flights: deliverer.flights(), pulse: deliverer.pulse() });
    }

    /// What became of what was sent.
    pub(super) fn tally(&self) -> Tally {
        locked(&self.at_work).as_ref().map(|at_work| at_work.flights.tally()).unwrap_or_default()
    }

    /// How often there was no stream, by the reason.
    pub(super) fn endings(&self) -> BTreeMap<&'static str, u64> {
        locked(&self.at_work).as_ref().map(|at_work| at_work.session.endings()).unwrap_or_default()
    }

    /// How long nothing was heard of the deliverer; `None` before there ever was one.
    pub(super) fn silence(&self) -> Option<Duration> {
        locked(&self.at_work).as_ref().map(|at_work| at_work.pulse.age())
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
