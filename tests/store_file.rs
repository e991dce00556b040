//! The state file: created, held, lost, damaged, too new. A state that existed is never silently made again.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "that is how a test fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use redb::{Database, ReadableDatabase, TableDefinition};
use tempfile::TempDir;
use tidings::feed::{FeedId, Time};
use tidings::store::{FeedSync, RedbStore, Store, StoreError};

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/below/state.redb");
    (folder, path)
}

/// A state that holds a feed; closed.
async fn some_state(path: &Path) {
    let store = RedbStore::open(path).unwrap();
    let feeds =
        (0..200).map(|n| FeedSync { id: FeedId::new(&format!("feed-{n}")).unwrap(), was: vec![], enabled: true });
    store.sync_feeds(feeds.collect(), Time::UNIX_EPOCH).await.unwrap();
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// What is told when the state is opened, without the folder's name.
fn told(path: &Path) -> String {
    let errors = [RedbStore::open(path).map(|_| ()), RedbStore::open_existing(path).map(|_| ())];
    let [one, other] = errors.map(|outcome| outcome.expect_err("it does not open"));
    assert_eq!(one.to_string(), other.to_string());
    let text = format!("{one:?}").split([' ', '(']).next().unwrap().to_owned() + ": " + &one.to_string();
    text.replace(&path.parent().unwrap().display().to_string(), "")
}

#[tokio::test]
async fn a_state_is_created_with_its_folder_for_its_owner_only_and_remembered_beside() {
    let (_folder, path) = place();
    assert!(RedbStore::open_existing(&path).unwrap().is_none());
    assert!(!path.parent().unwrap().exists(), "reading creates nothing");
    let id = RedbStore::open(&path).unwrap().meta().await.unwrap().id;
    assert_eq!(fs::read_to_string(beside(&path, ".id")).unwrap().trim(), id);
    for file in [path.clone(), beside(&path, ".id"), beside(&path, ".reserve")] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let mut names: Vec<_> =
        fs::read_dir(path.parent().unwrap()).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["state.redb", "state.redb.id", "state.redb.reserve"]);
    assert_eq!(RedbStore::open_existing(&path).unwrap().unwrap().meta().await.unwrap().id, id);
}

#[tokio::test]
async fn a_state_from_before_the_marker_gets_one() {
    let (_folder, path) = place();
    some_state(&path).await;
    fs::remove_file(beside(&path, ".id")).unwrap();
    drop(RedbStore::open_existing(&path).unwrap());
    assert!(beside(&path, ".id").exists());
}

#[tokio::test]
async fn a_state_that_cannot_be_created_says_why() {
    let (folder, _) = place();
    fs::write(folder.path().join("file"), "").unwrap();
    let outcome = RedbStore::open(&folder.path().join("file/state.redb"));
    assert!(matches!(outcome, Err(StoreError::Create { .. } | StoreError::Io { .. })), "{outcome:?}");
    fs::create_dir(folder.path().join("state.redb.new")).unwrap();
    let outcome = RedbStore::open(&folder.path().join("state.redb"));
    assert!(matches!(outcome, Err(StoreError::Create { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_second_instance_is_refused() {
    let (_folder, path) = place();
    let store = RedbStore::open(&path).unwrap();
    assert_snapshot!(told(&path), @"Held: the state /state.redb is held by another instance");
    drop(store);
    assert!(RedbStore::open(&path).is_ok());
}

#[tokio::test]
async fn a_missing_state_is_not_made_again() {
    let (_folder, path) = place();
    some_state(&path).await;
    fs::remove_file(&path).unwrap();
    assert_snapshot!(told(&path), @"Lost: the state /state.redb is lost: the file is missing, but /state.redb.id says that it existed");
    assert!(!path.exists());
}

#[tokio::test]
async fn an_empty_state_is_not_taken_for_a_new_one() {
    let (_folder, path) = place();
    some_state(&path).await;
    fs::write(&path, "").unwrap();
    assert_snapshot!(told(&path), @"Lost: the state /state.redb is lost: the file is empty");
    fs::remove_file(beside(&path, ".id")).unwrap();
    assert_snapshot!(told(&path), @"Lost: the state /state.redb is lost: the file is empty");
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
}

#[tokio::test]
async fn another_kind_of_file_is_not_touched() {
    let (_folder, path) = place();
    some_state(&path).await;
    fs::write(&path, "a letter to grandmother").unwrap();
    assert_snapshot!(told(&path), @"Lost: the state /state.redb is lost: Not a redb database: magic number mismatch");
    assert_eq!(fs::read_to_string(&path).unwrap(), "a letter to grandmother");
}

#[tokio::test]
async fn a_database_of_somebody_else_is_not_touched() {
    let (_folder, path) = place();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(TableDefinition::<u32, u32>::new("theirs")).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert_snapshot!(told(&path), @"Lost: the state /state.redb is lost: the file holds no state");
}

#[tokio::test]
async fn a_newer_state_is_not_written_to() {
    let (_folder, path) = place();
    some_state(&path).await;
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(TableDefinition::<&str, &str>::new("meta")).unwrap().insert("format", "99").unwrap();
    transaction.commit().unwrap();
    drop(database);
    let before = fs::read(&path).unwrap();
    assert_snapshot!(told(&path), @"Newer: the state /state.redb has format 99, this program knows formats up to 2");
    assert!(fs::read(&path).unwrap() == before);
}

#[tokio::test]
async fn a_state_of_the_first_format_reads_and_is_of_the_newest_from_then_on() {
    const META: TableDefinition<'_, &str, &str> = TableDefinition::new("meta");
    let (_folder, path) = place();
    some_state(&path).await;
    let row = br#"{"key_id":"blog","next_due":"2026-11-02T07:00:00.5Z","poll":{"ended":"2026-11-02T06:30:00Z"}}"#;
    let seen: &[u8] = b"\x010123456789fingerprheadcontent.\0\0\0\x03\x00\x60\0\0\x01\
        \x60\0\0\x01\x60\0\0\x02\x60\0\0\x03\x60\0\0\x04\0\x05\xd1alias--1\0\x02id";
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(META).unwrap().insert("format", "1").unwrap();
    for (table, value) in [("feeds", &row[..]), ("seen", seen)] {
        let table = TableDefinition::<&str, &[u8]>::new(table);
        transaction.open_table(table).unwrap().insert("feed-7", value).unwrap();
    }
    transaction.commit().unwrap();
    drop(database);

    let id = FeedId::new("feed-7").unwrap();
    let store = RedbStore::open(&path).unwrap();
    let row = store.feed(&id).await.unwrap().unwrap();
    assert_eq!(row.next_due.to_rfc3339(), "2026-11-02T07:00:00.500+00:00");
    assert_eq!(row.poll.ended.unwrap().to_rfc3339(), "2026-11-02T06:30:00+00:00");
    let seen = store.load_seen(&id).await.unwrap();
    let entry = &seen.entries[0];
    assert_eq!((entry.key.0, entry.revision, entry.place), (*b"0123456789", 3, Some(5)));
    assert_eq!((entry.published.timestamp(), entry.date.unwrap().timestamp()), (0x6000_0001, 0x6000_0001));
    assert_eq!((entry.aliases.len(), entry.item.as_deref()), (1, Some("id")));
    drop(store);
    let database = Database::open(&path).unwrap();
    let format = database.begin_read().unwrap().open_table(META).unwrap();
    assert_eq!(format.get("format").unwrap().unwrap().value(), "2");
}

#[tokio::test]
async fn a_lost_state_is_built_anew_under_the_same_id_and_what_was_left_is_kept() {
    let (_folder, path) = place();
    let id = RedbStore::open(&path).unwrap().meta().await.unwrap().id;
    fs::write(&path, "damaged").unwrap();
    let store = RedbStore::rebuild(&path).unwrap();
    assert_eq!(store.meta().await.unwrap().id, id);
    assert_eq!(store.feeds().await.unwrap(), []);
    assert_eq!(fs::read_to_string(beside(&path, ".lost")).unwrap(), "damaged");
    // The feeds that it is told of first are not new, those that come later are.
    let sync = |ids: &[&str]| {
        let feed = |id: &&str| FeedSync { id: FeedId::new(id).unwrap(), was: vec![], enabled: true };
        ids.iter().map(feed).collect::<Vec<_>>()
    };
    drop(store);
    let store = RedbStore::open(&path).unwrap();
    store.sync_feeds(sync(&["a"]), Time::UNIX_EPOCH).await.unwrap();
    store.sync_feeds(sync(&["a", "b"]), Time::UNIX_EPOCH).await.unwrap();
    let rebuilt: Vec<bool> = store.feeds().await.unwrap().into_iter().map(|(_, row)| row.rebuilt).collect();
    assert_eq!(rebuilt, [true, false]);
    drop(store);
    fs::remove_file(&path).unwrap();
    assert_eq!(RedbStore::rebuild(&path).unwrap().meta().await.unwrap().id, id);
    assert_eq!(RedbStore::open(&path).unwrap().meta().await.unwrap().id, id);
}

#[tokio::test]
async fn a_truncated_state_is_lost() {
    let (_folder, path) = place();
    some_state(&path).await;
    let whole = fs::read(&path).unwrap();
    for length in [1, 9, 64, 320, 4096, 8192, whole.len() / 2, whole.len() - 4096, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let outcome = RedbStore::open(&path).map(|_| ());
        assert!(matches!(outcome, Err(StoreError::Lost { .. })), "{length} bytes: {outcome:?}");
    }
}

#[tokio::test]
async fn flipped_bits_are_found_by_a_check_and_never_taken_for_an_empty_state() {
    let (_folder, path) = place();
    some_state(&path).await;
    let whole = fs::read(&path).unwrap();
    let held = RedbStore::open(&path).unwrap().feeds().await.unwrap();
    let mut lots = fastrand::Rng::with_seed(7);
    for round in 0..60 {
        let mut damaged = whole.clone();
        // In the head, where every bit counts, and anywhere.
        let place = lots.usize(..if round % 2 == 0 { 320 } else { whole.len() });
        damaged[place] ^= 1 << lots.u8(..8);
        fs::write(&path, &damaged).unwrap();
        let is_sound = match RedbStore::check(&path) {
            Ok(()) => true,
            Err(StoreError::Lost { .. }) => false,
            Err(error) => panic!("byte {place}: {error}"),
        };
        fs::write(&path, &damaged).unwrap();
        match RedbStore::open(&path) {
            Ok(store) => match store.feeds().await {
                Ok(feeds) => assert!(feeds == held || !is_sound, "byte {place}"),
                Err(error) => assert!(matches!(error, StoreError::Lost { .. }), "byte {place}: {error}"),
            },
            Err(StoreError::Lost { .. }) => {}
            Err(error) => panic!("byte {place}: {error}"),
        }
    }
}
