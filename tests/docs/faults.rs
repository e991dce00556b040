//! docs/faults.md names a test for each fault, as `FILE::TEST`.

use std::fs;
use std::path::Path;

use regex::Regex;

use super::pages::pages;

#[test]
fn each_fault_has_its_tests_and_each_of_them_exists() {
    let page = pages().into_iter().find(|page| page.path.ends_with("faults.md")).expect("docs/faults.md");
    let named = Regex::new("`([a-z_]+)::([a-z0-9_]+)`").unwrap();
    let tests = tests();
    let rows = page.text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| fault "));
    let mut faults = 0;
    for row in rows {
        faults += 1;
        assert!(named.is_match(row), "no test: {row}");
        for found in named.captures_iter(row) {
            let test = (found[1].to_owned(), found[2].to_owned());
            assert!(tests.contains(&test), "there is no test {}::{}", test.0, test.1);
        }
    }
    assert!(faults > 30, "{faults}");
}

/// File and name of each test of the project.
fn tests() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = Vec::new();
    collect(&root.join("tests"), &mut tests);
    collect(&root.join("src"), &mut tests);
    tests
}

fn collect(folder: &Path, tests: &mut Vec<(String, String)>) {
    let test = Regex::new(r"#\[(?:tokio::)?test(?:\([^)]*\))?\]\s+(?:async )?fn ([a-z0-9_]+)\(").unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let file = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            tests.extend(test.captures_iter(&text).map(|found| (file.clone(), found[1].to_owned())));
        }
    }
}
