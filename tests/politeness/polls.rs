//! Whole polls: from a due feed to what the store holds afterwards, on a real store and over sockets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use tidings::feed::{Destination, FeedId, Time};
use tidings::ingest::{Backfill, ItemIdScheme, OnRemove, OnUpdate, Rules};
use tidings::source::notice::Notice;
use tidings::source::schedule::{DAY, HOUR, MINUTE, Timing};
use tidings::source::{Bounds, Config, PollRules, Polled, Poller, Roster, Subscription, Which};
use tidings::store::{FeedRow, FeedSync, OutboxRow, Outcome, RedbStore, Settlement, Store, StoreError};
use tokio::sync::{Notify, watch};

use super::requests::{config, noon};
use super::server::{Reply, Server};

const PATIENCE: Duration = Duration::from_secs(20);

/// Between the pages of an archive, of which it takes a few to see what is done with them.
pub(super) const ARCHIVE_PAUSE: Duration = Duration::from_millis(20);

/// A store, a poller and a clock that stands still until it is set.
pub(super) struct Gateway {
    pub(super) store: Arc<RedbStore>,
    poller: Arc<Poller>,
    now: Arc<Mutex<Time>>,
    news: Arc<Notify>,
    feeds: Vec<(FeedId, Subscription)>,
}

pub(super) fn id(name: &str) -> FeedId {
    FeedId::new(name).unwrap()
}

pub(super) fn subscription(url: &str, every: Duration) -> Subscription {
    let poll = PollRules {
        timing: Timing::Every(every),
        max_every: None,
        own: false,
        full_poll_interval: DAY,
        allow_private: true,
        basic: None,
        headers: Vec::new(),
    };
    let rules = Rules {
        backfill: Backfill::All,
        old_after: 30 * DAY,
        cool_down: HOUR,
        on_update: OnUpdate::Publish,
        on_remove: OnRemove::Retract,
        item_id: ItemIdScheme::Tidings,
        filter: Vec::new(),
    };
    Subscription {
        url: url.parse().unwrap(),
        poll: Arc::new(poll),
        tags: Arc::default(),
        rules: Arc::new(rules),
        to: vec![(Destination::Node { service: None, node: "planet".to_owned() }, Some(Backfill::All))],
    }
}

fn roster(feeds: &[(FeedId, Subscription)]) -> Roster {
    let known: HashMap<_, _> = feeds.iter().cloned().collect();
    Roster::new(feeds.iter().map(|(feed, _)| feed.clone()), move |feed| known.get(feed).cloned(), Arc::default())
}

impl Gateway {
    /// Reloads with other feeds.
    async fn adopt(&self, feeds: &[(FeedId, Subscription)]) {
        self.adopt_and(feeds, async { Ok(()) }).await;
    }

    /// The same while what waits is brought in line.
    async fn adopt_and(&self, feeds: &[(FeedId, Subscription)], reroute: impl Future<Output = Result<(), StoreError>>) {
        let sync = |(id, _): &(FeedId, Subscription)| FeedSync { id: id.clone(), was: Vec::new(), enabled: true };
        let synced = feeds.iter().map(sync).collect();
        self.poller.adopt(roster(feeds), synced, reroute, self.now()).await.unwrap();
    }

    /// With a feed every half hour for each name and address.
    pub(super) async fn with(feeds: &[(&str, String)]) -> Self {
        Self::with_config(feeds, &config()).await
    }

    async fn with_config(feeds: &[(&str, String)], config: &Config) -> Self {
        let feeds = feeds.iter().map(|(name, url)| (id(name), subscription(url, 30 * MINUTE))).collect();
        let store = Arc::new(RedbStore::in_memory().unwrap());
        Self::on(store, feeds, config, noon()).await
    }

    /// A gateway that is started on a store.
    pub(super) async fn on(
        store: Arc<RedbStore>,
        feeds: Vec<(FeedId, Subscription)>,
        config: &Config,
        now: Time,
    ) -> Self {
        Self::with_outbox(store, feeds, config, now, u64::MAX).await
    }

    /// One that stops polling when so much waits to be sent.
    async fn with_outbox(
        store: Arc<RedbStore>,
        feeds: Vec<(FeedId, Subscription)>,
        config: &Config,
        now: Time,
        outbox_bytes: u64,
    ) -> Self {
        let sync = |(feed, _): &(FeedId, _)| FeedSync { id: feed.clone(), was: Vec::new(), enabled: true };
        store.sync_feeds(feeds.iter().map(sync).collect(), now).await.unwrap();
        let (now, news) = (Arc::new(Mutex::new(now)), Arc::new(Notify::new()));
        let bounds = Bounds { outbox_bytes, archive_pause: ARCHIVE_PAUSE };
        let clock = Arc::clone(&now);
        let clock = Arc::new(move || *clock.lock().unwrap());
        let roster = roster(&feeds);
        let poller = Poller::with_bounds(store.clone(), config, roster, clock, Arc::clone(&news), bounds).unwrap();
        Self { store, poller, now, news, feeds }
    }

    fn now(&self) -> Time {
        *self.now.lock().unwrap()
    }

    pub(super) fn pass(&self, time: TimeDelta) {
        *self.now.lock().unwrap() += time;
    }

    /// Polls what is due, to the end; returns how many feeds.
    async fn tick(&self) -> usize {
        let started = self.poller.tick(self.now()).await.unwrap();
        self.poller.drain(PATIENCE).await;
        started
    }

    /// Lets time pass until a feed is due, and polls it.
    async fn tick_when_due(&self, name: &str) -> usize {
        let due = self.row(name).await.next_due.max(self.now());
        *self.now.lock().unwrap() = due;
        self.tick().await
    }

    pub(super) async fn row(&self, name: &str) -> FeedRow {
        self.store.feed(&id(name)).await.unwrap().unwrap()
    }

    pub(super) async fn poll_all(&self, which: Which) -> HashMap<String, Polled> {
        let polled = self.poller.poll_all(which).await.unwrap();
        polled.into_iter().map(|(feed, polled)| (feed.to_string(), polled)).collect()
    }

    /// Items that wait to be published.
    async fn waiting(&self) -> usize {
        self.store.outbox().await.unwrap().len()
    }
}

/// A feed with these entries, newest first.
fn rss(entries: &[&str]) -> String {
    let item = |name: &&str| format!("<item><guid isPermaLink=\"false\">{name}</guid><title>{name}</title></item>");
    let items: String = entries.iter().map(item).collect();
    format!("<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>Planet</title>{items}</channel></rss>")
}

/// A host whose document and headers can be changed.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Option<Reply>>>);

impl Page {
    async fn serve(&self) -> Server {
        let page = self.clone();
        Server::start(move |_| page.0.lock().unwrap().clone().unwrap()).await
    }

    fn set(&self, reply: Reply) {
        *self.0.lock().unwrap() = Some(reply);
    }
}

fn conditional(server: &Server) -> Vec<bool> {
    let is_conditional = |asked: &super::server::Asked| asked.header("if-none-match").is_some();
    server.asked().iter().map(is_conditional).collect()
}

#[tokio::test]
async fn a_poll_makes_rows_and_wakes_whoever_sends_them() {
    let server = Server::start(|_| Reply::ok(&[("ETag", "\"1\"")], rss(&["b", "a"]))).await;
    let gateway = Gateway::with(&[("planet", server.url("/feed"))]).await;
    assert_eq!(gateway.tick().await, 1);
    assert_eq!(gateway.waiting().await, 2);
    tokio::time::timeout(PATIENCE, gateway.news.notified()).await.expect("nobody was woken");
    let facts = gateway.row("planet").await.poll;
    assert_eq!((facts.status, facts.failures, facts.why.as_str()), (Some(200), 0, "every 30m"));
    assert_eq!(facts.validators.etag.as_deref(), Some("\"1\""));
    assert_eq!(gateway.tick().await, 0, "it is not due again");
}

#[tokio::test]
async fn rule_2_a_304_changes_nothing_but_times() {
    let page = Page::default();
    let server = page.serve().await;
    let gateway = Gateway::with(&[("planet", server.url("/feed"))]).await;
    page.set(Reply::ok(&[("ETag", "\"1\"")], rss(&["a"])));
    gateway.tick().await;
    let read = gateway.row("planet").await.read;
    page.set(Reply::bare(304, &[]));
    gateway.tick_when_due("planet").await;
    let row = gateway.row("planet").await;
    assert_eq!((row.read, row.poll.status, row.poll.failures), (read, Some(304), 0));
    assert_eq!(row.poll.validators.etag.as_deref(), Some("\"1\""));
    assert_eq!(conditional(&server), [false, true]);
    assert_eq!(gateway.waiting().await, 1);
}

#[tokio::test]
async fn rule_2_the_body_of_last_time_is_not_read_again() {
    let page = Page::default();
    let server = page.serve().await;
    let gateway = Gateway::with(&[("planet", server.url("/feed"))]).await;
    page.set(Reply::ok(&[("ETag", "\"1\"")], rss(&["a"])));
    gateway.tick().await;
    let taken_in = gateway.row("planet").await.read.taken_in;
    page.set(Reply::ok(&[("ETag", "\"2\"")], rss(&["a"])));
    gateway.tick_when_due("planet").await;
    let row = gateway.row("planet").await;
    assert_eq!((row.read.taken_in, row.poll.status), (taken_in, Some(200)));
    assert_eq!(row.poll.validators.etag.as_deref(), Some("\"2\""));
}

#[tokio::test]
async fn rule_3_a_body_that_is_no_feed_or_was_cut_leaves_validators_and_seen_set() {
    let page = Page::default();
    let server = page.serve().await;
    let gateway = Gateway::with(&[("planet", server.url("/feed"))]).await;
    page.set(Reply::ok(&[("ETag", "\"1\"")], rss(&["a"])));
    gateway.tick().await;
    let seen = gateway.store.load_seen(&id("planet")).await.unwrap();
    for reply in [
        Reply::ok(&[("ETag", "\"2\"")], "<html><body>Down for maintenance</body></html>"),
        Reply::raw("HTTP/1.1 200 OK\r\nETag: \"3\"\r\nContent-Length: 1000\r\n\r\n<rss version='2.0'>"),
        Reply::bare(204, &[("ETag", "\"4\"")]),
        Reply::ok(&[("ETag", "\"5\"")], ""),
        Reply::bare(500, &[("ETag", "\"6\"")]),
    ] {
        page.set(reply);
        gateway.tick_when_due("planet").await;
        assert_eq!(gateway.row("planet").await.poll.validators.etag.as_deref(), Some("\"1\""));
        assert_eq!(gateway.store.load_seen(&id("planet")).await.unwrap(), seen);
    }
    assert_eq!(gateway.row("planet").await.poll.failures, 5);
    page.set(Reply::ok(&[], rss(&["b", "a"])));
    gateway.tick_when_due("planet").await;
    assert_eq!((gateway.waiting().await, gateway.row("planet").await.poll.failures), (2, 0));
}

#[tokio::test]
async fn rule_4_validators_and_due_times_survive_a_restart() {
    let server = Server::start(|_| Reply::ok(&[("ETag", "\"1\"")], rss(&["a"]))).await;
    let gateway = Gateway::with(&[("planet", server.url("/feed"))]).await;
    gateway.tick().await;
    gateway.pass(TimeDelta::minutes(10));
    let again = Gateway::on(gateway.store.clone(), gateway.feeds.clone(), &config(), gateway.now()).await;
    assert_eq!(again.tick().await, 0);
    again.tick_when_due("planet").await;
    assert_eq!(conditional(&server), [false, true]);
    assert_eq!(server.asked()[1].header("if-none-match"), Some("\"1\""));
}

#[tokio::test]
async fn rule_4_an_edited_address_is_polled_at_once_and_unconditionally() {
    let server = Server::start(|_| Reply::ok(&[("ETag", "\"1\"")], rss(&["a"]))).await;
    let gateway = Gateway::with(&[("planet", server.url("/old")), ("other", server.url("/other"))]).await;
    gateway.tick().await;
    let mut feeds = gateway.feeds.clone();
    feeds[0].1.url = server.url("/new").parse().unwrap();
    gateway.adopt(&feeds).await;
    assert_eq!(gateway.tick().await, 1, "the other feed is left alone");
    let asked = server.asked().pop().unwrap();
    assert_eq!((asked.path(), asked.header("if-none-match")), ("/new", None));
    assert_eq!(gateway.waiting().await, 2, "its entries are known");
}

#[tokio::test]
async fn rule_4_a_hook_polls_unconditionally_and_once_all_does_not() {
    let server = Server::start(|_| Reply::ok(&[("ETag", "\"1\"")], rss(&["a"]))).await;
    let gateway = Gateway::with(&[("planet", server.url("/feed"))]).await;
    gateway.poll_all(Which::Due).await;
    gateway.poll_all(Which::All).await;
    gateway.poll_all(Which::These(vec![id("planet")])).await;
    assert_eq!(conditional(&server), [false, true, false]);
}

#[tokio::test]
async fn rule_4_a_destination_that_is_added_gets_older_entries_from_one_unconditional_poll() {
    let server = Server::start(|_| Reply::ok(&[("ETag", "\"1\"")], rss(&["b", "a"]))).await;
    let gateway = Gateway::with(&[("planet", server.url("/feed"))]).await;
    gateway.tick().await;
    let mut feeds = gateway.feeds.clone();
    feeds[0].1.to.push((Destination::Node { service: None, node: "another".to_owned() }, Some(Backfill::All)));
    gateway.adopt(&feeds).await;
    gateway.tick_when_due("planet").await;
    assert_eq!(gateway.waiting().await, 4, "the same document, read once more");
    gateway.tick_when_due("planet").await;
    assert_eq!((conditional(&server), gateway.waiting().await), (vec![false, false, true], 4));
}

#[tokio::test]
async fn what_a_poll_brings_during_a_reload_comes_behind_what_waited() {
    let page = Page::default();
    let server = page.serve().await;
    let gateway = Gateway::with(&[("planet", server.url("/feed"))]).await;
    page.set(Reply::ok(&[], rss(&["a"])));
    gateway.tick().await;
    page.set(Reply::ok(&[], rss(&["b", "a"])).after(Duration::from_millis(200)));
    *gateway.now.lock().unwrap() = gateway.row("planet").await.next_due;
    gateway.poller.tick(gateway.now()).await.unwrap();
    server.hears(2).await;
    let mut feeds = gateway.feeds.clone();
    let elsewhere = Destination::Node { service: None, node: "elsewhere".to_owned() };
    feeds[0].1.to = vec![(elsewhere.clone(), None)];
    let reroute = async {
        // Time enough for the poll to end, if it could.
        let placed = async {
            while gateway.waiting().await < 2 {
                tokio::task::yield_now().await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), placed).await;
        // What goes there already stays where it stands.
        let rows = gateway.store.outbox().await.unwrap().into_iter().filter(|row| row.destination != elsewhere);
        let moved = |row: OutboxRow| Settlement { row: row.id, outcome: Outcome::Move { to: elsewhere.clone() } };
        gateway.store.settle(rows.map(moved).collect(), gateway.now()).await
    };
    gateway.adopt_and(&feeds, reroute).await;
    gateway.poller.drain(PATIENCE).await;
    let rows = gateway.store.rows(&elsewhere).await.unwrap();
    let mut titles = Vec::new();
    for row in &rows {
        titles.push(gateway.store.edition(row).await.unwrap().unwrap().entry.title.unwrap().as_str().to_owned());
    }
    assert_eq!((titles, gateway.waiting().await), (vec!["a".to_owned(), "b".to_owned()], 2));
}

#[tokio::test]
async fn a_304_is_the_second_poll_without_an_entry_that_vanished() {
    let page = Page::default();
    let server = page.serve().await;
    let gateway = Gateway::with(&[("planet", server.url("/feed"))]).await;
    let names: Vec<_> = (0..10).rev().map(|number| format!("entry-{number}")).collect();
    let mut entries: Vec<_> = names.iter().map(String::as_str).collect();
    page.set(Reply::ok(&[("ETag", "\"1\"")], rss(&entries)));
    gateway.tick().await;
    entries.remove(4);
    page.set(Reply::ok(&[("ETag", "\"2\"")], rss(&entries)));
    gateway.tick_when_due("planet").await;
    assert_eq!(gateway.row("planet").await.read.absent, 1);
    page.set(Reply::bare(304, &[]));
    gateway.tick_when_due("planet").await;
    let rows = gateway.store.outbox().await.unwrap();
    let retracted = rows.iter().filter(|row| row.action == tidings::store::Action::Retract).count();
    assert_eq!((gateway.row("planet").await.read.absent, retracted), (0, 1));
}

#[tokio::test]
async fn rule_7_one_request_serves_all_feeds_of_an_address() {
    let server = Server::start(|_| Reply::ok(&[("ETag", "\"1\"")], rss(&["a"]))).await;
    let url = server.url("/feed");
    let gateway =
        Gateway::with(&[("b", url.clone()), ("a", url.clone()), ("c", url.clone()), ("d", server.url("/d"))]).await;
    assert_eq!(gateway.tick().await, 4);
    assert_eq!(server.asked().iter().filter(|asked| asked.path() == "/feed").count(), 1);
    let (a, b) = (gateway.row("a").await, gateway.row("b").await);
    assert_eq!((a.next_due, &a.poll.validators), (b.next_due, &b.poll.validators), "they keep step");
    assert_eq!(gateway.waiting().await, 4, "the body went to each");
    // When the first is due, all are polled; conditionally, as they agree.
    gateway.tick_when_due("c").await;
    let asked: Vec<_> = server.asked().into_iter().filter(|asked| asked.path() == "/feed").collect();
    assert_eq!((asked.len(), asked[1].header("if-none-match")), (2, Some("\"1\"")));
}

#[tokio::test]
async fn rule_7_a_feed_that_has_never_seen_a_shared_address_forces_an_unconditional_request() {
    let server = Server::start(|_| Reply::ok(&[("ETag", "\"1\"")], rss(&["a"]))).await;
    let url = server.url("/feed");
    let gateway = Gateway::with(&[("a", url.clone())]).await;
    gateway.tick().await;
    let mut feeds = gateway.feeds.clone();
    feeds.push((id("b"), subscription(&url, 30 * MINUTE)));
    let gateway = Gateway::on(gateway.store.clone(), feeds, &config(), gateway.now()).await;
    gateway.tick().await;
    assert_eq!((conditional(&server), gateway.waiting().await), (vec![false, false], 2));
    let (a, b) = (gateway.row("a").await, gateway.row("b").await);
    assert_eq!((a.next_due, a.poll.validators), (b.next_due, b.poll.validators));
}

#[tokio::test]
async fn rule_7_feeds_with_other_credentials_are_other_requests() {
    let server = Server::start(|_| Reply::ok(&[], rss(&["a"]))).await;
    let mut keyed = subscription(&server.url("/feed"), 30 * MINUTE);
    let mut rules = (*keyed.poll).clone();
    rules.headers.push(("X-Key".to_owned(), "k".to_owned()));
    keyed.poll = Arc::new(rules);
    let feeds = vec![(id("a"), subscription(&server.url("/feed"), 30 * MINUTE)), (id("b"), keyed)];
    let gateway = Gateway::on(Arc::new(RedbStore::in_memory().unwrap()), feeds, &config(), noon()).await;
    gateway.tick().await;
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn rule_13_no_feed_is_polled_twice_at_once() {
    let server = Server::start(|_| Reply::ok(&[], rss(&["a"])).after(Duration::from_millis(200))).await;
    let gateway = Gateway::with(&[("planet", server.url("/feed"))]).await;
    assert_eq!(gateway.poller.tick(gateway.now()).await.unwrap(), 1);
    assert_eq!(gateway.poller.tick(gateway.now()).await.unwrap(), 0);
    // A hook waits for the poll under way, and then asks again: what it knows of came after.
    gateway.poll_all(Which::These(vec![id("planet")])).await;
    assert_eq!((server.asked().len(), server.most_at_once()), (2, 1));
}

#[tokio::test]
async fn what_a_poll_under_way_brings_goes_where_the_configuration_says_by_then() {
    let server = Server::start(|_| Reply::ok(&[], rss(&["a"])).after(Duration::from_secs(2))).await;
    let gateway = Gateway::with(&[("planet", server.url("/feed"))]).await;
    assert_eq!(gateway.poller.tick(gateway.now()).await.unwrap(), 1);
    let elsewhere = Destination::Node { service: Some("elsewhere.test".to_owned()), node: "planet".to_owned() };
    let mut feeds = gateway.feeds.clone();
    feeds[0].1.to = vec![(elsewhere.clone(), Some(Backfill::All))];
    gateway.adopt(&feeds).await;
    gateway.poller.drain(PATIENCE).await;
    let destinations: Vec<_> = gateway.store.waiting().into_iter().map(|waiting| waiting.destination).collect();
    assert_eq!(destinations, [elsewhere]);
}

#[tokio::test]
async fn rule_14_a_429_keeps_every_feed_of_the_host_away_also_after_a_restart() {
    let page = Page::default();
    let server = page.serve().await;
    page.set(Reply::bare(429, &[("Retry-After", "7200")]));
    let feeds = [("a", server.url("/a")), ("b", server.url("/b")), ("c", server.url("/c"))];
    let gateway = Gateway::with(&feeds).await;
    gateway.tick().await;
    assert_eq!(server.asked().len(), 1, "those behind it were not sent");
    let until = noon() + TimeDelta::hours(2);
    for name in ["a", "b", "c"] {
        assert_eq!(gateway.row(name).await.next_due, until);
    }
    let again =
        Gateway::on(gateway.store.clone(), gateway.feeds.clone(), &config(), noon() + TimeDelta::hours(1)).await;
    again.poll_all(Which::All).await;
    assert_eq!(server.asked().len(), 1);
    page.set(Reply::ok(&[], rss(&["a"])));
    *again.now.lock().unwrap() = until;
    again.tick().await;
    assert_eq!((server.asked().len(), again.store.hosts().await.unwrap().len()), (4, 0));
}

#[tokio::test]
async fn rule_14_refusals_without_retry_after_double_from_an_hour() {
    let server = Server::start(|_| Reply::bare(503, &[])).await;
    let gateway = Gateway::with(&[("planet", server.url("/feed"))]).await;
    let mut waits = Vec::new();
    for _ in 0..4 {
        gateway.tick_when_due("planet").await;
        waits.push(
            (gateway.store.hosts().await.unwrap()[&server.host()].not_before.unwrap() - gateway.now()).num_hours(),
        );
    }
    assert_eq!(waits, [1, 2, 4, 8]);
}

#[tokio::test]
async fn rule_15_when_most_hosts_are_out_of_reach_failure_counts_stand_still() {
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let feeds: Vec<_> =
        (1..=20).map(|number| (format!("feed-{number:02}"), format!("http://127.0.5.{number}:{port}/"))).collect();
    let feeds: Vec<_> = feeds.iter().map(|(name, url)| (name.as_str(), url.clone())).collect();
    let gateway = Gateway::with_config(&feeds, &Config { concurrency: 1, ..config() }).await;
    for _ in 0..3 {
        gateway.tick().await;
        gateway.pass(TimeDelta::minutes(35));
    }
    let rows = gateway.store.feeds().await.unwrap();
    let counted = rows.iter().filter(|(_, row)| row.poll.failures > 0).count();
    assert!(counted < 3, "{counted} were counted before it was clear");
    assert!(rows.iter().all(|(_, row)| !row.poll.errors.is_empty()));
}

#[tokio::test]
async fn rule_16_a_redirect_to_a_page_is_an_error_and_the_address_is_kept() {
    let server = Server::start(|asked| match asked.path() {
        "/feed" => Reply::bare(301, &[("Location", "/")]),
        _ => Reply::ok(&[("Content-Type", "text/html")], "<html><head><title>Home</title></head></html>"),
    })
    .await;
    let gateway = Gateway::with(&[("planet", server.url("/feed"))]).await;
    for _ in 0..5 {
        gateway.tick_when_due("planet").await;
        gateway.pass(TimeDelta::days(1));
    }
    let facts = gateway.row("planet").await.poll;
    assert_eq!((facts.failures, facts.moved_to, facts.moving), (5, None, None));
}

#[tokio::test]
async fn rule_16_a_feed_that_moved_for_good_is_asked_at_its_new_address() {
    let server = Server::start(|asked| match asked.path() {
        "/old" => Reply::bare(301, &[("Location", "/new")]),
        _ => Reply::ok(&[("ETag", "\"1\"")], rss(&["a"])),
    })
    .await;
    let gateway = Gateway::with(&[("planet", server.url("/old"))]).await;
    for _ in 0..6 {
        gateway.tick_when_due("planet").await;
        gateway.pass(TimeDelta::hours(13));
    }
    let asked = server.asked();
    let first = asked.iter().rposition(|asked| asked.path() == "/old").unwrap() + 2;
    assert_eq!(asked[first].header("if-none-match"), None, "validators stayed behind");
    assert!(asked[first..].iter().all(|asked| asked.path() == "/new") && asked.len() > first + 1);
    assert_eq!(gateway.row("planet").await.poll.moved_to, Some(server.url("/new")));
}

#[tokio::test]
async fn rule_16_a_feed_that_moves_to_another_domain_tells_nothing_again() {
    // Links are all that the entries are known by, and none has a date.
    let server = Server::start(|asked| {
        let port = asked.header("host").and_then(|host| host.split(':').nth(1)).unwrap().to_owned();
        let there = format!("http://localhost:{port}");
        match asked.path() {
            "/old" => Reply::bare(301, &[("Location", &format!("{there}/new"))]),
            path => {
                let host = if path == "/new" { there } else { format!("http://127.0.0.1:{port}") };
                let item = |number: u32| format!("<item><link>{host}/{number}</link><title>{number}</title></item>");
                let items: String = (1..=9).map(item).collect();
                Reply::ok(&[], format!("<rss version=\"2.0\"><channel><title>Planet</title>{items}</channel></rss>"))
            }
        }
    })
    .await;
    for moves_by in ["/old", "/new"] {
        let gateway = Gateway::with(&[("planet", server.url("/feed"))]).await;
        gateway.tick().await;
        let told = gateway.waiting().await;
        // The redirect appears at the same address; or the operator edits it.
        let to =
            if moves_by == "/old" { server.url("/old") } else { server.url("/new").replace("127.0.0.1", "localhost") };
        let feeds = vec![(id("planet"), subscription(&to, 30 * MINUTE))];
        let gateway = Gateway::on(gateway.store.clone(), feeds, &config(), gateway.now()).await;
        for _ in 0..3 {
            gateway.pass(TimeDelta::hours(3));
            gateway.tick().await;
        }
        assert_eq!((told, gateway.waiting().await), (9, 9), "{moves_by}");
    }
}

#[tokio::test]
async fn rule_18_a_page_is_an_error_that_names_the_feeds_it_links_to() {
    let page = "<html><head><link rel=\"alternate\" type=\"application/rss+xml\" href=\"/feed.xml\"></head></html>";
    let server = Server::start(move |_| Reply::ok(&[("Content-Type", "text/html")], page)).await;
    let gateway = Gateway::with(&[("planet", server.url("/"))]).await;
    let polled = gateway.poll_all(Which::Due).await;
    let Polled::Failed(why) = &polled["planet"] else { panic!("{polled:?}") };
    insta::assert_snapshot!(why.replace(&server.host(), "HOST"), @"not a feed: it looks like a web page; it links to http://HOST/feed.xml (application/rss+xml)");
}

#[tokio::test]
async fn rule_12_feeds_that_would_wait_long_for_their_host_are_taken_up_later() {
    let server = Server::start(|_| Reply::ok(&[], rss(&["a"]))).await;
    let feeds: Vec<_> = (0..100).map(|number| (format!("feed-{number}"), server.url(&format!("/{number}")))).collect();
    let feeds: Vec<_> = feeds.iter().map(|(name, url)| (name.as_str(), url.clone())).collect();
    let apart = Config { host_interval: Duration::from_secs(1), ..config() };
    let gateway = Gateway::with_config(&feeds, &apart).await;
    assert_eq!(gateway.poller.tick(gateway.now()).await.unwrap(), 31, "half a minute's worth");
    assert_eq!(gateway.poller.tick(gateway.now()).await.unwrap(), 0);
    let due = gateway.store.next_due().unwrap() - gateway.now();
    assert!((30..=32).contains(&due.num_seconds()), "{due}");
}

#[tokio::test]
async fn nothing_is_polled_while_too_much_waits_to_be_sent() {
    let server = Server::start(|_| Reply::ok(&[], rss(&["a"]))).await;
    let feeds = vec![(id("planet"), subscription(&server.url("/feed"), 30 * MINUTE))];
    let store = Arc::new(RedbStore::in_memory().unwrap());
    let gateway = Gateway::with_outbox(store, feeds, &config(), noon(), 1).await;
    assert_eq!(gateway.tick().await, 1);
    assert_eq!(gateway.tick_when_due("planet").await, 0);
    let sent = gateway.store.outbox().await.unwrap().into_iter();
    let sent = sent.map(|row| tidings::store::Settlement { row: row.id, outcome: tidings::store::Outcome::Drop });
    gateway.store.settle(sent.collect(), gateway.now()).await.unwrap();
    assert_eq!(gateway.tick().await, 1);
}

#[tokio::test]
async fn whoever_listens_hears_when_a_feed_fails_and_when_it_is_well_again() {
    let page = Page::default();
    let server = page.serve().await;
    let gateway = Gateway::with(&[("planet", server.url("/feed"))]).await;
    let mut notices = gateway.poller.notices();
    let refused = || Reply::bare(500, &[]);
    let well = || Reply::ok(&[], rss(&["a"]));
    for reply in [well(), refused(), refused(), refused(), refused(), well(), refused(), well()] {
        page.set(reply);
        gateway.tick_when_due("planet").await;
    }
    let why = format!("{} answered 500", server.host());
    assert_eq!(notices.try_recv(), Ok((id("planet"), Notice::Fails(why))));
    assert_eq!(notices.try_recv(), Ok((id("planet"), Notice::IsWell)));
    assert!(notices.try_recv().is_err());
}

#[tokio::test]
async fn a_sweep_polls_what_once_takes_as_due_and_says_how_each_feed_fared() {
    let server = Server::start(|asked| match asked.path() {
        "/good" => Reply::ok(&[], rss(&["a", "b"])),
        _ => Reply::bare(500, &[]),
    })
    .await;
    let gateway = Gateway::with(&[("good", server.url("/good")), ("bad", server.url("/bad"))]).await;
    let polled = gateway.poll_all(Which::Due).await;
    assert_eq!(polled["good"], Polled::TakenIn { editions: 2 });
    assert_eq!(polled["bad"], Polled::Failed(format!("{} answered 500", server.host())));
    assert_eq!(gateway.poll_all(Which::Due).await.len(), 0);
    gateway.pass(TimeDelta::minutes(27));
    let polled = gateway.poll_all(Which::Due).await;
    assert_eq!((polled.len(), &polled["good"]), (2, &Polled::Unchanged));
    let progress = *gateway.poller.progress().borrow();
    assert_eq!((progress.done, progress.total), (2, 2));
}

#[tokio::test]
async fn a_sweep_that_is_ended_finishes_what_it_has_begun_and_begins_no_more() {
    let server = Server::start(|_| Reply::ok(&[], rss(&["a"])).after(Duration::from_secs(2))).await;
    let feeds = [("a", server.url("/a")), ("b", server.url("/b")), ("c", server.url("/c"))];
    let gateway = Gateway::with(&feeds).await;
    let end = async {
        server.hears(1).await;
        gateway.poller.begin_no_more();
    };
    let (polled, ()) = tokio::join!(gateway.poll_all(Which::Due), end);
    let asked = server.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    let taken_in = polled.values().filter(|polled| **polled == Polled::TakenIn { editions: 1 }).count();
    assert_eq!((polled.len(), taken_in), (3, 1), "{polled:?}");
    // Nothing is held against those that did not begin: they are as due as before.
    for (name, polled) in &polled {
        let row = gateway.row(name).await;
        let is_untouched = row.poll.failures == 0 && row.next_due <= gateway.now();
        assert_eq!(is_untouched, matches!(polled, Polled::Failed(_)), "{name} {row:?}");
    }
    let again = Gateway::on(gateway.store.clone(), gateway.feeds.clone(), &config(), noon()).await;
    assert_eq!(again.poll_all(Which::Due).await.len(), 2);
}

#[tokio::test]
async fn a_sweep_leaves_out_what_is_paused_stopped_or_unknown() {
    let server = Server::start(|_| Reply::bare(410, &[])).await;
    let gateway = Gateway::with(&[("gone", server.url("/gone")), ("paused", server.url("/paused"))]).await;
    gateway.store.set_paused(&id("paused"), true).await.unwrap();
    gateway.tick_when_due("gone").await;
    gateway.tick_when_due("gone").await;
    assert!(gateway.row("gone").await.poll.stopped.is_some());
    assert!(gateway.poll_all(Which::All).await.is_empty());
    let asked = gateway.poll_all(Which::These(vec![id("gone"), id("paused"), id("nobody")])).await;
    assert_eq!(asked["paused"], Polled::Failed("it is paused".to_owned()));
    assert!(matches!(&asked["nobody"], Polled::Failed(_)));
    assert_eq!(server.asked().len(), 3, "a stopped feed is polled when somebody says so");
}

#[tokio::test]
async fn the_daemon_polls_when_a_feed_is_due_and_ends_when_it_is_told_to() {
    let server = Server::start(|_| Reply::ok(&[], rss(&["a"]))).await;
    let gateway = Gateway::with(&[("planet", server.url("/feed"))]).await;
    let (stop, is_stopping) = watch::channel(false);
    let nudge = Arc::new(Notify::new());
    let running = tokio::spawn({
        let (poller, nudge) = (Arc::clone(&gateway.poller), Arc::clone(&nudge));
        async move { poller.run(&nudge, is_stopping).await }
    });
    server.hears(1).await;
    gateway.poller.drain(PATIENCE).await;
    gateway.pass(TimeDelta::hours(1));
    nudge.notify_one();
    server.hears(2).await;
    stop.send_replace(true);
    tokio::time::timeout(PATIENCE, running).await.expect("it did not end").unwrap();
}

#[tokio::test]
async fn rule_13_a_clock_that_goes_back_while_running_loses_no_poll() {
    let server = Server::start(|_| Reply::ok(&[], rss(&["a"]))).await;
    let gateway = Gateway::with(&[("planet", server.url("/feed"))]).await;
    let (_stop, is_stopping) = watch::channel(false);
    let nudge = Arc::new(Notify::new());
    let running = tokio::spawn({
        let (poller, nudge) = (Arc::clone(&gateway.poller), Arc::clone(&nudge));
        async move { poller.run(&nudge, is_stopping).await }
    });
    let due = async || {
        while gateway.row("planet").await.poll.ended.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        gateway.row("planet").await.next_due
    };
    let before = due().await;
    gateway.pass(TimeDelta::days(-365));
    nudge.notify_one();
    let moved = async {
        while due().await == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, moved).await.expect("the feed waits for a year");
    assert_eq!(due().await, before - TimeDelta::days(365));
    running.abort();
}
