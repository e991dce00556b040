//! Help, manual pages, completions, and what is said of a command line that makes no sense.

use super::*;

fn help(verbs: &[&str]) -> String {
    let output = run(folder(&[]).path(), &[verbs, &["--help"]].concat());
    assert!(output.status.success() && output.stderr.is_empty());
    let help = text(&output.stdout);
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    help
}

/// The verbs that a help text lists.
fn listed(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| !["Verbs:", "What:"].contains(line)).skip(1);
    let words = list.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    words.map(str::to_owned).collect()
}

#[test]
fn there_are_few_verbs_and_each_has_an_example() {
    let verbs = listed(&help(&[]));
    assert!((10..=17).contains(&verbs.len()), "{verbs:?}");
    let parts = listed(&help(&["feeds"]));
    assert_eq!(parts, ["list", "add", "remove", "pause", "resume", "poll"]);
    let of_outbox = listed(&help(&["outbox"]));
    assert_eq!(of_outbox, ["list", "retry", "drop"]);
    let parts = parts.iter().map(|part| vec!["feeds", part]);
    let parts = parts.chain(of_outbox.iter().map(|part| vec!["outbox", part]));
    for verb in verbs.iter().map(|verb| vec![verb.as_str()]).chain(parts) {
        let help = help(&verb);
        let example = help.split("Example").nth(1).unwrap_or_else(|| panic!("no example: {help}"));
        assert!(example.contains(&format!("tidings {}", verb.join(" "))), "{help}");
        let page = text(&run(folder(&[]).path(), &[&["man"], &verb[..]].concat()).stdout);
        assert!(page.contains(&format!(".TH TIDINGS-{} 1", verb.join("-").to_uppercase())), "{page}");
    }
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
      init         Writes a first configuration and looks whether it works
      run          Polls and publishes until it is stopped
      once         Polls what is due and publishes what is new, once
      check        Checks the configuration
      doctor       Looks at the server, the destinations, the state and this machine
      parse        Shows what is read in a document, without network
      preview      Shows what would be published as if every entry were new
      follow       Subscribes to a node and prints items as they arrive
      feeds        Lists, adds, removes, pauses and polls feeds
      import       Adds the feeds of an OPML file, or of an atomtopubsub config.py
      export       Prints the feeds of the configuration as OPML
      status       Shows feeds, what waits, and the session
      reload       Has the running gateway read its configuration again
      outbox       Shows what waits and what was given up; retries or drops it
      completions  Prints completions for a shell
      man          Prints a manual page

    Options:
          --config <FILE>        The configuration file
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
    and *.opml beside it.

    Variables:
      TIDINGS_CONFIG               the configuration, instead of --config
      TIDINGS_XMPP_PASSWORD_FILE   the file with the account's password, or
      TIDINGS_XMPP_PASSWORD        the password, where the configuration names none
      RUST_LOG                     what is logged, such as tidings=debug
      NO_COLOR                     no colours, when it is set
    ");
}

#[test]
fn each_verb_explains_itself_with_an_example() {
    assert_snapshot!(help(&["run"]), @r"
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
              The configuration file

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
    assert_snapshot!(help(&["once"]), @r"
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
              The configuration file

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
    assert_snapshot!(help(&["check"]), @r#"
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
              The configuration file

          --log-format <FORMAT>
              How log lines look, human or json; RUST_LOG says which there are

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      tidings check
      tidings check --print | less   every setting, and the line it comes from

    Exit codes: 0 all is well, 78 something is wrong.
    "#);
    assert_snapshot!(help(&["parse"]), @r#"
    Shows what is read in a document, without network

    Usage: tidings parse [OPTIONS] <FILE>

    Arguments:
      <FILE>  The document; - is standard input

    Options:
          --base <URL>           The address it was fetched from: what relative
                                 addresses are relative to
          --content-type <TYPE>  The Content-Type header it came with
          --json                 Print one JSON object
          --config <FILE>        The configuration file
          --log-format <FORMAT>  How log lines look, human or json; RUST_LOG says
                                 which there are
      -h, --help                 Print help

    Examples:
      tidings parse feed.xml
      curl -s https://example.org/feed | \
          tidings parse - --base https://example.org/feed --json

    Exit codes: 0 read, 65 the document is no feed or cannot be read.
    "#);
    assert_snapshot!(help(&["preview"]), @r"
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
              The configuration file

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
    assert_snapshot!(help(&["follow"]), @r#"
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
              The configuration file

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
    assert_snapshot!(help(&["outbox"]), @r"
    Shows what waits and what was given up; retries or drops it

    Lists it when nothing else is said. Asks the running gateway, or opens the state
    when none runs.

    Usage: tidings outbox [OPTIONS] [WHAT]

    What:
      list   Shows every row, by destination
      retry  Sends again what was given up, and at once what waits after a refusal
      drop   Forgets what was given up: it will not be published

    Options:
          --json
              Print one JSON object, when listing

          --config <FILE>
              The configuration file

          --log-format <FORMAT>
              How log lines look, human or json; RUST_LOG says which there are

      -h, --help
              Print help (see a summary with '-h')

    Examples:
      tidings outbox
      tidings outbox list --feed planet  of one feed
      tidings outbox retry --all         what was in the way is gone
      tidings outbox retry --to planet   the same for one node
      tidings outbox drop --feed planet  what was given up stays unpublished

    Exit codes: 0 done, 1 there is no state, or nothing that matches.
    ");
    assert_snapshot!(help(&["status"]), @r"
    Shows feeds, what waits, and the session

    Usage: tidings status [OPTIONS] [FEED]

    Arguments:
      [FEED]  One feed, by its id

    Options:
          --json                 Print one JSON object
          --check                Exit with 1 when something is wrong
          --config <FILE>        The configuration file
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
    assert_snapshot!(help(&["reload"]), @r"
    Has the running gateway read its configuration again

    The same as SIGHUP, and says what changed. A configuration with an error changes
    nothing.

    Usage: tidings reload [OPTIONS]

    Options:
          --json
              Print one JSON object

          --config <FILE>
              The configuration file

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
    assert_snapshot!(help(&["completions"]), @r#"
    Prints completions for a shell

    Usage: tidings completions [OPTIONS] <SHELL>

    Arguments:
      <SHELL>  The shell [possible values: bash, elvish, fish, powershell, zsh]

    Options:
          --config <FILE>        The configuration file
          --log-format <FORMAT>  How log lines look, human or json; RUST_LOG says
                                 which there are
      -h, --help                 Print help

    Example:
      tidings completions bash > \
          ~/.local/share/bash-completion/completions/tidings
    "#);
    assert_snapshot!(help(&["man"]), @r"
    Prints a manual page

    Usage: tidings man [OPTIONS] [VERB]...

    Arguments:
      [VERB]...  The page of this verb

    Options:
          --config <FILE>        The configuration file
          --log-format <FORMAT>  How log lines look, human or json; RUST_LOG says
                                 which there are
      -h, --help                 Print help

    Examples:
      tidings man | man -l -
      tidings man once > tidings-once.1
      tidings man feeds add > tidings-feeds-add.1
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
fn completions_know_the_options() {
    let folder = folder(&[]);
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&run(folder.path(), &["completions", shell]).stdout);
        assert!(script.contains("--timeout") || script.contains("-l timeout"), "{script}");
    }
}
