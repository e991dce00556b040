//! `import` and `export`.

use super::*;

const LIST: &str = "<opml version='2.0'><body><outline text='Sea'>
<outline text='Harbour &amp; Log' xmlUrl='https://harbour.example/feed'/>
<outline text='no address' type='rss'/>
<outline text='known' xmlUrl='https://example.org/feed'/>
<outline text='ftp' xmlUrl='ftp://ftp.example/feed'/>
<outline text='Video' xmlUrl='feed://video.example/v.xml?id=1&id=2' tidings-id='video' category='Film,/A/B'/>
</outline></body></opml>";

#[test]
fn good_rows_are_imported_and_bad_ones_named() {
    let folder = folder(&[ACCOUNT, FEED, ("My Feeds.opml", LIST)]);
    assert_snapshot!(told(folder.path(), &["import", "My Feeds.opml"]), @r"
    exit 0
    --- stdout
    2 feeds written to feeds.d/my-feeds.toml
    1 there already
    2 rows left out, see above
    --- stderr
    My Feeds.opml:3: this outline has no `xmlUrl`
    My Feeds.opml:5: `ftp:` is no scheme to poll
    ");
    assert_snapshot!(read(&folder, "feeds.d/my-feeds.toml"), @r#"
    # Imported from My Feeds.opml.

    [harbour-example-feed]
    url = "https://harbour.example/feed"
    name = "Harbour & Log"
    tags = ["Sea"]

    [video]
    url = "http://video.example/v.xml?id=1&id=2"
    name = "Video"
    tags = ["Sea", "Film", "A", "B"]
    "#);
    assert_snapshot!(told(folder.path(), &["check"]), @r"
    exit 0
    --- stdout
    --- stderr
    tidings.toml: all is well, 3 feeds, 0 routes
    ");
    // A second time there is nothing to add.
    assert_snapshot!(told(folder.path(), &["import", "My Feeds.opml"]), @r"
    exit 0
    --- stdout
    3 there already
    2 rows left out, see above
    --- stderr
    My Feeds.opml:3: this outline has no `xmlUrl`
    My Feeds.opml:5: `ftp:` is no scheme to poll
    ");
    assert!(!folder.path().join("feeds.d/my-feeds-2.toml").exists());
}

#[test]
fn what_is_exported_comes_back_byte_by_byte() {
    let feeds = "[b]\nurl = \"https://b.example/?x=1&y=2\"\nname = 'Harbour \"& <Log>'\ntags = [\"Sea\", \"a/b\", \"ö,ä\", \"z\"]\n\
        [a]\nurl = \"https://a.example/\"\nenabled = false\n[\"c.d\"]\nurl = \"https://c.example/\"\ntags = [\"sea\", \"boats\"]\n";
    let one = folder(&[ACCOUNT, ("feeds.d/x.toml", feeds)]);
    let exported = run(one.path(), &["export"]);
    assert_snapshot!(text(&exported.stdout), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <opml version="2.0">
      <head>
        <title>Feeds of Tidings</title>
      </head>
      <body>
        <outline text="sea">
          <outline text="a/b">
            <outline text="ö,ä">
              <outline type="rss" text="Harbour &quot;&amp; &lt;Log&gt;" xmlUrl="https://b.example/?x=1&amp;y=2" tidings-id="b" category="z"/>
            </outline>
          </outline>
          <outline type="rss" text="c.d" xmlUrl="https://c.example/" tidings-id="c.d" category="boats"/>
        </outline>
        <outline type="rss" text="a" xmlUrl="https://a.example/" tidings-id="a" isComment="true"/>
      </body>
    </opml>
    "#);
    let other = folder(&[ACCOUNT]);
    fs::write(other.path().join("list.opml"), &exported.stdout).unwrap();
    let imported = told(other.path(), &["import", "list.opml"]);
    assert!(imported.contains("3 feeds written"), "{imported}");
    assert_eq!(text(&run(other.path(), &["export"]).stdout), text(&exported.stdout));
    // Nor does it change where the list itself is the configuration.
    let third = folder(&[ACCOUNT]);
    fs::write(third.path().join("feeds.d/list.opml"), &exported.stdout).unwrap();
    assert_eq!(text(&run(third.path(), &["export"]).stdout), text(&exported.stdout));
    assert_snapshot!(told(third.path(), &["feeds", "remove", "c.d"]), @r"
    exit 0
    --- stdout
    c.d: taken out of feeds.d/list.opml
    --- stderr
    ");
    assert!(!read(&third, "feeds.d/list.opml").contains("c.example"));
    assert_snapshot!(text(&run(third.path(), &["export", "--json"]).stdout), @r#"{"feeds":[{"enabled":false,"id":"a","name":null,"tags":[],"url":"https://a.example/"},{"enabled":true,"id":"b","name":"Harbour \"& <Log>","tags":["sea","a/b","ö,ä","z"],"url":"https://b.example/?x=1&y=2"}]}"#);
}

#[test]
fn a_config_of_atomtopubsub_is_read_and_not_run() {
    let config = "import os\nos.remove('feeds.d')\njid = 'bot@example.org'\nsecret = 'canary-3187'\nrefresh_time = 15\nfeeds = {\n\
        \x20   'Harbour' : {\n        'url' : 'https://harbour.example/atom.xml',\n        'server' : 'pubsub.example.org'\n    },\n\
        \x20   'Late' : { 'url': os.environ['LATE'], 'server': 'pubsub.example.org' },\n}\n";
    let folder = folder(&[ACCOUNT, ("config.py", config)]);
    let said = told(folder.path(), &["import", "config.py"]);
    assert_snapshot!(said, @r#"
    exit 0
    --- stdout
    1 feed written to feeds.d/config.toml
    1 row left out, see above
    --- stderr
    config.py:11: `url` of "Late" is computed, not written down
    "#);
    let written = read(&folder, "feeds.d/config.toml");
    assert_snapshot!(written, @r#"
    # Imported from config.py.

    [harbour-example-atom-xml]
    url = "https://harbour.example/atom.xml"
    name = "Harbour"
    to = [{ node = "Harbour", service = "pubsub.example.org" }]
    item-id = "atomtopubsub"
    every = "15m"
    "#);
    assert!(!written.contains("canary") && !said.contains("canary"));
    assert_snapshot!(told(folder.path(), &["check"]), @r"
    exit 0
    --- stdout
    --- stderr
    tidings.toml: all is well, 1 feed, 0 routes
    ");
}

#[test]
fn a_file_without_feeds_is_bad_input() {
    let folder =
        folder(&[ACCOUNT, ("page.html", "<html><body>Hello</body></html>"), ("config.py", "feeds = load()\n")]);
    assert_snapshot!(told(folder.path(), &["import", "page.html"]), @r"
    exit 65
    --- stdout
    --- stderr
    page.html:1: this is no OPML: it has no <outline>
    error: page.html: there is no feed in it
    ");
    assert_snapshot!(told(folder.path(), &["import", "config.py"]), @r"
    exit 65
    --- stdout
    --- stderr
    config.py:1: `feeds` is computed, not written down
    error: config.py: there is no feed in it
    ");
    assert_snapshot!(told(folder.path(), &["import", "missing.opml"]), @r"
    exit 65
    --- stdout
    --- stderr
    error: missing.opml cannot be read: No such file or directory (os error 2)
    ");
}

#[test]
fn a_list_comes_from_standard_input_in_any_encoding() {
    let folder = folder(&[ACCOUNT]);
    let mut child =
        tidings(folder.path(), &["import", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let list = b"<?xml version='1.0' encoding='ISO-8859-1'?><opml><body><outline text='H\xe4fen' xmlUrl='https://h.example/'/></body></opml>";
    child.stdin.take().unwrap().write_all(list).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    assert!(read(&folder, "feeds.d/imported.toml").contains("name = \"Häfen\""));
}
