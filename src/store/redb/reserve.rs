//! Room on the disk that is kept for the day when nothing else fits, so that what became of deliveries can still be written down.
//!
//! While it is given up nothing new is taken in: acknowledgements alone may use it.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::statvfs;

use super::fault::Fault;

/// How much: some hundred deliveries are settled in one transaction at most, each of which writes a few pages anew.
const BYTES: u64 = 4 << 20;
/// It is taken only where so much more is left, lest the next poll needs it again.
const MARGIN_BYTES: u64 = 2 << 20;

/// The file `STATE.reserve` beside a state.
pub(super) struct Reserve {
    file: PathBuf,
    is_given_up: Mutex<bool>,
}

impl Reserve {
    pub(super) fn beside(state: &Path) -> Self {
        let mut file = state.as_os_str().to_owned();
        file.push(".reserve");
        Self { file: file.into(), is_given_up: Mutex::new(false) }
    }

    /// Whether there would be room for what is new, too.
    pub(super) fn is_given_up(&self) -> bool {
        *self.lock()
    }

    /// Takes the room unless it is taken; an error says that too little is left. Where there can be no such file, nothing is
    /// kept, and nothing refused. Blocks.
    pub(super) fn take(&self) -> Result<(), Fault> {
        let mut is_given_up = self.lock();
        let taken = self.is_there() || self.has_room() && self.write().err().is_none_or(|error| !is_full(&error));
        *is_given_up = !taken;
        if taken { Ok(()) } else { Err(Fault::Full("the disk is full".to_owned())) }
    }

    /// Gives the room to what must be written; whether there was any.
    pub(super) fn give_up(&self) -> bool {
        let mut is_given_up = self.lock();
        let is_freed = fs::remove_file(&self.file).is_ok();
        *is_given_up |= is_freed;
        is_freed
    }

    fn is_there(&self) -> bool {
        fs::metadata(&self.file).is_ok_and(|file| file.len() == BYTES)
    }

    fn has_room(&self) -> bool {
        let folder = self.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let left = statvfs(folder).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        left.is_ok_and(|left| left >= BYTES + MARGIN_BYTES)
    }

    /// Bytes that no file system finds a shorter word for.
    fn write(&self) -> io::Result<()> {
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.file)?;
            let mut block = [0; 64 << 10];
            for _ in 0..BYTES / block.len() as u64 {
                fastrand::fill(&mut block);
                file.write_all(&block)?;
            }
            file.sync_all()
        };
        write().inspect_err(|_| drop(fs::remove_file(&self.file)))
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_given_up.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the disk, or what this user may have of it, is full.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}
