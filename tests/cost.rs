//! What the hot paths cost in instructions, counted by valgrind: a slowdown shows, however busy the machine is.
//!
//! Counted is what a further round costs, so that start and end of the program, and the making of the input, are no part of it.
#![cfg(test)]

#[path = "../benches/src/document.rs"]
mod document;

use std::collections::BTreeMap;
use std::process::Command;

use tidings::atom::{self, Style};
use tidings::feed::{Destination, Edition};
use tidings::ingest::{self, Harvest};
use tidings::store::{Action, Completion, Due, FeedSync, Placement, ReadFacts, RedbStore, Seen, Store};

use document::{Subscription, at, rss};

/// How much more than what is written down is still no slowdown: processors and toolchains differ a little.
const TOLERANCE: f64 = 1.1;
const ROUNDS: usize = 2;
const STAGE: &str = "TIDINGS_COST_STAGE";

#[test]
fn reading_a_document_costs_no_more_than_it_did() {
    check("parse");
}

#[test]
fn comparing_it_with_what_is_known_costs_no_more_than_it_did() {
    check("diff");
}

#[test]
fn rendering_an_entry_costs_no_more_than_it_did() {
    check("render");
}

#[test]
fn writing_a_poll_down_costs_no_more_than_it_did() {
    check("commit");
}

/// What valgrind runs: a stage so many times.
#[test]
fn a_stage_runs() {
    let asked = std::env::var(STAGE).unwrap_or_else(|_| "parse 1".to_owned());
    let (stage, rounds) = asked.split_once(' ').unwrap();
    run(stage, rounds.parse().unwrap());
}

fn check(stage: &str) {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let written = include_str!("cost.txt").lines().filter_map(|line| line.split_once('|'));
    let written: BTreeMap<&str, u64> =
        written.map(|(name, count)| (name.trim(), count.trim().parse().unwrap())).collect();
    let known = written[format!("{profile} {stage}").as_str()];
    let now = (count(stage, 1 + ROUNDS) - count(stage, 1)) / ROUNDS as u64;
    println!("{profile} {stage} | {now}");
    assert!(
        now as f64 <= known as f64 * TOLERANCE,
        "{stage} takes {now} instructions, {known} are written down; if that is the price of something good, write the new \
         number into tests/cost.txt"
    );
}

/// Instructions of the whole program with so many rounds of a stage.
fn count(stage: &str, rounds: usize) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    valgrind.arg(std::env::current_exe().unwrap()).args(["--exact", "a_stage_runs", "--test-threads=1"]);
    valgrind.env(STAGE, format!("{stage} {rounds}"));
    let output = valgrind.output().expect("valgrind is missing: apt-get install valgrind");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stdout));
    let line = said.lines().find_map(|line| line.split_once("refs:")).expect("valgrind counts").1;
    line.trim().replace(',', "").parse().unwrap()
}

fn run(stage: &str, rounds: usize) {
    let feed = Subscription::new("example.org");
    let arrival = |entries| feed.arrival(rss(entries), at(0));
    let read = |entries| ingest::read(&arrival(entries)).unwrap();
    let take_in = |entries, known: &Harvest| {
        ingest::take_in(read(entries), false, &feed.plan(), &known.read, &known.seen, at(3600))
    };
    let first = ingest::take_in(read(0..10), false, &feed.plan(), &ReadFacts::default(), &Seen::default(), at(0));
    match stage {
        "parse" => {
            let arrival = arrival(1..11);
            for _ in 0..rounds {
                assert_eq!(ingest::read(&arrival).unwrap().entries.len(), 10);
            }
        }
        "diff" => {
            let document = read(1..11);
            for _ in 0..rounds {
                let plan = feed.plan();
                let harvest = ingest::take_in(document.clone(), false, &plan, &first.read, &first.seen, at(3600));
                assert_eq!(harvest.editions.len(), 1);
            }
        }
        "render" => {
            let (edition, _) = &first.editions[0];
            for _ in 0..rounds * 2 {
                assert!(String::from(&atom::item(edition, &Style::default(), 0)).len() > 2000);
            }
        }
        "commit" => commit(&take_in(1..11, &first), rounds),
        _ => unreachable!("{stage}"),
    }
}

/// Polls that bring an entry each, one commit a poll.
fn commit(harvest: &Harvest, rounds: usize) {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = RedbStore::open(&folder.path().join("state.redb")).unwrap();
        let id = tidings::feed::FeedId::new("example.org").unwrap();
        store.sync_feeds(vec![FeedSync { id, was: Vec::new(), enabled: true }], at(0)).await.unwrap();
        for round in 0..rounds as u32 {
            let claim = store.claim_due(Due::All, at(0), 1).await.unwrap().remove(0);
            let edition = Edition { revision: round, ..harvest.editions[0].0.clone() };
            let destination = Destination::Node { service: None, node: "example.org".to_owned() };
            let place = Placement {
                destination,
                action: Action::Publish,
                not_before: None,
                dedup: None,
                if_newer: false,
                quota: None,
            };
            let editions = vec![(edition, vec![place])];
            let completion =
                Completion { claim, seen: Some(harvest.seen.clone()), editions, hosts: Vec::new(), can_wait: false };
            store.complete(completion, at(0)).await.unwrap();
        }
    });
}
