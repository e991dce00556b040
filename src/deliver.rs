//! Second half of the journey, read top-down: recover → prepare → claim → publish → settle, a lane per destination, many
//! lanes at once.
//!
//! Nothing is sent before it is durably in doubt, and nothing in doubt is sent again before the node was asked.

mod address;
mod ask;
mod backoff;
mod bind;
mod consent;
mod credit;
mod destination;
mod due;
mod examine;
mod flight;
mod form;
mod halt;
mod learn;
mod listen;
mod mail;
mod meet;
mod message;
mod node;
mod publish;
mod ready;
mod recover;
mod rooms;
mod service;
mod settings;
mod sight;
mod verdict;
mod window;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinSet};
use tokio::time::sleep;

use crate::feed::{Clock, Destination, Time};
use crate::store::{NodeFacts, Store, Waiting};
use crate::tally::Pulse;
use crate::xmpp::{Status, Wire};

use self::bind::Bind;
use self::credit::Credit;
use self::halt::Halt;
use self::mail::Mail;
use self::ready::Prepared;
use self::rooms::Rooms;
use self::service::DefaultService;
use self::verdict::Verdict;

pub use self::examine::{Affiliations, NodeSight, Sight, affiliations, examine};
pub use self::flight::{Flight, Flights, RESULTS, Tally};
pub use self::learn::look_at_the_paused;
pub use self::settings::{Access, Config, Find, Named, NodeSettings, OnDoubt};
pub use self::sight::{Consent, PersonSight, RoomSight};

/// How long [`Deliverer::run`] goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// For ever, and in its rooms all the time.
    Stopped,
    /// Until something else is said, as rows may still come; a room is entered only to speak there.
    Fed,
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
    credit: Credit,
    service: DefaultService,
    prepared: Mutex<HashMap<Destination, Prepared>>,
    /// Destinations that do not take what they have to be like together with a publish, and since when that is known.
    unconditional: Mutex<HashMap<Destination, Time>>,
    mail: Mail,
    rooms: Rooms,
    /// What is known of each room of the configuration.
    stays: Mutex<HashMap<Destination, NodeFacts>>,
    /// Persons who have decided since they were looked for in the roster.
    decided: Mutex<HashSet<Destination>>,
    /// Whether the account showed its presence in this bind.
    is_present: AtomicBool,
    /// When each destination took something last, since this process started.
    taken: Mutex<HashMap<Destination, Time>>,
    flights: Flights,
    pulse: Pulse,
    /// Whether paused destinations are to be looked at before their hour is over.
    looks_again: AtomicBool,
    /// Lanes that ended of the store since it wrote down a delivery last.
    store_failures: AtomicU32,
}

/// Whether any row may be sent now.
pub fn has_work(store: &dyn Store, now: Time) -> bool {
    due::look(store.waiting(), now, |_| false).is_sendable
}

impl Deliverer {
    /// A deliverer that `wake` tells of new rows.
    pub fn new(store: Arc<dyn Store>, wire: Arc<dyn Wire>, config: Config, clock: Clock, wake: Arc<Notify>) -> Self {
        let deliverer = Self {
            store,
            wire,
            config: RwLock::new(Arc::new(config)),
            clock,
            wake,
            credit: Credit::default(),
            service: DefaultService::default(),
            prepared: Mutex::default(),
            unconditional: Mutex::default(),
            mail: Mail::default(),
            rooms: Rooms::default(),
            stays: Mutex::default(),
            decided: Mutex::default(),
            is_present: AtomicBool::new(false),
            taken: Mutex::default(),
            flights: Flights::default(),
            pulse: Pulse::default(),
            looks_again: AtomicBool::new(true),
            store_failures: AtomicU32::default(),
        };
        deliverer.keep_to_rooms();
        deliverer
    }

    /// What is on its way, and what became of what was.
    pub fn flights(&self) -> Flights {
        self.flights.clone()
    }

    /// Goes round twice a minute at least.
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Takes over a changed configuration; nodes that are to be kept otherwise are audited again, paused ones looked at again.
    pub fn reconfigure(&self, config: Config) {
        let next = Arc::new(config);
        let former = {
            let mut config = self.config.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *config, next.clone())
        };
        let kept = |config: &Config, at: &Destination| (config.settings(at), config.followed_by(at));
        let is_same = |at: &Destination| kept(&former, at) == kept(&next, at);
        self.prepared().retain(|at, _| is_same(at));
        lock(&self.unconditional).retain(|at, _| is_same(at));
        self.keep_to_rooms();
        self.looks_again.store(true, Relaxed);
        self.wake.notify_one();
    }

    /// Starts a lane for each destination that has something to send, whenever the session is up; a wake without data, an
    /// ended lane and a periodic look all lead to the same question: what is due?
    pub async fn run(self: Arc<Self>, mut until: watch::Receiver<Until>) {
        let mut status = self.wire.status();
        let mut bind: Option<Arc<Bind>> = None;
        let mut lanes = JoinSet::new();
        let mut ears = JoinSet::new();
        ears.spawn(self.clone().listen(self.wire.incoming()));
        let mut active: HashMap<Id, (Waiting, Arc<Bind>)> = HashMap::new();
        loop {
            self.pulse.beat();
            let phase = *until.borrow_and_update();
            bind = match &*status.borrow_and_update() {
                Status::Online { bind: number, .. } => Some(self.bind(bind, *number)),
                Status::Offline { .. } => {
                    self.lose_stream();
                    None
                }
                Status::Refused { .. } | Status::Closed => return,
            };
            if bind.is_some() && self.looks_again.swap(false, Relaxed) {
                self.recall_rooms().await;
                look_at_the_paused(&*self.store, (self.clock)()).await;
            }
            let due = due::look(self.waiting(phase), (self.clock)(), |row| self.is_wanted(row, phase, bind.as_deref()));
            if let Some(bind) = bind.as_ref().filter(|_| phase != Until::Now) {
                for waiting in due::admit(due.now, active.values().map(|(busy, _)| &busy.destination)) {
                    let task = self.clone().lane(waiting.clone(), bind.clone(), until.clone());
                    active.insert(lanes.spawn(task).id(), (waiting, bind.clone()));
                }
            }
            let is_done = match phase {
                Until::Stopped | Until::Fed => false,
                Until::Drained => !due.is_sendable,
                Until::Now => true,
            };
            if is_done && active.is_empty() {
                self.rooms.leave_others(&*self.wire, |_, _| false);
                return;
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = sleep(due.next_look) => {}
                changed = status.changed() => if changed.is_err() { return },
                changed = until.changed() => if changed.is_err() { return },
                // Who hears no answers must not speak on.
                Some(Err(fault)) = ears.join_next() => std::panic::resume_unwind(fault.into_panic()),
                Some(ended) = lanes.join_next_with_id() => {
                    let id = ended.as_ref().map_or_else(tokio::task::JoinError::id, |(id, ())| *id);
                    if let (Some((waiting, bind)), Err(_)) = (active.remove(&id), ended) {
                        let halt = Halt::from(Verdict::InDoubt("a fault in this program ended the work on it".to_owned()));
                        self.conclude(halt, &waiting, &bind).await;
                    }
                }
            }
        }
    }

    /// The bind of the moment.
    fn bind(&self, current: Option<Arc<Bind>>, number: u64) -> Arc<Bind> {
        let is_new = current.as_ref().is_none_or(|bind| bind.number != number);
        if is_new {
            self.lose_stream();
        }
        Bind::keep_or_new(current, number)
    }

    /// Nothing comes back any more for what was sent before.
    fn lose_stream(&self) {
        self.rooms.forget();
        self.mail.lose(None, &Verdict::Lost("the stream ended".to_owned()));
        self.is_present.store(false, Relaxed);
    }

    /// What waits; a gateway that is to go on for ever is also in its rooms while nothing does.
    fn waiting(&self, phase: Until) -> Vec<Waiting> {
        let mut waiting = self.store.waiting();
        if phase == Until::Stopped {
            waiting.extend(self.rooms_to_enter(&waiting));
        }
        waiting
    }

    /// Whether there is something to do where nothing has to be sent: a node is asked about what it acknowledged, a room is
    /// entered.
    fn is_wanted(&self, row: &Waiting, phase: Until, bind: Option<&Bind>) -> bool {
        if row.destination.holds_items() {
            return row.sent > 0 && !bind.is_some_and(|bind| bind.is_recovered(&row.destination));
        }
        phase == Until::Stopped && self.is_awaited(row)
    }

    /// One destination, from what an earlier session left in doubt until nothing is left that may be sent now.
    async fn lane(self: Arc<Self>, waiting: Waiting, bind: Arc<Bind>, until: watch::Receiver<Until>) {
        let destination = &waiting.destination;
        let work = async {
            let begun = async {
                let prepared = self.locate(destination).await?;
                self.recover(&waiting, &prepared, &bind).await?;
                // A node that was only asked about what it acknowledged is left alone until there is something for it.
                if waiting.destination.holds_items() && !due::is_sendable(&waiting, (self.clock)()) {
                    return Ok(None);
                }
                self.prepare(&waiting, prepared).await.map(Some)
            };
            let mut ending = until.clone();
            let begun = tokio::select! {
                begun = begun => begun?,
                // Nothing was sent yet that would have to be waited for.
                _ = ending.wait_for(|until| *until == Until::Now) => None,
            };
            match begun {
                Some((prepared, facts)) => self.publish(destination, &prepared, facts, &until).await,
                None => Ok(()),
            }
        };
        if let Err(halt) = work.await {
            self.conclude(halt, &waiting, &bind).await;
        }
    }

    fn config(&self) -> Arc<Config> {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn prepared(&self) -> std::sync::MutexGuard<'_, HashMap<Destination, Prepared>> {
        lock(&self.prepared)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
