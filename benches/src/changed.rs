//! A poll that finds something new, from the request to the commit: beside feed-rs on the same bytes and the same commit, and
//! beside these with a bare request before them.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tidings::source::schedule::Timing;
use tidings::source::{self, PollRules, Polled, Poller, Roster, Subscription, Which};
use tidings::store::{FeedSync, RedbStore, Store};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::document;
use crate::fleet::{Fleet, id};
use crate::folder::Folder;
use crate::measured::median;
use crate::report::Row;
use crate::site::{Site, body};

/// 108 KB.
const ENTRIES: u64 = 50;
const POLLS: u64 = 100;

pub(crate) async fn changed(_rounds: usize) -> Vec<Row> {
    let folder = Folder::new();
    let site = Site::start(2, ENTRIES, 1).await;
    let mut line = Line::to(&site).await;
    let poller = poller(&folder.join("ours.redb"), &site).await;
    // Its polls are the commits beside ours.
    let fleet = Fleet::fill(&folder.join("theirs.redb"), 1, ENTRIES, document::at(0), |_, row| row).await;
    let mut ours = Vec::new();
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    for version in 1..=POLLS {
        site.prepare(version);
        let began = Instant::now();
        let polled = poller.poll_all(Which::All).await.unwrap();
        ours.push(began.elapsed().as_secs_f64() * 1e3);
        assert!(matches!(&polled[..], [(_, Polled::TakenIn { .. })]), "{polled:?}");

        let document = body(version, ENTRIES);
        let completion = fleet.news(document::at(version as i64)).await;
        let began = Instant::now();
        assert!(black_box(feed_rs::parser::parse(document.as_bytes())).is_ok());
        let parsed = began.elapsed();
        fleet.store.complete(completion, document::at(version as i64)).await.unwrap();
        let taken = began.elapsed();
        let began = Instant::now();
        line.get(1, document.len()).await;
        for (part, time) in parts.iter_mut().zip([taken, parsed, began.elapsed()]) {
            part.push(time.as_secs_f64() * 1e3);
        }
    }
    let [taken, parse, request] = parts.map(|times| median(&times, |time| *time));
    let what = format!("a changed feed of 50 entries, 108 KB, from request to commit (feed-rs alone {parse:.2} ms)");
    let ours = median(&ours, |time| *time);
    let with = "a bare request, feed-rs and the same commit";
    vec![
        Row::figure("changed", what, ours, "ms").beside("feed-rs and the same commit", taken).goal(1.3),
        Row::figure("changed", "the same", ours, "ms").beside(with, request + taken),
    ]
}

/// A connection that asks without looking at what comes.
struct Line(BufReader<TcpStream>);

impl Line {
    async fn to(site: &Site) -> Self {
        let stream = TcpStream::connect(site.url(0).split('/').nth(2).unwrap()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::with_capacity(128 << 10, stream))
    }

    /// Asks for a feed whose document has so many bytes.
    async fn get(&mut self, feed: usize, bytes: usize) {
        self.0.write_all(format!("GET /{feed} HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            self.0.read_line(&mut head).await.unwrap();
        }
        let mut body = vec![0; bytes];
        self.0.read_exact(&mut body).await.unwrap();
        black_box(body);
    }
}

/// The poller of a gateway with one feed.
async fn poller(state: &Path, site: &Site) -> Arc<Poller> {
    let store = Arc::new(RedbStore::open(state).unwrap());
    let clock: tidings::feed::Clock = Arc::new(|| document::at(0));
    store.sync_feeds(vec![FeedSync { id: id(0), was: Vec::new(), enabled: true }], clock()).await.unwrap();
    let poll = PollRules {
        timing: Timing::Every(Duration::from_secs(1800)),
        max_every: None,
        own: false,
        full_poll_interval: Duration::from_secs(24 * 3600),
        allow_private: true,
        basic: None,
        headers: Vec::new(),
    };
    let feed = document::Subscription::new("feed-0");
    let subscription = Subscription {
        url: site.url(0).parse().unwrap(),
        poll: Arc::new(poll),
        tags: Arc::default(),
        rules: Arc::new(feed.plan().rules.clone()),
        to: feed.plan().to.to_vec(),
    };
    let roster = Roster::new([id(0)], move |_| Some(subscription.clone()), Arc::default());
    let http = source::Config {
        contact: None,
        proxy: None,
        host_interval: Duration::ZERO,
        per_host: 1,
        concurrency: 64,
        allow_file: false,
    };
    Poller::new(store, &http, roster, clock, Arc::new(Notify::new())).unwrap()
}
