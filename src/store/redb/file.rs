//! The state file and the marker `STATE.id` beside it, which remembers that there was a state.
//!
//! A state that existed is never silently made again: that would forget every entry that was published.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError, ReadOnlyDatabase, StorageError};

use crate::store::StoreError;

use super::fault::{Fault, contain};

/// Memory for pages of the file; the system's own cache does the rest.
const CACHE_BYTES: usize = 12 << 20;

/// How every database is opened.
pub(super) fn builder() -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

/// Whether there is a state; [`StoreError::Lost`] when there was one and no usable file is there.
pub(super) fn exists(path: &Path) -> Result<bool, StoreError> {
    match fs::metadata(path) {
        Ok(file) if file.len() == 0 => Err(lost(path, "the file is empty")),
        Ok(_) => Ok(true),
        Err(e) if e.kind() == ErrorKind::NotFound => match marker(path).try_exists() {
            Ok(false) => Ok(false),
            Ok(true) => {
                Err(lost(path, &format!("the file is missing, but {} says that it existed", marker(path).display())))
            }
            Err(e) => Err(unreadable(path, &e)),
        },
        Err(e) => Err(unreadable(path, &e)),
    }
}

/// Opens a file that exists.
pub(super) fn open(path: &Path) -> Result<Database, StoreError> {
    open_with(path, &builder())
}

/// Opens a file that exists and reads all of it: damage that is only found when somebody comes by shows.
pub(super) fn open_checked(path: &Path) -> Result<Database, StoreError> {
    open_with(path, builder().set_check_integrity_on_open(true))
}

fn open_with(path: &Path, builder: &Builder) -> Result<Database, StoreError> {
    let opened = contain(|| Ok(builder.open(path))).map_err(|fault| fault.at(path))?;
    opened.map_err(|error| unopened(path, error))
}

fn unopened(path: &Path, error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => held(path),
        DatabaseError::Storage(StorageError::Io(e)) => match e.kind() {
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => lost(path, &e.to_string()),
            _ => unreadable(path, &e),
        },
        error => lost(path, &error.to_string()),
    }
}

/// Opens a file that exists and was closed, without writing a byte to it.
pub(super) fn open_read_only(path: &Path) -> Result<ReadOnlyDatabase, Fault> {
    contain(|| Ok(builder().open_read_only(path).map_err(redb::Error::from)?))
}

/// Opens a file that exists without writing a byte to it; `None` when it was not closed.
pub(super) fn open_untouched(path: &Path) -> Result<Option<ReadOnlyDatabase>, StoreError> {
    let opened = contain(|| Ok(builder().open_read_only(path))).map_err(|fault| fault.at(path))?;
    match opened {
        Err(DatabaseError::RepairAborted) => Ok(None),
        opened => opened.map(Some).map_err(|error| unopened(path, error)),
    }
}

/// Makes a new database under another name, in which [`publish`] finds it; readable by its owner only.
pub(super) fn create(path: &Path) -> Result<Database, StoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or(Ok(()), fs::create_dir_all).map_err(|e| uncreatable(path, &e))?;
    let database = create_draft(path).or_else(|error| match error {
        DatabaseError::Storage(StorageError::Io(e)) if e.kind() == ErrorKind::InvalidData => {
            // Somebody was killed in the middle of this.
            fs::remove_file(draft(path))?;
            create_draft(path)
        }
        error => Err(error),
    });
    database.map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => held(path),
        error => uncreatable(path, &error),
    })
}

fn create_draft(path: &Path) -> Result<Database, DatabaseError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(draft(path))?;
    builder().create_with_backend(FileBackend::new(file)?)
}

/// Gives a new database, in which the first commit is, its name.
pub(super) fn publish(path: &Path) -> Result<(), StoreError> {
    fs::rename(draft(path), path).and_then(|()| sync_folder(path)).map_err(|e| uncreatable(path, &e))
}

/// Makes sure that the marker is there.
pub(super) fn mark(path: &Path, id: &str) -> Result<(), StoreError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(marker(path))?;
        writeln!(file, "{id}")?;
        file.sync_all()?;
        sync_folder(path)
    };
    match write() {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(uncreatable(path, &e)),
        _ => Ok(()),
    }
}

/// The id that the marker remembers.
pub(super) fn marked_id(path: &Path) -> Option<String> {
    let id = fs::read_to_string(marker(path)).ok()?.trim().to_owned();
    (id.len() == 8 && id.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))).then_some(id)
}

/// Puts what is left of a lost state aside, as `STATE.lost`.
pub(super) fn set_aside(path: &Path) -> Result<(), StoreError> {
    match fs::rename(path, beside(path, ".lost")) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(uncreatable(path, &e)),
        _ => Ok(()),
    }
}

fn marker(path: &Path) -> PathBuf {
    beside(path, ".id")
}

fn draft(path: &Path) -> PathBuf {
    beside(path, ".new")
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A name is durable only when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

fn lost(path: &Path, why: &str) -> StoreError {
    StoreError::Lost { path: path.to_owned(), why: why.to_owned() }
}

fn held(path: &Path) -> StoreError {
    StoreError::Held { path: path.to_owned() }
}

fn unreadable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Io { path: path.to_owned(), why: error.to_string() }
}

fn uncreatable(path: &Path, error: &impl ToString) -> StoreError {
    StoreError::Create { path: path.to_owned(), why: error.to_string() }
}
