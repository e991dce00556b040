//! A disk for tests: it remembers every write, fails when it is told to, and shows what a power cut leaves behind.

use std::io::{Error, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{Database, StorageBackend};

/// What a database did to its disk.
#[derive(Debug, Clone)]
enum Step {
    Write(usize, Vec<u8>),
    Resize(usize),
    Sync,
}

/// What of the writes since the last sync a power cut leaves on the disk.
#[derive(Debug, Clone, Copy)]
pub(super) enum Left {
    Nothing,
    Everything,
    /// Some, by a lot drawn with this seed.
    Some(u64),
}

/// The disk; clones are the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    /// What was there before the first step.
    before: Vec<u8>,
    steps: Vec<Step>,
    /// Writes and syncs that work before one fails.
    works_for: Option<usize>,
    /// Whether all others after that one fail too.
    is_broken: bool,
    panics: bool,
}

impl Disk {
    /// A disk that holds these bytes.
    pub(super) fn holding(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { before: bytes.clone(), bytes, ..State::default() })))
    }

    /// The database on it.
    pub(super) fn database(&self) -> Result<Database, redb::DatabaseError> {
        super::file::builder().create_with_backend(self.clone())
    }

    /// How many writes, syncs and changes of size there were.
    pub(super) fn steps(&self) -> usize {
        self.state().steps.len()
    }

    /// Whether a sync is the next thing that happened.
    pub(super) fn is_before_sync(&self, step: usize) -> bool {
        matches!(self.state().steps.get(step), Some(Step::Sync))
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.state().bytes.clone()
    }

    /// Lets so many writes and syncs work, and fail the next one; then all others too, if it breaks for good.
    pub(super) fn fail_after(&self, works_for: usize, is_broken: bool) {
        let mut state = self.state();
        state.works_for = Some(works_for);
        state.is_broken = is_broken;
    }

    /// Whether the failure came, after [`Disk::fail_after`].
    pub(super) fn has_failed(&self) -> bool {
        self.state().works_for.is_none_or(|works_for| works_for == 0)
    }

    /// Makes every write panic from now on, as redb does over a page that makes no sense.
    pub(super) fn panic_at_writes(&self) {
        self.state().panics = true;
    }

    /// Turns all but the head into nonsense.
    pub(super) fn spoil(&self) {
        self.state().bytes[4096..].fill(0x5a);
    }

    pub(super) fn repair(&self) {
        self.state().works_for = None;
    }

    /// What is found after a power cut at a step.
    pub(super) fn after_cut(&self, step: usize, left: Left) -> Self {
        let state = self.state();
        let durable = state.steps[..step].iter().rposition(|step| matches!(step, Step::Sync)).unwrap_or(0);
        let mut bytes = state.before.clone();
        let mut lots = fastrand::Rng::with_seed(if let Left::Some(seed) = left { seed } else { 0 });
        for (number, step) in state.steps[..step].iter().enumerate() {
            match step {
                Step::Write(offset, data) => {
                    let is_left = number < durable
                        || match left {
                            Left::Nothing => false,
                            Left::Everything => true,
                            Left::Some(_) => lots.bool(),
                        };
                    if is_left {
                        bytes.resize(bytes.len().max(offset + data.len()), 0);
                        bytes[*offset..offset + data.len()].copy_from_slice(data);
                    }
                }
                Step::Resize(length) => bytes.resize(*length, 0),
                Step::Sync => {}
            }
        }
        Self::holding(bytes)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn step(&mut self, step: Step) -> Result<(), Error> {
        assert!(!self.panics, "a page makes no sense");
        match &mut self.works_for {
            Some(0) if self.is_broken => return Err(Error::from(ErrorKind::StorageFull)),
            Some(0) => {}
            Some(1) => {
                self.works_for = Some(0);
                return Err(Error::from(ErrorKind::StorageFull));
            }
            Some(works_for) => *works_for -= 1,
            None => {}
        }
        match &step {
            Step::Write(offset, data) => self.bytes[*offset..offset + data.len()].copy_from_slice(data),
            Step::Resize(length) => self.bytes.resize(*length, 0),
            Step::Sync => {}
        }
        self.steps.push(step);
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, Error> {
        Ok(self.state().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let offset = usize::try_from(offset).map_err(Error::other)?;
        let state = self.state();
        let bytes = state.bytes.get(offset..offset + out.len()).ok_or(ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, length: u64) -> Result<(), Error> {
        self.state().step(Step::Resize(usize::try_from(length).map_err(Error::other)?))
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.state().step(Step::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.state().step(Step::Write(usize::try_from(offset).map_err(Error::other)?, data.to_vec()))
    }
}
