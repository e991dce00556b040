//! What the writer keeps in memory of the outbox: per destination, the living rows in order, and sums over them.
//!
//! It says what the tables say, the open transaction included; after a transaction that failed it is read again.
//! Others see its summaries on the [`Board`], as of the last commit.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use crate::feed::{FeedId, Time};
use crate::store::{Outbox, RowState, Waiting};

use super::record::{Place, Record};
use super::tables::Node;

/// What others see.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// Summaries of the destinations with living rows, by number.
    pub(super) lines: BTreeMap<u32, Waiting>,
    dead: usize,
}

impl Board {
    /// Sums over all lines.
    pub(super) fn sums(&self) -> Outbox {
        let mut sums = Outbox { dead: self.dead, ..Outbox::default() };
        for line in self.lines.values() {
            sums.ready += line.ready;
            sums.deferred += line.deferred;
            sums.doubt += line.doubt;
            sums.oldest = sums.oldest.into_iter().chain(line.oldest).min();
        }
        sums
    }
}

/// The living rows, those that are not DEAD, of every destination that has any. There may be very many of either.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    lines: HashMap<u32, Line>,
    /// When each SENT row was settled.
    sent: BTreeSet<(Time, Place)>,
    /// DEAD rows.
    dead: BTreeSet<Place>,
    /// Lines that are not as the board shows them.
    touched: BTreeSet<u32>,
    /// Destinations that are not as the board shows them.
    learnt: HashMap<u32, Node>,
    /// The last sequence given to a row.
    pub(super) sequence: u64,
}

/// One destination.
#[derive(Debug, Default)]
struct Line {
    /// By sequence. Rows come at the end and leave near the beginning.
    rows: VecDeque<(u64, Brief)>,
    ready: usize,
    doubt: usize,
    sent: usize,
    bytes: u64,
    deferred: BTreeSet<(Time, u64)>,
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
    /// Whether the destination is known; if not, [`Ledger::learn`] comes before its first row.
    pub(super) fn has(&self, number: u32) -> bool {
        self.lines.contains_key(&number)
    }

    /// Takes up a destination, or what was learnt of it.
    pub(super) fn learn(&mut self, number: u32, node: Node) {
        self.lines.entry(number).or_default();
        self.touched.insert(number);
        self.learnt.insert(number, node);
    }

    /// Notes what stands at a place now.
    pub(super) fn put(&mut self, place: Place, record: Option<&Record>) {
        match record.is_some_and(|record| record.state == RowState::Dead) {
            true => self.dead.insert(place),
            false => self.dead.remove(&place),
        };
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

    /// The first READY rows of a destination that are not deferred.
    pub(super) fn sendable(&self, number: u32, limit: usize, now: Time) -> Vec<Place> {
        let Some(line) = self.lines.get(&number) else { return Vec::new() };
        let rows = line.rows.iter().filter(|(_, row)| row.is_sendable(now)).take(limit);
        rows.map(|&(sequence, _)| Place { node: number, sequence }).collect()
    }

    /// SENT rows that need not be kept any longer: those settled before `horizon`, and of each destination that changed in
    /// this transaction all but the last `keep`.
    pub(super) fn old_sent(&self, horizon: Time, keep: usize) -> BTreeSet<Place> {
        let settled_before = self.sent.iter().take_while(|(settled, _)| *settled < horizon);
        let mut old: BTreeSet<Place> = settled_before.map(|&(_, place)| place).collect();
        for &number in &self.touched {
            let Some(line) = self.lines.get(&number).filter(|line| line.sent > keep) else { continue };
            let mut sent: Vec<_> = line.sent_rows().collect();
            sent.sort_unstable();
            sent.truncate(line.sent - keep);
            old.extend(sent.into_iter().map(|(_, sequence)| Place { node: number, sequence }));
        }
        old
    }

    /// Shows on the board what changed since the last time, and lets go of destinations without living rows.
    pub(super) fn publish(&mut self, board: &mut Board) {
        board.dead = self.dead.len();
        let board = &mut board.lines;
        for number in std::mem::take(&mut self.touched) {
            let shown = board.remove(&number).map(|row| Node { destination: row.destination, facts: row.facts });
            let node = self.learnt.remove(&number).or(shown);
            match (self.lines.get(&number), node) {
                (Some(line), Some(node)) if !line.rows.is_empty() => drop(board.insert(number, line.summary(node))),
                _ => drop(self.lines.remove(&number)),
            }
        }
    }
}

impl Line {
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
            (RowState::Sent, _) => self.sent += 1,
            (RowState::Dead, _) => return,
        }
        self.bytes += row.waiting_bytes();
        let index = self.rows.partition_point(|(other, _)| *other < sequence);
        self.rows.insert(index, (sequence, row));
    }

    fn remove(&mut self, sequence: u64) -> Option<Brief> {
        let index = self.rows.binary_search_by_key(&sequence, |(sequence, _)| *sequence).ok()?;
        let (_, row) = self.rows.remove(index)?;
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
            (RowState::Sent, _) => self.sent -= 1,
            (RowState::Dead, _) => {}
        }
        Some(row)
    }

    /// When each SENT row was settled. They are found among the first rows.
    fn sent_rows(&self) -> impl Iterator<Item = (Time, u64)> {
        let sent = self.rows.iter().filter(|(_, row)| row.state == RowState::Sent);
        sent.take(self.sent).map(|(sequence, row)| (row.changed, *sequence))
    }

    fn summary(&self, node: Node) -> Waiting {
        let contacts: HashSet<&FeedId> = node.facts.contacts.iter().collect();
        let newcomers = self.feeds.keys().filter(|feed| !contacts.contains(feed)).cloned().collect();
        let is_waiting = |row: &Brief| match row.state {
            RowState::Ready => row.not_before.is_none(),
            state => state == RowState::Doubt,
        };
        Waiting {
            destination: node.destination,
            facts: node.facts,
            ready: self.ready,
            deferred: self.deferred.len(),
            deferred_until: self.deferred.first().map(|&(time, _)| time),
            doubt: self.doubt,
            sent: self.sent,
            oldest: self.rows.iter().find(|(_, row)| is_waiting(row)).map(|(_, row)| row.queued),
            newcomers,
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
