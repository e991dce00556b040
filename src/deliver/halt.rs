//! Why a lane ended before its destination had everything, and what is written down about it.

use std::time::Duration;

use tracing::{error, warn};

use crate::feed::{Destination, Time};
use crate::store::{NodeFacts, Pause, Store, StoreError, Waiting};
use crate::xmpp::RequestError;

use super::backoff;
use super::verdict::Verdict;

/// A paused destination is looked at again after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(60 * 60);

/// Why a lane ended.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The destination or the stream.
    Verdict(Verdict),
    /// The state; whether the last commit is there is unknown.
    Store(StoreError),
}

impl From<Verdict> for Halt {
    fn from(verdict: Verdict) -> Self {
        Self::Verdict(verdict)
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Halt {
    /// Whether rows may have been left in doubt, so that the node has to be asked before anything else is sent.
    pub(crate) fn leaves_doubt(&self) -> bool {
        matches!(self, Self::Store(_) | Self::Verdict(Verdict::Lost(_) | Verdict::InDoubt(_)))
    }

    /// Of two reasons the one that asks for more: what is in doubt stands before what is known.
    pub(crate) fn worse(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) if other.leaves_doubt() && !one.leaves_doubt() => Some(other),
            (one, other) => one.or(other),
        }
    }

    /// Whether the stream seems to be over.
    pub(crate) fn is_end_of_stream(&self) -> bool {
        matches!(self, Self::Verdict(Verdict::Lost(_)))
    }

    /// Whether the server closed the stream because of what was sent.
    pub(crate) fn is_policy_violation(&self) -> bool {
        matches!(self, Self::Verdict(Verdict::Lost(reason)) if RequestError::Lost(reason.clone()).is_policy_violation())
    }

    /// The same when the stream turned out to live: only the addressee is silent.
    pub(crate) fn of_addressee(self) -> Self {
        match self {
            Self::Verdict(Verdict::Lost(reason)) => Self::Verdict(Verdict::InDoubt(reason)),
            other => other,
        }
    }

    /// Whether the node may not be what it was when it was audited.
    pub(crate) fn asks_for_audit(&self) -> bool {
        matches!(self, Self::Verdict(Verdict::Configure(_) | Verdict::Pause(_) | Verdict::WithoutPreconditions(_)))
    }

    /// The same for a node that is not ours to make: it takes somebody else to do something about it. ejabberd says of a node of
    /// others that it is not there when one may not publish to it.
    pub(crate) fn of_somebody_elses(self, destination: &Destination) -> Self {
        match self {
            Self::Verdict(Verdict::Configure(said)) => Self::Verdict(Verdict::Pause(format!(
                "{destination} does not exist, or this account may not publish to it ({said}): its owner has to create it and to \
                 make this account a publisher"
            ))),
            other => other,
        }
    }

    /// Whether the service does not take, or does not find met, what was demanded with the publish.
    pub(crate) fn asks_for_no_conditions(&self) -> bool {
        matches!(self, Self::Verdict(Verdict::WithoutPreconditions(_)))
    }
}

/// Writes down how long the destination waits, and tells the operator when that is news. `taken` is when a node of its
/// service took something last. What is known of the destination from now on is returned, when that changes.
pub(crate) async fn write_down(
    verdict: Verdict,
    store: &dyn Store,
    waiting: &Waiting,
    taken: Option<Time>,
    now: Time,
) -> Option<NodeFacts> {
    let destination = &waiting.destination;
    let newest = store.waiting().into_iter().find(|waiting| waiting.destination == *destination);
    let known = newest.map_or_else(|| waiting.facts.clone(), |waiting| waiting.facts);
    let verdict = too_long(verdict, &known, taken, now);
    let facts = facts_after(verdict, &known, destination, now, fastrand::f64())?;
    if let Err(error) = store.set_node(destination.clone(), facts.clone()).await {
        error!(%destination, %error, "the state cannot be written");
    }
    Some(facts)
}

/// A node that refuses for now during all of an hour in which others of its service take entries refuses for good.
fn too_long(verdict: Verdict, known: &NodeFacts, taken: Option<Time>, now: Time) -> Verdict {
    match (verdict, known.troubled) {
        (Verdict::Retry(reason), Some(since)) if now >= since + LOOK_AGAIN && taken.is_some_and(|at| at > since) => {
            Verdict::Pause(format!(
                "refused for more than an hour, while other nodes of the service take entries: {reason}"
            ))
        }
        (verdict, _) => verdict,
    }
}

/// What is known of the destination after a verdict; `None` when nothing changes.
fn facts_after(
    verdict: Verdict,
    known: &NodeFacts,
    destination: &Destination,
    now: Time,
    chance: f64,
) -> Option<NodeFacts> {
    let failures = known.failures.saturating_add(1);
    let troubled = known.troubled.or(Some(now));
    let wait = |failures| Some(now + backoff::delay(failures, chance));
    match verdict {
        // Being offline is not a refusal: recovery follows the next bind.
        Verdict::Lost(_) => None,
        Verdict::InDoubt(reason) => {
            if known.failures == 0 {
                warn!(%destination, reason, "no answer; it will be asked what arrived");
            }
            Some(NodeFacts { not_before: wait(failures), failures, troubled, ..known.clone() })
        }
        Verdict::WithoutPreconditions(reason) if known.failures == 0 => {
            warn!(%destination, reason, "not taken under conditions; publishing to it as it is");
            Some(NodeFacts { failures, troubled, ..known.clone() })
        }
        Verdict::Configure(reason) => {
            warn!(%destination, reason, "it is gone; making it ready again");
            let not_before = if known.failures == 0 { None } else { wait(failures) };
            Some(NodeFacts { not_before, failures, troubled, ..known.clone() })
        }
        Verdict::Retry(reason) => {
            if known.failures == 0 {
                warn!(%destination, reason, "refused for now; trying again with growing pauses");
            }
            Some(NodeFacts { not_before: wait(failures), failures, troubled, ..known.clone() })
        }
        Verdict::Pause(reason) | Verdict::WithoutPreconditions(reason) => {
            let since = known.pause.as_ref().filter(|pause| pause.reason == reason).map_or(now, |pause| pause.since);
            if since == now {
                warn!(%destination, reason, "nothing can be published there; looking again every hour");
            }
            let pause = Pause { reason, since, until: now + LOOK_AGAIN };
            Some(NodeFacts { pause: Some(pause), ..known.clone() })
        }
        Verdict::Delivered | Verdict::Shrink(_) => None,
    }
}
