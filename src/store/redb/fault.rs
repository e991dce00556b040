//! What goes wrong inside the store, before it is known whose file it is about.

use std::path::Path;

use crate::store::StoreError;

/// An error of one command or one transaction; a transaction's is told to every command in it.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// The command came too late; it wrote nothing.
    Stale(String),
    /// Reading or writing failed; the database must be opened again.
    Io(String),
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
            Self::Io(why) => StoreError::Io { path, why },
            Self::Damaged(why) => StoreError::Lost { path, why },
        }
    }
}

impl From<redb::Error> for Fault {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Corrupted(why) => Self::Damaged(why),
            redb::Error::TableDoesNotExist(table) => Self::Damaged(format!("there is no table {table}")),
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
