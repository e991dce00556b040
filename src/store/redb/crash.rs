//! Power cuts and failing disks: what was acknowledged is there afterwards, and nothing is half there.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta};

use crate::feed::{Destination, Edition, Entry, EntryKey, FeedId, FeedMeta, ItemId, Time};
use crate::store::{
    Action, Claim, Completion, Due, FeedSync, NodeFacts, Outcome, Placement, RedbStore, RowState, Seen, Settlement,
    Store, StoreError,
};

use super::disk::{Disk, Left};
use super::fault::Fault;
use super::open::Birth;
use super::view::View;

pub(super) fn at(second: i64) -> Time {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::seconds(second)
}

pub(super) fn feed() -> FeedId {
    FeedId::new("a").unwrap()
}

pub(super) fn node(name: &str) -> Destination {
    Destination::Node { service: None, node: name.to_owned() }
}

pub(super) fn open(disk: &Disk) -> Result<RedbStore, StoreError> {
    let database = disk.database().map_err(|e| Fault::Io(e.to_string()).at(Path::new("disk")))?;
    let disk = disk.clone();
    let reopen = move || disk.database().map_err(|e| Fault::from(redb::Error::from(e)));
    RedbStore::start(
        Path::new("disk"),
        database,
        Some(Birth { id: "00000000".to_owned(), is_rebuilt: false }),
        Box::new(reopen),
    )
}

pub(super) fn edition(name: &str, revision: u32) -> Edition {
    let mut key = [0; 10];
    key[..name.len()].copy_from_slice(name.as_bytes());
    Edition {
        feed: feed(),
        key: EntryKey(key),
        item: ItemId(name.to_owned()),
        revision,
        published: at(0),
        updated: at(i64::from(revision)),
        tags: Vec::new(),
        entry: Entry { id: Some("long ".repeat(2000)), ..Entry::default() },
        source: FeedMeta::default(),
    }
}

/// The end of a poll that brought one edition.
pub(super) fn completion_of(claim: Claim, edition: Edition, nodes: &[&str]) -> Completion {
    let to = |name: &&str| Placement {
        destination: node(name),
        action: Action::Publish,
        not_before: None,
        dedup: None,
        if_newer: false,
        quota: None,
    };
    let editions = vec![(edition, nodes.iter().map(to).collect())];
    Completion { claim, seen: Some(Seen::default()), editions, hosts: Vec::new(), can_wait: false }
}

/// A command; each is one transaction.
#[derive(Debug, Clone, Copy)]
enum Command {
    Sync,
    Bring(&'static str, u32),
    Learn,
    Send,
    Settle(&'static str),
}
use Command::{Bring, Learn, Send, Settle, Sync};

const LIFE: &[Command] = &[
    Sync,
    Bring("x", 0),
    Bring("y", 0),
    Learn,
    Send,
    Bring("x", 1),
    Settle("delivered"),
    Bring("z", 0),
    Send,
    Settle("ready"),
    Send,
    Settle("retry"),
    Send,
    Bring("x", 2),
    Settle("dead"),
    Settle("revive"),
    Settle("drop"),
];

async fn run(store: &dyn Store, command: Command) -> Result<(), StoreError> {
    match command {
        Sync => store.sync_feeds(vec![FeedSync { id: feed(), was: Vec::new(), enabled: true }], at(0)).await,
        Bring(name, revision) => {
            let mut claims = store.claim_due(Due::All, at(0), 1).await?;
            let Some(mut claim) = claims.pop() else { panic!("the feed is not due") };
            claim.row.next_due += TimeDelta::seconds(1);
            let to = |name| Placement {
                destination: node(name),
                action: Action::Publish,
                not_before: None,
                dedup: None,
                if_newer: false,
                quota: None,
            };
            let editions = vec![(edition(name, revision), vec![to("n"), to("m")])];
            store
                .complete(
                    Completion { claim, seen: Some(Seen::default()), editions, hosts: Vec::new(), can_wait: false },
                    at(1),
                )
                .await
        }
        Learn => store.set_node(node("n"), NodeFacts { max_items: Some(9), ..NodeFacts::default() }).await,
        Send => store.claim_outbox(vec![(node("n"), 1), (node("m"), 2)], at(2)).await.map(drop),
        Settle(outcome) => {
            let reason = "so".to_owned();
            let (state, outcome) = match outcome {
                "delivered" => (Some(RowState::Doubt), Outcome::Delivered),
                "ready" => (Some(RowState::Doubt), Outcome::Ready),
                "retry" => (Some(RowState::Doubt), Outcome::Retry { reason }),
                "dead" => (Some(RowState::Doubt), Outcome::Dead { reason }),
                "revive" => (Some(RowState::Dead), Outcome::Ready),
                _ => (None, Outcome::Drop),
            };
            let rows = store.outbox().await?;
            let meant = rows.iter().filter(|row| state.is_none_or(|state| row.state == state));
            let settlements = meant.map(|row| Settlement { row: row.id, outcome: outcome.clone() }).collect();
            store.settle(settlements, at(3)).await
        }
    }
}

/// Everything that a store says it holds.
async fn everything(store: &dyn Store) -> Result<String, StoreError> {
    let feeds = (store.feeds().await?, store.load_seen(&feed()).await?);
    let outbox = (store.nodes().await?, store.outbox().await?);
    Ok(format!("{feeds:#?}\n{outbox:#?}"))
}

/// The board, the rows and the editions tell the same.
async fn is_whole(store: &RedbStore) {
    store.read(View::check).unwrap();
    let rows = store.outbox().await.unwrap();
    for waiting in store.waiting() {
        let count =
            |state| rows.iter().filter(|row| row.destination == waiting.destination && row.state == state).count();
        assert_eq!(waiting.ready, count(RowState::Ready));
        assert_eq!(waiting.doubt, count(RowState::Doubt));
        assert_eq!(waiting.sent, count(RowState::Sent));
    }
    let ready: usize = store.waiting().iter().map(|waiting| waiting.ready).sum();
    let claimed = store.claim_outbox(vec![(node("n"), 99), (node("m"), 99)], at(9)).await.unwrap();
    assert_eq!(claimed.len(), ready, "each row has its edition");
    assert!(claimed.iter().all(|delivery| delivery.row.revision == delivery.edition.revision));
}

#[tokio::test]
async fn a_power_cut_at_any_moment_loses_nothing_that_was_acknowledged() {
    let disk = Disk::default();
    let store = open(&disk).unwrap();
    // What the store held after each command, and where its disk was then.
    let mut history = vec![(disk.steps(), everything(&store).await.unwrap())];
    for &command in LIFE {
        run(&store, command).await.unwrap();
        history.push((disk.steps(), everything(&store).await.unwrap()));
    }
    assert!(history.windows(2).all(|pair| pair[0].1 != pair[1].1), "each command changes something");
    let (mut cuts, mut kept) = (0, 0);
    for step in history[0].0..=disk.steps() {
        // What is left of what was written since the last sync differs most just before the next one.
        let some = [Left::Nothing, Left::Some(step as u64), Left::Some(!step as u64)];
        for left in some.into_iter().filter(|_| disk.is_before_sync(step)).chain([Left::Everything]) {
            let acknowledged = history.iter().rposition(|(end, _)| *end <= step).unwrap();
            let found = open(&disk.after_cut(step, left)).unwrap();
            let held = everything(&found).await.unwrap();
            let so = history[acknowledged..].iter().take(2).position(|(_, expected)| *expected == held);
            kept += so.unwrap_or_else(|| panic!("cut at {step} with {left:?}: it never was so:\n{held}"));
            is_whole(&found).await;
            cuts += 1;
        }
    }
    assert!(cuts > 100 && kept > 10, "{cuts} cuts, {kept} of them after the command was on the disk");
}

#[tokio::test]
async fn a_power_cut_while_the_state_is_created_does_not_hinder_the_next_start() {
    let disk = Disk::default();
    drop(open(&disk).unwrap());
    for step in 0..=disk.steps() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.redb");
        std::fs::write(folder.path().join("state.redb.new"), disk.after_cut(step, Left::Everything).bytes()).unwrap();
        let id = RedbStore::open(&path).unwrap().meta().await.unwrap().id;
        assert_eq!(id.len(), 8, "cut at {step}");
    }
}

#[tokio::test]
async fn a_failing_write_or_sync_is_told_and_the_store_goes_on() {
    let mut failures = 0;
    for works_for in (1..).step_by(3) {
        let disk = Disk::default();
        let store = open(&disk).unwrap();
        disk.fail_after(works_for, false);
        let mut told = 0;
        for &command in LIFE {
            match run(&store, command).await {
                Ok(()) => {}
                Err(StoreError::Io { .. }) => {
                    told += 1;
                    if matches!(command, Sync) {
                        run(&store, Sync).await.unwrap();
                    }
                    is_same_on_disk(&store, &disk).await;
                }
                Err(error) => panic!("{command:?}: {error}"),
            }
        }
        is_same_on_disk(&store, &disk).await;
        if !disk.has_failed() {
            assert_eq!(told, 0);
            break;
        }
        // A failure while the space of the last transaction is given back is nobody's.
        assert!(told <= 1, "the failure after {works_for} was told {told} times");
        failures += told;
        is_whole(&store).await;
    }
    assert!(failures > 20, "{failures}");
}

/// The store holds what somebody who opened the disk now would find.
async fn is_same_on_disk(store: &RedbStore, disk: &Disk) {
    let found = open(&disk.after_cut(disk.steps(), Left::Everything)).unwrap();
    assert_eq!(everything(&found).await.unwrap(), everything(store).await.unwrap());
    assert_eq!(found.waiting(), store.waiting());
}

#[tokio::test]
async fn a_disk_that_stays_broken_is_told_at_once_and_the_store_comes_back_with_it() {
    let disk = Disk::default();
    let store = Arc::new(open(&disk).unwrap());
    run(&*store, Sync).await.unwrap();
    disk.fail_after(1, true);
    for _ in 0..5 {
        assert!(matches!(run(&*store, Learn).await, Err(StoreError::Io { .. })));
    }
    assert!(matches!(store.meta().await, Err(StoreError::Io { .. })), "it is closed");
    disk.repair();
    let comes_back = async {
        while run(&*store, Learn).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), comes_back).await.unwrap();
    run(&*store, Bring("x", 0)).await.unwrap();
    is_whole(&store).await;
}

#[tokio::test]
async fn after_a_failed_completion_the_feed_is_due_when_the_poller_wanted_it() {
    let disk = Disk::default();
    let store = open(&disk).unwrap();
    run(&store, Sync).await.unwrap();
    disk.fail_after(1, false);
    assert!(matches!(run(&store, Bring("x", 0)).await, Err(StoreError::Io { .. })));
    assert_eq!(store.next_due(), Some(at(1)));
    run(&store, Bring("x", 0)).await.unwrap();
}
