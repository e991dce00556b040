//! The tables of the state file, and typed access to them inside one write transaction.
//!
//! Rows are JSON with defaults, so that an older row reads in a newer program; numbers and keys are redb's own types.

use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::feed::{Destination, Edition, EntryKey, FeedId};
use crate::store::{FeedRow, HostRow, Meta, NodeFacts, Quota, Seen};

use super::fault::Fault;
use super::feeds::Brief;
use super::record::{Place, Record};

/// Newest format that this program knows; raised when an older program must not write any more.
pub(super) const FORMAT: u64 = 2;

/// Small facts by name: `format`, `generation`, `sequence` as decimal numbers, [`REBUILT`], `facts` as JSON
/// [`crate::store::Meta`].
pub(super) const META: TableDefinition<'_, &str, &str> = TableDefinition::new("meta");
/// Feed id → JSON [`FeedRow`].
pub(super) const FEEDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("feeds");
/// Feed id → packed [`Seen`].
pub(super) const SEEN: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("seen");
/// `name:port` → JSON [`HostRow`].
pub(super) const HOSTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("hosts");
/// Destination number → JSON [`Node`].
pub(super) const NODES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("nodes");
/// Destination as JSON → its number.
pub(super) const NUMBERS: TableDefinition<'_, &str, u32> = TableDefinition::new("numbers");
/// Entry key and revision → how many rows refer to it, and the JSON [`Edition`].
pub(super) const ENTRIES: TableDefinition<'_, EditionKey, HeldJson> = TableDefinition::new("entries");
/// Destination number and sequence → JSON [`Record`].
pub(super) const OUTBOX: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("outbox");
/// Destination number, item id and sequence of every outbox row.
pub(super) const ITEMS: TableDefinition<'_, (u32, &str, u64), ()> = TableDefinition::new("items");
/// Destination number and dedup hash → day of the last claim, and key id of the feed that owns the entry there.
pub(super) const OWNERS: TableDefinition<'_, (u32, &[u8; 8]), (u32, &str)> = TableDefinition::new("owners");

/// Template, and the destination as JSON that it has made.
pub(super) const MADE: TableDefinition<'_, (&str, &str), ()> = TableDefinition::new("made");

/// Entry key and revision.
type EditionKey = (&'static [u8; 10], u32);
/// How many rows refer to it, and its JSON.
type HeldJson = (u32, &'static [u8]);

/// Name of the fact that the state stands in for one that was lost; gone when the configuration's feeds are known.
pub(super) const REBUILT: &str = "rebuilt";

/// A destination as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Node {
    /// The destination.
    pub(super) destination: Destination,
    /// What is known of it.
    #[serde(default)]
    pub(super) facts: NodeFacts,
}

/// Every table, open in one write transaction.
pub(super) struct Tables<'t> {
    meta: Table<'t, &'static str, &'static str>,
    feeds: Table<'t, &'static str, &'static [u8]>,
    seen: Table<'t, &'static str, &'static [u8]>,
    hosts: Table<'t, &'static str, &'static [u8]>,
    nodes: Table<'t, u32, &'static [u8]>,
    numbers: Table<'t, &'static str, u32>,
    entries: Table<'t, EditionKey, HeldJson>,
    outbox: Table<'t, (u32, u64), &'static [u8]>,
    items: Table<'t, (u32, &'static str, u64), ()>,
    owners: Table<'t, (u32, &'static [u8; 8]), (u32, &'static str)>,
    made: Table<'t, (&'static str, &'static str), ()>,
}

impl<'t> Tables<'t> {
    /// Opens every table, and makes those that are missing.
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, Fault> {
        Ok(Self {
            meta: transaction.open_table(META)?,
            feeds: transaction.open_table(FEEDS)?,
            seen: transaction.open_table(SEEN)?,
            hosts: transaction.open_table(HOSTS)?,
            nodes: transaction.open_table(NODES)?,
            numbers: transaction.open_table(NUMBERS)?,
            entries: transaction.open_table(ENTRIES)?,
            outbox: transaction.open_table(OUTBOX)?,
            items: transaction.open_table(ITEMS)?,
            owners: transaction.open_table(OWNERS)?,
            made: transaction.open_table(MADE)?,
        })
    }

    pub(super) fn set_fact(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        self.meta.insert(name, value)?;
        Ok(())
    }

    /// Forgets a small fact; whether there was one.
    pub(super) fn take_fact(&mut self, name: &str) -> Result<bool, Fault> {
        Ok(self.meta.remove(name)?.is_some())
    }

    pub(super) fn set_meta(&mut self, meta: &Meta) -> Result<(), Fault> {
        self.set_fact("facts", &serde_json::to_string(meta).map_err(|e| Fault::damaged(e.to_string()))?)
    }

    /// A feed's row, or a part of it.
    pub(super) fn feed<T: DeserializeOwned>(&self, id: &FeedId) -> Result<Option<T>, Fault> {
        read(self.feeds.get(id.as_str())?.map(|row| from_json(FEEDS, row.value())))
    }

    pub(super) fn put_feed(&mut self, id: &FeedId, row: &FeedRow) -> Result<(), Fault> {
        self.feeds.insert(id.as_str(), to_json(row)?.as_slice())?;
        Ok(())
    }

    /// Tells of every feed, by id, what [`super::feeds::sync`] needs.
    pub(super) fn each_feed(&self, mut tell: impl FnMut(&str, Brief) -> Result<(), Fault>) -> Result<(), Fault> {
        for row in self.feeds.iter()? {
            let (id, row) = row?;
            tell(id.value(), from_json(FEEDS, row.value())?)?;
        }
        Ok(())
    }

    pub(super) fn put_seen(&mut self, id: &FeedId, seen: &Seen) -> Result<(), Fault> {
        self.seen.insert(id.as_str(), seen.to_bytes().as_slice())?;
        Ok(())
    }

    /// Forgets a feed's row and seen-set.
    pub(super) fn remove_feed(&mut self, id: &FeedId) -> Result<(), Fault> {
        self.feeds.remove(id.as_str())?;
        self.seen.remove(id.as_str())?;
        Ok(())
    }

    /// Gives a feed's seen-set to another id.
    pub(super) fn move_seen(&mut self, old: &FeedId, new: &FeedId) -> Result<(), Fault> {
        let bytes = self.seen.remove(old.as_str())?.map(|bytes| bytes.value().to_vec());
        if let Some(bytes) = bytes {
            self.seen.insert(new.as_str(), bytes.as_slice())?;
        }
        Ok(())
    }

    pub(super) fn put_host(&mut self, name: &str, row: Option<&HostRow>) -> Result<(), Fault> {
        match row {
            Some(row) => self.hosts.insert(name, to_json(row)?.as_slice())?,
            None => self.hosts.remove(name)?,
        };
        Ok(())
    }

    pub(super) fn node(&self, number: u32) -> Result<Node, Fault> {
        let node = self.nodes.get(number)?.ok_or_else(|| Fault::damaged(format!("destination {number} is missing")))?;
        from_json(NODES, node.value())
    }

    pub(super) fn put_node(&mut self, number: u32, node: &Node) -> Result<(), Fault> {
        self.nodes.insert(number, to_json(node)?.as_slice())?;
        Ok(())
    }

    pub(super) fn known_number(&self, destination: &Destination) -> Result<Option<u32>, Fault> {
        Ok(self.numbers.get(destination_key(destination)?.as_str())?.map(|number| number.value()))
    }

    /// The number of a destination; the first use gives it one.
    pub(super) fn number(&mut self, destination: &Destination) -> Result<u32, Fault> {
        if let Some(number) = self.known_number(destination)? {
            return Ok(number);
        }
        let name = destination_key(destination)?;
        let number = self.nodes.last()?.map_or(0, |(last, _)| last.value() + 1);
        self.numbers.insert(name.as_str(), number)?;
        self.put_node(number, &Node { destination: destination.clone(), facts: NodeFacts::default() })?;
        Ok(number)
    }

    /// Changes the nodes that `change` says yes to. Reads all of them.
    pub(super) fn change_nodes(&mut self, change: impl Fn(&mut Node) -> bool) -> Result<Vec<(u32, Node)>, Fault> {
        let mut changed = Vec::new();
        for row in self.nodes.iter()? {
            let (number, node) = row?;
            let mut node = from_json(NODES, node.value())?;
            if change(&mut node) {
                changed.push((number.value(), node));
            }
        }
        for (number, node) in &changed {
            self.put_node(*number, node)?;
        }
        Ok(changed)
    }

    pub(super) fn record(&self, place: Place) -> Result<Option<Record>, Fault> {
        read(self.outbox.get((place.node, place.sequence))?.map(|row| from_json(OUTBOX, row.value())))
    }

    /// Writes an outbox row. What stands at a place is always of the same item.
    pub(super) fn put_record(&mut self, place: Place, record: &Record) -> Result<(), Fault> {
        if self.outbox.insert((place.node, place.sequence), to_json(record)?.as_slice())?.is_none() {
            self.items.insert((place.node, record.item.0.as_str(), place.sequence), ())?;
        }
        Ok(())
    }

    pub(super) fn remove_record(&mut self, place: Place, record: &Record) -> Result<(), Fault> {
        self.outbox.remove((place.node, place.sequence))?;
        self.items.remove((place.node, record.item.0.as_str(), place.sequence))?;
        Ok(())
    }

    /// The rows of one item at a destination, by sequence.
    pub(super) fn rows_of_item(&self, node: u32, item: &str) -> Result<Vec<(Place, Record)>, Fault> {
        let mut rows = Vec::new();
        for key in self.items.range((node, item, 0)..=(node, item, u64::MAX))? {
            let place = Place { node, sequence: key?.0.value().2 };
            let record = self.record(place)?.ok_or_else(|| Fault::damaged(format!("row {place} is missing")))?;
            rows.push((place, record));
        }
        Ok(rows)
    }

    /// Every outbox row. Reads all of them.
    pub(super) fn records(&self) -> Result<Vec<(Place, Record)>, Fault> {
        self.outbox
            .iter()?
            .map(|row| row.map_err(Fault::from).and_then(|(key, row)| outbox_row(key.value(), row.value())))
            .collect()
    }

    pub(super) fn edition(&self, key: &EntryKey, revision: u32) -> Result<Edition, Fault> {
        let missing = || Fault::damaged(format!("revision {revision} of {key:?} is missing"));
        from_json(ENTRIES, self.entries.get((&key.0, revision))?.ok_or_else(missing)?.value().1)
    }

    /// Notes `rows` more rows that refer to an edition. It is stored once: what other rows refer to already stays as it is,
    /// for the edition of a retraction may say nothing.
    pub(super) fn hold(&mut self, edition: &Edition, json: &[u8], rows: u32) -> Result<(), Fault> {
        let key = (&edition.key.0, edition.revision);
        let held = self.entries.get(key)?.map(|entry| (entry.value().0, entry.value().1.to_vec()));
        match held {
            Some((held, kept)) => self.entries.insert(key, (held + rows, kept.as_slice()))?,
            None => self.entries.insert(key, (rows, json))?,
        };
        Ok(())
    }

    /// Notes that one row less refers to an edition; it is gone with the last one.
    pub(super) fn release(&mut self, key: &EntryKey, revision: u32) -> Result<(), Fault> {
        let Some((rows, json)) = self.entries.remove((&key.0, revision))?.map(|entry| {
            let (rows, json) = entry.value();
            (rows, if rows > 1 { json.to_vec() } else { Vec::new() })
        }) else {
            return Ok(());
        };
        if rows > 1 {
            self.entries.insert((&key.0, revision), (rows - 1, json.as_slice()))?;
        }
        Ok(())
    }

    /// Claims an entry at a destination for a feed; whether the feed owns it now.
    pub(super) fn own(&mut self, node: u32, hash: &[u8; 8], key_id: &str, day: u32) -> Result<bool, Fault> {
        let is_ours = self.owners.get((node, hash))?.is_none_or(|owner| owner.value().1 == key_id);
        if is_ours {
            self.owners.insert((node, hash), (day, key_id))?;
        }
        Ok(is_ours)
    }

    /// Whether a template has made this destination before, or may make one more; then it has.
    pub(super) fn may_make(&mut self, quota: &Quota, destination: &Destination) -> Result<bool, Fault> {
        let (template, name) = (quota.template.as_str(), destination_key(destination)?);
        if self.made.get((template, name.as_str()))?.is_some() {
            return Ok(true);
        }
        let is_of_it = |made: &Result<_, redb::StorageError>| match made {
            Ok((key, _)) => redb::AccessGuard::<(&str, &str)>::value(key).0 == template,
            Err(_) => true,
        };
        let made = self.made.range((template, "")..)?.take_while(is_of_it).take(quota.limit);
        let count = made.collect::<Result<Vec<_>, _>>()?.len();
        if count < quota.limit {
            self.made.insert((template, name.as_str()), ())?;
        }
        Ok(count < quota.limit)
    }

    /// Forgets claims that were made last before `day`.
    pub(super) fn forget_owners(&mut self, day: u32) -> Result<(), Fault> {
        Ok(self.owners.retain(|_, (claimed, _)| claimed >= day)?)
    }
}

/// A destination as the key of [`NUMBERS`].
pub(super) fn destination_key(destination: &Destination) -> Result<String, Fault> {
    serde_json::to_string(destination).map_err(|e| Fault::damaged(e.to_string()))
}

/// A feed's row, or a part of it, from its stored key and value.
pub(super) fn feed_row<T: DeserializeOwned>(id: &str, json: &[u8]) -> Result<(FeedId, T), Fault> {
    let id = FeedId::new(id).map_err(|e| Fault::damaged(e.to_string()))?;
    Ok((id, from_json(FEEDS, json)?))
}

/// An outbox row from its stored key and value.
pub(super) fn outbox_row((node, sequence): (u32, u64), json: &[u8]) -> Result<(Place, Record), Fault> {
    Ok((Place { node, sequence }, from_json(OUTBOX, json)?))
}

/// A row as it is stored.
pub(super) fn to_json(row: &impl Serialize) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(row).map_err(|e| Fault::damaged(e.to_string()))
}

/// A row as it was stored.
pub(super) fn from_json<T: DeserializeOwned>(table: impl redb::TableHandle, json: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(json).map_err(|e| Fault::damaged(format!("a row of {} does not read: {e}", table.name())))
}

fn read<T>(row: Option<Result<T, Fault>>) -> Result<Option<T>, Fault> {
    row.transpose()
}
