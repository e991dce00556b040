//! The publishes of one destination that are unanswered: sent in order, answered in any.

use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::atom::Style;
use crate::store::{Delivery, Outcome, RowId, Settlement};
use crate::xmpp::Wire;

use super::destination::{self, Address, LAST_RUNG};
use super::halt::Halt;
use super::verdict::{Verdict, verdict};

/// A window; each unanswered publish holds a permit of the credit that all windows share.
pub(crate) struct Window {
    size: usize,
    max_payload: Option<u64>,
    credit: Arc<Semaphore>,
    reserved: Option<OwnedSemaphorePermit>,
    unanswered: FuturesUnordered<BoxFuture<'static, (RowId, u8, Verdict)>>,
}

impl Window {
    pub(crate) fn new(size: usize, max_payload: Option<u64>, credit: Arc<Semaphore>) -> Self {
        Self { size, max_payload, credit, reserved: None, unanswered: FuturesUnordered::new() }
    }

    /// How many more may be sent now, when half of the window is free; waits for credit.
    pub(crate) async fn reserve(&mut self) -> usize {
        self.reserved = None;
        let free = self.size - self.unanswered.len();
        if free == 0 || self.is_more_than_half_full() {
            return 0;
        }
        self.reserved = self.credit.clone().acquire_many_owned(free as u32).await.ok();
        self.reserved.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    /// Sends a delivery that was claimed with the reservation.
    pub(crate) fn send(&mut self, wire: &dyn Wire, address: &Address, delivery: Delivery, style: &Style) {
        let (request, rung) = destination::stanza(address, &delivery, style, self.max_payload);
        let permit = self.reserved.as_mut().and_then(|reserved| reserved.split(1));
        let (row, answer) = (delivery.row.id, wire.request(request));
        self.unanswered.push(Box::pin(async move {
            let verdict = verdict(&answer.await);
            drop(permit);
            (row, rung, verdict)
        }));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.unanswered.is_empty()
    }

    pub(crate) fn is_more_than_half_full(&self) -> bool {
        self.unanswered.len() * 2 > self.size
    }

    /// Waits for an answer: what to write down about its row, and whether the lane has to end.
    pub(crate) async fn next_answer(&mut self) -> (Option<Settlement>, Option<Halt>) {
        let Some((row, rung, verdict)) = self.unanswered.next().await else { return (None, None) };
        let outcome = match &verdict {
            Verdict::Delivered => Some(Outcome::Delivered),
            Verdict::Lost(_) | Verdict::InDoubt(_) => None,
            Verdict::Configure(_) | Verdict::Pause(_) | Verdict::WithoutPreconditions(_) => Some(Outcome::Ready),
            Verdict::Retry(reason) => Some(Outcome::Retry { reason: reason.clone() }),
            Verdict::Shrink(reason) if rung < LAST_RUNG => {
                Some(Outcome::Shrink { reason: reason.clone(), rung: rung + 1 })
            }
            Verdict::Shrink(reason) => {
                tracing::warn!(reason, "an entry was given up: the service refuses even its title and link");
                Some(Outcome::Dead { reason: reason.clone() })
            }
        };
        let halt = match verdict {
            Verdict::Delivered | Verdict::Shrink(_) => None,
            other => Some(other.into()),
        };
        (outcome.map(|outcome| Settlement { row, outcome }), halt)
    }
}
