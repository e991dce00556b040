//! How fast the default store is, and how large: `cargo bench --bench store [-- FEEDS [FOLDER]]`.
//!
//! The folder should be on the disk that is asked about; a temporary folder is often memory.
#![expect(clippy::unwrap_used, reason = "a bench that fails has nothing to print")]

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, FuturesUnordered};
use tidings::feed::{Destination, Edition, Entry, EntryKey, FeedId, FeedMeta, Fingerprint, Text, Time};
use tidings::store::{
    Action, Alias, Completion, Due, FeedSync, Outcome, Placement, RedbStore, Seen, SeenEntry, Settlement, Store,
};
use tokio::time::Instant;

const ENTRIES: u64 = 50;
/// As many polls and lanes as a gateway has at once.
const AT_ONCE: usize = 64;

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let feeds: u64 = args.first().map_or(10_000, |feeds| feeds.parse().unwrap());
    let folder = args.get(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(folder).unwrap();
    let path = folder.path().join("state.redb");

    println!("{feeds} feeds of {ENTRIES} entries, {}, {:.1} MiB of memory", path.display(), resident_mib());
    let store = RedbStore::open(&path).unwrap();
    let bench = Bench { store, feeds };
    bench.stage("new feeds", feeds, bench.sync()).await;
    bench.stage("known entries, first polls", feeds * ENTRIES, bench.poll(false)).await;
    bench.stage("seen-sets read", feeds, bench.read()).await;
    bench.stage("polls that change nothing but the row", feeds, bench.pass()).await;
    println!("{:>9.1} bytes on the disk a known entry", bench.store.counters().bytes as f64 / (feeds * ENTRIES) as f64);
    println!("{:>9.1} bytes packed a known entry", seen(0).to_bytes().len() as f64 / ENTRIES as f64);
    bench.stage("entries queued, one a feed", feeds, bench.poll(true)).await;
    bench.stage("entries claimed and settled", feeds, bench.deliver()).await;
    drop(bench);

    let began = Instant::now();
    let store = RedbStore::open(&path).unwrap();
    println!("{:>9.1} ms to open it again", began.elapsed().as_secs_f64() * 1000.0);
    drop(store);
}

struct Bench {
    store: RedbStore,
    feeds: u64,
}

impl Bench {
    async fn stage(&self, what: &str, count: u64, work: impl Future<Output = ()>) {
        let (before, began) = (self.store.counters(), Instant::now());
        work.await;
        let (after, took) = (self.store.counters(), began.elapsed().max(Duration::from_micros(1)).as_secs_f64());
        let commits = after.commits - before.commits;
        let commands = after.commands - before.commands;
        println!(
            "{:>9.0} {what} a second; {:.0} commits a second, {:.1} commands each; {:.1} MiB of memory",
            count as f64 / took,
            commits as f64 / took,
            commands as f64 / commits.max(1) as f64,
            resident_mib(),
        );
    }

    async fn sync(&self) {
        let feeds = (0..self.feeds).map(|n| FeedSync { id: feed(n), was: Vec::new(), enabled: true });
        self.store.sync_feeds(feeds.collect(), at(0)).await.unwrap();
    }

    /// Every feed is polled, the first time for what is there, the second time for something new.
    async fn poll(&self, has_news: bool) {
        self.complete(|n| (Some(seen(n)), if has_news { vec![(edition(n), vec![to(n)])] } else { Vec::new() })).await;
    }

    async fn pass(&self) {
        self.complete(|_| (None, Vec::new())).await;
    }

    async fn complete(&self, brings: impl Fn(u64) -> (Option<Seen>, Vec<(Edition, Vec<Placement>)>)) {
        let mut running = FuturesUnordered::new();
        for n in 0..self.feeds {
            if running.len() == AT_ONCE {
                running.next().await;
            }
            let mut claims = self.store.claim_due(Due::These(vec![feed(n)]), at(0), 1).await.unwrap();
            let (seen, editions) = brings(n);
            let completion = Completion { claim: claims.remove(0), seen, editions, hosts: Vec::new() };
            running.push(async { self.store.complete(completion, at(1)).await.unwrap() });
        }
        while running.next().await.is_some() {}
    }

    async fn read(&self) {
        for n in 0..self.feeds {
            assert_eq!(self.store.load_seen(&feed(n)).await.unwrap().entries.len() as u64, ENTRIES);
        }
    }

    async fn deliver(&self) {
        let lane = |n| async move {
            for delivery in self.store.claim_outbox(vec![(to(n).destination, 16)], at(2)).await.unwrap() {
                let settled = Settlement { row: delivery.row.id, outcome: Outcome::Delivered };
                self.store.settle(vec![settled], at(2)).await.unwrap();
            }
        };
        stream::iter(0..self.feeds).for_each_concurrent(AT_ONCE, lane).await;
    }
}

fn at(second: i64) -> Time {
    Time::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

fn feed(n: u64) -> FeedId {
    FeedId::new(&format!("feed-{n}.example.org")).unwrap()
}

fn to(n: u64) -> Placement {
    let destination = Destination::Node { service: None, node: format!("node-{n}") };
    Placement { destination, action: Action::Publish, not_before: None, dedup: None, if_newer: false, quota: None }
}

fn key(feed: u64, entry: u64) -> EntryKey {
    let mut key = [0; 10];
    // Spread as hashes are.
    key[..8].copy_from_slice(&(feed * ENTRIES + entry).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    EntryKey(key)
}

fn seen(n: u64) -> Seen {
    let entry = |e| SeenEntry {
        key: key(n, e),
        fingerprint: Fingerprint(e.to_be_bytes()),
        headline: [1; 4],
        content: [2; 8],
        revision: 0,
        published: at(0),
        date: Some(at(0)),
        first_seen: at(0),
        last_seen: at(0),
        revised: at(0),
        place: Some(1),
        is_absent: false,
        is_gone: false,
        is_held: false,
        is_fickle: false,
        aliases: vec![Alias([3; 8])],
        item: None,
    };
    Seen::new((0..ENTRIES).map(entry).collect())
}

/// Some 2.5 KB, as entries of feeds are.
fn edition(n: u64) -> Edition {
    let content = Some(Text::Html("<p>What an entry says, and more of it.</p>".repeat(55)));
    let key = key(n, ENTRIES);
    Edition {
        feed: feed(n),
        key,
        item: key.item_id(),
        revision: 0,
        published: at(0),
        updated: at(0),
        tags: Vec::new(),
        entry: Entry { id: Some(format!("https://feed-{n}.example.org/entry")), content, ..Entry::default() },
        source: FeedMeta::default(),
    }
}

fn resident_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0.0_f64) / 1024.0
}
