//! Second half of the journey, read top-down: recover → prepare → claim → publish → settle, a lane per destination, many
//! lanes at once.
//!
//! Nothing is sent before it is durably in doubt, and nothing in doubt is sent again before the node was asked.

mod backoff;
mod bind;
mod destination;
mod due;
mod form;
mod halt;
mod node;
mod ready;
mod recover;
mod service;
mod settings;
mod verdict;
mod window;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use crate::feed::{Clock, Destination, ItemId, Time};
use crate::store::{NodeFacts, OutboxRow, RowState, Store};
use crate::xmpp::{Status, Wire};

use self::bind::Bind;
use self::destination::Address;
use self::halt::Halt;
use self::ready::{Prepared, window_of};
use self::service::DefaultService;
use self::window::Window;

pub use self::settings::{Access, Config, NodeSettings, OnDoubt};

/// Most requests that are unanswered at once, whatever the number of nodes.
const MOST_IN_FLIGHT: usize = 128;
/// Most destinations that are worked on at once.
const MOST_LANES: usize = 64;

/// How long [`Deliverer::run`] goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// For ever.
    Stopped,
    /// Until no row is left that may be sent now.
    Drained,
    /// Until what is in flight is answered; nothing more is sent.
    Now,
}

/// Brings what waits in the outbox to its destinations.
pub struct Deliverer {
    store: Arc<dyn Store>,
    wire: Arc<dyn Wire>,
    config: RwLock<Arc<Config>>,
    clock: Clock,
    wake: Arc<Notify>,
    credit: Arc<Semaphore>,
    service: DefaultService,
    prepared: Mutex<HashMap<Destination, Prepared>>,
}

/// Whether any row may be sent now.
pub fn has_work(store: &dyn Store, now: Time) -> bool {
    due::look(store.waiting(), now, |_| true).is_sendable
}

impl Deliverer {
    /// A deliverer that `wake` tells of new rows.
    pub fn new(store: Arc<dyn Store>, wire: Arc<dyn Wire>, config: Config, clock: Clock, wake: Arc<Notify>) -> Self {
        let credit = Arc::new(Semaphore::new(MOST_IN_FLIGHT));
        let (service, prepared) = (DefaultService::default(), Mutex::default());
        Self { store, wire, config: RwLock::new(Arc::new(config)), clock, wake, credit, service, prepared }
    }

    /// Takes over a changed configuration; nodes are audited again.
    pub fn reconfigure(&self, config: Config) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        self.prepared().clear();
        self.wake.notify_one();
    }

    /// Starts a lane for each destination that has something to send, whenever the session is up; a wake without data, an
    /// ended lane and a periodic look all lead to the same question: what is due?
    pub async fn run(self: Arc<Self>, mut until: watch::Receiver<Until>) {
        let mut status = self.wire.status();
        let mut bind: Option<Arc<Bind>> = None;
        let mut lanes = JoinSet::new();
        let mut active = HashMap::new();
        loop {
            let phase = *until.borrow_and_update();
            bind = match &*status.borrow_and_update() {
                Status::Online { bind: number, .. } => Some(Bind::keep_or_new(bind, *number)),
                Status::Offline { .. } => None,
                Status::Refused { .. } | Status::Closed => return,
            };
            let due =
                due::look(self.store.waiting(), (self.clock)(), |at| bind.as_ref().is_some_and(|b| b.is_recovered(at)));
            if let Some(bind) = &bind
                && phase != Until::Now
            {
                let free = MOST_LANES.saturating_sub(active.len());
                let idle = due.now.iter().filter(|(at, _)| !active.values().any(|busy| busy == at)).take(free);
                for (destination, facts) in idle.cloned().collect::<Vec<_>>() {
                    let task = self.clone().lane(destination.clone(), facts, bind.clone(), until.clone());
                    active.insert(lanes.spawn(task).id(), destination);
                }
            }
            let is_done = match phase {
                Until::Stopped => false,
                Until::Drained => !due.is_sendable,
                Until::Now => true,
            };
            if is_done && active.is_empty() {
                return;
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = sleep(due.next_look) => {}
                _ = status.changed() => {}
                _ = until.changed() => {}
                Some(ended) = lanes.join_next_with_id() => {
                    let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                    active.remove(&id);
                }
            }
        }
    }

    /// One destination, from what an earlier session left in doubt until nothing is left that may be sent now.
    async fn lane(
        self: Arc<Self>,
        destination: Destination,
        facts: NodeFacts,
        bind: Arc<Bind>,
        until: watch::Receiver<Until>,
    ) {
        let work = async {
            let prepared = self.locate(&destination).await?;
            self.recover(&destination, &prepared, &facts, &bind).await?;
            let (prepared, facts) = self.prepare(&destination, prepared, facts).await?;
            self.publish(&destination, &prepared, facts, &until).await
        };
        if let Err(halt) = work.await {
            if halt.leaves_doubt() {
                bind.forget(&destination);
            }
            if halt.asks_for_audit() {
                self.prepared().remove(&destination);
            }
            halt.write_down(&*self.store, &destination, (self.clock)()).await;
        }
    }

    /// Asks the node about everything that is in doubt, when nothing of a dead session can be executed any more, and once
    /// more about what is not there.
    async fn recover(
        &self,
        destination: &Destination,
        prepared: &Prepared,
        facts: &NodeFacts,
        bind: &Bind,
    ) -> Result<(), Halt> {
        if bind.is_recovered(destination) {
            return Ok(());
        }
        let rows = self.store.rows(destination).await?;
        let asked = recover::questions(&rows, window_of(facts.max_items));
        if !asked.is_empty() {
            let config = self.config();
            let service = prepared.address.service.as_ref().map(|jid| jid.domain().to_string());
            let settle = config.settle(service.as_deref());
            if asked.iter().any(|row| row.state == RowState::Doubt) {
                sleep_until(bind.since + settle).await;
            }
            let mut held = self.ask(&prepared.address, &asked).await?;
            let absent: Vec<_> = asked.iter().filter(|row| !recover::is_done(row, held[&row.item])).cloned().collect();
            if !absent.is_empty() {
                sleep(settle).await;
                held.extend(self.ask(&prepared.address, &absent).await?);
            }
            let on_doubt = config.settings(destination).on_doubt;
            let settlements = recover::judge(&asked, &held, on_doubt, facts.persists.unwrap_or(true));
            tracing::info!(%destination, doubtful = asked.len(), again = absent.len(), "asked the node what it has");
            self.store.settle(settlements, (self.clock)()).await?;
        }
        bind.remember(destination);
        Ok(())
    }

    /// What the node holds of each row's item; one id a question, all questions at once.
    async fn ask(&self, address: &Address, rows: &[OutboxRow]) -> Result<HashMap<ItemId, recover::Held>, Halt> {
        let questions: Vec<_> = rows.iter().map(|row| self.wire.request(address.question(&row.item.0))).collect();
        let mut held = HashMap::new();
        for (row, question) in rows.iter().zip(questions) {
            let answer = match verdict::absence_or_answer(question.await) {
                Ok(answer) => answer,
                Err(verdict) => return Err(verdict.into()),
            };
            held.insert(row.item.clone(), recover::held(answer.as_ref(), &row.item));
        }
        Ok(held)
    }

    /// Keeps a window of publishes in flight, in order. What was answered is settled and what is free is claimed at the
    /// same time, so that both go into one commit; that happens when half of the window is free.
    async fn publish(
        &self,
        destination: &Destination,
        prepared: &Prepared,
        mut facts: NodeFacts,
        until: &watch::Receiver<Until>,
    ) -> Result<(), Halt> {
        let config = self.config();
        let mut window = Window::new(prepared.window, facts.max_payload, self.credit.clone());
        let mut halt = None;
        let mut answered = Vec::new();
        loop {
            let room = if halt.is_some() || *until.borrow() == Until::Now { 0 } else { window.reserve().await };
            let now = (self.clock)();
            let (settled, claimed) = tokio::join!(
                self.store.settle(std::mem::take(&mut answered), now),
                self.store.claim_outbox(vec![(destination.clone(), room)], now),
            );
            settled?;
            let claimed = claimed?;
            let is_last = claimed.is_empty();
            for delivery in claimed {
                let style = config.style(&delivery.edition.feed);
                window.send(&*self.wire, &prepared.address, delivery, &style);
            }
            if window.is_empty() {
                return halt.map_or(Ok(()), Err);
            }
            while !window.is_empty() && (is_last || halt.is_some() || window.is_more_than_half_full()) {
                let (settlement, trouble) = window.next_answer().await;
                answered.extend(settlement);
                halt = halt.or(trouble);
            }
            if halt.is_none() && !answered.is_empty() && facts.is_troubled() {
                tracing::info!(%destination, "takes entries again");
                facts = facts.without_trouble();
                self.store.set_node(destination.clone(), facts.clone()).await?;
            }
        }
    }

    fn config(&self) -> Arc<Config> {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn prepared(&self) -> std::sync::MutexGuard<'_, HashMap<Destination, Prepared>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
