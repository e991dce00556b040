//! What the writer keeps in memory of the outbox: per destination, the living rows in order, and sums over them.
//!
//! It says what the tables say, the open transaction included; after a transaction that failed it is read again.
//! Others see its summaries on the [`Board`], as of the last commit.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::feed::{Destination, FeedId, Time};
use crate::store::{RowState, Waiting};

use super::record::{Place, Record};
use super::tables::Node;

/// Summaries of the destinations with living rows, by number.
pub(super) type Board = BTreeMap<u32, Waiting>;

/// The living rows, those that are not DEAD, of every destination that has any.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    lines: HashMap<u32, Line>,
    numbers: HashMap<Destination, u32>,
    /// When each SENT row was settled.
    sent: BTreeSet<(Time, Place)>,
    touched: BTreeSet<u32>,
    /// The last sequence given to a row.
    pub(super) sequence: u64,
}

/// One destination.
#[derive(Debug)]
struct Line {
    node: Node,
    rows: BTreeMap<u64, Brief>,
    ready: usize,
    doubt: usize,
    bytes: u64,
    deferred: BTreeSet<(Time, u64)>,
    sent: BTreeSet<(Time, u64)>,
    /// READY rows of each feed.
    feeds: HashMap<FeedId, usize>,
}

/// What is remembered of a row.
#[derive(Debug, Clone)]
struct Brief {
    state: RowState,
    not_before: Option<Time>,
    queued: Time,
    changed: Time,
    feed: FeedId,
    bytes: u32,
}

impl Ledger {
    /// Whether the destination is known; if not, [`Ledger::open`] comes before its first row.
    pub(super) fn has(&self, number: u32) -> bool {
        self.lines.contains_key(&number)
    }

    /// Takes up a destination, or what was learnt of it.
    pub(super) fn open(&mut self, number: u32, node: Node) {
        self.touched.insert(number);
        match self.lines.get_mut(&number) {
            Some(line) => line.node = node,
            None => {
                self.numbers.insert(node.destination.clone(), number);
                self.lines.insert(number, Line::new(node));
            }
        }
    }

    /// Notes what stands at a place now.
    pub(super) fn put(&mut self, place: Place, record: Option<&Record>) {
        let Some(line) = self.lines.get_mut(&place.node) else { return };
        self.touched.insert(place.node);
        if let Some(old) = line.remove(place.sequence)
            && old.state == RowState::Sent
        {
            self.sent.remove(&(old.changed, place));
        }
        if let Some(record) = record.filter(|record| record.state != RowState::Dead) {
            if record.state == RowState::Sent {
                self.sent.insert((record.changed, place));
            }
            line.insert(place.sequence, Brief::of(record));
        }
    }

    /// The first READY rows of a destination that may be sent now.
    pub(super) fn sendable(&self, destination: &Destination, limit: usize, now: Time) -> Vec<Place> {
        let Some(number) = self.numbers.get(destination) else { return Vec::new() };
        let Some(line) = self.lines.get(number).filter(|line| line.is_open(now)) else { return Vec::new() };
        let rows = line.rows.iter().filter(|(_, row)| row.is_sendable(now));
        rows.take(limit).map(|(&sequence, _)| Place { node: *number, sequence }).collect()
    }

    /// SENT rows that need not be kept any longer: those settled before `horizon`, and of each destination that changed in
    /// this transaction all but the last `keep`.
    pub(super) fn old_sent(&self, horizon: Time, keep: usize) -> BTreeSet<Place> {
        let mut old: BTreeSet<Place> =
            self.sent.iter().take_while(|(settled, _)| *settled < horizon).map(|&(_, place)| place).collect();
        for (number, line) in self.touched.iter().filter_map(|number| Some((number, self.lines.get(number)?))) {
            let surplus = line.sent.len().saturating_sub(keep);
            old.extend(line.sent.iter().take(surplus).map(|&(_, sequence)| Place { node: *number, sequence }));
        }
        old
    }

    /// Shows on the board what changed since the last time, and lets go of destinations without living rows.
    pub(super) fn publish(&mut self, board: &mut Board) {
        for number in std::mem::take(&mut self.touched) {
            match self.lines.get(&number) {
                Some(line) if !line.rows.is_empty() => drop(board.insert(number, line.summary())),
                _ => {
                    board.remove(&number);
                    if let Some(line) = self.lines.remove(&number) {
                        self.numbers.remove(&line.node.destination);
                    }
                }
            }
        }
    }
}

impl Line {
    fn new(node: Node) -> Self {
        Self {
            node,
            rows: BTreeMap::new(),
            ready: 0,
            doubt: 0,
            bytes: 0,
            deferred: BTreeSet::new(),
            sent: BTreeSet::new(),
            feeds: HashMap::new(),
        }
    }

    fn insert(&mut self, sequence: u64, row: Brief) {
        match (row.state, row.not_before) {
            (RowState::Ready, not_before) => {
                *self.feeds.entry(row.feed.clone()).or_default() += 1;
                match not_before {
                    Some(time) => drop(self.deferred.insert((time, sequence))),
                    None => self.ready += 1,
                }
            }
            (RowState::Doubt, _) => self.doubt += 1,
            (RowState::Sent, _) => drop(self.sent.insert((row.changed, sequence))),
            (RowState::Dead, _) => return,
        }
        self.bytes += row.waiting_bytes();
        self.rows.insert(sequence, row);
    }

    fn remove(&mut self, sequence: u64) -> Option<Brief> {
        let row = self.rows.remove(&sequence)?;
        self.bytes -= row.waiting_bytes();
        match (row.state, row.not_before) {
            (RowState::Ready, not_before) => {
                match self.feeds.get_mut(&row.feed) {
                    Some(count) if *count > 1 => *count -= 1,
                    _ => drop(self.feeds.remove(&row.feed)),
                }
                match not_before {
                    Some(time) => drop(self.deferred.remove(&(time, sequence))),
                    None => self.ready -= 1,
                }
            }
            (RowState::Doubt, _) => self.doubt -= 1,
            (RowState::Sent, _) => drop(self.sent.remove(&(row.changed, sequence))),
            (RowState::Dead, _) => {}
        }
        Some(row)
    }

    /// Whether anything may be sent to the destination now.
    fn is_open(&self, now: Time) -> bool {
        let facts = &self.node.facts;
        facts.pause.as_ref().is_none_or(|pause| pause.until <= now) && facts.not_before.is_none_or(|time| time <= now)
    }

    fn summary(&self) -> Waiting {
        let facts = &self.node.facts;
        let contacts: HashSet<&FeedId> = facts.contacts.iter().collect();
        let is_waiting = |row: &&Brief| match row.state {
            RowState::Ready => row.not_before.is_none(),
            state => state == RowState::Doubt,
        };
        Waiting {
            destination: self.node.destination.clone(),
            facts: facts.clone(),
            ready: self.ready,
            deferred: self.deferred.len(),
            deferred_until: self.deferred.first().map(|&(time, _)| time),
            doubt: self.doubt,
            sent: self.sent.len(),
            oldest: self.rows.values().find(is_waiting).map(|row| row.queued),
            newcomers: self.feeds.keys().filter(|feed| !contacts.contains(feed)).cloned().collect(),
            bytes: self.bytes,
        }
    }
}

impl Brief {
    fn of(record: &Record) -> Self {
        Self {
            state: record.state,
            not_before: record.not_before,
            queued: record.queued,
            changed: record.changed,
            feed: record.feed.clone(),
            bytes: record.bytes,
        }
    }

    fn is_sendable(&self, now: Time) -> bool {
        self.state == RowState::Ready && self.not_before.is_none_or(|time| time <= now)
    }

    fn waiting_bytes(&self) -> u64 {
        if matches!(self.state, RowState::Ready | RowState::Doubt) { u64::from(self.bytes) } else { 0 }
    }
}
