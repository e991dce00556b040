//! What is learnt of destinations, and written down: why a lane ended, what a look found, that a pause is over.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::{sleep, timeout};

use crate::feed::{Destination, Time};
use crate::store::{NodeFacts, Pause, Store, StoreError, Waiting};
use crate::xmpp::Status;

use super::backoff;
use super::bind::Bind;
use super::halt::{self, Halt};
use super::{Deliverer, lock};

/// A stream that is over says so within this time; one that does not is alive, and only the addressee is silent.
const END_OF_STREAM: Duration = Duration::from_secs(1);

impl Deliverer {
    /// Draws the conclusions from the end of a lane, for everything that is known of its destination.
    pub(super) async fn conclude(&self, halt: Halt, waiting: &Waiting, bind: &Bind) {
        let destination = &waiting.destination;
        let is_ours = self.config().settings(destination).create || !destination.holds_items();
        let halt = if is_ours { halt } else { halt.of_somebody_elses(destination) };
        if halt.is_policy_violation() && bind.blame() {
            self.credit.send_smaller();
        }
        if halt.leaves_doubt() {
            bind.forget(destination);
        }
        if halt.asks_for_no_conditions() {
            lock(&self.unconditional).insert(destination.clone(), (self.clock)());
        }
        if halt.asks_for_audit() {
            self.prepared().remove(destination);
            self.rooms.forget_one(destination);
        }
        let halt = if halt.is_end_of_stream() && self.is_alive(bind).await { halt.of_addressee() } else { halt };
        self.write_down(halt, waiting).await;
        // Some say yes before it is written down that they are waited for.
        if lock(&self.decided).remove(destination) {
            self.end_pause(destination).await;
        }
    }

    /// Told once, until a delivery could be written down again; the pauses grow, so that neither a disk that is full nor the
    /// node, which is asked what it has before each try, is troubled all the time. A lost state ends the process, which says so.
    async fn leave_the_store_alone(&self, destination: &Destination, error: &StoreError) {
        let failures = self.store_failures.fetch_add(1, Relaxed);
        if failures == 0 && !matches!(error, StoreError::Lost { .. }) {
            tracing::error!(%destination, %error, "the state cannot be read or written");
        }
        sleep(backoff::of_store(failures)).await;
    }

    /// A delivery was written down.
    pub(super) fn note_that_the_store_works(&self) {
        if self.store_failures.swap(0, Relaxed) > 0 {
            tracing::info!("deliveries can be written down again");
        }
    }

    /// Whether the stream is still the one of this bind.
    async fn is_alive(&self, bind: &Bind) -> bool {
        let mut status = self.wire.status();
        let is_over =
            |status: &Status| !matches!(status, Status::Online { bind: number, .. } if *number == bind.number);
        timeout(END_OF_STREAM, status.wait_for(is_over)).await.is_err()
    }

    /// Writes down why a lane ended.
    pub(super) async fn write_down(&self, halt: Halt, waiting: &Waiting) {
        let verdict = match halt {
            Halt::Verdict(verdict) => verdict,
            Halt::Store(error) => return self.leave_the_store_alone(&waiting.destination, &error).await,
        };
        let service = waiting.destination.addressee();
        let of_service = |(other, at): (&Destination, &Time)| (other.addressee() == service).then_some(*at);
        let taken = lock(&self.taken).iter().filter_map(of_service).max();
        if let Some(facts) = halt::write_down(verdict, &*self.store, waiting, taken, (self.clock)()).await {
            self.remember_room(&waiting.destination, facts);
        }
    }

    /// Writes down what was learnt of a destination.
    pub(super) async fn learn(&self, destination: &Destination, facts: NodeFacts) -> Result<(), StoreError> {
        self.remember_room(destination, facts.clone());
        self.store.set_node(destination.clone(), facts).await
    }
}

/// A start and a changed configuration are the operator's doing: what was refused before may be allowed now.
pub async fn look_at_the_paused(store: &dyn Store, now: Time) {
    let look = async |Waiting { destination, facts, .. }: Waiting| {
        let Some(pause) = facts.pause.clone().filter(|pause: &Pause| pause.until > now) else { return };
        let facts = NodeFacts { pause: Some(Pause { until: now, ..pause }), ..facts };
        if let Err(error) = store.set_node(destination.clone(), facts).await {
            tracing::error!(%destination, %error, "the state cannot be written");
        }
    };
    // All at once, so that the store makes one commit of them.
    join_all(store.waiting().into_iter().map(look)).await;
}
