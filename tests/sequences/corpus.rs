//! What holds for documents that others wrote: `TIDINGS_CORPUS` names a folder of them, else `shared/corpus` beside the
//! checkout is taken. Without either the test has nothing to do.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tidings::ingest::Backfill;
use tidings::ingest::parse::{Document, parse};

use crate::simulation::{Feed, node};

#[derive(Deserialize)]
struct Listed {
    file: String,
    base: String,
    content_type: Option<String>,
}

/// Every document of the corpus that can be read, with its name.
fn documents() -> Vec<(String, Document)> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let corpus = std::env::var_os("TIDINGS_CORPUS").map_or_else(beside, PathBuf::from);
    let Ok(index) = std::fs::read_to_string(corpus.join("index.json")) else { return Vec::new() };
    let listed: Vec<Listed> = serde_json::from_str(&index).unwrap();
    let read = |listed: Listed| {
        let body = std::fs::read(corpus.join("feeds").join(&listed.file)).unwrap();
        Some((listed.file, parse(&body, &listed.base, listed.content_type.as_deref()).ok()?))
    };
    listed.into_iter().filter_map(read).collect()
}

/// Fetches a document an hour later.
fn get(feed: &mut Feed, document: &Document) -> usize {
    feed.next = document.clone();
    feed.get(document.entries.clone()).len()
}

#[test]
fn documents_that_others_wrote_are_told_once_and_whole() {
    for (name, document) in documents() {
        let mut feed = Feed::new();
        feed.to = vec![(node("blog"), Some(Backfill::All))];
        assert_eq!(get(&mut feed, &document), feed.seen.entries.len(), "{name}: first contact tells all");
        assert_eq!(get(&mut feed, &document), 0, "{name}: the second fetch tells nothing");

        let mut shuffled = document.clone();
        shuffled.entries.reverse();
        assert_eq!(get(&mut feed, &shuffled), 0, "{name}: another order tells nothing");
    }
}

#[test]
fn every_entry_of_documents_that_others_wrote_is_told_when_it_comes_last() {
    for (name, document) in documents() {
        for last in 0..document.entries.len().min(20) {
            let mut before = document.clone();
            let entry = before.entries.remove(last);
            let mut feed = Feed::after(before.entries);
            let known = feed.seen.entries.len();
            let told = get(&mut feed, &document);
            let counted = feed.suppressed("old") + feed.suppressed("flood-brake");
            let is_new = feed.seen.entries.len() > known;
            assert!(!is_new || told == 1 || counted == 1, "{name}: {entry:?}");
        }
    }
}
