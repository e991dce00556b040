//! Whether the gateway is alive and ready, for whoever watches it: monitoring over HTTP, the service manager.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use crate::feed::Clock;
use crate::source::Poller;
use crate::store::Store;
use crate::web::Pages;

use super::presence::Presence;

/// Poller and deliverer look around once a minute at least; one that did not for so long hangs.
const LONGEST_SILENCE: Duration = Duration::from_secs(150);

/// What is looked at.
pub(super) struct Vitals {
    pub(super) store: Arc<dyn Store>,
    pub(super) poller: Arc<Poller>,
    pub(super) presence: Arc<Presence>,
    pub(super) clock: Clock,
    is_outdated: AtomicBool,
}

impl Vitals {
    pub(super) fn new(store: Arc<dyn Store>, poller: Arc<Poller>, presence: Arc<Presence>, clock: Clock) -> Self {
        Self { store, poller, presence, clock, is_outdated: AtomicBool::new(false) }
    }

    /// Whether the last reload was taken over.
    pub(super) fn note_reload(&self, is_taken_over: bool) {
        self.is_outdated.store(!is_taken_over, Relaxed);
    }

    pub(super) fn is_up_to_date(&self) -> bool {
        !self.is_outdated.load(Relaxed)
    }

    /// Which of the two loops hangs, if one does.
    pub(super) fn hangs(&self) -> Option<String> {
        hanging(&[("polling", Some(self.poller.pulse().age())), ("publishing", self.presence.silence())])
    }

    /// How everything is, in a line.
    pub(super) fn summary(&self) -> String {
        let feeds = self.store.feed_states();
        let all: usize = feeds.iter().map(|(_, count)| count).sum();
        let failing = feeds.iter().find(|(state, count)| state.as_str() == "failing" && *count > 0);
        let failing = failing.map(|(_, count)| format!(", {count} failing")).unwrap_or_default();
        let outbox = self.store.outbox_sums();
        let waiting = match outbox.ready + outbox.doubt {
            0 => String::new(),
            waiting => format!("; {waiting} waiting"),
        };
        let session = self.is_ready().err().unwrap_or_else(|| "connected".to_owned());
        format!("{all} feeds{failing}{waiting}; {session}")
    }
}

impl Pages for Vitals {
    fn metrics(&self) -> String {
        self.text((self.clock)())
    }

    fn is_alive(&self) -> Result<(), String> {
        self.hangs().map_or(Ok(()), Err)
    }

    fn is_ready(&self) -> Result<(), String> {
        self.is_alive()?;
        match self.presence.session() {
            Some(session) if session.is_connected => Ok(()),
            Some(session) => Err(match session.reason {
                Some(reason) => format!("not connected: {reason}"),
                None => "connecting".to_owned(),
            }),
            None => Err("starting".to_owned()),
        }
    }
}

/// The first loop that was not heard of for too long; one that has not begun yet hangs not.
fn hanging(silences: &[(&str, Option<Duration>)]) -> Option<String> {
    let too_long = |silence: &Option<Duration>| silence.filter(|silence| *silence > LONGEST_SILENCE);
    let (name, silence) = silences.iter().find_map(|(name, silence)| Some((name, too_long(silence)?)))?;
    Some(format!("{name} hangs: it was not heard of for {} s", silence.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_loops_must_go_round() {
        let (quick, slow) = (Some(Duration::from_secs(60)), Some(Duration::from_secs(200)));
        let hangs = |polling, publishing| hanging(&[("polling", polling), ("publishing", publishing)]);
        assert_eq!(hangs(quick, quick), None);
        assert_eq!(hangs(quick, None), None);
        assert_eq!(hangs(slow, quick).as_deref(), Some("polling hangs: it was not heard of for 200 s"));
        assert_eq!(hangs(quick, slow).as_deref(), Some("publishing hangs: it was not heard of for 200 s"));
    }
}
