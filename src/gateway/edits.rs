//! Watches the files of the configuration, when `[reload] watch` says so: after an edit they are read again, as at SIGHUP.
//!
//! Whatever an edit consists of, a rename over the file or a checkout of thousands, it is one reload: the files are looked at
//! when nothing has been done to them for a second.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use crate::config::Config;

/// An edit is over when so long nothing was done.
const QUIET: Duration = Duration::from_secs(1);
/// Where something is done all the time, the files are looked at this often.
const LONGEST: Duration = Duration::from_secs(10);

/// The watch over the files of a configuration; dropping it ends it.
pub(super) struct Watch {
    reload: Arc<Notify>,
    task: Option<JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
    }
}

impl Watch {
    /// Nothing is watched yet; `reload` is notified of each edit.
    pub(super) fn new(reload: Arc<Notify>) -> Self {
        Self { reload, task: None }
    }

    /// Watches or not, as the configuration says.
    pub(super) fn keep_to(&mut self, config: &Config) {
        match (config.is_watched, &self.task) {
            (true, None) => {
                let (reload, path, state) = (self.reload.clone(), config.path.clone(), config.store.path.clone());
                self.task = Some(tokio::spawn(async move {
                    if let Err(error) = watch(path, &state, &reload).await {
                        tracing::warn!(%error, "the files of the configuration cannot be watched");
                    }
                }));
            }
            (false, Some(_)) => self.end(),
            _ => {}
        }
    }

    fn end(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// Never ends but by an error.
async fn watch(path: PathBuf, state: &Path, reload: &Notify) -> Result<(), notify::Error> {
    let touched = Arc::new(Notify::new());
    let state_name = state.file_name().unwrap_or_default().to_owned();
    let touch = touched.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // An error, too, may be an edit that was missed.
        if event.is_ok_and(|event| !is_edit(&event, &state_name)) {
            return;
        }
        touch.notify_one();
    })?;
    let mut known = look(&path).await;
    known.watch(&mut watcher)?;
    loop {
        touched.notified().await;
        let _ = timeout(LONGEST, async { while timeout(QUIET, touched.notified()).await.is_ok() {} }).await;
        let now = look(&path).await;
        // A folder that was replaced is another one.
        now.watch(&mut watcher)?;
        if now.files != known.files {
            reload.notify_one();
        }
        known = now;
    }
}

/// Whether something was done to a file, other than reading it. The state may stand beside, and is written all the time.
fn is_edit(event: &Event, state_name: &OsString) -> bool {
    let is_read = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => true,
        _ => false,
    };
    let is_state =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.as_bytes().starts_with(state_name.as_bytes()));
    !is_read && (event.paths.is_empty() || !event.paths.iter().all(is_state))
}

/// What the files of a configuration look like, and the folders in which something is done to them.
#[derive(Debug, Default)]
struct Sight {
    /// Each file with what becomes another by an edit.
    files: Vec<(PathBuf, Option<Stamp>)>,
    folders: BTreeSet<PathBuf>,
}

/// Device, inode, length in bytes, and the times of the last change of its content and of itself, in ns.
type Stamp = (u64, u64, u64, i128, i128);

async fn look(main: &Path) -> Sight {
    let main = main.to_owned();
    spawn_blocking(move || Sight::of(&main)).await.unwrap_or_default()
}

impl Sight {
    fn of(main: &Path) -> Self {
        let mut sight = Self::default();
        for path in Config::files(main) {
            sight.folders.extend(folder_of(&path));
            // The file that a link leads to is edited elsewhere.
            if fs::symlink_metadata(&path).is_ok_and(|file| file.is_symlink())
                && let Ok(target) = fs::canonicalize(&path)
            {
                sight.folders.extend(folder_of(&target));
            }
            let stamp = fs::metadata(&path).ok().map(|file| {
                let time = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
                let changed = (time(file.mtime(), file.mtime_nsec()), time(file.ctime(), file.ctime_nsec()));
                (file.dev(), file.ino(), file.len(), changed.0, changed.1)
            });
            sight.files.push((path, stamp));
        }
        sight.folders.extend(Some(main.with_file_name("feeds.d")).filter(|folder| folder.is_dir()));
        sight
    }

    fn watch(&self, watcher: &mut RecommendedWatcher) -> Result<(), notify::Error> {
        self.folders.iter().try_for_each(|folder| watcher.watch(folder, RecursiveMode::NonRecursive))
    }
}

fn folder_of(path: &Path) -> Option<PathBuf> {
    let folder = path.parent()?;
    Some(if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() })
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, ModifyKind, RenameMode};

    use super::*;

    fn event(kind: EventKind, paths: &[&str]) -> Event {
        paths.iter().fold(Event::new(kind), |event, path| event.add_path(PathBuf::from(path)))
    }

    #[test]
    fn reading_and_the_state_are_no_edits() {
        let is_edit = |event: Event| super::is_edit(&event, &OsString::from("state.redb"));
        let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
        assert!(is_edit(event(written, &["/etc/tidings/tidings.toml"])));
        assert!(is_edit(event(EventKind::Create(CreateKind::File), &["feeds.d/a.toml"])));
        let renamed = EventKind::Modify(ModifyKind::Name(RenameMode::Both));
        assert!(is_edit(event(renamed, &["state.redb", "tidings.toml"])));
        // The queue of events ran over.
        assert!(is_edit(event(EventKind::Other, &[])));
        assert!(!is_edit(event(EventKind::Access(AccessKind::Open(AccessMode::Any)), &["feeds.d/a.toml"])));
        assert!(!is_edit(event(written, &["state.redb"])) && !is_edit(event(written, &["state.redb.id"])));
    }

    #[test]
    fn files_are_seen_through_links_and_where_they_lead() {
        let folder = tempfile::tempdir().unwrap();
        let [config, elsewhere] = ["config", "elsewhere"].map(|name| folder.path().join(name));
        fs::create_dir_all(config.join("feeds.d")).unwrap();
        fs::create_dir(&elsewhere).unwrap();
        fs::write(config.join("tidings.toml"), "").unwrap();
        fs::write(elsewhere.join("list"), "a").unwrap();
        std::os::unix::fs::symlink(elsewhere.join("list"), config.join("feeds.d/list.opml")).unwrap();
        let look = || Sight::of(&config.join("tidings.toml"));
        let before = look();
        let real = fs::canonicalize(&elsewhere).unwrap();
        assert_eq!(before.folders, BTreeSet::from([config.clone(), config.join("feeds.d"), real]));
        assert_eq!(before.files, look().files);
        fs::write(elsewhere.join("list"), "ab").unwrap();
        assert_ne!(before.files, look().files);
    }
}
