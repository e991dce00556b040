//! Lives of an outbox, drawn by lot, against a node that keeps items: each entry is told in its newest revision, none
//! twice, and none goes back.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use crate::feed::ItemId;
use crate::store::{Delivery, Due, FeedSync, Outcome, RedbStore, RowId, RowState, Settlement, Store};

use super::crash::{at, completion_of, edition, feed, node, open};
use super::disk::{Disk, Left};
use super::view::View;

const ITEMS: [&str; 3] = ["x", "y", "z"];

/// A gateway and the server that it publishes to.
struct Life {
    lots: Rng,
    disk: Disk,
    store: RedbStore,
    /// The newest revision of each item that was placed.
    placed: BTreeMap<ItemId, u32>,
    /// The revision of each item that the node holds.
    held: BTreeMap<ItemId, u32>,
    told: BTreeSet<(ItemId, u32)>,
    /// Answers that are on their way.
    answers: Vec<(RowId, Outcome)>,
}

impl Life {
    async fn begin(seed: u64) -> Self {
        let disk = Disk::default();
        let store = open(&disk).unwrap();
        let life = Self {
            lots: Rng::with_seed(seed),
            disk,
            store,
            placed: BTreeMap::new(),
            held: BTreeMap::new(),
            told: BTreeSet::new(),
            answers: Vec::new(),
        };
        life.configure().await;
        life
    }

    async fn configure(&self) {
        self.store.sync_feeds(vec![FeedSync { id: feed(), was: Vec::new(), enabled: true }], at(0)).await.unwrap();
    }

    async fn step(&mut self) {
        match self.lots.u8(..10) {
            0..4 => self.edit().await,
            4..7 => self.send(0.7).await,
            7 => self.settle().await,
            8 => self.revive().await,
            _ => self.crash().await,
        }
        self.store.read(View::check).unwrap();
        self.is_orderly().await;
    }

    /// The feed has a new entry, or a new revision of one.
    async fn edit(&mut self) {
        let name = ITEMS[self.lots.usize(..ITEMS.len())];
        let item = ItemId(name.to_owned());
        let revision = self.placed.get(&item).map_or(0, |revision| revision + 1);
        self.placed.insert(item, revision);
        let claim = self.store.claim_due(Due::All, at(0), 1).await.unwrap().pop().unwrap();
        self.store.complete(completion_of(claim, edition(name, revision), &["n"]), at(1)).await.unwrap();
    }

    /// Sends a window; the server takes some of it, refuses some, and some answers are lost.
    async fn send(&mut self, luck: f64) {
        let limit = self.lots.usize(1..4);
        for Delivery { row, .. } in self.store.claim_outbox(vec![(node("n"), limit)], at(2)).await.unwrap() {
            let reason = "so".to_owned();
            let (is_taken, answer) = match self.lots.f64() {
                chance if chance < luck => (true, Some(Outcome::Delivered)),
                chance if chance < luck + 0.1 => (false, Some(Outcome::Retry { reason })),
                chance if chance < luck + 0.12 => (false, Some(Outcome::Shrink { reason, rung: 1 })),
                chance if chance < luck + 0.16 => (false, Some(Outcome::Dead { reason })),
                chance if chance < luck + 0.2 => (true, None),
                _ => (false, None),
            };
            if is_taken {
                assert!(
                    self.told.insert((row.item.clone(), row.revision)),
                    "{}{} is told twice",
                    row.item,
                    row.revision
                );
                let before = self.held.insert(row.item.clone(), row.revision);
                assert!(
                    before.is_none_or(|before| before < row.revision),
                    "{} goes back to {}",
                    row.item,
                    row.revision
                );
            }
            self.answers.extend(answer.map(|answer| (row.id, answer)));
        }
    }

    /// Some answers arrive, in any order.
    async fn settle(&mut self) {
        self.lots.shuffle(&mut self.answers);
        let arrived = self.answers.split_off(self.answers.len() / 2);
        let settlements = arrived.into_iter().map(|(row, outcome)| Settlement { row, outcome });
        self.store.settle(settlements.collect(), at(3)).await.unwrap();
    }

    /// The operator gives some rows another chance.
    async fn revive(&mut self) {
        let rows = self.store.rows(&node("n")).await.unwrap();
        let dead = rows.into_iter().filter(|row| row.state == RowState::Dead && self.lots.bool());
        let settlements = dead.map(|row| Settlement { row: row.id, outcome: Outcome::Ready }).collect();
        self.store.settle(settlements, at(5)).await.unwrap();
    }

    /// The power fails, answers are lost, and the node is asked about what is in doubt.
    async fn crash(&mut self) {
        self.disk = self.disk.after_cut(self.disk.steps(), Left::Nothing);
        self.store = open(&self.disk).unwrap();
        self.configure().await;
        self.answers.clear();
        let rows = self.store.rows(&node("n")).await.unwrap();
        let doubt = rows.into_iter().filter(|row| row.state == RowState::Doubt);
        let mut settlements: Vec<_> = doubt
            .map(|row| {
                let is_there = self.held.get(&row.item) == Some(&row.revision);
                Settlement { row: row.id, outcome: if is_there { Outcome::Delivered } else { Outcome::Ready } }
            })
            .collect();
        self.lots.shuffle(&mut settlements);
        self.store.settle(settlements, at(4)).await.unwrap();
    }

    /// At most one row of an item is READY, and it is the last living one.
    async fn is_orderly(&self) {
        let rows = self.store.rows(&node("n")).await.unwrap();
        for (number, row) in rows.iter().enumerate().filter(|(_, row)| row.state == RowState::Ready) {
            assert!(
                rows[number + 1..].iter().all(|later| later.item != row.item || later.state == RowState::Dead),
                "{rows:#?}"
            );
        }
    }
}

#[tokio::test]
async fn every_entry_is_told_in_its_newest_revision_and_none_twice() {
    let mut told = 0;
    for seed in 0..20 {
        let mut life = Life::begin(seed).await;
        for _ in 0..40 {
            life.step().await;
        }
        life.crash().await;
        for _ in 0..50 {
            life.revive().await;
            life.send(1.0).await;
        }
        assert_eq!(life.held, life.placed, "life {seed}");
        told += life.told.len();
    }
    assert!(told > 100, "{told}");
}
