//! One write transaction with the memory that goes with it: what a row becomes is said once, and stands in both.

use crate::store::RowState;

use super::fault::Fault;
use super::ledger::Ledger;
use super::record::{Place, Record};
use super::tables::{Node, Tables};

/// The transaction that a group of commands is written in.
pub(super) struct Batch<'a> {
    pub(super) tables: Tables<'a>,
    pub(super) ledger: &'a mut Ledger,
    first_sequence: u64,
}

impl<'a> Batch<'a> {
    pub(super) fn new(tables: Tables<'a>, ledger: &'a mut Ledger) -> Self {
        Self { tables, first_sequence: ledger.sequence, ledger }
    }

    /// Writes down what the whole group changed; then the transaction can be committed.
    pub(super) fn finish(mut self) -> Result<(), Fault> {
        if self.ledger.sequence != self.first_sequence {
            self.tables.set_fact("sequence", &self.ledger.sequence.to_string())?;
        }
        Ok(())
    }

    /// A number above that of every row that there ever was.
    pub(super) fn next_sequence(&mut self) -> u64 {
        self.ledger.sequence += 1;
        self.ledger.sequence
    }

    /// The row at a place that is known to hold one.
    pub(super) fn record(&self, place: Place) -> Result<Record, Fault> {
        self.tables.record(place)?.ok_or_else(|| Fault::damaged(format!("row {place} is missing")))
    }

    /// Writes a row.
    pub(super) fn put(&mut self, place: Place, record: &Record) -> Result<(), Fault> {
        if record.state != RowState::Dead && !self.ledger.has(place.node) {
            self.ledger.learn(place.node, self.tables.node(place.node)?);
        }
        self.tables.put_record(place, record)?;
        self.ledger.put(place, Some(record));
        Ok(())
    }

    /// Removes a row; its reference to the edition is the caller's to give up or to hand on.
    pub(super) fn forget(&mut self, place: Place, record: &Record) -> Result<(), Fault> {
        self.tables.remove_record(place, record)?;
        self.ledger.put(place, None);
        Ok(())
    }

    /// Writes down a destination.
    pub(super) fn put_node(&mut self, number: u32, node: Node) -> Result<(), Fault> {
        self.tables.put_node(number, &node)?;
        if self.ledger.has(number) {
            self.ledger.learn(number, node);
        }
        Ok(())
    }
}
