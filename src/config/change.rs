//! Changes of feeds.d on the disk: a feed more or less. A file is replaced as a whole, or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use crate::feed::FeedId;

use super::edit::{self, Cut};
use super::{Config, find};

/// Why a feed was not taken out.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// No file has it.
    #[error("no file of feeds.d has the feed `{0}`")]
    Unknown(FeedId),
    /// It is written in a way that leaves no line to cut out.
    #[error("the feed `{id}` in {} is so written that it must be taken out by hand", path.display())]
    ByHand {
        /// The feed.
        id: FeedId,
        /// Its file.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file, or its folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Config {
    /// The files that a configuration is read from: the main one, and those in feeds.d as far as they can be listed.
    pub fn files(main: &Path) -> Vec<PathBuf> {
        let feeds = find::feed_files(main).unwrap_or_default();
        std::iter::once(main.to_owned()).chain(feeds).collect()
    }

    /// The folder of feeds.
    pub fn feeds_folder(&self) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join("feeds.d")
    }

    /// Writes a feed's table into `feeds.d/ID.toml`, at the end when that file is there. Nothing is checked.
    pub fn add_feed(&self, id: &FeedId, table: &str) -> io::Result<PathBuf> {
        fs::create_dir_all(self.feeds_folder())?;
        let path = self.feeds_folder().join(format!("{id}.toml"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => file.write_all(table.as_bytes()).and_then(|()| file.sync_all())?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let before = fs::read_to_string(&path)?;
                let gap = if before.is_empty() || before.ends_with("\n\n") { "" } else { "\n" };
                let end = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
                replace(&path, &format!("{before}{end}{gap}{table}"))?;
            }
            Err(error) => return Err(error),
        }
        Ok(path)
    }

    /// Writes a new file of feeds, under this name or the next that is free. Nothing is checked.
    pub fn add_file(&self, stem: &str, text: &str) -> io::Result<PathBuf> {
        fs::create_dir_all(self.feeds_folder())?;
        let mut number = 1;
        loop {
            let name = if number == 1 { format!("{stem}.toml") } else { format!("{stem}-{number}.toml") };
            let path = self.feeds_folder().join(name);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(mut file) => return file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map(|()| path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes a feed out of its file, and removes the file when nothing is left of it. Every other byte stays.
    pub fn remove_feed(&self, id: &FeedId) -> Result<PathBuf, RemoveError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| RemoveError::Io { path, source }
        };
        let folder = self.feeds_folder();
        let files = find::feed_files(&self.path).map_err(|error| at(&folder)(io::Error::other(error.to_string())))?;
        for path in files {
            let before = fs::read_to_string(&path).map_err(at(&path))?;
            let cut = if find::is_opml(&path) { edit::outline(&before, id) } else { edit::table(&before, id) };
            match cut {
                Cut::Absent => continue,
                Cut::ByHand => return Err(RemoveError::ByHand { id: id.clone(), path }),
                Cut::Left(left) if left.trim().is_empty() => fs::remove_file(&path).map_err(at(&path))?,
                Cut::Left(left) => replace(&path, &left).map_err(at(&path))?,
            }
            return Ok(path);
        }
        Err(RemoveError::Unknown(id.clone()))
    }
}

/// Puts another text in place of a file's, with its permissions; whoever reads meanwhile sees one or the other.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    // What is a link stays one.
    let path = fs::canonicalize(path)?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    let draft = path.with_file_name(name);
    let write = || {
        let mut file = fs::File::create(&draft)?;
        let former = fs::metadata(&path)?;
        file.set_permissions(former.permissions())?;
        // Root edits a file that the gateway has to read: it stays the group's that may. Nobody else can give a file away.
        let _ = fchown(&file, Some(former.uid()), Some(former.gid()));
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&draft)))
}
