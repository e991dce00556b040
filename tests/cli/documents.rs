//! `parse` and `preview`.

use super::*;

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
    feed: Harbour Log, 2 entries

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
fn what_never_ends_is_given_up() {
    let folder = folder(&[ACCOUNT]);
    for verb in ["parse", "import"] {
        let output = run(folder.path(), &[verb, "/dev/zero"]);
        assert_eq!(output.status.code(), Some(65), "{verb}");
        assert_eq!(text(&output.stderr), "error: /dev/zero is longer than 256 MiB\n");
    }
}

#[test]
fn preview_tells_of_each_node_how_clients_show_it() {
    let feed = "<rss version='2.0'><channel><title>Harbour Log</title>\
        <item><title>The tide clock</title><guid>a</guid><link>https://harbour.example/clock</link></item></channel></rss>";
    let feeds = "[log]\nurl = \"URL\"\nto = [{ node = \"log\" }, { node = \"plain\", type = \"http://www.w3.org/2005/Atom\" }, \
        { node = \"own\", type = \"urn:example:1\" }]\n";
    let folder = folder(&[ACCOUNT, ("feeds.d/log.toml", ""), ("log.xml", feed)]);
    let url = format!("file://{}", folder.path().join("log.xml").display());
    fs::write(folder.path().join("feeds.d/log.toml"), feeds.replace("URL", &url)).unwrap();
    let main = format!("{}\n[http]\nallow-file = true\n", read(&folder, "tidings.toml"));
    fs::write(folder.path().join("tidings.toml"), main).unwrap();
    let told = text(&run(folder.path(), &["preview", "log"]).stdout);
    let lines = told.lines().filter(|line| line.contains(" would "));
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
    Movim would show this: “The tide clock”
    Converse would show this: “The tide clock” (node plain, node log)
    Converse would drop this: it does not list nodes of type "urn:example:1" (node own)
    RSS Guard would show this: “The tide clock”
    Libervia would show this: “The tide clock”
    body-only clients would show this, but on Prosody as “posted” and the title, without the link; elsewhere without a text (node plain)
    body-only clients would show this, but without a text, unless the server is told to make one (pubsub_summary_templates) (node own, node log)
    "#);
}

#[test]
fn preview_shows_what_a_room_and_a_person_are_told() {
    let feed = "<rss version='2.0'><channel><title>Harbour Log</title>\
        <item><title>The tide clock</title><guid>a</guid><link>https://harbour.example/clock</link></item></channel></rss>";
    let main = "[xmpp]\njid = \"feeds@example.org\"\n\
        [[route]]\nto = [{ room = \"news@rooms.example.org\" }, { chat = \"romeo@example.net\" }]\n";
    let folder = folder(&[("tidings.toml", main), ("feed.xml", feed), FEED]);
    let output = run(folder.path(), &["preview", "feed.xml"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_snapshot!(text.split_once("\n\n  chat").unwrap().1, @r"
     romeo@example.net is told:
        Harbour Log: The tide clock

        https://harbour.example/clock

      room news@rooms.example.org is told:
        Harbour Log: The tide clock

        https://harbour.example/clock
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
