//! The publishes of one destination that are unanswered: sent in order, answered in any.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::atom::LAST_RUNG;
use crate::feed::Clock;
use crate::store::{Action, Delivery, OutboxRow, Outcome, Settlement};

use super::destination::{self, Place, Wording};
use super::flight::Counting;
use super::halt::Halt;
use super::mail::Courier;
use super::verdict::Verdict;

/// A row that was refused for now so often, while its destination takes others, is at fault itself.
const MOST_ATTEMPTS: u32 = 10;

/// A window; each unanswered publish holds a permit of the credit that all windows of a service share.
pub(crate) struct Window {
    size: usize,
    credit: Arc<Semaphore>,
    /// Whether the destination took entries lately.
    takes_others: bool,
    counting: Counting,
    reserved: Option<OwnedSemaphorePermit>,
    /// How many were sent; each is known by its number.
    sent: usize,
    unanswered: BTreeMap<usize, Unanswered>,
    answers: FuturesUnordered<BoxFuture<'static, (usize, Verdict)>>,
}

struct Unanswered {
    row: OutboxRow,
    rung: u8,
    since: Instant,
    /// Given back with the answer.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Window {
    pub(crate) fn new(size: usize, credit: Arc<Semaphore>, takes_others: bool, counting: Counting) -> Self {
        Self {
            size,
            credit,
            takes_others,
            counting,
            reserved: None,
            sent: 0,
            unanswered: BTreeMap::new(),
            answers: FuturesUnordered::new(),
        }
    }

    /// How many more may be sent now. An empty window waits for credit; another one never does, as it may be its own
    /// answers that give credit back.
    pub(crate) async fn reserve(&mut self) -> usize {
        self.reserved = None;
        let free = self.size - self.span();
        if free == 0 {
            return 0;
        }
        if self.is_empty() {
            self.reserved = self.credit.clone().acquire_owned().await.ok();
        }
        let more = self.credit.available_permits().min(free - usize::from(self.reserved.is_some()));
        if let Ok(more) = self.credit.clone().try_acquire_many_owned(u32::try_from(more).unwrap_or(0)) {
            match &mut self.reserved {
                Some(reserved) => reserved.merge(more),
                None => self.reserved = Some(more),
            }
        }
        self.reserved.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    /// Sends a delivery that was claimed with the reservation.
    pub(crate) fn send(&mut self, courier: Courier<'_>, place: &Place, delivery: Delivery, wording: Wording<'_>) {
        let (stanza, rung) = destination::stanza(place, &delivery, wording);
        let permit = self.reserved.as_mut().and_then(|reserved| reserved.split(1));
        let (number, answer) = (self.sent, courier.send(place, stanza));
        self.sent += 1;
        self.unanswered.insert(number, Unanswered { row: delivery.row, rung, since: Instant::now(), _permit: permit });
        self.counting.note_unanswered(self.unanswered.len());
        self.answers.push(Box::pin(async move { (number, answer.await) }));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.unanswered.is_empty()
    }

    pub(crate) fn is_more_than_half_full(&self) -> bool {
        self.span() * 2 > self.size
    }

    /// From the first unanswered one to the last one sent, the answered ones between them included: so many items the node
    /// has to keep, lest one that it took is gone when it is asked.
    fn span(&self) -> usize {
        self.unanswered.first_key_value().map_or(0, |(first, _)| self.sent - first)
    }

    /// Waits for an answer: what to write down about its row, and whether the lane has to end.
    pub(crate) async fn next_answer(&mut self, clock: &Clock) -> (Option<Settlement>, Option<Halt>) {
        let Some((number, verdict)) = self.answers.next().await else { return (None, None) };
        let Some(Unanswered { row, rung, since, .. }) = self.unanswered.remove(&number) else { return (None, None) };
        self.counting.note_unanswered(self.unanswered.len());
        let verdict = self.of_row(&row, verdict);
        self.counting.note_answer(&verdict, since, row.queued, clock());
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
        (outcome.map(|outcome| Settlement { row: row.id, outcome }), halt)
    }

    /// What an answer means for this very row.
    fn of_row(&self, row: &OutboxRow, verdict: Verdict) -> Verdict {
        match verdict {
            // Where there is no such item, it is as if it had been retracted.
            Verdict::Configure(_) if row.action == Action::Retract => Verdict::Delivered,
            Verdict::Retry(reason) if row.attempts >= MOST_ATTEMPTS && self.takes_others => Verdict::Shrink(reason),
            other => other,
        }
    }
}
