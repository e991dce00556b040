//! What redb itself takes to rewrite rows among few and among very many: the nearest limit of a poll that found nothing.

use std::path::Path;

use redb::{Builder, Database, TableDefinition};

use crate::fleet::{AT_ONCE, id};
use crate::measured::cpu_seconds;

const ROWS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("rows");
/// As much as the program gives it.
const CACHE_BYTES: usize = 12 << 20;

/// A table whose rows are as long as a feed's.
pub(crate) struct Bare {
    database: Database,
    rows: usize,
    bytes: usize,
    /// How many were rewritten.
    turn: usize,
}

impl Bare {
    pub(crate) fn fill(state: &Path, rows: usize, bytes: usize) -> Self {
        let database = Builder::new().set_cache_size(CACHE_BYTES).create(state).unwrap();
        let mut bare = Self { database, rows, bytes, turn: 0 };
        for first in (0..rows).step_by(10_000) {
            bare.write(first..rows.min(first + 10_000));
        }
        bare
    }

    /// Microseconds of the processor for each of so many rows, as many a transaction as a gateway has polls at once, in an
    /// order that has nothing to do with where a row lies.
    pub(crate) fn rewrite(&mut self, count: usize) -> f64 {
        let before = cpu_seconds(None);
        for _ in 0..count / AT_ONCE {
            let (turn, rows) = (self.turn, self.rows);
            self.write((turn..turn + AT_ONCE).map(|n| (n as u64 * 2_654_435_761 % rows as u64) as usize));
            self.turn += AT_ONCE;
        }
        (cpu_seconds(None) - before) * 1e6 / count as f64
    }

    fn write(&mut self, which: impl Iterator<Item = usize>) {
        let mut transaction = self.database.begin_write().unwrap();
        transaction.set_quick_repair(true);
        let mut table = transaction.open_table(ROWS).unwrap();
        let value = vec![(self.turn % 256) as u8; self.bytes];
        which.for_each(|n| drop(table.insert(id(n).as_str(), value.as_slice()).unwrap()));
        drop(table);
        transaction.commit().unwrap();
    }
}
