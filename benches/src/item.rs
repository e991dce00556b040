//! Where the processor time of publishing goes: what an item takes of it in each part by itself. What is left of the figure of
//! `tls` is the stream, encryption, and threads that wake each other.

use std::hint::black_box;

use futures::{StreamExt, stream};
use tidings::atom::{self, Style};
use tidings::ingest::{self, Harvest};
use tidings::store::{Claim, Completion, Due, FeedSync, Outcome, ReadFacts, RedbStore, Seen, Settlement, Store};

use crate::document::{Subscription, at, rss};
use crate::fleet::id;
use crate::folder::Folder;
use crate::measured::{cpu_seconds, median};
use crate::report::Row;

/// As in `tls`.
const FEEDS: usize = 100;
const ENTRIES: u64 = 20;
const ITEMS: f64 = (FEEDS as u64 * ENTRIES) as f64;
const WINDOW: usize = 16;

pub(crate) async fn item(rounds: usize) -> Vec<Row> {
    let feeds: Vec<Subscription> = (0..FEEDS).map(|n| Subscription::new(id(n).as_str())).collect();
    let harvests: Vec<Harvest> = feeds.iter().map(harvest).collect();
    let editions = || harvests.iter().flat_map(|harvest| &harvest.editions).map(|(edition, _)| edition);
    let item = |edition| atom::item(edition, &Style::default(), 0);
    let items: Vec<_> = editions().map(item).collect();

    let (mut rendering, mut writing, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let before = cpu_seconds(None);
        editions().for_each(|edition| drop(black_box(item(edition))));
        rendering.push(cpu_seconds(None) - before);

        let before = cpu_seconds(None);
        items.iter().for_each(|item| drop(black_box(String::from(item))));
        writing.push(cpu_seconds(None) - before);

        rows.push(outbox(&harvests).await);
    }
    let row = |what: &str, seconds: &[f64]| Row::figure("item", what, median(seconds, |cpu| *cpu) / ITEMS * 1e6, "µs");
    vec![
        row("own CPU an item of rendering it, 2 KB of HTML", &rendering),
        row("own CPU an item of writing it as XML", &writing),
        row("own CPU an item of its rows: placed, put in doubt, settled, in windows of 16 of 100 nodes", &rows),
    ]
}

fn harvest(feed: &Subscription) -> Harvest {
    let document = ingest::read(&feed.arrival(rss(0..ENTRIES), at(0))).unwrap();
    ingest::take_in(document, false, &feed.plan(), &ReadFacts::default(), &Seen::default(), at(0))
}

/// What the store takes, in seconds of the processor, from polls that bring the entries until all of them are settled.
async fn outbox(harvests: &[Harvest]) -> f64 {
    let folder = Folder::new();
    let store = RedbStore::open(&folder.join("state.redb")).unwrap();
    let sync = (0..FEEDS).map(|n| FeedSync { id: id(n), was: Vec::new(), enabled: true });
    store.sync_feeds(sync.collect(), at(0)).await.unwrap();
    let mut claims = store.claim_due(Due::All, at(0), FEEDS).await.unwrap();
    claims.sort_by_key(|claim| claim.row.key_id.trim_start_matches("feed-").parse::<usize>().unwrap());
    let before = cpu_seconds(None);
    stream::iter(claims.into_iter().zip(harvests))
        .for_each_concurrent(None, |(claim, harvest)| poll(&store, claim, harvest))
        .await;
    loop {
        let waiting = store.waiting().into_iter().filter(|waiting| waiting.ready > 0);
        let nodes: Vec<_> = waiting.map(|waiting| waiting.destination).collect();
        if nodes.is_empty() {
            return cpu_seconds(None) - before;
        }
        stream::iter(nodes)
            .for_each_concurrent(None, async |node| {
                let claimed = store.claim_outbox(vec![(node, WINDOW)], at(1)).await.unwrap();
                let delivered =
                    claimed.into_iter().map(|it| Settlement { row: it.row.id, outcome: Outcome::Delivered });
                store.settle(delivered.collect(), at(2)).await.unwrap();
            })
            .await;
    }
}

async fn poll(store: &RedbStore, claim: Claim, harvest: &Harvest) {
    let (seen, editions) = (Some(harvest.seen.clone()), harvest.editions.clone());
    store.complete(Completion { claim, seen, editions, hosts: Vec::new(), can_wait: false }, at(0)).await.unwrap();
}
