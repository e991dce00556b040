//! Second half of the journey, read top-down: recover → prepare → claim → publish → settle, a lane per destination, many
//! lanes at once.
//!
//! Nothing is sent before it is durably in doubt, and nothing in doubt is sent again before the node was asked.

mod backoff;
mod destination;
mod due;
mod form;
mod halt;
mod node;
mod recover;
mod service;
mod settings;
mod verdict;
mod window;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::feed::{Destination, Time};
use crate::store::{NodeFacts, Outcome, Settlement, Store};
use crate::xmpp::{Status, Wire};

use self::destination::Address;
use self::halt::Halt;
use self::service::DefaultService;
use self::verdict::Verdict;
use self::window::Window;

pub use self::settings::{Access, Config, NodeSettings, OnDoubt};

/// Most requests that are unanswered at once, whatever the number of nodes.
const MOST_IN_FLIGHT: usize = 128;
/// Most unanswered publishes of one node; fewer when the node keeps fewer items.
const WIDEST_WINDOW: u32 = 16;
/// Most destinations that are worked on at once.
const MOST_LANES: usize = 64;
/// A node is audited again after this time.
const AUDIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads the clock; only the gateway makes one.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

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

/// A destination that was created or audited by this process.
#[derive(Debug, Clone)]
struct Prepared {
    at: Time,
    address: Address,
    window: usize,
}

/// A bind of the session, and the destinations that were asked since what an earlier one left in doubt.
struct Bind {
    number: u64,
    since: Instant,
    recovered: Mutex<HashSet<Destination>>,
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

    /// Where the destination is.
    async fn locate(&self, destination: &Destination) -> Result<Prepared, Halt> {
        let known = self.prepared().get(destination).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let config = self.config();
        let service = match destination {
            Destination::Node { service: None, .. } => {
                self.service.find(&*self.wire, &*self.store, &config.domain).await?
            }
            _ => None,
        };
        let address = Address::of(destination, service.as_ref()).map_err(Verdict::Pause)?;
        Ok(Prepared { at: Time::UNIX_EPOCH, address, window: 1 })
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
            if asked.iter().any(|row| row.state == crate::store::RowState::Doubt) {
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
    async fn ask(
        &self,
        address: &Address,
        rows: &[crate::store::OutboxRow],
    ) -> Result<HashMap<crate::feed::ItemId, recover::Held>, Halt> {
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

    /// Creates or audits the node, at start and daily, and on first contact counts what is there already as published.
    async fn prepare(
        &self,
        destination: &Destination,
        known: Prepared,
        facts: NodeFacts,
    ) -> Result<(Prepared, NodeFacts), Halt> {
        let now = (self.clock)();
        if now < known.at + AUDIT {
            return Ok((known, facts));
        }
        let settings = self.config().settings(destination);
        let followed = match &settings.follows {
            Some(feed) => self.store.feed(feed).await?.map(|row| row.read.meta),
            None => None,
        };
        let ready = node::prepare(&*self.wire, &known.address, &settings, followed.as_ref()).await?;
        if facts.configured.is_none() && !ready.is_new {
            self.count_what_is_there(destination, &known.address).await?;
        }
        let facts = NodeFacts {
            configured: Some(now),
            max_items: ready.max_items,
            owner: ready.owner,
            persists: Some(ready.persists),
            max_payload: ready.max_payload,
            ..facts
        };
        self.store.set_node(destination.clone(), facts.clone()).await?;
        let prepared = Prepared { at: now, window: window_of(ready.max_items), ..known };
        self.prepared().insert(destination.clone(), prepared.clone());
        Ok((prepared, facts))
    }

    /// First contact with a node that was there before us: rows whose item it holds are published already.
    async fn count_what_is_there(&self, destination: &Destination, address: &Address) -> Result<(), Halt> {
        let answer = verdict::absence_or_answer(self.wire.request(address.listing()).await)?;
        let there: HashSet<&str> =
            answer.iter().flat_map(|query| query.children()).filter_map(|item| item.attr("name")).collect();
        let rows = self.store.rows(destination).await?;
        let known = rows.iter().filter(|row| there.contains(row.item.0.as_str()));
        let settlements: Vec<_> = known.map(|row| Settlement { row: row.id, outcome: Outcome::Drop }).collect();
        if !settlements.is_empty() {
            tracing::info!(%destination, entries = settlements.len(), "the node holds these already; not published again");
            self.store.settle(settlements, (self.clock)()).await?;
        }
        Ok(())
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

/// As many as the node keeps, so that an accepted item cannot have been evicted before recovery looks; one when that is
/// unknown.
fn window_of(max_items: Option<u32>) -> usize {
    max_items.unwrap_or(1).clamp(1, WIDEST_WINDOW) as usize
}

impl Bind {
    fn keep_or_new(current: Option<Arc<Self>>, number: u64) -> Arc<Self> {
        let fresh = || Arc::new(Self { number, since: Instant::now(), recovered: Mutex::default() });
        current.filter(|bind| bind.number == number).unwrap_or_else(fresh)
    }

    fn is_recovered(&self, destination: &Destination) -> bool {
        self.recovered.lock().unwrap_or_else(PoisonError::into_inner).contains(destination)
    }

    fn remember(&self, destination: &Destination) {
        self.recovered.lock().unwrap_or_else(PoisonError::into_inner).insert(destination.clone());
    }

    fn forget(&self, destination: &Destination) {
        self.recovered.lock().unwrap_or_else(PoisonError::into_inner).remove(destination);
    }
}
