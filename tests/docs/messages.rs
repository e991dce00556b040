//! docs/operating.md quotes messages as the program says them, and explains all that an operator can meet in the log or at the end of
//! a run. What the configuration and the command line are refused for explains itself, with its line and its remedy.

use std::fs;
use std::path::Path;

use regex::Regex;

use super::pages::{Page, pages};

/// Where the errors are defined that a gateway can end with, or a session can fail with.
const ERRORS: [&str; 6] =
    ["gateway/error.rs", "store.rs", "xmpp/connect.rs", "xmpp/password.rs", "xmpp/session.rs", "ingest/document.rs"];

#[test]
fn every_quoted_message_is_one_of_the_program() {
    let source = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))).concat();
    for quoted in quoted() {
        assert!(source.contains(&quoted), "no message reads {quoted}");
    }
}

#[test]
fn every_message_of_the_log_and_of_the_end_is_explained() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let quoted = quoted();
    let error = Regex::new(r#"#\[error\(\s*"((?:[^"\\]|\\.)*)""#).unwrap();
    let mut messages = Vec::new();
    for source in sources(root) {
        for start in ["warn!(", "error!("] {
            messages.extend(source.split(start).skip(1).filter_map(last_literal));
        }
    }
    for file in ERRORS {
        let text = normalised(&fs::read_to_string(root.join(file)).unwrap());
        messages.extend(error.captures_iter(&text).map(|found| found[1].to_owned()));
    }
    messages.retain(|message| message.contains(char::is_alphabetic));
    assert!(messages.len() > 40, "{messages:?}");
    // The page may quote a part of it.
    let is_explained = |message: &String| quoted.iter().any(|quoted| message.contains(quoted.as_str()));
    let missing = messages.iter().filter(|message| !is_explained(message)).collect::<Vec<_>>();
    assert!(missing.is_empty(), "docs/operating.md does not explain {missing:#?}");
}

/// The last string in what stands before the bracket that closes a call: the message of a log line.
fn last_literal(arguments: &str) -> Option<String> {
    let (mut depth, mut last) = (1, None);
    for (index, part) in arguments.split('"').enumerate() {
        if index % 2 == 1 {
            last = Some(part.to_owned());
            continue;
        }
        for bracket in part.chars() {
            depth += i32::from(bracket == '(') - i32::from(bracket == ')');
            if depth == 0 {
                return last;
            }
        }
    }
    None
}

/// The messages of the page: the first cells of the tables under "Troubleshooting by message".
fn quoted() -> Vec<String> {
    let page = pages().into_iter().find(|page| page.path.ends_with("operating.md"));
    let text = page.map(|Page { text, .. }| text).expect("docs/operating.md");
    let (_, part) = text.split_once("## Troubleshooting by message").expect("the section");
    let cells = part.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let quoted =
        cells.map(|(cell, _)| cell.trim_matches('`').trim_matches(' ').trim_end_matches('`').replace('"', "\u{201c}"));
    quoted.collect()
}

/// The program's files, tests left out.
fn sources(folder: &Path) -> Vec<String> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources.extend(self::sources(&path));
        } else {
            sources.push(normalised(&fs::read_to_string(&path).unwrap()));
        }
    }
    sources
}

/// A file's code with its string literals as they are said: `…` for what differs, no line breaks within.
fn normalised(source: &str) -> String {
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let broken = Regex::new(r"\\\n\s*").unwrap();
    let blank = Regex::new(r#"\{[^{}"\n]*\}"#).unwrap();
    let code = broken.replace_all(code, "");
    blank.replace_all(&code, "…").replace("\\\"", "\u{201c}")
}
