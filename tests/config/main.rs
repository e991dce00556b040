//! The configuration as operators write it: what loads and what it comes to; what is refused stands in `broken.rs`.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod broken;

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use insta::{assert_debug_snapshot, assert_snapshot};
use tempfile::TempDir;
use tidings::config::{Config, Feed};
use tidings::deliver::Access;
use tidings::feed::{Destination, FeedId};
use tidings::ingest::Backfill;
use tidings::ingest::route::{Match, RouteTarget};

const ACCOUNT: &str = "[xmpp]\njid = \"feeds@example.org\"\n";

/// Writes tidings.toml and other files into a folder, which nobody else may read.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("feeds.d")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    folder
}

/// Loads `[xmpp]` and the given rest of tidings.toml with the given file of feeds.
fn load(main: &str, feeds: &str) -> Config {
    let folder = folder(&[("tidings.toml", &format!("{ACCOUNT}{main}")), ("feeds.d/a.toml", feeds)]);
    Config::load(Some(&folder.path().join("tidings.toml"))).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The feeds a, b, c … with these keys.
fn feeds(keys: &[&str]) -> String {
    let feed = |(name, keys)| format!("[{name}]\nurl = \"https://example.org/{name}\"\n{keys}\n");
    ('a'..).zip(keys).map(feed).collect()
}

fn id(name: &str) -> FeedId {
    FeedId::new(name).unwrap()
}

#[test]
fn every_example_of_the_repository_loads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = Config::load(Some(&root.join("tidings.example.toml"))).unwrap_or_else(|errors| panic!("{errors}"));
    let known = fs::read_dir(root.join("feeds.d")).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>();
    assert_eq!(config.feeds.len(), known.len(), "a feed in each of {known:?}");
}

#[test]
fn every_key_that_the_example_leaves_out_is_a_real_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("tidings.example.toml")).unwrap();
    let is_key = |line: &str| line.starts_with('#') && line[1..].starts_with(|c: char| c.is_ascii_lowercase());
    let text = text.lines().map(|line| if is_key(line) { &line[1..] } else { line }).collect::<Vec<_>>().join("\n");
    assert!(text.contains("\nallow-file = false"), "{text}");
    let folder = folder(&[("tidings.toml", &text)]);
    Config::load(Some(&folder.path().join("tidings.toml"))).unwrap_or_else(|errors| panic!("{errors}"));
}

#[test]
fn a_feed_says_it_over_the_defaults_and_they_over_what_is_built_in() {
    let config = load("[defaults]\nbackfill = 5\nold-after = \"7d\"\n", &feeds(&["", "backfill = \"all\""]));
    let rules = |name| &config.feeds[&id(name)].rules;
    assert_eq!(rules("a").backfill, Backfill::Newest(5));
    assert_eq!(rules("b").backfill, Backfill::All);
    assert_eq!(rules("b").old_after.as_secs(), 7 * 86_400);
    assert_eq!(rules("b").cool_down.as_secs(), 3600);
}

#[test]
fn a_schedule_goes_with_the_zone_of_the_defaults_and_every_puts_it_out_of_force() {
    let defaults = "[defaults]\ncron = \"0 6 * * *\"\ntimezone = \"Europe/Berlin\"\n";
    let config = load(defaults, &feeds(&["", "every = \"1h\"", "cron = \"0 8 * * *\"", "timezone = \"UTC\""]));
    let timings = config.feeds.values().map(|feed| feed.poll.timing.to_string()).collect::<Vec<_>>();
    assert_snapshot!(timings.join("\n"), @r"
    cron 0 6 * * * (Europe/Berlin)
    every 1h
    cron 0 8 * * * (Europe/Berlin)
    cron 0 6 * * * (UTC)
    ");
}

#[test]
fn feeds_that_say_the_same_share_it() {
    let own = "every = \"15m\"\nsummary = \"text\"\nfilter = [{ drop = { title = 'x' } }]\ntags = [\"t\"]";
    let config = load("", &feeds(&["", "", own, own]));
    let feed = |name| &config.feeds[&id(name)];
    for (one, other) in [("a", "b"), ("c", "d")] {
        let (one, other) = (feed(one), feed(other));
        assert!(Arc::ptr_eq(&one.poll, &other.poll));
        assert!(Arc::ptr_eq(&one.rules, &other.rules));
        assert!(Arc::ptr_eq(&one.style, &other.style));
        assert!(Arc::ptr_eq(&one.tags, &other.tags));
    }
    assert!(!Arc::ptr_eq(&feed("a").poll, &feed("c").poll));
    assert_eq!(feed("a").rules.filter.len() + 1, feed("c").rules.filter.len());
}

#[test]
fn ten_thousand_feeds_of_a_few_kinds_keep_a_few_settings() {
    let feed = |number: usize| {
        let kind =
            ["", "every = \"15m\"", "cool-down = \"2h\"\ntags = [\"t\"]", "filter = [{ drop = { title = 'x' } }]"]
                [number % 4];
        format!("[feed-{number}]\nurl = \"https://host-{number}.example.org/feed.xml\"\n{kind}\n")
    };
    let config = load("", &(0..10_000).map(feed).collect::<String>());
    assert_eq!(config.feeds.len(), 10_000);
    let kinds = |of: fn(&Feed) -> usize| config.feeds.values().map(|feed| of(feed)).collect::<HashSet<_>>().len();
    assert_eq!(kinds(|feed| Arc::as_ptr(&feed.poll) as usize), 2);
    assert_eq!(kinds(|feed| Arc::as_ptr(&feed.rules) as usize), 3);
    assert_eq!(kinds(|feed| Arc::as_ptr(&feed.style) as usize), 1);
    assert_eq!(kinds(|feed| Arc::as_ptr(&feed.tags) as usize), 2);
    assert_eq!(kinds(|feed| feed.to.as_ptr() as usize), 1);
}

#[test]
fn what_did_not_change_is_kept_from_before() {
    let folder = folder(&[("tidings.toml", ACCOUNT), ("feeds.d/a.toml", &feeds(&["", "every = \"1h\"", ""]))]);
    let former = Config::load(Some(&folder.path().join("tidings.toml"))).unwrap();
    fs::write(folder.path().join("feeds.d/a.toml"), feeds(&["# a remark", "every = \"2h\"", "", ""])).unwrap();
    let next = former.load_again().unwrap();
    let kept = |name: &str| Arc::ptr_eq(&former.feeds[&id(name)], &next.feeds[&id(name)]);
    assert_eq!(["a", "b", "c"].map(kept), [true, false, true]);
    assert_ne!(former.feeds[&id("b")], next.feeds[&id("b")]);
    assert_eq!(next.feeds.len(), 4);
}

#[test]
fn a_node_that_is_called_after_a_feed_may_be_that_of_others_too() {
    let route = "[[route]]\nto = [{ node = \"all-c\" }]\n";
    let both = "to = [{ node = \"{feed}\" }, { node = \"all-{feed}\" }]";
    let feeds = feeds(&["", "to = [{ node = \"a\" }]", both]) + "[all-a]\nurl = \"https://example.org/all-a\"\n";
    let deliver = load(route, &feeds).deliver();
    let node = |name: &str| Destination::Node { service: None, node: name.to_owned() };
    let followed = |name: &str| deliver.followed_by(&node(name)).map(|feed| feed.to_string());
    assert_eq!(followed("a"), None, "b names it too");
    assert_eq!(followed("c").as_deref(), Some("c"));
    assert_eq!(followed("all-c"), None, "a route names it too");
    assert_eq!(followed("all-a").as_deref(), Some("all-a"));
    assert_eq!(followed("d"), None, "no feed is called so");
    assert!(!deliver.is_shared(&node("c")) && deliver.is_shared(&node("a")) && deliver.is_shared(&node("all-c")));
}

#[test]
fn a_node_is_named_by_the_template_and_follows_its_one_feed() {
    let defaults = "[defaults]\nnode = \"news/{feed}\"\nservice = \"pubsub.example.org\"\n";
    let config = load(defaults, &feeds(&["", "to = [{ node = \"x\" }]", "to = [{ node = \"x\" }, { pep = true }]"]));
    let of = |feed: &str, number: usize| config.feeds[&id(feed)].destinations().nth(number).unwrap();
    let followed = |destination: &Destination| config.deliver().followed_by(destination);
    let (own, target) = of("a", 0);
    assert_eq!(own.to_string(), "node news/a at pubsub.example.org");
    assert_eq!(followed(&own), Some(id("a")));
    assert_eq!(target.backfill, Some(Backfill::Newest(20)));
    assert_eq!(followed(&of("b", 0).0), None, "two feeds go there");
    let (pep, target) = of("c", 1);
    assert_eq!((&pep, target.backfill), (&Destination::Pep { jid: None }, None));
    assert_eq!(followed(&pep), None, "a microblog is its person's");
}

#[test]
fn nodes_are_created_on_the_default_service_only() {
    let to = r#"to = [{ node = "x" }, { node = "y", service = "elsewhere.example" },
        { node = "z", service = "elsewhere.example", create = true }]"#;
    let config = load("[defaults]\nservice = \"pubsub.example.org\"\n", &feeds(&[to]));
    let created = config.feeds[&id("a")].to.iter().map(|target| target.settings.create).collect::<Vec<_>>();
    assert_eq!(created, [true, false, true]);
}

#[test]
fn a_destination_has_settings_of_its_own() {
    let to = "access = \"whitelist\"\nto = [{ node = \"x\", max-items = 5 }, { pep = true, backfill = 1 }]";
    let config = load("", &feeds(&[to]));
    let [node, pep] = &config.feeds[&id("a")].to[..] else { panic!("two destinations") };
    assert_eq!((node.settings.max_items, node.settings.access), (Some(5), Access::Whitelist));
    assert_eq!(pep.backfill, Some(Backfill::Newest(1)));
}

#[test]
fn routes_are_read_in_order() {
    let routes = r#"
        [[route]]
        match = { tag = "Rust", not = { any = [{ lang = "DE" }, { feed = "a" }] } }
        to = [{ node = "topic-{category}" }, { node = "rust" }]
        dedup = false
        limit = 7

        [[route]]
        to = [{ pep = true }]
    "#;
    let config = load(routes, "");
    assert_eq!(config.routes.len(), 2);
    assert!(matches!(config.routes[0].to[0], RouteTarget::Template { service: None, .. }));
    assert!(matches!(&config.routes[1].matches, Match::All(all) if all.is_empty()));
    assert_eq!(config.route_targets.len(), 2);
    assert_debug_snapshot!(config.routes[0], @r#"
    Route {
        matches: All(
            [
                Tag(
                    "rust",
                ),
                Not(
                    Any(
                        [
                            Lang(
                                "de",
                            ),
                            Feed(
                                "a",
                            ),
                        ],
                    ),
                ),
            ],
        ),
        to: [
            Template {
                service: None,
                node: "topic-{category}",
            },
            Fixed(
                Node {
                    service: None,
                    node: "rust",
                },
            ),
        ],
        dedup: false,
        limit: 7,
    }
    "#);
}

#[test]
fn relative_paths_are_relative_to_the_file_that_names_them() {
    let folder = folder(&[
        ("tidings.toml", "[xmpp]\njid = \"feeds@example.org\"\npassword-file = \"pw\"\n[store]\npath = \"s/state\"\n"),
        ("feeds.d/a.toml", "[a]\nurl = \"https://example.org\"\nuser = \"u\"\npassword-file = \"pw\"\n"),
    ]);
    let config = Config::load(Some(&folder.path().join("tidings.toml"))).unwrap();
    assert_eq!(config.xmpp.password, tidings::xmpp::Password::File(folder.path().join("pw")));
    assert_eq!(config.store.path, folder.path().join("s/state"));
    let (_, password) = config.feeds[&id("a")].poll.basic.clone().unwrap();
    assert_eq!(password.0, folder.path().join("feeds.d/pw"));
}

#[test]
fn what_editors_and_package_managers_leave_behind_is_skipped() {
    let folder = folder(&[("tidings.toml", ACCOUNT), ("feeds.d/good.toml", &feeds(&[""]))]);
    for name in [".a.toml", "a.toml~", "a.toml.bak", "a.toml.dpkg-old", "a.toml.dpkg-dist", "README", ".a.opml"] {
        fs::write(folder.path().join("feeds.d").join(name), "not = [toml").unwrap();
    }
    assert_eq!(Config::load(Some(&folder.path().join("tidings.toml"))).unwrap().feeds.len(), 1);
}

#[test]
fn opml_files_count_as_configuration() {
    let list = "<opml version='2.0'><body><outline text='Sea'><outline text='Boats'>\
        <outline text='Harbour' xmlUrl='https://www.harbour.example/feed.xml' category='Log'/></outline>\
        <outline text='off' xmlUrl='https://off.example/' tidings-id='off' isComment='true'/></outline></body></opml>";
    let folder = folder(&[("tidings.toml", ACCOUNT), ("feeds.d/list.opml", list), ("feeds.d/a.toml", &feeds(&[""]))]);
    let config = Config::load(Some(&folder.path().join("tidings.toml"))).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.feeds.keys().map(FeedId::as_str).collect::<Vec<_>>(), ["a", "harbour-example-feed-xml", "off"]);
    let harbour = &config.feeds[&id("harbour-example-feed-xml")];
    assert_eq!((harbour.name.as_deref(), harbour.enabled), (Some("Harbour"), true));
    assert_eq!(*harbour.tags, ["sea", "boats", "log"]);
    let off = &config.feeds[&id("off")];
    assert_eq!((off.name.as_deref(), off.enabled, &**off.tags), (None, false, &["sea".to_owned()][..]));
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_do_no_harm() {
    let config = load("", "\u{FEFF}[a]\r\nurl = \"https://example.org/\"\r\n");
    assert_eq!(config.feeds.len(), 1);
}

#[test]
fn check_print_shows_every_setting_with_its_origin_and_no_secret() {
    let main = r#"
        [xmpp]
        jid = "feeds@example.org"
        password = "hunter2"
        [defaults]
        service = "pubsub.example.org"
        node = "news/{feed}"
        [http]
        proxy = "http://me:hunter2@proxy.example.org:3128"
        [store]
        path = "/srv/state.redb"
        [[route]]
        to = [{ node = "{tag}" }, { pep = true }]
    "#;
    let feed = r#"
        [a]
        url = "https://example.org/feed?key=hunter2&format=atom"
        every = "90m"
        headers = { Authorization = "Bearer hunter2" }
        filter = [{ drop = { title = "x", any = [{ tag = "T" }] } }]
    "#;
    let folder = folder(&[("tidings.toml", main), ("feeds.d/a.toml", feed)]);
    let (_, merged) = Config::explain(Some(&folder.path().join("tidings.toml"))).unwrap();
    let merged = merged.to_string().replace(&format!("{}/", folder.path().display()), "");
    assert!(!merged.contains("hunter2"));
    toml::from_str::<toml::Table>(&merged).expect("it is TOML");
    assert_snapshot!(merged, @r#"
    [xmpp]
    jid = "feeds@example.org"               # tidings.toml:3
    password = "***"                        # tidings.toml:4
    tls = "starttls"                        # default
    allow-plain = false                     # default

    [defaults]
    every = "30m"                           # default
    node = "news/{feed}"                    # tidings.toml:7
    own = false                             # default
    full-poll-interval = "1d"               # default
    allow-private = false                   # default
    backfill = 20                           # default
    old-after = "30d"                       # default
    cool-down = "1h"                        # default
    on-update = "publish"                   # default
    on-remove = "keep"                      # default
    service = "pubsub.example.org"          # tidings.toml:6
    on-doubt = "resend"                     # default
    type = "urn:xmpp:pubsub-social-feed:1"  # default
    max-items = "max"                       # default
    access = "open"                         # default
    strict-0472 = false                     # default
    title = "{title}"                       # default
    author-uri = "none"                     # default
    summary = "none"                        # default

    [http]
    proxy = "http://me:***@proxy.example.org:3128/"  # tidings.toml:9
    host-interval = "1s"                    # default
    per-host = 1                            # default
    concurrency = 64                        # default
    allow-file = false                      # default

    [store]
    path = "/srv/state.redb"                # tidings.toml:11

    [reload]
    watch = false                           # default

    [[route]]
    match = {}                              # default
    to = [
      { node = "{tag}", service = "pubsub.example.org", type = "urn:xmpp:pubsub-social-feed:1", max-items = "max", access = "open", strict-0472 = false },
      { pep = true, type = "urn:xmpp:pubsub-social-feed:1", max-items = "max", access = "open", strict-0472 = false },
    ]                                       # tidings.toml:13
    dedup = true                            # default
    limit = 200                             # default

    [a]
    url = "https://example.org/feed?key=***&format=***"  # feeds.d/a.toml:3
    enabled = true                          # default
    every = "90m"                           # feeds.d/a.toml:4
    own = false                             # default
    full-poll-interval = "1d"               # default
    allow-private = false                   # default
    headers = { "Authorization" = "***" }   # feeds.d/a.toml:5
    item-id = "tidings"                     # default
    filter = [{ drop = { all = [{ title = "x" }, { any = [{ tag = "t" }] }] } }]  # feeds.d/a.toml:6
    backfill = 20                           # default
    old-after = "30d"                       # default
    cool-down = "1h"                        # default
    on-update = "publish"                   # default
    on-remove = "keep"                      # default
    title = "{title}"                       # default
    author-uri = "none"                     # default
    summary = "none"                        # default
    service = "pubsub.example.org"          # tidings.toml:6
    on-doubt = "resend"                     # default
    type = "urn:xmpp:pubsub-social-feed:1"  # default
    max-items = "max"                       # default
    access = "open"                         # default
    strict-0472 = false                     # default
    to = [{ node = "news/{feed}" }]         # tidings.toml:7
    "#);
}

/// The folder that a test's files are in, as a path that messages show.
fn shown(path: PathBuf) -> String {
    format!("{}/", path.display())
}
