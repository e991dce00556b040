//! Cron style: one pass of the same engine over the same state.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::config::Config;
use crate::deliver::{self, Until};
use crate::feed::FeedId;
use crate::source::{Polled, Which};
use crate::xmpp::{Session, Status, Wire};

use super::parts::{Backlog, Parts};
use super::{DRAIN, GatewayError, refusal};

/// A server that was never reached is given up this long after the last poll ended.
const REACH: Duration = Duration::from_secs(30);

/// How often is told how far it is.
const TELL: Duration = Duration::from_millis(200);

/// How far `once` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Feeds that were polled.
    pub polled: usize,
    /// Feeds to poll in all.
    pub feeds: usize,
    /// Rows that are sent now or next.
    pub waiting: usize,
}

/// How `once` runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnceOptions {
    /// What to poll.
    pub which: Which,
    /// The longest that it may take, polling included.
    pub timeout: Duration,
}

/// What `once` did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// How the poll of each feed ended.
    pub polls: Vec<(FeedId, Polled)>,
    /// Rows that could not be sent now: paused or deferred.
    pub left: usize,
    /// Rows that were given up, in this pass or before.
    pub dead: usize,
}

impl Summary {
    /// Feeds that failed, with the reason.
    pub fn failed(&self) -> impl Iterator<Item = (&FeedId, &str)> {
        self.polls.iter().filter_map(|(feed, polled)| match polled {
            Polled::Failed(reason) => Some((feed, reason.as_str())),
            _ => None,
        })
    }

    /// Entries that came with something to publish.
    pub fn editions(&self) -> usize {
        let editions = |polled: &Polled| if let Polled::TakenIn { editions } = polled { *editions } else { 0 };
        self.polls.iter().map(|(_, polled)| editions(polled)).sum()
    }
}

/// Polls what is due, publishes what is new, and ends when each polled feed succeeded or failed and no row is left that may
/// be sent now. With nothing to publish it does not even log in.
pub async fn once(
    config: Config,
    options: OnceOptions,
    mut stop: watch::Receiver<bool>,
    tell: impl Fn(Progress),
) -> Result<Summary, GatewayError> {
    let parts = Parts::open(config, "once", None).await?;
    let (phase, until) = watch::channel(Until::Fed);
    let delivering = deliver_when_there_is_something(&parts, until);
    let polling = async {
        let polled = parts.poller.poll_all(options.which.clone()).await;
        phase.send_replace(Until::Drained);
        polled
    };
    let pass = futures::future::join(polling, delivering);
    tokio::pin!(pass);
    let ended = tokio::select! {
        ended = &mut pass => Ok(ended),
        never = tell_on_and_on(&parts, tell) => match never {},
        lost = parts.store.lost() => return Err(lost.into()),
        () = sleep(options.timeout) => Err(Early::OutOfTime),
        _ = stop.wait_for(|stop| *stop) => Err(Early::Interrupted),
    };
    match ended {
        Ok((polled, delivered)) => {
            delivered?;
            let polls = polled?;
            let Backlog { waiting: left, dead, .. } = parts.backlog();
            Ok(Summary { polls, left, dead })
        }
        Err(early) => {
            parts.poller.begin_no_more();
            phase.send_replace(Until::Now);
            let _ = timeout(DRAIN, pass).await;
            // Counted when what was in flight has been settled.
            let Backlog { waiting, in_doubt, .. } = parts.backlog();
            Err(match early {
                Early::OutOfTime => GatewayError::OutOfTime { waiting, in_doubt },
                Early::Interrupted => GatewayError::Interrupted,
            })
        }
    }
}

async fn tell_on_and_on(parts: &Parts, tell: impl Fn(Progress)) -> Infallible {
    let polls = parts.poller.progress();
    loop {
        sleep(TELL).await;
        let (polled, feeds) = {
            let polls = polls.borrow();
            (polls.done, polls.total)
        };
        let waiting = parts.store.waiting().iter().map(|waiting| waiting.ready + waiting.doubt).sum();
        tell(Progress { polled, feeds, waiting });
    }
}

/// Why a pass ends before it is done.
enum Early {
    OutOfTime,
    Interrupted,
}

/// Logs in when the first row waits, and not before; one that waits since it was refused is tried again.
async fn deliver_when_there_is_something(parts: &Parts, mut until: watch::Receiver<Until>) -> Result<(), GatewayError> {
    deliver::look_at_the_paused(&*parts.store, (parts.clock)()).await;
    while !deliver::has_work(&*parts.store, (parts.clock)()) {
        if *until.borrow_and_update() != Until::Fed {
            return Ok(());
        }
        tokio::select! {
            () = parts.wake.notified() => {}
            _ = until.changed() => {}
        }
    }
    let session = parts.start_session().await?;
    let result = tokio::select! {
        ended = tokio::spawn(parts.deliverer(&session).run(until.clone())) => match (ended, &*session.status().borrow()) {
            (Err(_panic), _) => Err(GatewayError::Bug),
            // The deliverer ends of a refusal too, and may be the first to see it.
            (Ok(()), status @ Status::Refused { .. }) => Err(refusal(Some(status))),
            (Ok(()), _) => Ok(()),
        },
        error = never_online(parts, &session, until) => Err(error),
    };
    session.close().await;
    result
}

/// Ends when the login is refused, or when the server was never reached though all polls have ended for a while.
async fn never_online(parts: &Parts, session: &Session, mut until: watch::Receiver<Until>) -> GatewayError {
    let mut status = session.status();
    let reached = |status: &Status| !matches!(status, Status::Offline { .. });
    let given_up = async {
        let _ = until.wait_for(|until| *until != Until::Fed).await;
        sleep(REACH).await;
    };
    tokio::select! {
        status = status.wait_for(reached) => if let Ok(Status::Refused { .. }) = status.as_deref() {
            return refusal(status.ok().as_deref());
        },
        () = given_up => {
            let reason = match &*session.status().borrow() {
                Status::Offline { reason: Some(reason) } => reason.clone(),
                _ => "no answer".to_owned(),
            };
            return GatewayError::Unreachable { reason, waiting: parts.backlog().waiting };
        }
    }
    // Online: a refusal is only told to the first login of a process, so there is nothing more to wait for here.
    std::future::pending().await
}
