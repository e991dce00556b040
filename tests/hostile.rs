//! No document hurts: whatever the bytes, reading ends soon, never panics, and lets nothing forbidden through.

use proptest::prelude::*;
use tidings::ingest::decode::{clean, decode};
use tidings::ingest::discover::discover;
use tidings::ingest::parse::parse;

const BASE: &str = "http://example.org/feed.xml";

const FEEDS: [&str; 4] = [
    "<?xml version='1.0'?><rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:media='http://search.yahoo.com/mrss/'
      xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'><channel><title>T</title><link>http://example.org/</link>
      <item><guid isPermaLink='false'>1</guid><title>A &amp; B</title><dc:creator>Jane — jane@example.org</dc:creator>
      <author>jane@example.org—Jane</author><pubDate>Sat, 07 Sep 2002 00:00:01 GMT</pubDate><itunes:duration>99:99</itunes:duration>
      <description><![CDATA[<p>text</p>]]></description><enclosure url='a.mp3' length='1' type='audio/mpeg'/>
      <media:group><media:content url='b.mp4' fileSize='2'/><media:title>c</media:title></media:group></item></channel></rss>",
    "<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='en' xml:base='http://example.org/a/'><id>urn:1</id><title>T</title>
      <entry><id>urn:2</id><title type='html'>&lt;b&gt;A&lt;/b&gt;</title><link href='b'/><updated>2002-09-07T00:00:01Z</updated>
      <content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>a<br/><a href='?a=1&amp;b=2' title='&quot;'>b</a></div></content>
      <author><name>Jane</name></author><category term='c' label='d'/></entry></feed>",
    "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'><channel rdf:about='x'>
      <title>T</title></channel><item rdf:about='http://example.org/1'><title>A</title><link>http://example.org/1</link></item></rdf:RDF>",
    "{\"version\": \"https://jsonfeed.org/version/1.1\", \"title\": \"T\", \"items\": [{\"id\": 1, \"url\": \"/a\",
      \"content_html\": \"<p>b</p>\", \"date_published\": \"2002-09-07T00:00:01Z\", \"tags\": [\"c\"], \"authors\": [{\"name\": \"d\"}]}]}",
];

/// Reads twice; the same must come out.
fn read(bytes: &[u8], content_type: Option<&str>) {
    let first = parse(bytes, BASE, content_type);
    assert_eq!(first, parse(bytes, BASE, content_type));
    if let Ok(document) = first {
        assert!(document.entries.len() <= 1_000);
        // Debug output escapes controls: what is left of them would show.
        let texts = format!("{:?}{:?}", document.meta, document.entries);
        assert!(!texts.contains("\\u{1}") && !texts.contains("\\u{202e}") && !texts.contains("\\0"), "{texts}");
    }
}

#[test]
fn enormous_documents_are_read_up_to_a_bound() {
    let rss = |inside: &str| format!("<rss version='2.0'><channel><title>T</title>{inside}</channel></rss>");
    let many = |part: &str| part.repeat(200_000 / part.len());
    let attributes: String = (0..20_000).map(|n| format!(" a{n}='1'")).collect();
    let documents = [
        rss(&many("<item/>")),
        rss(&many("<item>")),
        rss(&many("<a>")),
        rss(&many("</item>")),
        rss(&format!("<item><description>{}", many("<div>"))),
        rss(&format!("<item><title>{}</title></item>", many("&"))),
        rss(&format!("<item><title>{}</title></item>", many("<"))),
        rss(&format!("<item><title>{}</title></item>", many("&#1;&#x202e;\u{1}\u{202e}"))),
        rss(&format!("<item{attributes}><title>x</title></item>")),
        format!("<rss{attributes}><channel><item/>"),
        rss(&many("<![CDATA[")),
        rss(&many("<!--")),
        rss(&many("<!a[")),
        many("<?"),
        many("\0"),
        many("["),
        format!("{{\"items\":{}", many("[")),
        format!("<html>{}", many("<link ")),
        format!("<html><link{attributes}>"),
        format!("<feed xmlns='http://www.w3.org/2005/Atom'>{}", many("<entry xml:base='a/'>")),
    ];
    for document in &documents {
        read(document.as_bytes(), None);
    }
}

#[test]
fn json_of_countless_values_is_refused_before_it_is_held() {
    let items = |count: usize| format!("{{\"items\":[{}{{}}]}}", "{},".repeat(count - 1));
    let read = |document: &str| parse(document.as_bytes(), BASE, None).map(|document| document.entries.len());
    assert_eq!(read(&items(1_500)), Ok(1_000));
    let refused = read(&items(300_000)).map_err(|error| error.to_string());
    assert_eq!(refused, Err("the feed cannot be read: it holds more values than a feed does".to_owned()));
    let text = format!("{{\"items\":[{{\"content_text\":\"{}\"}}]}}", "[{:,".repeat(200_000));
    assert_eq!(read(&text), Ok(1), "what stands in a text is no value");
}

#[test]
fn the_newest_entries_of_an_enormous_document_are_kept() {
    let items: String = (0..1_500)
        .map(|n| format!("<item><guid>{n}</guid><pubDate>2020-01-01T00:{:02}:{:02}Z</pubDate></item>", n / 60, n % 60))
        .collect();
    let document = parse(format!("<rss version='2.0'><channel>{items}</channel></rss>").as_bytes(), BASE, None);
    let ids: Vec<_> = document
        .map(|document| document.entries.into_iter().filter_map(|entry| entry.id).collect())
        .unwrap_or_default();
    let expected: Vec<_> = (500..1_500).map(|n: u32| n.to_string()).collect();
    assert_eq!(ids, expected);
}

#[test]
fn a_panic_of_the_parser_costs_no_entry() {
    // Two documents on which feed-rs 3.0.0 panics.
    for field in ["<author>—jane@example.org—</author>", "<itunes:duration>99999999999999999999999</itunes:duration>"]
    {
        let document = format!(
            "<rss version='2.0' xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'><channel><item><title>One</title>{field}</item></channel></rss>"
        );
        let document = parse(document.as_bytes(), BASE, None).unwrap_or_default();
        assert_eq!(document.entries.len(), 1, "{field}");
        assert_eq!(document.read_by, "repaired: the feed cannot be read: the parser gave up");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600), content_type in "[a-z/;= -]{0,30}") {
        read(&bytes, Some(&content_type));
        let text = decode(&bytes, None).text.into_owned();
        prop_assert_eq!(clean(&text).into_owned(), text.clone());
        discover(&text, None);
    }

    #[test]
    fn a_feed_with_anything_put_anywhere_is_read_or_refused(
        which in 0..FEEDS.len(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..40_usize, edit()), 0..6),
    ) {
        let mut bytes = FEEDS[which].as_bytes().to_vec();
        for (at, length, put) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, put);
        }
        read(&bytes, None);
    }

    #[test]
    fn an_entry_reads_the_same_however_its_document_is_read(
        title in text(), description in text(), guid in text(), author in text(), category in text(), is_atom: bool,
    ) {
        let entry = if is_atom {
            format!("<entry><id>{guid}</id><title>{title}</title><summary type='html'>{description}</summary><link href='{guid}'/>\
                <author><name>{author}</name></author><category term='{category}'/></entry></feed>")
        } else {
            format!("<item><guid>{guid}</guid><title>{title}</title><description>{description}</description><link>{guid}</link>\
                <category>{category}</category></item></channel></rss>")
        };
        let head = if is_atom { "<feed xmlns='http://www.w3.org/2005/Atom'>" } else { "<rss version='2.0'><channel>" };
        let clean = parse(format!("{head}{entry}").as_bytes(), BASE, None);
        let broken = parse(format!("{head} & {entry}").as_bytes(), BASE, None);
        let (mut clean, mut broken) = (clean.expect("a clean feed is read"), broken.expect("a broken feed is read"));
        prop_assert_eq!(std::mem::take(&mut clean.read_by), "fast");
        prop_assert!(std::mem::take(&mut broken.read_by).starts_with("repaired"));
        prop_assert_eq!(clean, broken);
    }
}

/// Bytes that matter to parsers, and others.
fn edit() -> impl Strategy<Value = Vec<u8>> {
    let telling = prop::sample::select(vec![
        "<",
        ">",
        "&",
        "\"",
        "'",
        "]]>",
        "<![CDATA[",
        "<!--",
        "-->",
        "<item>",
        "</item>",
        "<entry>",
        "</title>",
        "</channel>",
        "&nbsp;",
        "&#0;",
        "&#x202e;",
        "\u{1}",
        "\u{feff}",
        "xmlns='x'",
        "<a:b>",
        "<?xml encoding='utf-16'?>",
        "<!DOCTYPE a [<!ENTITY b '&b;'>]>",
        "\\",
        "{",
        "[",
    ]);
    prop_oneof![telling.prop_map(|text| text.as_bytes().to_vec()), proptest::collection::vec(any::<u8>(), 0..8)]
}

/// Text of a field, escaped as a clean feed has it.
fn text() -> impl Strategy<Value = String> {
    "[ a-zA-Zé—<>&'\"./:;#@-]{1,20}".prop_filter("a field says something", |text| !text.trim().is_empty()).prop_map(
        |text| {
            text.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('\'', "&#39;")
                .replace('"', "&quot;")
        },
    )
}
