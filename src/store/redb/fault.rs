//! What goes wrong inside the store, before it is known whose file it is about.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::store::StoreError;

use super::reserve::is_full;

/// An error of one command or one transaction; a transaction's is told to every command in it.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// The command came too late; it wrote nothing.
    Stale(String),
    /// Reading or writing failed; the database must be opened again.
    Io(String),
    /// The same because the disk is full.
    Full(String),
    /// What was read makes no sense.
    Damaged(String),
}

impl Fault {
    pub(super) fn damaged(why: impl Into<String>) -> Self {
        Self::Damaged(why.into())
    }

    /// The error as callers of the store see it.
    pub(super) fn at(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        match self {
            Self::Stale(what) => StoreError::Stale { what },
            Self::Io(why) | Self::Full(why) => StoreError::Io { path, why },
            Self::Damaged(why) => StoreError::Lost { path, why },
        }
    }
}

/// Runs what looks into the database: redb panics when a page of the file makes no sense, and that is the file's fault.
pub(super) fn contain<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    // What a panic leaves behind is not used again: the transaction is gone, and the memory is read anew.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(Fault::damaged(format!("a page of it makes no sense: {}", text.unwrap_or("redb panicked"))))
    })
}

impl From<redb::Error> for Fault {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Corrupted(why) => Self::Damaged(why),
            redb::Error::TableDoesNotExist(table) => Self::Damaged(format!("there is no table {table}")),
            redb::Error::Io(error) if is_full(&error) => Self::Full(error.to_string()),
            error => Self::Io(error.to_string()),
        }
    }
}

macro_rules! from_redb {
    ($($error:ty),*) => {$(
        impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                redb::Error::from(error).into()
            }
        }
    )*};
}
from_redb!(redb::StorageError, redb::TableError, redb::TransactionError, redb::CommitError);
