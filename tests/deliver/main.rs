//! The deliverer against a scripted server, on a state in memory, by a clock that runs fast: what real servers do rarely.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod contact;
mod doubt;
mod fairness;
mod refusals;
mod room;
mod rooms;
mod script;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use script::{Asked, Mood, SERVICE, Script};
use tidings::deliver::{Access, Config, Deliverer, Named, NodeSettings, OnDoubt, Until};
use tidings::feed::{Clock, Destination, Edition, Entry, EntryKey, FeedId, FeedMeta, ItemId, Text, Time};
use tidings::store::{
    Action, Completion, Due, FeedSync, NodeFacts, OutboxRow, Placement, RedbStore, RowState, Seen, Store,
};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// A state, a server, and the deliverer between them.
struct Bench {
    store: Arc<RedbStore>,
    server: Script,
    config: Config,
    began: Instant,
    /// How many times faster than the world's the clock runs.
    speed: u32,
    /// Whether what feeds bring is told only where it is newer.
    is_rebuilt: bool,
}

impl Bench {
    fn new() -> Self {
        let settings = NodeSettings { create: true, access: Access::Open, ..NodeSettings::default() };
        let config = Config {
            named: HashMap::new(),
            called_after_feeds: Arc::new(|_| None),
            routed: Arc::new(settings),
            styles: HashMap::new(),
            settle: Some(Duration::from_millis(20)),
            account: "bot@a.test".parse().unwrap(),
        };
        let store = Arc::new(RedbStore::in_memory().unwrap());
        Self { store, server: Script::new(), config, began: Instant::now(), speed: 600, is_rebuilt: false }
    }

    fn clock(&self) -> Clock {
        let (began, speed) = (self.began, self.speed);
        Arc::new(move || at(0) + TimeDelta::from_std(began.elapsed() * speed).unwrap())
    }

    fn now(&self) -> Time {
        self.clock()()
    }

    /// Lets a feed bring editions to nodes.
    async fn bring(&self, feed: &str, editions: Vec<Edition>, to: &[&Destination], action: Action) {
        let id = FeedId::new(feed).unwrap();
        let known = self.store.feeds().await.unwrap().into_iter().map(|(id, _)| id).chain([id.clone()]);
        let feeds: HashSet<FeedId> = known.collect();
        let sync = feeds.into_iter().map(|id| FeedSync { id, was: Vec::new(), enabled: true }).collect();
        self.store.sync_feeds(sync, self.now()).await.unwrap();
        let claim = self.store.claim_due(Due::These(vec![id.clone()]), self.now(), 1).await.unwrap().pop().unwrap();
        let if_newer = self.is_rebuilt;
        let place = |to: &&Destination| Placement {
            destination: (*to).clone(),
            action,
            not_before: None,
            dedup: None,
            if_newer,
            quota: None,
        };
        let editions = editions
            .into_iter()
            .map(|edition| (Edition { feed: id.clone(), ..edition }, to.iter().map(place).collect()));
        let completion = Completion {
            claim,
            seen: Some(Seen::default()),
            editions: editions.collect(),
            hosts: Vec::new(),
            can_wait: false,
        };
        self.store.complete(completion, self.now()).await.unwrap();
    }

    async fn publish(&self, feed: &str, items: &[&str], to: &[&Destination]) {
        self.bring(feed, items.iter().map(|item| edition(item, 0)).collect(), to, Action::Publish).await;
    }

    /// Delivers until nothing is left that may be sent; fails when it does not come to an end.
    async fn drain(&self) {
        self.start(Until::Drained).end().await;
    }

    /// Delivers for a time of the bench's clock.
    async fn run_for(&self, time: Duration) {
        let running = self.start(Until::Stopped);
        tokio::time::sleep(time / self.speed).await;
        drop(running);
    }

    /// Delivers until something is so.
    async fn run_until(&self, what: &str, is_so: impl AsyncFnMut() -> bool) {
        let _running = self.start(Until::Stopped);
        self.wait(what, is_so).await;
    }

    async fn wait(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let waiting = async {
            while !is_so().await {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
    }

    /// Delivers until everything is acknowledged or given up.
    async fn run_out(&self) {
        self.run_until("all is acknowledged", async || self.left().await.is_empty()).await;
    }

    fn start(&self, until: Until) -> Running {
        let (phase, changes) = watch::channel(until);
        let (wake, wire) = (Arc::new(Notify::new()), Arc::new(self.server.clone()));
        let deliverer =
            Arc::new(Deliverer::new(self.store.clone(), wire, self.config.clone(), self.clock(), wake.clone()));
        // The clock runs faster than the timers do.
        let waking = async move {
            loop {
                tokio::time::sleep(Duration::from_millis(5)).await;
                wake.notify_one();
            }
        };
        Running { phase, task: tokio::spawn(deliverer.run(changes)), waking: tokio::spawn(waking) }
    }

    async fn facts(&self, node: &Destination) -> NodeFacts {
        let all = self.store.nodes().await.unwrap();
        all.into_iter().find(|(at, _)| at == node).map(|(_, facts)| facts).unwrap_or_default()
    }

    /// Rows that are not acknowledged.
    async fn left(&self) -> Vec<OutboxRow> {
        let rows = self.store.outbox().await.unwrap();
        rows.into_iter().filter(|row| row.state != RowState::Sent).collect()
    }
}

/// A deliverer at work; it stops when it is dropped.
struct Running {
    phase: watch::Sender<Until>,
    task: JoinHandle<()>,
    waking: JoinHandle<()>,
}

impl Running {
    async fn end(mut self) {
        self.phase.send_replace(Until::Drained);
        timeout(DEADLINE, &mut self.task).await.expect("the deliverer does not come to an end").unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
        self.waking.abort();
    }
}

/// How long anything that must happen may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

fn at(second: i64) -> Time {
    DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

fn node(name: &str) -> Destination {
    Destination::Node { service: None, node: name.to_owned() }
}

fn edition(item: &str, revision: u32) -> Edition {
    let mut key = [0; 10];
    key[..item.len()].copy_from_slice(item.as_bytes());
    let text = |text: &str| Some(Text::Plain(text.to_owned()));
    Edition {
        feed: FeedId::new("a").unwrap(),
        key: EntryKey(key),
        item: ItemId(item.to_owned()),
        revision,
        published: at(0),
        updated: at(i64::from(revision)),
        tags: Vec::new(),
        entry: Entry { title: text(item), content: text("about it"), ..Entry::default() },
        source: FeedMeta::default(),
    }
}

/// Names of `count` items, in order.
fn items(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("i{number:04}")).collect()
}

fn names(items: &[String]) -> Vec<&str> {
    items.iter().map(String::as_str).collect()
}

fn is(asked: &Asked, verb: &str, item: &str) -> bool {
    asked.verb == verb && asked.item == item
}
