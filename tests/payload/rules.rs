//! The rules, field by field; each was seen in a client that goes wrong without it.

use insta::assert_snapshot;
use tidings::atom::{self, Style};
use tidings::feed::{Category, Entry, FeedMeta, Link, Person, Text};

use super::fixtures::{edition, enclosure, html, lines, only, render, text, time, titled};

fn person(name: &str) -> Person {
    Person { name: Some(name.to_owned()), ..Person::default() }
}

fn check_title(title: Option<Text>, content: &str, expected: &str) {
    let entry = render(Entry { title, ..html(content) });
    assert_eq!(only(&entry, "title"), format!("<title type='text'>{expected}</title>"));
}

#[test]
fn there_is_one_title_of_plain_text_on_one_line() {
    check_title(Some(Text::Plain("  Repairing\n the\ttide clock ".to_owned())), "", "Repairing the tide clock");
    check_title(
        Some(Text::Html("Repairing the <i>tide</i> clock &amp; more<script>x</script>".to_owned())),
        "",
        "Repairing the tide clock &amp; more",
    );
    check_title(Some(Text::Html("One<br>Two <a href='https://x.example'>three</a>".to_owned())), "", "One Two three");
    check_title(Some(Text::Plain("if a <b> c".to_owned())), "", "if a &lt;b&gt; c");
}

#[test]
fn a_missing_title_is_made_from_the_content() {
    check_title(None, "<p> </p><p>High water at <b>six</b>.</p><p>Second paragraph.</p>", "High water at six.");
    check_title(Some(Text::Plain(" \u{200B}\u{FEFF}".to_owned())), "High water<br>and more", "High water");
    check_title(
        Some(Text::Html("<img src=x.png>".to_owned())),
        "<p>Look <a href='https://x.example/'>here</a></p>",
        "Look here",
    );
    let long = "The harbour master writes at length about the tide tables of the coming year and forgets that somebody has to read it";
    check_title(
        None,
        long,
        "The harbour master writes at length about the tide tables of the coming year and forgets that…",
    );
}

#[test]
fn an_entry_that_says_nothing_is_titled_by_its_address_or_feed() {
    let link = Some("https://harbour.example/9".to_owned());
    assert_eq!(
        only(&render(Entry { link, ..Entry::default() }), "title"),
        "<title type='text'>https://harbour.example/9</title>"
    );
    check_title(None, "<script>x</script>", "Harbour Log");
}

#[test]
fn an_entry_that_is_nothing_but_a_file_links_to_it() {
    let entry = render(Entry { links: vec![enclosure("/talk.mp3", None)], ..Entry::default() });
    assert_eq!(only(&entry, "title"), "<title type='text'>https://harbour.example/talk.mp3</title>");
    assert_eq!(text(&entry), "https://harbour.example/talk.mp3");
}

#[test]
fn a_lone_heart_is_no_like() {
    check_title(Some(Text::Plain("♥".to_owned())), "", "♥\u{FE0F}");
    check_title(Some(Text::Plain("♥ you".to_owned())), "", "♥ you");
}

#[test]
fn a_style_may_put_the_feed_into_the_title() {
    let style = Style { title: "{feed}: {title}".to_owned(), ..Style::default() };
    assert_eq!(atom::title(&edition(titled("{feed} news", "")), &style), "Harbour Log: {feed} news");
    let empty = Style { title: " ".to_owned(), ..Style::default() };
    assert_eq!(atom::title(&edition(titled("News", "")), &empty), "News");
}

#[test]
fn the_id_is_the_entrys_own() {
    let entry = Entry { id: Some("tag:harbour.example,2026:clock".to_owned()), ..Entry::default() };
    assert_eq!(only(&render(entry), "id"), "<id>tag:harbour.example,2026:clock</id>");
}

#[test]
fn an_entry_without_an_id_gets_a_urn_of_its_item() {
    for id in [None, Some(" ".to_owned())] {
        let entry = Entry { id, ..Entry::default() };
        assert_eq!(only(&render(entry), "id"), "<id>urn:tidings:item:kjjfeusskjjfeuss</id>");
    }
}

#[test]
fn both_dates_are_there_in_whole_seconds_of_utc() {
    let mut edition = edition(Entry::default());
    edition.published = time("2026-11-02T08:15:00.125+01:00");
    edition.updated = time("2026-11-02T09:00:00.999Z");
    let entry = atom::render(&edition, &Style::default(), 0);
    assert_eq!(only(&entry, "published"), "<published>2026-11-02T07:15:00Z</published>");
    assert_eq!(only(&entry, "updated"), "<updated>2026-11-02T09:00:00Z</updated>");
}

#[test]
fn there_is_one_author_by_name_only() {
    let authors = vec![
        person(" Ada  Marlow "),
        Person {
            uri: Some("https://ada.example".to_owned()),
            email: Some("b@harbour.example".to_owned()),
            ..person("Bo")
        },
    ];
    let entry = Entry { authors, ..Entry::default() };
    assert_eq!(only(&render(entry), "author"), "<author><name>Ada Marlow, Bo</name></author>");
}

#[test]
fn the_feed_stands_in_for_a_missing_author() {
    let check = |source: FeedMeta, expected: &str| {
        let mut edition = edition(Entry { authors: vec![person(" ")], ..Entry::default() });
        edition.source = source;
        assert_eq!(
            only(&atom::render(&edition, &Style::default(), 0), "author"),
            format!("<author><name>{expected}</name></author>")
        );
    };
    let title = Some("Harbour Log".to_owned());
    check(
        FeedMeta { title: title.clone(), authors: vec![person("Ada"), person("Bo")], ..FeedMeta::default() },
        "Ada, Bo",
    );
    check(FeedMeta { title, ..FeedMeta::default() }, "Harbour Log");
    check(FeedMeta::default(), "harbour-log");
}

#[test]
fn the_author_gets_the_publishers_address_when_the_style_says_so() {
    let style = Style { author_uri: Some("feeds@example.org".to_owned()), ..Style::default() };
    let entry = atom::render(&edition(Entry { authors: vec![person("Ada")], ..Entry::default() }), &style, 0);
    assert_eq!(only(&entry, "author"), "<author><name>Ada</name><uri>xmpp:feeds@example.org</uri></author>");
}

#[test]
fn the_web_page_is_the_first_link_and_its_address_is_ascii() {
    let links = vec![
        Link { href: "xmpp:pubsub.example.org?;node=x".to_owned(), rel: "alternate".to_owned(), ..Link::default() },
        Link {
            href: "/related".to_owned(),
            rel: "related".to_owned(),
            title: Some("More".to_owned()),
            ..Link::default()
        },
    ];
    let entry =
        render(Entry { link: Some("https://hafen.exämple/uhr läuft?a='b'&c".to_owned()), links, ..Entry::default() });
    assert_snapshot!(only(&entry, "link"), @r"
    <link href='https://hafen.xn--exmple-cua/uhr%20l%C3%A4uft?a=%27b%27&amp;c' rel='alternate' type='text/html'/>
    <link href='xmpp:pubsub.example.org?;node=x' rel='alternate'/>
    <link href='https://hafen.xn--exmple-cua/related' rel='related' title='More'/>
    ");
}

#[test]
fn the_page_itself_is_linked_rather_than_a_proxys_address_for_it() {
    let entry = Entry {
        link: Some("https://proxy.example/~r/1".to_owned()),
        original_link: Some("https://harbour.example/1".to_owned()),
        ..Entry::default()
    };
    assert_eq!(
        only(&render(entry), "link"),
        "<link href='https://harbour.example/1' rel='alternate' type='text/html'/>"
    );
}

#[test]
fn an_enclosure_always_has_a_type() {
    let full = Link {
        length: Some(48211),
        title: Some("The opened clock".to_owned()),
        ..enclosure("https://harbour.example/clock.JPG?w=9", None)
    };
    let links = vec![
        full.clone(),
        full,
        enclosure("https://harbour.example/talk.mp3", Some("audio/mpeg")),
        enclosure("https://harbour.example/film.mp4", Some("application/octet-stream")),
        enclosure("https://harbour.example/a.png", Some("picture")),
        enclosure("https://harbour.example/unknown", None),
        enclosure("javascript:alert(1)", None),
    ];
    assert_snapshot!(only(&render(Entry { links, ..Entry::default() }), "link"), @r"
    <link href='https://harbour.example/clock.JPG?w=9' length='48211' rel='enclosure' title='The opened clock' type='image/jpeg'/>
    <link href='https://harbour.example/talk.mp3' rel='enclosure' type='audio/mpeg'/>
    <link href='https://harbour.example/film.mp4' rel='enclosure' type='video/mp4'/>
    <link href='https://harbour.example/a.png' rel='enclosure' type='image/png'/>
    <link href='https://harbour.example/unknown' rel='enclosure' type='application/octet-stream'/>
    ");
}

#[test]
fn a_link_that_clients_would_misread_is_left_out() {
    let link = |rel: &str, href: &str| Link { href: href.to_owned(), rel: rel.to_owned(), ..Link::default() };
    let comments = "xmpp:pubsub.example.org?;node=urn:xmpp:microblog:0:comments/9";
    let titled = Link { title: Some("Comments".to_owned()), ..link("related", "https://harbour.example/9#comments") };
    let links = vec![
        link("via", "https://elsewhere.example/"),
        link("self", "https://harbour.example/feed"),
        link("replies", "https://harbour.example/9/comments"),
        link("replies", comments),
        titled,
    ];
    assert_snapshot!(only(&render(Entry { links, ..Entry::default() }), "link"), @r"
    <link href='xmpp:pubsub.example.org?;node=urn:xmpp:microblog:0:comments/9' rel='replies'/>
    <link href='https://harbour.example/9#comments' rel='related'/>
    ");
}

#[test]
fn there_is_one_alternate_of_a_type_and_language() {
    let link = |href: &str, media_type: Option<&str>, lang: Option<&str>| Link {
        href: href.to_owned(),
        rel: "".to_owned(),
        media_type: media_type.map(str::to_owned),
        lang: lang.map(str::to_owned),
        ..Link::default()
    };
    let links = vec![
        link("https://harbour.example/9?print", Some("text/html"), None),
        link("https://harbour.example/9?de", Some("text/html"), Some("de")),
        link("xmpp:harbour.example", None, None),
        link("https://harbour.example/9.bin", None, None),
    ];
    let read = Entry { link: Some("https://harbour.example/9".to_owned()), links, ..Entry::default() };
    assert_snapshot!(only(&render(read), "link"), @r"
    <link href='https://harbour.example/9' rel='alternate' type='text/html'/>
    <link href='https://harbour.example/9?de' hreflang='de' rel='alternate' type='text/html'/>
    <link href='xmpp:harbour.example' rel='alternate'/>
    ");
}

#[test]
fn a_category_has_a_term_and_none_stands_twice() {
    let category = |term: &str, label: Option<&str>, scheme: Option<&str>| Category {
        term: term.to_owned(),
        label: label.map(str::to_owned),
        scheme: scheme.map(str::to_owned),
    };
    let categories = vec![
        category("clocks", Some("Clocks"), Some("https://harbour.example/tags")),
        category(" ", Some("Harbour"), None),
        category("", None, None),
        category(" ", Some("\u{200B}"), None),
        category("Clocks", None, None),
    ];
    let mut edition = edition(Entry { categories, ..Entry::default() });
    edition.tags = vec!["tide".to_owned(), "CLOCKS".to_owned(), String::new()];
    assert_snapshot!(only(&atom::render(&edition, &Style::default(), 0), "category"), @r"
    <category label='Clocks' scheme='https://harbour.example/tags' term='clocks'/>
    <category label='Harbour' term='Harbour'/>
    <category term='tide'/>
    ");
}

#[test]
fn the_source_stands_last_and_names_neither_author_nor_category() {
    let mut edition = edition(html("x"));
    edition.source.authors = vec![person("Ada")];
    edition.tags = vec!["tide".to_owned()];
    let entry = atom::render(&edition, &Style::default(), 0);
    assert_snapshot!(lines(&entry).lines().last().unwrap(), @"<source><id>https://harbour.example/feed</id><title>Harbour Log</title><updated>2026-11-02T07:15:00Z</updated><link href='https://harbour.example/feed' rel='self'/></source>");
}

#[test]
fn the_source_tells_no_address_that_may_hold_a_token() {
    let check = |address: &str, expected_id: &str| {
        let mut edition = edition(Entry::default());
        edition.source.id = Some(address.to_owned());
        edition.source.self_link = Some(address.to_owned());
        let source = only(&atom::render(&edition, &Style::default(), 0), "source");
        assert!(!source.contains("secret") && source.contains(&format!("<id>{expected_id}</id>")), "{source}");
    };
    check("https://ada:secret@harbour.example/feed", "https://harbour.example/");
    check("https://secret@harbour.example/feed", "https://harbour.example/");
    check("https://harbour.example/feed?key=secret", "https://harbour.example/");
    check("https://harbour.example/feed", "https://harbour.example/feed");
}

#[test]
fn language_and_rights_are_kept() {
    let mut edition = edition(Entry { rights: Some(Text::Html("CC <b>BY</b> 4.0".to_owned())), ..Entry::default() });
    edition.source.lang = Some("de-CH".to_owned());
    let entry = atom::render(&edition, &Style::default(), 0);
    assert_eq!(only(&entry, "rights"), "<rights type='text'>CC BY 4.0</rights>");
    assert!(String::from(&entry).starts_with("<entry xmlns='http://www.w3.org/2005/Atom' xml:lang='de-CH'>"));
}

#[test]
fn the_item_is_named_as_the_edition_says() {
    let item = String::from(&atom::item(&edition(Entry::default()), &Style::default(), 0));
    assert!(
        item.starts_with("<item xmlns='http://jabber.org/protocol/pubsub' id='kjjfeusskjjfeuss'><entry "),
        "{item}"
    );
}

#[test]
fn what_was_rendered_can_be_read() {
    let read = Entry {
        authors: vec![person("Ada")],
        link: Some("https://harbour.example/9".to_owned()),
        links: vec![enclosure("https://harbour.example/a.png", None)],
        ..titled("Tides", "<p>High <b>water</b></p>")
    };
    let received = atom::read::Received::read(&render(read));
    assert_eq!(received.title.as_deref(), Some("Tides"));
    assert_eq!(received.author.as_deref(), Some("Ada"));
    assert_eq!(received.link.as_deref(), Some("https://harbour.example/9"));
    assert_eq!(received.text, "High water");
    assert_eq!(received.date(), Some(time("2026-11-02T07:15:00Z")));
    assert_eq!(received.enclosures, [enclosure("https://harbour.example/a.png", Some("image/png"))]);
    assert_eq!(received.problems(), &[] as &[String]);
}
