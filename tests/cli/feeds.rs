//! `feeds`: changes of feeds.d and of the state while no gateway runs.

use super::*;

fn harbour() -> String {
    site(&[
        (
            "/",
            "text/html",
            "<html><head><link rel=alternate type='application/atom+xml' href='/feed'></head></html>".to_owned(),
        ),
        (
            "/two",
            "text/html",
            "<html><head><link rel=alternate type='application/atom+xml' title='Posts' href='/feed'>\
             <link rel=alternate type='application/rss+xml' title='Comments' href='/comments'></head></html>"
                .to_owned(),
        ),
        ("/feed", "application/atom+xml", atom("Harbour\n  Log\u{202e}")),
        ("/none", "text/html", "<html><body>Nothing</body></html>".to_owned()),
    ])
}

/// A call, with the server's port taken out of what is said.
fn added(folder: &TempDir, site: &str, arguments: &[&str]) -> String {
    let arguments = [&["feeds", "add", "--allow-private"], arguments].concat();
    told(folder.path(), &arguments).replace(site, "http://site").replace(site.rsplit(':').next().unwrap(), "PORT")
}

#[test]
fn a_page_leads_to_its_feed_which_is_written_down() {
    let (folder, site) = (folder(&[ACCOUNT, FEED]), harbour());
    let page = format!("{site}/");
    assert_snapshot!(added(&folder, &site, &[&page, "--id", "harbour", "--tag", "sea", "--every", "1h"]), @r"
    exit 0
    --- stdout
    http://site/ links to http://site/feed
    http://site/feed is “Harbour Log”, 1 entry, the newest of 2026-11-02 07:15:00 UTC
    harbour: written to feeds.d/harbour.toml
    --- stderr
    ");
    assert_snapshot!(read(&folder, "feeds.d/harbour.toml").replace(&site, "http://site"), @r#"
    [harbour]
    url = "http://site/feed"
    name = "Harbour Log"
    tags = ["sea"]
    every = "1h"
    allow-private = true
    "#);
    assert_snapshot!(added(&folder, &site, &[&page, "--id", "again"]), @r"
    exit 64
    --- stdout
    http://site/ links to http://site/feed
    --- stderr
    error: the feed `harbour` has the address http://site/feed already
    hint: `tidings feeds list` lists all feeds
    ");
    assert_snapshot!(added(&folder, &site, &["example.org", "--id", "a"]), @r"
    exit 64
    --- stdout
    --- stderr
    error: there is a feed `a` already, https://example.org/feed
    hint: give it another id with --id
    ");
    assert_snapshot!(told(folder.path(), &["check"]), @r"
    exit 0
    --- stdout
    --- stderr
    tidings.toml: all is well, 2 feeds, 0 routes
    ");
}

#[test]
fn of_a_page_with_several_feeds_one_must_be_named() {
    let (folder, site) = (folder(&[ACCOUNT]), harbour());
    let page = format!("{site}/two");
    assert_snapshot!(added(&folder, &site, &[&page]), @r"
    exit 65
    --- stdout
    --- stderr
    error: http://site/two links to 2 feeds
    hint: add the one that you want, or the first with --first:
      tidings feeds add http://site/feed   Posts
      tidings feeds add http://site/comments   Comments
    ");
    assert_snapshot!(added(&folder, &site, &[&page, "--first"]), @r"
    exit 0
    --- stdout
    http://site/two links to http://site/feed
    http://site/feed is “Harbour Log”, 1 entry, the newest of 2026-11-02 07:15:00 UTC
    127-0-0-1-feed: written to feeds.d/127-0-0-1-feed.toml
    --- stderr
    ");
}

#[test]
fn what_is_no_feed_is_not_added() {
    let (folder, site) = (folder(&[ACCOUNT]), harbour());
    assert_snapshot!(added(&folder, &site, &[&format!("{site}/none")]), @r"
    exit 65
    --- stdout
    --- stderr
    error: http://site/none: not a feed: it looks like a web page
    hint: `tidings preview` shows what is read in a document
    ");
    assert_snapshot!(added(&folder, &site, &[&format!("{site}/missing")]), @r"
    exit 1
    --- stdout
    --- stderr
    error: 127.0.0.1:PORT answered 404
    ");
    assert!(fs::read_dir(folder.path().join("feeds.d")).unwrap().next().is_none());
    assert_snapshot!(added(&folder, &site, &[&format!("{site}/missing"), "--force", "--id", "later"]), @r"
    exit 0
    --- stdout
    http://site/missing could not be read; added all the same
    later: written to feeds.d/later.toml
    --- stderr
    ");
    assert_snapshot!(told(folder.path(), &["feeds", "add", &format!("{site}/feed")]).replace(&site, "http://site"), @r"
    exit 1
    --- stdout
    --- stderr
    error: 127.0.0.1 is an address of the local network; `allow-private = true` on the feed permits it
    hint: --allow-private, if it is meant to be one
    ");
}

#[test]
fn a_second_feed_joins_a_file_and_each_can_be_taken_out_again() {
    let other = "# Mine.\r\n[b]  # daily\nurl   = 'https://b.example/'\n";
    let (folder, site) = (folder(&[ACCOUNT, ("feeds.d/harbour.toml", other)]), harbour());
    added(&folder, &site, &[&site, "--id", "harbour"]);
    let both = read(&folder, "feeds.d/harbour.toml");
    assert!(both.starts_with(other) && both.contains("\n\n[harbour]\nurl = "), "{both}");
    assert_snapshot!(told(folder.path(), &["feeds", "remove", "harbour"]), @r"
    exit 0
    --- stdout
    harbour: taken out of feeds.d/harbour.toml
    --- stderr
    ");
    assert_eq!(read(&folder, "feeds.d/harbour.toml"), format!("{other}\n"));
    assert_snapshot!(told(folder.path(), &["feeds", "remove", "b"]), @r"
    exit 0
    --- stdout
    b: taken out of feeds.d/harbour.toml
    --- stderr
    ");
    assert!(!folder.path().join("feeds.d/harbour.toml").exists());
    assert_snapshot!(told(folder.path(), &["feeds", "remove", "b"]), @r"
    exit 64
    --- stdout
    --- stderr
    error: there is no feed `b` in the configuration
    hint: `tidings feeds list` lists them
    ");
}

#[test]
fn feeds_are_listed_with_and_without_a_state() {
    let main = format!("{NO_SERVER}[store]\npath = \"state.redb\"\n");
    let off =
        ("feeds.d/b.toml", "[off]\nurl = \"https://b.example/\"\nname = \"B\"\ntags = [\"x\"]\nenabled = false\n");
    let folder = folder(&[("tidings.toml", &main), FEED, off]);
    assert_snapshot!(told(folder.path(), &["feeds", "list"]), @r"
    exit 0
    --- stdout
    a    new       https://example.org/feed
    off  disabled  https://b.example/  B
    --- stderr
    ");
    assert!(!folder.path().join("state.redb").exists());
    assert_snapshot!(told(folder.path(), &["feeds", "pause", "a"]), @r"
    exit 0
    --- stdout
    --- stderr
    a: paused
    ");
    assert_snapshot!(told(folder.path(), &["feeds", "list", "--json"]), @r#"
    exit 0
    --- stdout
    {"feeds":[{"id":"a","name":null,"next_poll":null,"state":"paused","tags":[],"url":"https://example.org/feed"},{"id":"off","name":"B","next_poll":null,"state":"disabled","tags":["x"],"url":"https://b.example/"}]}
    --- stderr
    "#);
    assert_snapshot!(told(folder.path(), &["feeds", "poll", "a", "--wait"]), @r"
    exit 1
    --- stdout
    a: failed: it is paused
    --- stderr
    ");
    assert_snapshot!(told(folder.path(), &["feeds", "resume", "a"]), @r"
    exit 0
    --- stdout
    --- stderr
    a: no longer paused
    ");
    assert_snapshot!(told(folder.path(), &["feeds", "pause", "c"]), @r"
    exit 64
    --- stdout
    --- stderr
    error: there is no feed `c` in the configuration
    hint: `tidings feeds list` lists them
    ");
    assert!(told(folder.path(), &["feeds", "list"]).contains("a    new "));
}

#[test]
fn a_feed_is_polled_at_once_when_no_gateway_runs() {
    let site = harbour();
    let feed = format!("[harbour]\nurl = \"{site}/feed\"\nallow-private = true\nbackfill = 0\n");
    let main = format!("{NO_SERVER}[store]\npath = \"state.redb\"\n");
    let folder = folder(&[("tidings.toml", &main), ("feeds.d/a.toml", &feed)]);
    assert_snapshot!(told(folder.path(), &["feeds", "poll", "harbour", "--wait"]), @r"
    exit 0
    --- stdout
    harbour: read, nothing to publish
    --- stderr
    ");
    assert_snapshot!(told(folder.path(), &["feeds", "poll", "harbour"]), @r"
    exit 0
    --- stdout
    harbour: read, nothing to publish
    --- stderr
    ");
}
