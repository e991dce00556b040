//! Reading: a snapshot of the state as of the last commit.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};

use redb::{ReadTransaction, ReadableDatabase, ReadableTable, TableError};

use crate::feed::{Destination, Edition, EntryKey, FeedId};
use crate::store::{FeedRow, HostRow, Meta, NodeFacts, OutboxRow, Seen};

use super::fault::Fault;
use super::ledger::Ledger;
use super::record::{Place, Record};
use super::tables::{
    ENTRIES, FEEDS, HOSTS, META, NODES, NUMBERS, Node, OUTBOX, SEEN, destination_key, feed_row, from_json, outbox_row,
};

/// A snapshot.
pub(super) struct View(ReadTransaction);

impl View {
    pub(super) fn new(database: &impl ReadableDatabase) -> Result<Self, Fault> {
        Ok(Self(database.begin_read()?))
    }

    /// A small fact; `None` also for a file in which nothing was ever written.
    pub(super) fn fact(&self, name: &str) -> Result<Option<String>, Fault> {
        match self.0.open_table(META) {
            Ok(table) => Ok(table.get(name)?.map(|value| value.value().to_owned())),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A small fact that is a number; 0 when nobody wrote it yet.
    pub(super) fn number(&self, name: &str) -> Result<u64, Fault> {
        let Some(value) = self.fact(name)? else { return Ok(0) };
        value.parse().map_err(|_| Fault::damaged(format!("{name} is {value:?}")))
    }

    pub(super) fn meta(&self) -> Result<Meta, Fault> {
        self.fact("facts")?.map_or_else(|| Ok(Meta::default()), |json| from_json(META, json.as_bytes()))
    }

    pub(super) fn feed(&self, id: &FeedId) -> Result<Option<FeedRow>, Fault> {
        self.0.open_table(FEEDS)?.get(id.as_str())?.map(|row| from_json(FEEDS, row.value())).transpose()
    }

    /// The first rows after an id, removed ones left out.
    pub(super) fn feeds_after(&self, id: Option<&FeedId>, limit: usize) -> Result<Vec<(FeedId, FeedRow)>, Fault> {
        let first = id.map_or(Bound::Unbounded, |id| Bound::Excluded(id.as_str()));
        let mut feeds = Vec::new();
        for row in self.0.open_table(FEEDS)?.range::<&str>((first, Bound::Unbounded))? {
            if feeds.len() == limit {
                break;
            }
            let (id, row) = row?;
            let (id, row): (FeedId, FeedRow) = feed_row(id.value(), row.value())?;
            if row.removed.is_none() {
                feeds.push((id, row));
            }
        }
        Ok(feeds)
    }

    pub(super) fn seen(&self, id: &FeedId) -> Result<Seen, Fault> {
        let Some(bytes) = self.0.open_table(SEEN)?.get(id.as_str())? else { return Ok(Seen::default()) };
        Seen::from_bytes(bytes.value()).ok_or_else(|| Fault::damaged(format!("the seen-set of {id} does not read")))
    }

    pub(super) fn hosts(&self) -> Result<BTreeMap<String, HostRow>, Fault> {
        let table = self.0.open_table(HOSTS)?;
        let rows = table.iter()?;
        rows.map(|row| {
            row.map_err(Fault::from)
                .and_then(|(name, row)| Ok((name.value().to_owned(), from_json(HOSTS, row.value())?)))
        })
        .collect()
    }

    pub(super) fn nodes(&self) -> Result<Vec<(Destination, NodeFacts)>, Fault> {
        Ok(self.numbered_nodes()?.into_values().map(|node| (node.destination, node.facts)).collect())
    }

    /// The rows of one destination.
    pub(super) fn rows(&self, destination: &Destination) -> Result<Vec<OutboxRow>, Fault> {
        let number =
            self.0.open_table(NUMBERS)?.get(destination_key(destination)?.as_str())?.map(|number| number.value());
        let Some(number) = number else { return Ok(Vec::new()) };
        let row = |(place, record): (Place, Record)| record.into_row(place, destination.clone());
        self.records((number, 0)..=(number, u64::MAX))?.map(|read| read.map(row)).collect()
    }

    /// The first rows after a place, by destination and sequence.
    pub(super) fn rows_after(&self, place: Option<Place>, limit: usize) -> Result<Vec<OutboxRow>, Fault> {
        let first = place.map_or(Bound::Unbounded, |place| Bound::Excluded((place.node, place.sequence)));
        let nodes = self.0.open_table(NODES)?;
        let (mut rows, mut last) = (Vec::new(), None);
        for read in self.records((first, Bound::Unbounded))?.take(limit) {
            let (place, record) = read?;
            let known = last.take().filter(|(number, _)| *number == place.node);
            let (number, destination) = match known {
                Some(known) => known,
                None => (place.node, node(&nodes, place)?.destination),
            };
            rows.push(record.into_row(place, destination.clone()));
            last = Some((number, destination));
        }
        Ok(rows)
    }

    /// A revision of an entry that a row refers to.
    pub(super) fn edition(&self, key: &EntryKey, revision: u32) -> Result<Option<Edition>, Fault> {
        let entry = self.0.open_table(ENTRIES)?.get((&key.0, revision))?;
        entry.map(|entry| from_json(ENTRIES, entry.value().1)).transpose()
    }

    /// The ledger that these rows make.
    pub(super) fn ledger(&self) -> Result<Ledger, Fault> {
        let mut ledger = Ledger::default();
        ledger.sequence = self.number("sequence")?;
        let mut nodes = self.numbered_nodes()?;
        for read in self.records(..)? {
            let (place, record) = read?;
            if let Some(node) = nodes.remove(&place.node) {
                ledger.learn(place.node, node);
            }
            ledger.put(place, Some(&record));
        }
        Ok(ledger)
    }

    /// Reads everything, and sees whether each row has what it refers to.
    pub(super) fn check(&self) -> Result<(), Fault> {
        for (id, _) in self.feeds_after(None, usize::MAX)? {
            self.seen(&id)?;
        }
        let nodes = self.numbered_nodes()?;
        let mut held: BTreeMap<([u8; 10], u32), u32> = BTreeMap::new();
        for read in self.records(..)? {
            let (place, record) = read?;
            if !nodes.contains_key(&place.node) {
                return Err(Fault::damaged(format!("row {place} goes nowhere")));
            }
            *held.entry((record.key.0, record.revision)).or_default() += 1;
        }
        for entry in self.0.open_table(ENTRIES)?.iter()? {
            let (key, entry) = entry?;
            let ((key, revision), (rows, json)) = (key.value(), entry.value());
            let _: Edition = from_json(ENTRIES, json)?;
            if held.remove(&(*key, revision)) != Some(rows) {
                return Err(Fault::damaged(format!("revision {revision} of {:?} is miscounted", EntryKey(*key))));
            }
        }
        match held.first_key_value() {
            Some((&(key, revision), _)) => {
                Err(Fault::damaged(format!("revision {revision} of {:?} is missing", EntryKey(key))))
            }
            None => Ok(()),
        }
    }

    fn numbered_nodes(&self) -> Result<BTreeMap<u32, Node>, Fault> {
        let table = self.0.open_table(NODES)?;
        let rows = table.iter()?;
        rows.map(|row| {
            row.map_err(Fault::from).and_then(|(number, row)| Ok((number.value(), from_json(NODES, row.value())?)))
        })
        .collect()
    }

    /// Outbox rows, one after the other: there may be very many.
    fn records<R: RangeBounds<(u32, u64)>>(
        &self,
        places: R,
    ) -> Result<impl Iterator<Item = Result<(Place, Record), Fault>> + use<R>, Fault> {
        let rows = self.0.open_table(OUTBOX)?.range(places)?;
        Ok(rows.map(|row| row.map_err(Fault::from).and_then(|(key, row)| outbox_row(key.value(), row.value()))))
    }
}

fn node(nodes: &impl ReadableTable<u32, &'static [u8]>, place: Place) -> Result<Node, Fault> {
    let node = nodes.get(place.node)?.ok_or_else(|| Fault::damaged(format!("row {place} goes nowhere")))?;
    from_json(NODES, node.value())
}
