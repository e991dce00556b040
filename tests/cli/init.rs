//! `init`: the first configuration.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn init(folder: &Path, arguments: &[&str], password: &str) -> String {
    let all =
        [&["--config", "here/tidings.toml", "init", "--server", "127.0.0.1:1", "--tls", "none"], arguments].concat();
    let mut command = tidings(folder, &all);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(password.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!(!text(&output.stdout).contains("hunter2") && !text(&output.stderr).contains("hunter2"));
    let said = text(&output.stdout) + "--- stderr\n" + &text(&output.stderr);
    // What is left on the disk, and what time it is, is no matter here.
    let lines = said.lines().filter(|line| !line.contains("  disk ") && !line.contains("  clock "));
    format!("exit {}\n{}", output.status.code().unwrap(), lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_configuration_is_written_and_looked_at() {
    let (folder, site) = (folder(&[]), site(&[("/feed", "application/atom+xml", atom("Harbour Log"))]));
    let feed = format!("{site}/feed");
    let said = init(
        folder.path(),
        &["--jid", "feeds@localhost", "--password-stdin", "--feed", &feed, "--allow-private"],
        "hunter2\n",
    );
    let port = site.rsplit(':').next().unwrap();
    assert_snapshot!(said.replace(&site, "http://site").replace(port, "PORT"), @r#"
    exit 1
    written: here/password, readable by you alone
    written: here/tidings.toml
    http://site/feed is “Harbour Log”, 1 entry, the newest of 2026-11-02 07:15:00 UTC
    127-0-0-1-feed: written to here/feeds.d/127-0-0-1-feed.toml

    ok    config     here/tidings.toml, 1 feed
    ok    state      there is none at here/state.redb yet; the first run makes it
    ok    password   here/password can be read
    ok    dns        localhost is at 127.0.0.1:1
    fail  tcp        cannot connect to 127.0.0.1:1: Connection refused (os error 111)
                     fix: start the server, or let a firewall pass its port; server = "host:port" in [xmpp] names another
    --- stderr
    "#);
    assert_snapshot!(read(&folder, "here/tidings.toml"), @r#"
    # The configuration of Tidings. Feeds stand in feeds.d/ beside it: tidings feeds add URL
    # After an edit: tidings check && tidings reload

    [xmpp]
    # The account that publishes.
    jid = "feeds@localhost"
    # A file that holds its password and nothing else.
    password-file = "password"
    # Where the server is, host or host:port; without it DNS knows.
    server = "127.0.0.1:1"
    # "starttls", "direct" (TLS from the first byte), or "none" for a server on a loopback address.
    tls = "none"
    # A further trust root, for a server with a certificate of its own making.
    #ca-file = "ca.pem"

    # What holds for every feed that does not say otherwise.
    [defaults]
    # The pubsub service; without it the account's server is asked.
    #service = "pubsub.example.org"
    # How often a feed is asked for news.
    every = "30m"
    # How many of its entries a new feed starts with; 0, or "all".
    backfill = 20

    # More nodes for the entries that match; here those of every feed with the tag "xmpp".
    #[[route]]
    #match = { tag = "xmpp" }
    #to = [{ node = "about-xmpp" }]

    [http]
    # Who to write to when a poll bothers somebody: a mail or web address, sent with every request.
    #contact = "admin@example.org"

    [store]
    # The state: what is known of entries, and what waits to be sent. Keep it.
    path = "state.redb"
    "#);
    assert_eq!(read(&folder, "here/password"), "hunter2\n");
    let mode = fs::metadata(folder.path().join("here/password")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(told(folder.path(), &["--config", "here/tidings.toml", "check"]).contains("all is well, 1 feed"));
    assert!(!folder.path().join("here/state.redb").exists() && !folder.path().join(".local").exists());
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let folder = folder(&[]);
    fs::create_dir(folder.path().join("here")).unwrap();
    fs::write(folder.path().join("here/password"), "theirs").unwrap();
    let arguments = ["--jid", "feeds@localhost", "--password-stdin"];
    assert_snapshot!(init(folder.path(), &arguments, "hunter2\n"), @r"
    exit 73
    --- stderr
    error: here/password is there already
    hint: to use it leave --password-stdin away
    ");
    fs::remove_file(folder.path().join("here/password")).unwrap();
    fs::write(folder.path().join("here/tidings.toml"), "[xmpp]\njid = \"theirs@localhost\"\n").unwrap();
    assert_snapshot!(init(folder.path(), &arguments, "hunter2\n"), @r"
    exit 73
    --- stderr
    error: here/tidings.toml is there already
    hint: edit it and run `tidings doctor`; or write another one: --config FILE
    ");
    assert_eq!(read(&folder, "here/tidings.toml"), "[xmpp]\njid = \"theirs@localhost\"\n");
    assert!(!folder.path().join("here/password").exists());
}

#[test]
fn nothing_is_written_when_an_option_would_not_do() {
    let folder = folder(&[]);
    let arguments = ["--jid", "feeds@localhost", "--password-stdin", "--service", "pub sub"];
    assert_snapshot!(init(folder.path(), &arguments, "hunter2\n"), @r#"
    exit 78
    --- stderr
    nothing is written, for this would not do:
    error: `service` is not an XMPP address: domain doesn’t pass idna validation
       --> here/tidings.toml:19:11
        |
     19 | service = "pub sub"
        |           ^^^^^^^^^
        hint: a service looks like "pubsub.example.org"
    "#);
    assert!(!folder.path().join("here").exists());
}

#[test]
fn a_configuration_without_an_account_is_filled_in() {
    let packaged = fs::read_to_string("deploy/debian/tidings.toml").unwrap();
    let folder = folder(&[]);
    fs::create_dir(folder.path().join("here")).unwrap();
    fs::write(folder.path().join("here/tidings.toml"), &packaged).unwrap();
    let arguments = ["--jid", "feeds@localhost", "--password-stdin", "--service", "pubsub.localhost"];
    let said = init(folder.path(), &arguments, "hunter2\n");
    assert!(said.contains("\nfilled in: here/tidings.toml\n"), "{said}");
    let expected = packaged
        .replace("#jid = \"feeds@example.org\"", "jid = \"feeds@localhost\"")
        .replace("[xmpp]\n", "[xmpp]\nserver = \"127.0.0.1:1\"\ntls = \"none\"\n")
        .replace("#service = \"pubsub.example.org\"", "service = \"pubsub.localhost\"");
    assert_eq!(read(&folder, "here/tidings.toml"), expected);
    assert_eq!(read(&folder, "here/password"), "hunter2\n");
    // Now it has one.
    assert!(init(folder.path(), &["--jid", "other@localhost"], "").starts_with("exit 73"));
    assert_eq!(read(&folder, "here/tidings.toml"), expected);
}

#[test]
fn what_was_not_said_is_named_where_nobody_can_be_asked() {
    let folder = folder(&[]);
    assert_snapshot!(init(folder.path(), &[], ""), @r"
    exit 64
    --- stderr
    error: nobody said which account publishes
    hint: --jid feeds@example.org
    ");
    assert_snapshot!(init(folder.path(), &["--jid", "feeds@localhost"], ""), @r"
    exit 64
    --- stderr
    error: nobody said the password
    hint: --password-file FILE, or --password-stdin
    ");
    assert_snapshot!(init(folder.path(), &["--jid", "localhost"], ""), @r"
    exit 64
    --- stderr
    error: `localhost` names no account
    hint: it looks like feeds@example.org
    ");
    assert_snapshot!(init(folder.path(), &["--jid", "feeds@localhost", "--password-stdin"], "\n"), @r"
    exit 64
    --- stderr
    error: standard input holds no password
    hint: its first line is taken
    ");
    assert!(!folder.path().join("here").exists());
}
