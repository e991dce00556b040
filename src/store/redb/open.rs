//! Opening and creating a state: which file, whether this program may write it, and whose it is.

use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use redb::backends::InMemoryBackend;
use redb::{Database, ReadableDatabase};
use tokio::sync::watch;

use crate::store::{Meta, StoreError};

use super::desk::Desk;
use super::fault::{Fault, contain};
use super::ledger::Board;
use super::polls::Polls;
use super::reserve::Reserve;
use super::tables::{FORMAT, REBUILT, Tables};
use super::view::View;
use super::writer::Writer;
use super::{RedbStore, Reopen, Shared, file};

/// What [`RedbStore::examine`] finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Examined {
    /// All of it fits together.
    Whole {
        /// How many feeds it holds.
        feeds: usize,
    },
    /// The process that had it was killed: the next one repairs the file, and until then it cannot be read.
    NotClosed,
}

impl RedbStore {
    /// Opens the state, and creates one where there never was any.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let store = match Self::open_existing(path)? {
            Some(store) => store,
            None => Self::create(path, false)?,
        };
        // Without it polls are refused until there is room.
        let _ = store.shared.reserve.take();
        Ok(store)
    }

    /// Opens the state if there is one, and never creates it.
    pub fn open_existing(path: &Path) -> Result<Option<Self>, StoreError> {
        if !file::exists(path)? {
            return Ok(None);
        }
        look_first(path)?;
        let database = file::open(path)?;
        check_format(&database, path)?;
        Self::start(path, database, None, reopen_file(path))?.marked(path).map(Some)
    }

    /// Reads a state from end to end, if there is one; [`StoreError::Lost`] says what does not fit. Takes as long as reading
    /// the file.
    pub fn check(path: &Path) -> Result<(), StoreError> {
        if !file::exists(path)? {
            return Ok(());
        }
        look_first(path)?;
        let database = file::open_checked(path)?;
        check_format(&database, path)?;
        contain(|| View::new(&database)?.check()).map_err(|fault| fault.at(path))
    }

    /// The same without writing a byte, and without getting in the way of a gateway that holds the state
    /// ([`StoreError::Held`]).
    pub fn examine(path: &Path) -> Result<Option<Examined>, StoreError> {
        if !file::exists(path)? {
            return Ok(None);
        }
        let Some(database) = file::open_untouched(path)? else { return Ok(Some(Examined::NotClosed)) };
        check_format(&database, path)?;
        let look = || {
            let view = View::new(&database)?;
            view.check()?;
            Ok(Examined::Whole { feeds: view.feeds_after(None, usize::MAX)?.len() })
        };
        contain(look).map(Some).map_err(|fault| fault.at(path))
    }

    /// Puts a lost state aside, if anything is left of it, and creates a new one. It keeps the lost one's id, when that is
    /// known: the gateway comes back under the same resource. The feeds that it is told of first are not new
    /// ([`crate::store::FeedRow::rebuilt`]).
    pub fn rebuild(path: &Path) -> Result<Self, StoreError> {
        file::set_aside(path)?;
        Self::create(path, true)
    }

    /// A state that is gone with the process.
    pub fn in_memory() -> Result<Self, StoreError> {
        let path = Path::new("(in memory)");
        let database = file::builder().create_with_backend(InMemoryBackend::new());
        let database = database.map_err(|e| Fault::from(redb::Error::from(e)).at(path))?;
        let reopen = || Err(Fault::Io("a state in memory cannot be opened again".to_owned()));
        Self::start(path, database, Some(Birth { id: new_id(path)?, is_rebuilt: false }), Box::new(reopen))
    }

    fn create(path: &Path, is_rebuilt: bool) -> Result<Self, StoreError> {
        let id = file::marked_id(path).map_or_else(|| new_id(path), Ok)?;
        let database = file::create(path)?;
        let store = Self::start(path, database, Some(Birth { id, is_rebuilt }), reopen_file(path))?;
        file::publish(path)?;
        store.marked(path)
    }

    /// Starts the writer on a database.
    pub(super) fn start(
        path: &Path,
        database: Database,
        birth: Option<Birth>,
        reopen: Reopen,
    ) -> Result<Self, StoreError> {
        let look = || Ok((prepare(&database, birth)?, View::new(&database)?.ledger()?));
        let (generation, mut ledger) = contain(look).map_err(|fault| fault.at(path))?;
        let mut board = Board::default();
        ledger.publish(&mut board);
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            reserve: Reserve::beside(path),
            reopen,
            database: RwLock::new(Some(database)),
            polls: Mutex::new(Polls::new(generation)),
            board: Mutex::new(board),
            counters: Mutex::default(),
            patience: Mutex::default(),
            damage: watch::Sender::new(None),
        });
        let writer = Writer::start(Desk::new(Arc::clone(&shared), ledger));
        let writer = writer.map_err(|e| StoreError::Io { path: path.to_owned(), why: e.to_string() })?;
        Ok(Self { writer, shared })
    }

    fn marked(self, path: &Path) -> Result<Self, StoreError> {
        file::mark(path, &self.read(View::meta)?.id)?;
        Ok(self)
    }
}

/// What a new state is told.
pub(super) struct Birth {
    /// Its id.
    pub(super) id: String,
    /// Whether it stands in for one that was lost.
    pub(super) is_rebuilt: bool,
}

/// Refuses what [`check_format`] does without writing. A file that was not closed can only be opened by repairing it.
fn look_first(path: &Path) -> Result<(), StoreError> {
    file::open_read_only(path).map_or(Ok(()), |database| check_format(&database, path))
}

/// Refuses a file that is of a newer program, or not ours, before anything is written to it.
fn check_format(database: &impl ReadableDatabase, path: &Path) -> Result<(), StoreError> {
    let found = contain(|| View::new(database)?.number("format")).map_err(|fault| fault.at(path))?;
    match found {
        0 => Err(StoreError::Lost { path: path.to_owned(), why: "the file holds no state".to_owned() }),
        found if found > FORMAT => Err(StoreError::Newer { path: path.to_owned(), found, known: FORMAT }),
        _ => Ok(()),
    }
}

/// Makes all tables, raises the generation of leases and returns it.
fn prepare(database: &Database, birth: Option<Birth>) -> Result<u64, Fault> {
    let generation = View::new(database)?.number("generation")? + 1;
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(true);
    let mut tables = Tables::open(&transaction)?;
    tables.set_fact("format", &FORMAT.to_string())?;
    tables.set_fact("generation", &generation.to_string())?;
    if let Some(Birth { id, is_rebuilt }) = birth.filter(|_| generation == 1) {
        tables.set_meta(&Meta { id, ..Meta::default() })?;
        if is_rebuilt {
            tables.set_fact(REBUILT, "1")?;
        }
    }
    drop(tables);
    transaction.commit()?;
    Ok(generation)
}

/// Eight random hex digits.
fn new_id(path: &Path) -> Result<String, StoreError> {
    let number = getrandom::u32().map_err(|e| StoreError::Create { path: path.to_owned(), why: e.to_string() })?;
    Ok(format!("{number:08x}"))
}

fn reopen_file(path: &Path) -> Reopen {
    let path = path.to_owned();
    Box::new(move || {
        file::open(&path).map_err(|error| match error {
            StoreError::Lost { why, .. } => Fault::Damaged(why),
            StoreError::Io { why, .. } => Fault::Io(why),
            error => Fault::Io(error.to_string()),
        })
    })
}
