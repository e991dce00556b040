//! Holds the code against ARCHITECTURE.md: who imports whom, which file may name which crate, how large files are.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// No file is longer than this, its tests left out.
const MOST_LINES: usize = 400;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for item in fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join("src"), &mut found);
    found.sort();
    assert!(found.len() > 30, "the sources were not found");
    found
}

/// The file's code without its `#[cfg(test)]` tail.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned()
}

fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The rows of the table "Who may import whom".
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let cells =
        |line: &str| line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let mut rows = text
        .lines()
        .skip_while(|line| !line.starts_with("### Who may import whom"))
        .filter(|line| line.starts_with('|'));
    let columns = cells(rows.next().expect("the import table"));
    let mut table = BTreeMap::new();
    for row in rows.skip(1) {
        let row = cells(row);
        let may: BTreeSet<_> =
            columns.iter().zip(&row).skip(1).filter(|(_, cell)| *cell == "✓").map(|(name, _)| name.clone()).collect();
        for importer in row[0].split(',') {
            table.insert(importer.trim().to_owned(), may.clone());
        }
    }
    assert!(table.len() > 8, "the import table was not read: {table:?}");
    table
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let table = allowed();
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    let mut wrong = Vec::new();
    for path in sources() {
        let importer = module_of(&path);
        if ["lib", "feed", "tally"].contains(&importer.as_str()) {
            continue;
        }
        let text = code(&path);
        let grouped = text.replace("use crate::{", "\n{ ");
        let mut imported: BTreeSet<String> =
            text.split("crate::").skip(1).map(|rest| rest.chars().take_while(|c| is_name(*c)).collect()).collect();
        for group in grouped.split("\n{ ").skip(1) {
            let group = group.split(';').next().unwrap_or_default();
            imported.extend(
                group.split([',', '{', '}']).map(|name| name.trim().chars().take_while(|c| is_name(*c)).collect()),
            );
        }
        for name in imported {
            let is_module = table.contains_key(&name) || table.values().any(|may| may.contains(&name));
            let is_allowed = table.get(&importer).is_some_and(|may| may.contains(&name));
            if is_module && name != importer && !is_allowed {
                wrong.push(format!("{} imports {name}", path.display()));
            }
        }
        assert!(table.contains_key(&importer), "{importer} is missing in the import table");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_crate_of_the_field_is_named_in_its_own_corner_only() {
    let corners = [
        ("redb::", &["src/store/"][..]),
        ("feed_rs", &["src/ingest/"]),
        ("reqwest", &["src/source/"]),
        ("tokio_xmpp", &["src/xmpp/", "src/main.rs", "src/cli/log.rs"]),
        ("Utc::now()", &["src/gateway.rs", "src/main.rs"]),
    ];
    for path in sources() {
        let inside = path.strip_prefix(root()).unwrap().to_str().unwrap();
        let code: String = code(&path).lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for (word, corner) in corners {
            let found = code.split(word).count() > 1 && !code.contains(&format!("self::{word}"));
            assert!(!found || corner.iter().any(|place| inside.starts_with(place)), "{inside} names {word}");
        }
    }
}

#[test]
fn every_file_says_what_it_holds_and_can_be_held_in_the_head() {
    for path in sources() {
        let code = code(&path);
        assert!(code.starts_with("//! "), "{} does not open with a sentence on what it holds", path.display());
        assert!(code.lines().count() <= MOST_LINES, "{} has {} lines", path.display(), code.lines().count());
    }
}
