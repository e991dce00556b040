//! The command line as scripts and people meet it: help, exit codes, what goes to stdout and what to stderr.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
use tempfile::TempDir;

/// The program in an empty folder, where nothing of the machine's configuration is found.
fn tidings(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    command.args(arguments).current_dir(folder).env_clear();
    command.env("HOME", folder).env("PATH", "/usr/bin:/bin").env("COLUMNS", "80");
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    tidings(folder, arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Exit code, stdout and stderr of a call.
fn told(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let said = text(&output.stderr).replace(&folder.display().to_string(), "~");
    format!("exit {}\n--- stdout\n{}--- stderr\n{said}", output.status.code().unwrap(), text(&output.stdout))
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("feeds.d")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

const ACCOUNT: (&str, &str) = ("tidings.toml", "[xmpp]\njid = \"feeds@example.org\"\n");
const FEED: (&str, &str) = ("feeds.d/a.toml", "[a]\nurl = \"https://example.org/feed\"\n");

fn help(verb: &str) -> String {
    let output = run(folder(&[]).path(), &[verb, "--help"]);
    assert!(output.status.success() && output.stderr.is_empty());
    let help = text(&output.stdout);
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    help
}

#[test]
fn without_a_verb_the_verbs_are_listed() {
    assert_snapshot!(told(folder(&[]).path(), &[]), @r"
    exit 64
    --- stdout
    --- stderr
    Turns RSS, Atom and JSON feeds into followable XMPP pubsub streams

    Usage: tidings [OPTIONS] <VERB>

    Verbs:
      run          Polls and publishes until it is stopped
      once         Polls what is due and publishes what is new, once
      check        Checks the configuration
      parse        Shows what is read in a document, without network
      preview      Shows what would be published as if every entry were new
      follow       Subscribes to a node and prints items as they arrive
      status       Shows feeds, what waits, and the session
      reload       Has the running gateway read its configuration again
      outbox       Shows what waits and what was given up; sends or forgets it
      completions  Prints completions for a shell
      man          Prints a manual page

    Options:
          --config <FILE>        The configuration
          --log-format <FORMAT>  How log lines look, human or json; RUST_LOG says
                                 which there are
      -h, --help                 Print help
      -V, --version              Print version

    Examples:
      tidings check    what is wrong with the configuration?
      tidings run      poll and publish until stopped
      tidings once     the same, once: for cron and timers
      tidings status   what is going on?
      tidings outbox   what waits, what was refused and why

    The configuration is the first of: --config, $TIDINGS_CONFIG, ./tidings.toml,
    ~/.config/tidings/tidings.toml, /etc/tidings/tidings.toml; and feeds.d/*.toml
    beside it.
    ");
}

#[test]
fn each_verb_explains_itself_with_an_example() {
    assert_snapshot!(help("run"), @r"
    Polls and publishes until it is stopped

    SIGTERM and the first SIGINT end it in order: what is in flight is finished, for
    at most ten seconds. SIGHUP and `tidings reload` make it read the configuration
    anew.

    Usage: tidings run [OPTIONS]

    Options:
          --rebuild
              Make a new state if the former one is lost: feeds count as read up to
              the newest entry on their nodes

          --config <FILE>
              The configuration

          --log-format <FORMAT>
              How log lines look, human or json; RUST_LOG says which there are

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      tidings run
      tidings run --log-format json
      RUST_LOG=tidings=debug tidings run

    Exit codes: 0 stopped by SIGTERM, 130 by SIGINT, 73 74 75 78 the state,
    77 the login was refused, 78 the configuration.
    ");
    assert_snapshot!(help("once"), @r"
    Polls what is due and publishes what is new, once

    The same engine and the same state as `run`. Ends when each polled feed
    succeeded or failed and nothing is left that could be sent now.

    Usage: tidings once [OPTIONS]

    Options:
          --all
              Poll every feed, not only those that are due; servers are still asked
              for changes only

          --timeout <TIME>
              The longest it may take, polling included
              
              [default: 5m]

          --strict
              Exit with 1 when a feed failed

          --rebuild
              Make a new state if the former one is lost: feeds count as read up to
              the newest entry on their nodes

          --config <FILE>
              The configuration

          --log-format <FORMAT>
              How log lines look, human or json; RUST_LOG says which there are

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      tidings once
      tidings once --all --strict   every feed; fails when one of them does
      */15 * * * * tidings once     in a crontab; feeds are polled when they are due

    Exit codes: 0 done, or stopped by SIGTERM; 1 with --strict a feed failed, 69 the
    server was not reached, 73 74 75 78 the state, 75 out of time, 77 the login was
    refused, 78 the configuration, 130 stopped by SIGINT.
    ");
    assert_snapshot!(help("check"), @r#"
    Checks the configuration

    Reports every error of every file. Needs no network, no state and no password.

    Usage: tidings check [OPTIONS]

    Options:
          --print
              Print what the files come to, with the place each setting is from;
              secrets as ***

          --json
              Print {"ok": true, …} or {"ok": false, "errors": […]}

          --config <FILE>
              The configuration

          --log-format <FORMAT>
              How log lines look, human or json; RUST_LOG says which there are

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      tidings check
      tidings check --print | less   every setting, and the line it comes from

    Exit codes: 0 all is well, 78 something is wrong.
    "#);
    assert_snapshot!(help("parse"), @r#"
    Shows what is read in a document, without network

    Usage: tidings parse [OPTIONS] <FILE>

    Arguments:
      <FILE>  The document; - is standard input

    Options:
          --base <URL>           The address it was fetched from: what relative
                                 addresses are relative to
          --content-type <TYPE>  The Content-Type header it came with
          --json                 Print one JSON object
          --config <FILE>        The configuration
          --log-format <FORMAT>  How log lines look, human or json; RUST_LOG says
                                 which there are
      -h, --help                 Print help

    Examples:
      tidings parse feed.xml
      curl -s https://example.org/feed | \
          tidings parse - --base https://example.org/feed --json

    Exit codes: 0 read, 65 the document is no feed or cannot be read.
    "#);
    assert_snapshot!(help("preview"), @r"
    Shows what would be published as if every entry were new

    Opens no state and connects to no XMPP server. Of a web page the feeds that it
    links to are listed.

    Usage: tidings preview [OPTIONS] <WHAT>

    Arguments:
      <WHAT>
              Address of a feed or of a web page, a file, or the id of a feed

    Options:
          --entries <N>
              Show the newest so many entries
              
              [default: 3]

          --json
              Print one JSON object

          --config <FILE>
              The configuration

          --log-format <FORMAT>
              How log lines look, human or json; RUST_LOG says which there are

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      tidings preview https://planet.jabber.org/atom.xml
      tidings preview https://planet.jabber.org/   which feeds does the page have?
      tidings preview planet-jabber                a feed of the configuration
      tidings preview feed.xml --entries 1

    Exit codes: 0 shown, 1 not reached, 65 it is no feed, 78 the configuration.
    ");
    assert_snapshot!(help("follow"), @r#"
    Subscribes to a node and prints items as they arrive

    Under a resource of its own, beside a running gateway. What it subscribed it
    unsubscribes at the end.

    Usage: tidings follow [OPTIONS] <SERVICE> <NODE>

    Arguments:
      <SERVICE>
              Address of the pubsub service

      <NODE>
              Name of the node

    Options:
          --jid <JID>
              Follow as this account, not as the configured one

          --password-file <FILE>
              The file that holds its password

          --count <N>
              Stop after so many new items

          --last <N>
              Show so many old items first
              
              [default: 0]

          --json
              Print a JSON object for each item

          --config <FILE>
              The configuration

          --log-format <FORMAT>
              How log lines look, human or json; RUST_LOG says which there are

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      tidings follow pubsub.example.org planet-jabber
      tidings follow pubsub.example.org planet-jabber --last 5 --count 0
      tidings follow pubsub.example.org planet-jabber \
          --jid romeo@example.net --password-file romeo.password

    Exit codes: 0 --count is reached, 1 the service refused, 69 not connected,
    77 the login was refused, 78 the configuration, 130 interrupted.
    "#);
    assert_snapshot!(help("outbox"), @r"
    Shows what waits and what was given up; sends or forgets it

    Asks the running gateway, or opens the state when none runs.

    Usage: tidings outbox [OPTIONS] <WHAT>

    What:
      list   Shows every row, by destination
      retry  Sends again what was given up, and tries at once destinations that wait
             after a refusal
      drop   Forgets what was given up: it will not be published

    Options:
          --config <FILE>
              The configuration

          --log-format <FORMAT>
              How log lines look, human or json; RUST_LOG says which there are

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      tidings outbox list
      tidings outbox retry --all         what was in the way is gone
      tidings outbox retry --to planet   the same for one node
      tidings outbox drop --feed planet  what was given up stays unpublished

    Exit codes: 0 done, 1 there is no state, or nothing that matches.
    ");
    assert_snapshot!(help("status"), @r"
    Shows feeds, what waits, and the session

    Usage: tidings status [OPTIONS] [FEED]

    Arguments:
      [FEED]  One feed, by its id

    Options:
          --json                 Print one JSON object
          --check                Exit with 1 when something is wrong
          --config <FILE>        The configuration
          --log-format <FORMAT>  How log lines look, human or json; RUST_LOG says
                                 which there are
      -h, --help                 Print help

    Examples:
      tidings status
      tidings status planet-jabber   one feed, with its last errors
      tidings status --check         for monitoring

    Exit codes: 0 told, 1 there is no state yet; 1 with --check: not connected for
    5 minutes, an entry waits for 15, or entries were given up.
    ");
    assert_snapshot!(help("reload"), @r"
    Has the running gateway read its configuration again

    The same as SIGHUP, and says what changed. A configuration with an error changes
    nothing.

    Usage: tidings reload [OPTIONS]

    Options:
          --json
              Print one JSON object

          --config <FILE>
              The configuration

          --log-format <FORMAT>
              How log lines look, human or json; RUST_LOG says which there are

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      tidings reload
      tidings check && tidings reload

    Exit codes: 0 taken over, 1 no gateway runs, 78 the configuration is wrong: the
    one of before holds on.
    ");
    assert_snapshot!(help("completions"), @r#"
    Prints completions for a shell

    Usage: tidings completions [OPTIONS] <SHELL>

    Arguments:
      <SHELL>  The shell [possible values: bash, elvish, fish, powershell, zsh]

    Options:
          --config <FILE>        The configuration
          --log-format <FORMAT>  How log lines look, human or json; RUST_LOG says
                                 which there are
      -h, --help                 Print help

    Example:
      tidings completions bash > \
          ~/.local/share/bash-completion/completions/tidings
    "#);
    assert_snapshot!(help("man"), @r"
    Prints a manual page

    Usage: tidings man [OPTIONS] [VERB]

    Arguments:
      [VERB]  The page of this verb

    Options:
          --config <FILE>        The configuration
          --log-format <FORMAT>  How log lines look, human or json; RUST_LOG says
                                 which there are
      -h, --help                 Print help

    Examples:
      tidings man | man -l -
      tidings man once > tidings-once.1
    ");
}

#[test]
fn a_mistyped_verb_or_option_is_a_usage_error() {
    assert_snapshot!(told(folder(&[]).path(), &["chekc"]), @r"
    exit 64
    --- stdout
    --- stderr
    error: unrecognized subcommand 'chekc'

      tip: a similar subcommand exists: 'check'

    Usage: tidings [OPTIONS] <VERB>

    For more information, try '--help'.
    ");
    assert_snapshot!(told(folder(&[]).path(), &["once", "--timeout", "soon"]), @r"
    exit 64
    --- stdout
    --- stderr
    error: invalid value 'soon' for '--timeout <TIME>': a time looks like 30s, 5m or 1h30m

    For more information, try '--help'.
    ");
    assert_snapshot!(told(folder(&[]).path(), &["man", "fly"]), @r"
    exit 64
    --- stdout
    --- stderr
    error: there is no verb `fly`
    hint: `tidings --help` lists them
    ");
}

#[test]
fn a_level_that_is_none_is_a_usage_error() {
    let folder = folder(&[ACCOUNT]);
    let output = tidings(folder.path(), &["check"]).env("RUST_LOG", "tidings=loud").output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert_snapshot!(text(&output.stderr), @r#"
    error: RUST_LOG="tidings=loud": error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
    hint: try RUST_LOG=tidings=debug
    "#);
}

#[test]
fn check_says_that_all_is_well() {
    let folder = folder(&[ACCOUNT, FEED]);
    assert_snapshot!(told(folder.path(), &["check"]), @r"
    exit 0
    --- stdout
    --- stderr
    tidings.toml: all is well, 1 feed, 0 routes
    ");
    assert_snapshot!(told(folder.path(), &["check", "--json"]), @r#"
    exit 0
    --- stdout
    {"feeds":1,"file":"tidings.toml","ok":true,"routes":0}
    --- stderr
    "#);
}

#[test]
fn check_says_what_is_wrong() {
    let folder = folder(&[ACCOUNT, ("feeds.d/a.toml", "[a]\nurl = \"example.org/feed\"\nevry = \"1h\"\n")]);
    assert_snapshot!(told(folder.path(), &["check"]), @r#"
    exit 78
    --- stdout
    --- stderr
    error: `url` is not a whole address
      --> feeds.d/a.toml:2:7
       |
     2 | url = "example.org/feed"
       |       ^^^^^^^^^^^^^^^^^^
       hint: write "https://example.org/feed"

    error: unknown key `evry` in feed `a`
      --> feeds.d/a.toml:3:1
       |
     3 | evry = "1h"
       | ^^^^
       hint: did you mean `every`?
    "#);
    assert_snapshot!(told(folder.path(), &["check", "--json"]), @r#"
    exit 78
    --- stdout
    {"errors":[{"column":7,"file":"feeds.d/a.toml","hint":"write \"https://example.org/feed\"","line":2,"message":"`url` is not a whole address"},{"column":1,"file":"feeds.d/a.toml","hint":"did you mean `every`?","line":3,"message":"unknown key `evry` in feed `a`"}],"ok":false}
    --- stderr
    "#);
    assert_snapshot!(told(folder.path(), &["check", "--print"]), @r#"
    exit 78
    --- stdout
    --- stderr
    error: `url` is not a whole address
      --> feeds.d/a.toml:2:7
       |
     2 | url = "example.org/feed"
       |       ^^^^^^^^^^^^^^^^^^
       hint: write "https://example.org/feed"

    error: unknown key `evry` in feed `a`
      --> feeds.d/a.toml:3:1
       |
     3 | evry = "1h"
       | ^^^^
       hint: did you mean `every`?
    "#);
}

#[test]
fn the_configuration_is_named_by_option_or_variable() {
    let folder = folder(&[("other.toml", ACCOUNT.1)]);
    assert_eq!(run(folder.path(), &["check"]).status.code(), Some(78));
    assert_eq!(run(folder.path(), &["--config", "other.toml", "check"]).status.code(), Some(0));
    assert_eq!(run(folder.path(), &["check", "--config", "other.toml"]).status.code(), Some(0));
    let status = tidings(folder.path(), &["check"]).env("TIDINGS_CONFIG", "other.toml").output().unwrap().status;
    assert_eq!(status.code(), Some(0));
}

#[test]
fn without_a_configuration_each_place_is_named() {
    for verb in ["check", "run", "once", "status"] {
        let told = told(folder(&[]).path(), &[verb]);
        assert!(told.starts_with("exit 78\n--- stdout\n--- stderr\nerror: there is no configuration\n"), "{told}");
    }
}

#[test]
fn following_needs_an_account() {
    let folder = folder(&[]);
    assert!(told(folder.path(), &["follow", "pubsub.example.org", "x"]).starts_with("exit 78"));
    assert!(told(folder.path(), &["follow", "pubsub.example.org", "x", "--jid", "a@b"]).starts_with("exit 64"));
    let missing = ["follow", "pubsub.example.org", "x", "--jid", "a@example.org", "--password-file", "missing"];
    assert_snapshot!(told(folder.path(), &missing), @r"
    exit 78
    --- stdout
    --- stderr
    error: cannot read the password from missing: No such file or directory (os error 2)
    hint: the password is the first line of the file; whoever runs tidings must be able to read it
    ");
}

#[test]
fn status_never_creates_a_state() {
    let folder = folder(&[ACCOUNT]);
    assert_snapshot!(told(folder.path(), &["status"]), @r"
    exit 1
    --- stdout
    --- stderr
    error: there is no state at ~/.local/state/tidings/state.redb
    hint: `tidings run` or `tidings once` makes one
    ");
    assert!(!folder.path().join(".local").exists());
}

#[test]
fn parse_reads_files_and_standard_input() {
    let feed = "<rss version='2.0'><channel><title>Harbour Log</title><link>https://harbour.example/</link>\
        <item><title>The tide clock</title><link>/tide-clock</link><guid>1</guid></item></channel></rss>";
    let folder = folder(&[("feed.xml", feed), ("page.html", "<html><head><title>x</title></head></html>")]);
    assert_snapshot!(told(folder.path(), &["parse", "feed.xml", "--base", "https://harbour.example/feed"]), @r"
    exit 0
    --- stdout
    Harbour Log (1 entry, read fast)
      https://harbour.example/

    The tide clock
      no date
      https://harbour.example/tide-clock
      id: 1
    --- stderr
    ");
    assert_snapshot!(told(folder.path(), &["parse", "page.html"]), @r"
    exit 65
    --- stdout
    --- stderr
    error: not a feed: it looks like a web page
    ");
    assert_snapshot!(told(folder.path(), &["parse", "page.html", "--json"]), @r#"
    exit 65
    --- stdout
    {"ok":false,"error":"not a feed: it looks like a web page"}
    --- stderr
    "#);
    assert_snapshot!(told(folder.path(), &["parse", "missing.xml"]), @r"
    exit 65
    --- stdout
    --- stderr
    error: missing.xml cannot be read: No such file or directory (os error 2)
    ");
    let mut child =
        tidings(folder.path(), &["parse", "-", "--json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(feed.as_bytes()).unwrap();
    assert_snapshot!(text(&child.wait_with_output().unwrap().stdout), @r#"{"ok":true,"title":"Harbour Log","entries":[{"id":"1","title":"The tide clock","link":"/tide-clock","published":null,"updated":null}]}"#);
}

/// Nothing listens there: the gateway runs, and goes on trying.
const NO_SERVER: &str = "[xmpp]\njid = \"feeds@localhost\"\nserver = \"127.0.0.1:1\"\ntls = \"none\"\n";

/// Starts the daemon, sends it a signal when it runs, and returns its exit code and all that it said.
fn stopped_by(signal: &str, options: &[&str]) -> (Option<i32>, String) {
    let folder = folder(&[("tidings.toml", NO_SERVER)]);
    let mut command = tidings(folder.path(), &[&["run"], options].concat());
    let mut child = command.env("TIDINGS_XMPP_PASSWORD", "x").stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        said += &format!("{line}\n");
        if line.contains("running") {
            let arguments = [format!("-{signal}"), child.id().to_string()];
            assert!(Command::new("kill").args(arguments).status().unwrap().success());
        }
    }
    (child.wait().unwrap().code(), said)
}

#[test]
fn the_daemon_ends_well_when_it_is_told_to() {
    let (code, said) = stopped_by("TERM", &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("finishing what is in flight") && !said.contains('\x1b'), "{said}");
}

#[test]
fn the_daemon_that_is_interrupted_says_so() {
    let (code, said) = stopped_by("INT", &[]);
    assert_eq!(code, Some(130), "{said}");
}

#[test]
fn log_lines_can_be_json() {
    let (_, said) = stopped_by("TERM", &["--log-format", "json"]);
    let lines = said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).collect::<Vec<_>>();
    assert!(lines.iter().any(|line| line["message"] == "running" && line["feeds"] == 0), "{said}");
}

#[test]
fn once_without_anything_to_publish_does_not_log_in() {
    let folder = folder(&[("tidings.toml", NO_SERVER)]);
    assert_snapshot!(told(folder.path(), &["once"]), @r"
    exit 0
    --- stdout
    --- stderr
    ");
    assert_snapshot!(told(folder.path(), &["status"]), @r"
    exit 0
    --- stdout
    gateway:  not running
    feeds:    none
    outbox:   0 waiting
    --- stderr
    ");
    let unknown = told(folder.path(), &["status", "planet"]);
    assert!(unknown.starts_with("exit 64") && unknown.contains("there is no feed `planet` in the state"), "{unknown}");
}

#[test]
fn preview_shows_what_would_be_published_and_where() {
    let feed = "<rss version='2.0'><channel><title>Harbour Log</title><link>https://harbour.example/</link>\
        <item><title>The tide clock</title><link>https://harbour.example/tide-clock</link><guid>a</guid>\
        <pubDate>Wed, 02 Nov 2016 07:15:00 GMT</pubDate><category>clocks</category></item>\
        <item><title>Sponsored</title><guid>b</guid><pubDate>Mon, 02 Nov 2009 07:15:00 GMT</pubDate></item>\
        </channel></rss>";
    let page = "<html><head><link rel='alternate' type='application/atom+xml' title='Log' \
        href='https://harbour.example/feed'></head></html>";
    let files = [("feed.xml", feed), ("page.html", page)];
    let folder = folder(&files);
    assert_snapshot!(told(folder.path(), &["preview", "feed.xml", "--entries", "1"]), @r"
    exit 0
    --- stdout
    feed: Harbour Log (entries: 2, read fast)

    b6kp36mni7ll4j6i  2016-11-02 07:15:00 UTC  The tide clock
      https://harbour.example/tide-clock
      to node feed

    <item xmlns='http://jabber.org/protocol/pubsub' id='b6kp36mni7ll4j6i'>
      <entry xmlns='http://www.w3.org/2005/Atom'>
        <title type='text'>The tide clock</title>
        <id>a</id>
        <published>2016-11-02T07:15:00Z</published>
        <updated>2016-11-02T07:15:00Z</updated>
        <author><name>Harbour Log</name></author>
        <link href='https://harbour.example/tide-clock' rel='alternate' type='text/html'/>
        <content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p><a href='https://harbour.example/tide-clock'>https://harbour.example/tide-clock
    </a></p></div></content>
        <content type='text'>https://harbour.example/tide-clock</content>
        <category term='clocks'/>
        <source><id>https://harbour.example/</id><title>Harbour Log</title><updated>2016-11-02T07:15:00Z</updated></source>
      </entry>
    </item>

      Movim would show this: “The tide clock”
      Converse would show this: “The tide clock”
      RSS Guard would show this: “The tide clock”
      Libervia would show this: “The tide clock”
      body-only clients would show this, but without a text, unless the server is told to make one (pubsub_summary_templates)

    older entries: 1; --entries 2 shows all
    --- stderr
    ");
    assert_snapshot!(told(folder.path(), &["preview", "page.html"]), @r"
    exit 0
    --- stdout
    A web page, which links to 1 feed:
    https://harbour.example/feed (Log, application/atom+xml)
    --- stderr
    ");
    assert_snapshot!(told(folder.path(), &["preview", "page.html", "--json"]), @r#"
    exit 0
    --- stdout
    {"feeds":[{"url":"https://harbour.example/feed","media_type":"application/atom+xml","title":"Log"}]}
    --- stderr
    "#);
    assert_snapshot!(told(folder.path(), &["preview", "harbour"]), @r"
    exit 64
    --- stdout
    --- stderr
    error: `harbour` is neither a feed of the configuration nor a file nor an address
    ");
    assert_snapshot!(told(folder.path(), &["preview", "gopher://harbour.example/"]), @r"
    exit 64
    --- stdout
    --- stderr
    error: `gopher:` is no scheme to poll
    ");
}

#[test]
fn preview_takes_defaults_and_routes_of_the_configuration() {
    let main = "[xmpp]\njid = \"feeds@example.org\"\n[defaults]\nservice = \"pubsub.example.org\"\n\
        [[route]]\nmatch = { category = \"clocks\" }\nto = [{ node = \"about-{category}\" }]\n";
    let feed = "<rss version='2.0'><channel><title>Harbour Log</title>\
        <item><title>The tide clock</title><guid>a</guid><category>Clocks</category></item></channel></rss>";
    let folder = folder(&[("tidings.toml", main), ("feed.xml", feed), FEED]);
    let output = run(folder.path(), &["preview", "feed.xml", "--json"]);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_snapshot!(told["items"][0]["to"], @r#"["node feed at pubsub.example.org","node about-clocks at pubsub.example.org"]"#);
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let feeds = (0..2000).map(|n| format!("[feed-{n}]\nurl = \"https://example.org/{n}\"\n")).collect::<String>();
    let folder = folder(&[ACCOUNT, ("feeds.d/a.toml", &feeds)]);
    for verb in [&["check", "--print"][..], &["completions", "bash"], &["man"]] {
        let mut command = tidings(folder.path(), verb);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{verb:?}");
    }
}

#[test]
fn every_verb_has_a_manual_page_and_completions() {
    let folder = folder(&[]);
    for verb in ["run", "once", "check", "parse", "preview", "follow", "status", "reload", "completions", "man"] {
        let page = text(&run(folder.path(), &["man", verb]).stdout);
        assert!(page.contains(&format!(".TH tidings-{verb} 1")), "{page}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&run(folder.path(), &["completions", shell]).stdout);
        assert!(script.contains("--timeout") || script.contains("-l timeout"), "{script}");
    }
}
