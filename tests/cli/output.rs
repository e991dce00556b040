//! What goes where: nothing to people who have gone, no colour off a terminal, no secret anywhere.

use std::os::unix::fs::MetadataExt;

use super::*;

fn many_feeds() -> String {
    (0..2000).map(|n| format!("[feed-{n}]\nurl = \"https://example.org/{n}\"\n")).collect()
}

/// Every way to call a verb that prints more than a line.
const TALKATIVE: [&[&str]; 16] = [
    &["--help"],
    &["check", "--print"],
    &["check", "--json"],
    &["completions", "bash"],
    &["doctor"],
    &["doctor", "--json"],
    &["export"],
    &["export", "--json"],
    &["feeds", "--json"],
    &["feeds", "list"],
    &["feeds", "list", "--json"],
    &["import", "list.opml"],
    &["man"],
    &["man", "once"],
    &["parse", "feed.xml"],
    &["preview", "feed.xml"],
];

#[test]
fn a_closed_pipe_ends_every_verb_quietly() {
    let feed = atom("Harbour Log");
    let list = "<opml><body><outline xmlUrl='https://x.example/'/></body></opml>";
    let files =
        [("tidings.toml", NO_SERVER), ("feeds.d/a.toml", &many_feeds()), ("feed.xml", &feed), ("list.opml", list)];
    let folder = folder(&files);
    for verb in TALKATIVE {
        let mut command = tidings(folder.path(), verb);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{verb:?}");
    }
}

#[test]
fn nothing_is_coloured_off_a_terminal() {
    let folder = folder(&[ACCOUNT, ("feeds.d/a.toml", "[a]\nurl = \"x\"\n")]);
    for verb in [&["check"][..], &["feeds", "list"], &["import", "missing"], &["--help"], &["nonsense"]] {
        let output = tidings(folder.path(), verb).env("TERM", "xterm-256color").stdin(Stdio::null()).output().unwrap();
        assert!(!text(&output.stdout).contains('\x1b') && !text(&output.stderr).contains('\x1b'), "{verb:?}");
    }
}

#[test]
fn no_verb_tells_the_password() {
    const CANARY: &str = "canary-7Qx";
    let main = format!("{NO_SERVER}password-file = \"password\"\n[store]\npath = \"state.redb\"\n");
    let folder = folder(&[("tidings.toml", &main), FEED, ("password", CANARY)]);
    let verbs: [&[&str]; 9] = [
        &["check"],
        &["check", "--print"],
        &["check", "--json"],
        &["doctor"],
        &["doctor", "--json"],
        &["export"],
        &["feeds", "list", "--json"],
        &["feeds", "pause", "a"],
        &["status", "--json"],
    ];
    for verb in verbs {
        let output = tidings(folder.path(), verb).env("RUST_LOG", "trace").stdin(Stdio::null()).output().unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(!said.contains(CANARY), "{verb:?}: {said}");
    }
}

/// Bytes that steer terminals.
fn steering(output: &[u8]) -> Vec<char> {
    text(output).chars().filter(|c| c.is_control() && !matches!(c, '\n' | '\t')).collect()
}

#[test]
fn what_a_feed_says_cannot_steer_the_terminal() {
    let entry = r#"{ "id": "1", "title": "\u001b[2J\u009b31m\u0007Title\r", "content_text": "\u001b]0;x\u0007" }"#;
    let feed = format!(
        r#"{{ "version": "https://jsonfeed.org/version/1.1", "title": "\u001b[31mFeed\b", "items": [{entry}] }}"#
    );
    let folder = folder(&[ACCOUNT, ("feed.json", &feed)]);
    for verb in ["parse", "preview"] {
        let output = run(folder.path(), &[verb, "feed.json"]);
        assert!(text(&output.stdout).contains("Title"), "{verb}: {output:?}");
        assert_eq!((steering(&output.stdout), steering(&output.stderr)), (vec![], vec![]), "{verb}");
    }
}

#[test]
fn log_lines_have_their_priority_in_the_journal() {
    let feed = "[gone]\nurl = \"http://127.0.0.1:9/feed\"\nallow-private = true\n";
    let lines = |named: Option<String>| {
        let folder = folder(&[ACCOUNT, ("feeds.d/feeds.toml", feed)]);
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let metadata = log.metadata().unwrap();
        let named = named.unwrap_or_else(|| format!("{}:{}", metadata.dev(), metadata.ino()));
        let mut command = tidings(folder.path(), &["once", "--all"]);
        let status = command.env("JOURNAL_STREAM", named).stdout(Stdio::null()).stderr(log).status().unwrap();
        assert_eq!(status.code(), Some(0));
        fs::read_to_string(folder.path().join("log")).unwrap()
    };
    let journal = lines(None);
    assert!(journal.lines().any(|line| line.starts_with("<4> WARN the feed fails feed=gone")), "{journal}");
    let elsewhere = lines(Some("1:2".to_owned()));
    assert!(elsewhere.contains("WARN the feed fails") && !elsewhere.contains("<4>"), "{elsewhere}");
}
