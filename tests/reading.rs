//! What is read in documents of every kind, clean and broken: one line an entry.

#![expect(clippy::expect_used, reason = "a document that is not read fails the test")]

use tidings::ingest::parse::{Document, parse};

const BASE: &str = "http://example.org/feeds/feed.xml";

fn read(document: &str) -> Document {
    parse(document.as_bytes(), BASE, None).expect(document)
}

/// `id | title | link | published | content`, an entry a line, below how it was read.
fn told(document: &str) -> String {
    let document = read(document);
    let mut told = document.read_by;
    for entry in document.entries {
        let date = entry.published.or(entry.updated).map(|date| date.format("%FT%T").to_string());
        let text = |text: Option<tidings::feed::Text>| text.map(|text| text.as_str().to_owned());
        let parts = [entry.id, text(entry.title), entry.link, date, text(entry.content)];
        told += "\n";
        told += &parts.map(|part| part.unwrap_or_else(|| "-".to_owned())).join(" | ");
    }
    told
}

const RSS_ITEM: &str = "<item><guid>http://example.org/1</guid><title>One</title>\
    <pubDate>Sat, 07 Sep 2002 00:00:01 GMT</pubDate><description>Text</description></item>";

fn rss(inside: &str) -> String {
    format!("<rss version='2.0'><channel><title>T</title>{inside}</channel></rss>")
}

#[test]
fn clean_rss_is_read_fast() {
    insta::assert_snapshot!(told(&rss(RSS_ITEM)), @"
    fast
    http://example.org/1 | One | http://example.org/1 | 2002-09-07T00:00:01 | Text
    ");
}

#[test]
fn every_version_and_namespace_of_rss_reads_the_same() {
    let roots = [
        "rss version='0.93'",
        "rss version='0.94'",
        "rss version='3.14'",
        "rss",
        "RSS version='2.0'",
        "rss version='2.0' xmlns='http://backend.userland.com/rss2'",
        "rss version='2.0' xmlns='http://nobody.example/idea/of/rss'",
        "rss version='2.0' xmlns='http://www.w3.org/2005/Atom'",
    ];
    for root in roots {
        let name = root.split(' ').next().unwrap_or_default();
        let told = told(&format!("<{root}><channel>{RSS_ITEM}</channel></{name}>"));
        let entries = told.split_once('\n').map(|(_, entries)| entries);
        assert_eq!(
            entries,
            Some("http://example.org/1 | One | http://example.org/1 | 2002-09-07T00:00:01 | Text"),
            "{root}"
        );
    }
}

#[test]
fn rdf_items_beside_the_channel_are_entries_with_their_address_as_id() {
    let document = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'
        xmlns:dc='http://purl.org/dc/elements/1.1/'><channel rdf:about='http://example.org/'><title>T</title>
        <items><rdf:Seq><rdf:li rdf:resource='http://example.org/1'/></rdf:Seq></items></channel>
        <item rdf:about='http://example.org/1'><title>One</title><dc:date>2002-09</dc:date></item>
        <item><title>Two</title></item></rdf:RDF>";
    insta::assert_snapshot!(told(document), @"
    repaired: RSS 1.0
    http://example.org/1 | One | http://example.org/1 | 2002-09-01T00:00:00 | -
    - | Two | - | - | -
    ");
}

#[test]
fn rss_1_1_and_cdf_are_read() {
    let rss_1_1 = "<Channel xmlns='http://purl.org/net/rss1.1#' rdf:about='x'><title>T</title>
        <items rdf:parseType='Collection'><item rdf:about='http://example.org/1'><title>One</title></item></items></Channel>";
    insta::assert_snapshot!(told(rss_1_1), @"
    repaired: an unknown root element
    http://example.org/1 | One | http://example.org/1 | - | -
    ");
    let cdf = "<CHANNEL HREF='http://example.org/'><TITLE>T</TITLE><ITEM HREF='/1' LASTMOD='2002-09-07'>
        <TITLE>One</TITLE><ABSTRACT>Text</ABSTRACT></ITEM></CHANNEL>";
    insta::assert_snapshot!(told(cdf), @"
    repaired: an unknown root element
    - | One | http://example.org/1 | 2002-09-07T00:00:00 | Text
    ");
}

#[test]
fn drafts_of_atom_are_read() {
    let document = "<feed version='0.3' xmlns='http://purl.org/atom/ns#'><title>T</title><tagline>S</tagline>
        <entry><id>urn:1</id><title mode='escaped' type='text/html'>&lt;b&gt;One&lt;/b&gt;</title>
        <link rel='alternate' href='/1'/><issued>2002-09-07T00:00Z</issued><modified>2002-09-08T00:00Z</modified>
        <content type='application/xhtml+xml'><div xmlns='http://www.w3.org/1999/xhtml'>a<br/>b</div></content></entry>
        <entry><title mode='base64'>VHdv</title></entry></feed>";
    insta::assert_snapshot!(told(document), @"
    repaired: Atom before 1.0
    urn:1 | <b>One</b> | http://example.org/1 | 2002-09-07T00:00:00 | a<br>b
    - | Two | - | - | -
    ");
    assert_eq!(read(document).meta.description.as_deref(), Some("S"));
}

#[test]
fn broken_markup_costs_no_entry() {
    let cases = [
        ("a stray ampersand", "<item><title>Q & A</title><link>http://example.org/?a=1&b=2</link></item>"),
        ("a stray angle", "<item><title>1 < 2</title></item>"),
        ("HTML entities", "<item><title>caf&eacute;&nbsp;&copy;</title></item>"),
        ("an unknown entity", "<item><title>a &thing; b</title></item>"),
        ("odd references", "<item><title>&#X41;&#0;&#146;&#xD800;</title></item>"),
        ("a wrong end tag", "<item><title>One</titel></title><link>/1</wrong></item>"),
        ("a missing end tag", "<item><title>One<link>/1</link></item>"),
        ("a missing item end", "<item><title>One</title><item><title>Two</title></item>"),
        ("naked HTML", "<item><title>A <b>bold</b> one</title><description><p>x<br>y</p></description></item>"),
        ("an open CDATA", "<item><title><![CDATA[One</title></item>"),
        ("an open comment", "<item><title>One</title><!-- </item>"),
        ("an undeclared prefix", "<item><title>One</title><media:title>Two</media:title></item>"),
        (
            "references in attributes",
            "<item><a:link xmlns:a='http://www.w3.org/2005/Atom' href='/?a=1&amp;b=2&c=&eacute;'/></item>",
        ),
        ("two titles", "<item><title>One</title><link>/1</link><title>Two</title></item>"),
        (
            "a forgotten end of what items stand beside",
            "<media:category><item><title>One</title></item><media:credit><item><title>No</title></item></media:credit>",
        ),
        ("upper case", "<ITEM><TITLE>One</TITLE><LINK>/1</LINK></ITEM>"),
    ];
    let told = cases.map(|(what, item)| format!("{what}: {}", told(&rss(item)))).join("\n");
    insta::assert_snapshot!(told, @"
    a stray ampersand: repaired: broken markup
    - | Q & A | http://example.org/?a=1&b=2 | - | -
    a stray angle: repaired: markup inside of text
    - | 1 < 2 | - | - | -
    HTML entities: repaired: entities that XML does not know
    - | café © | - | - | -
    an unknown entity: repaired: entities that XML does not know
    - | a &thing; b | - | - | -
    odd references: repaired: impossible character references
    - | A’ | - | - | -
    a wrong end tag: repaired: broken markup
    - | One | http://example.org/1 | - | -
    a missing end tag: repaired: markup inside of text
    - | One | http://example.org/1 | - | -
    a missing item end: repaired: markup inside of text
    - | One | - | - | -
    - | Two | - | - | -
    naked HTML: repaired: markup inside of text
    - | A <b>bold</b> one | - | - | <p>x<br>y</p>
    an open CDATA: repaired: broken markup
    - | One | - | - | -
    an open comment: repaired: broken markup
    - | One | - | - | -
    an undeclared prefix: repaired: undeclared prefixes
    - | One | - | - | -
    references in attributes: repaired: impossible references in attributes
    - | - | http://example.org/?a=1&b=2&c=%C3%A9 | - | -
    two titles: repaired: several titles
    - | One | http://example.org/1 | - | -
    a forgotten end of what items stand beside: repaired: undeclared prefixes
    - | One | - | - | -
    upper case: repaired: names in the wrong case
    - | One | http://example.org/1 | - | -
    ");
}

#[test]
fn words_in_front_of_a_document_are_not_looked_at() {
    let warned =
        format!("<br />\n<b>Warning</b>: something <!-- <html> --><br>\n<?xml version='1.0'?>{}", rss(RSS_ITEM));
    assert_eq!(read(&warned).entries.len(), 1);
    let commented = format!("<!-- <html> --><?xml-stylesheet href='x'?>{}", rss(RSS_ITEM));
    assert_eq!(read(&commented).read_by, "fast");
    let html = "<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' 'x'>";
    assert_eq!(read(&format!("{html}{}", rss(RSS_ITEM))).entries.len(), 1, "a doctype is no page");
    let wrapped = format!("{html}<html><body>{}</body></html>", rss(RSS_ITEM));
    assert_eq!(read(&wrapped).entries.len(), 1, "a feed in the body of a page is a feed");
}

#[test]
fn the_last_entry_of_a_cut_document_is_left_out() {
    let whole = rss(&RSS_ITEM.repeat(3));
    let document = read(&whole[..whole.rfind("<pubDate>").unwrap_or(0)]);
    assert_eq!(document.entries.len(), 2);
    assert!(document.is_truncated);
    let only = read(&rss(RSS_ITEM)[..120]);
    assert_eq!(only.entries.len(), 1, "a cut entry is better than none");
    assert!(only.is_truncated);
}

#[test]
fn declared_entities_are_put_in_and_do_not_grow() {
    let document = "<!DOCTYPE rss [<!ENTITY name \"Example &amp; Co\"> <!ENTITY twice '&name;&name;'>]>".to_owned()
        + &rss("<item><title>&twice;</title></item>");
    insta::assert_snapshot!(told(&document), @"
    repaired: entities that XML does not know
    - | Example & CoExample & Co | - | - | -
    ");
    let mut bomb = "<!DOCTYPE rss [<!ENTITY a0 'lol'>".to_owned();
    for n in 1..40 {
        bomb += &format!("<!ENTITY a{n} '{}'>", format!("&a{};", n - 1).repeat(10));
    }
    bomb += &format!("]>{}", rss(&"<item><title>&a39;&a5;</title></item>".repeat(100)));
    let size: usize =
        read(&bomb).entries.iter().filter_map(|entry| entry.title.as_ref()).map(|title| title.as_str().len()).sum();
    assert!(size < 100_000, "{size}");
}

#[test]
fn what_feed_rs_drops_is_read() {
    let document = "<rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:atom='http://www.w3.org/2005/Atom'
        xmlns:sy='http://purl.org/rss/1.0/modules/syndication/' xmlns:feedburner='http://rssnamespace.org/feedburner/ext/1.0'
        xmlns:media='http://search.yahoo.com/mrss/'><channel><title>T</title><link>http://example.org/</link>
        <atom:link rel='self' href='http://example.org/feed'/><ttl>90</ttl><sy:updatePeriod>daily</sy:updatePeriod>
        <sy:updateFrequency>4</sy:updateFrequency><skipHours><hour>3</hour><hour>24</hour></skipHours>
        <skipDays><day>Sunday</day></skipDays><item><guid isPermaLink='false'>http://example.org/1</guid>
        <link>http://proxy.example/1</link><feedburner:origLink>http://example.org/one</feedburner:origLink>
        <dc:creator>Jane</dc:creator><dc:subject>cats</dc:subject><category domain='http://example.org/'>dogs</category>
        <enclosure url='/1.mp3' length='9' type='audio/mpeg'/><media:content url='/1.jpg' type='image/jpeg'>
        <media:title>A cat</media:title></media:content></item></channel></rss>";
    insta::assert_debug_snapshot!(read(document), @r#"
    Document {
        meta: FeedMeta {
            id: None,
            title: Some(
                "T",
            ),
            description: None,
            link: Some(
                "http://example.org/",
            ),
            self_link: Some(
                "http://example.org/feed",
            ),
            updated: None,
            lang: None,
            authors: [],
        },
        entries: [
            Entry {
                id: Some(
                    "http://example.org/1",
                ),
                title: None,
                link: Some(
                    "http://proxy.example/1",
                ),
                original_link: Some(
                    "http://example.org/one",
                ),
                is_permalink: Some(
                    false,
                ),
                links: [
                    Link {
                        href: "http://example.org/1.mp3",
                        rel: "enclosure",
                        media_type: Some(
                            "audio/mpeg",
                        ),
                        title: None,
                        length: Some(
                            9,
                        ),
                        lang: None,
                    },
                    Link {
                        href: "http://example.org/1.jpg",
                        rel: "enclosure",
                        media_type: Some(
                            "image/jpeg",
                        ),
                        title: Some(
                            "A cat",
                        ),
                        length: None,
                        lang: None,
                    },
                ],
                published: None,
                updated: None,
                authors: [
                    Person {
                        name: Some(
                            "Jane",
                        ),
                        email: None,
                        uri: None,
                    },
                ],
                summary: None,
                content: None,
                categories: [
                    Category {
                        term: "dogs",
                        label: None,
                        scheme: Some(
                            "http://example.org/",
                        ),
                    },
                    Category {
                        term: "cats",
                        label: None,
                        scheme: None,
                    },
                ],
                rights: None,
                lang: None,
                base: Some(
                    "http://proxy.example/1",
                ),
            },
        ],
        hints: Hints {
            ttl_minutes: Some(
                90,
            ),
            update_seconds: Some(
                21600,
            ),
            skip_hours: [
                3,
                0,
            ],
            skip_days: [
                6,
            ],
        },
        is_truncated: false,
        tombstones: [],
        is_complete: false,
        prev_archive: None,
        read_by: "fast",
    }
    "#);
}

#[test]
fn words_of_other_vocabularies_are_read_in_rss() {
    let item = "<item xmlns:a='http://www.w3.org/2005/Atom' xmlns:dcterms='http://purl.org/dc/terms/' xmlns:dc='http://purl.org/dc/elements/1.1/'>\
        <a:id>urn:1</a:id><dc:title>One</dc:title><a:link href='/1'/><dcterms:issued>2002-09-07</dcterms:issued>\
        <a:content type='text'>1 &lt; 2</a:content></item>";
    insta::assert_snapshot!(told(&rss(item)), @"
    repaired: Atom elements in RSS
    urn:1 | One | http://example.org/1 | 2002-09-07T00:00:00 | 1 &lt; 2
    ");
    let two_dates = "<item><title>One</title><pubDate>Sat, 07 Sep 2002 00:00:01 GMT</pubDate>\
        <dc:date xmlns:dc='http://purl.org/dc/elements/1.1/'>1999-01-01</dc:date></item>";
    insta::assert_snapshot!(told(&rss(two_dates)), @"
    repaired: elements of several vocabularies
    - | One | - | 2002-09-07T00:00:01 | -
    ");
    let wordpress = "<item><title>One</title><post-id xmlns='com-wordpress:feed-additions:1'>7</post-id></item>";
    insta::assert_snapshot!(told(&rss(wordpress)), @"
    fast
    - | One | - | - | -
    ");
}

#[test]
fn a_video_and_an_episode_are_read() {
    let video = "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:media='http://search.yahoo.com/mrss/'><entry><id>yt:1</id>\
        <title>One</title><link rel='alternate' href='http://example.org/1'/><media:group><media:title>One</media:title>\
        <media:content url='http://example.org/1.mp4' type='video/mp4'/><media:description>a\nb</media:description></media:group></entry></feed>";
    insta::assert_snapshot!(told(video), @"
    fast
    yt:1 | One | http://example.org/1 | - | a
    b
    ");
    let episode = read(&format!(
        "<rss version='2.0' xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'><channel><item><title>One</title>\
        <itunes:author>Jane</itunes:author><itunes:summary>Text</itunes:summary>{}</item></channel></rss>",
        "<enclosure url='http://example.org/1.mp3' length='9' type='audio/mpeg'/>"
    ));
    let told: Vec<_> = episode.entries.iter().map(|entry| (&entry.content, &entry.authors, &entry.links)).collect();
    insta::assert_snapshot!(serde_json::to_string(&told).unwrap_or_default(), @r#"
    [[{"kind":"plain","value":"Text"},[{"name":"Jane","email":null,"uri":null}],[{"href":"http://example.org/1.mp3","rel":"enclosure","media_type":"audio/mpeg","length":9}]]]
    "#);
}

#[test]
fn what_an_atom_feed_says_of_itself_is_read() {
    let document = "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:fh='http://purl.org/syndication/history/1.0' xml:lang='en'
        xmlns:at='http://purl.org/atompub/tombstones/1.0'><id>urn:f</id><title type='html'>A &amp;amp; &lt;b&gt;B&lt;/b&gt;</title>
        <link rel='self' href='/feed'/><link href='/'/><link rel='prev-archive' href='/2001'/><fh:complete/>
        <at:deleted-entry ref='urn:0' when='2002-09-07T00:00:01Z'/>
        <entry xml:base='/sub/'><id>urn:1</id><link href='1'/><content src='1.pdf' type='application/pdf'/></entry></feed>";
    let Document { meta, entries, tombstones, is_complete, prev_archive, .. } = read(document);
    assert_eq!((meta.title.as_deref(), meta.link.as_deref()), (Some("A & B"), Some("http://example.org/")));
    assert_eq!((meta.self_link.as_deref(), meta.lang.as_deref()), (Some("http://example.org/feed"), Some("en")));
    assert_eq!((tombstones.len(), is_complete, prev_archive.as_deref()), (1, true, Some("http://example.org/2001")));
    assert_eq!(entries[0].link.as_deref(), Some("http://example.org/sub/1"));
    assert_eq!(entries[0].base.as_deref(), Some("http://example.org/sub/"));
    assert_eq!(entries[0].links[0].href, "http://example.org/sub/1.pdf");
}

#[test]
fn what_is_no_feed_is_told_apart() {
    let page = "<!DOCTYPE html><html><head><title>x</title><link rel='alternate' type='application/rss+xml' href='/feed' \
        title='News'><link rel=\"ALTERNATE nofollow\" type=application/atom+xml href=http://example.org/atom>\
        <script>document.write('<link rel=alternate type=application/rss+xml href=/no>')</script></head><body>";
    let cases = ["", "  \n", page, "hello", "<opml version='2.0'/>", "{\"a\": 1}", "[1]", "<sitemap/>"];
    let told = cases.map(|document| match parse(document.as_bytes(), BASE, None) {
        Err(error) => error.to_string(),
        Ok(document) => format!("{document:?}"),
    });
    insta::assert_snapshot!(told.join("\n"), @r#"
    the document is empty
    the document is empty
    not a feed: it looks like a web page; it links to http://example.org/feed (News, application/rss+xml), http://example.org/atom (application/atom+xml)
    not a feed: it starts "hello"
    not a feed: it looks like an OPML list of feeds
    not a feed: it looks like JSON of another kind
    not a feed: it looks like JSON of another kind
    not a feed: it looks like XML of another kind, starting "<sitemap/>"
    "#);
}

#[test]
fn json_feeds_are_read_with_numbers_for_ids_and_broken_lines() {
    let document = "{\"version\": \"https://jsonfeed.org/version/1.1\", \"title\": \"T\", \"author\": {\"name\": \"Jane\"}, \"items\": [
        {\"id\": 7, \"title\": \"One\", \"url\": \"/1\", \"content_text\": \"two\nlines\", \"date_modified\": \"2002-09-07T00:00:01Z\"},
        {\"id\": \"b\", \"external_url\": \"http://other.example/\", \"summary\": \"s\", \"tags\": null, \"attachments\": [{}]}]}";
    insta::assert_snapshot!(told(document), @"
    repaired: line breaks inside of texts
    7 | One | http://example.org/1 | 2002-09-07T00:00:01 | two
    lines
    b | - | http://other.example/ | - | s
    ");
}

#[test]
fn the_report_of_a_document_is_what_scripts_rely_on() {
    let json = |document: &str| {
        serde_json::to_string(&tidings::cli::parse::report(document.as_bytes(), BASE, None)).unwrap_or_default()
    };
    insta::assert_snapshot!(json(&rss(RSS_ITEM)), @r#"
    {"ok":true,"title":"T","entries":[{"id":"http://example.org/1","title":"One","link":"http://example.org/1","published":"2002-09-07T00:00:01Z","updated":null}]}
    "#);
    insta::assert_snapshot!(json("hello"), @r#"
    {"ok":false,"error":"not a feed: it starts \"hello\""}
    "#);
    let lines = tidings::cli::parse::lines(rss(RSS_ITEM).as_bytes(), BASE, None).expect("a clean feed is read");
    insta::assert_snapshot!(lines.join("\n"), @"
    T (1 entry, read fast)

    One
      2002-09-07T00:00:01Z
      http://example.org/1
      id: http://example.org/1
    ");
}
