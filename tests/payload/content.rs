//! The rules of the content, and of what is left of it when an entry is too large.

use insta::assert_snapshot;
use tidings::atom::{self, Style};
use tidings::feed::{Entry, Text};

use super::fixtures::{edition, enclosure, html, lines, only, render, text, titled, xhtml};

#[test]
fn the_content_is_one_xhtml_and_then_one_text_never_html() {
    let entry =
        render(Entry { summary: Some(Text::Plain("short".to_owned())), ..html("<p>Der Türmer <b>wacht</b></p>") });
    let kinds: Vec<_> =
        entry.children().filter(|child| child.name() == "content").map(|child| child.attr("type")).collect();
    assert_eq!(kinds, [Some("xhtml"), Some("text")]);
    assert_eq!(xhtml(&entry), "<p>Der Türmer <b>wacht\n</b></p>");
    assert_eq!(text(&entry), "Der Türmer wacht");
}

#[test]
fn a_summary_that_stands_alone_becomes_the_content() {
    for content in [None, Some(Text::Html("<p> </p><script>x</script>".to_owned()))] {
        let entry =
            render(Entry { content, summary: Some(Text::Plain("One\ntwo\n\nthree".to_owned())), ..Entry::default() });
        assert_eq!(xhtml(&entry), "<p>One<br/>two\n</p><p>three\n</p>");
        assert_eq!(text(&entry), "One\ntwo\n\nthree");
    }
}

#[test]
fn an_entry_without_content_has_its_link_as_content() {
    let entry = render(Entry { link: Some("https://harbour.example/9".to_owned()), ..titled("Nine", "") });
    assert_eq!(xhtml(&entry), "<p><a href='https://harbour.example/9'>https://harbour.example/9\n</a></p>");
    assert_eq!(text(&entry), "https://harbour.example/9");
    assert_eq!(text(&render(titled("Nine", ""))), "Nine");
}

#[test]
fn there_is_no_summary_unless_the_style_asks_for_one() {
    let read = Entry { summary: Some(Text::Html("<p>In <b>short</b></p>".to_owned())), ..html("<p>At length</p>") };
    assert_eq!(only(&render(read.clone()), "summary"), "");
    let style = Style { has_summary: true, ..Style::default() };
    let check = |entry: Entry, expected: &str| {
        assert_eq!(
            only(&atom::render(&edition(entry), &style, 0), "summary"),
            format!("<summary type='text'>{expected}</summary>")
        )
    };
    check(read, "In short");
    check(html("<p>At length</p>"), "At length");
    check(titled("A title", ""), "A title");
}

#[test]
fn addresses_in_the_content_are_absolute() {
    let at = |base: Option<&str>, link: Option<&str>| {
        let content = "<a href='../a?b=c&amp;d'>x</a><img src='//cdn.example/i.png'><a href='#note'>y</a>";
        xhtml(&render(Entry { base: base.map(str::to_owned), link: link.map(str::to_owned), ..html(content) }))
    };
    assert_eq!(
        at(Some("https://harbour.example/log/2026/?key=secret"), Some("https://elsewhere.example/9")),
        "<a href='https://harbour.example/log/a?b=c&amp;d'>x</a><img src='https://cdn.example/i.png'/><a href='https://elsewhere.example/9#note'>y\n</a>"
    );
    assert!(at(None, Some("https://harbour.example/9/x")).contains("'https://harbour.example/9/x#note'"));
    assert!(at(None, None).contains("'https://harbour.example/#note'"), "the feed's page");
}

#[test]
fn an_apostrophe_in_an_attribute_does_not_cut_it() {
    let entry = render(html("<img src=\"https://harbour.example/it's.png\" alt=\"it's\" title=\"the clock's hands\">"));
    assert_eq!(xhtml(&entry), "<img alt='it’s' src='https://harbour.example/it%27s.png' title='the clock’s hands'/>");
}

#[test]
fn a_picture_that_only_counts_readers_is_dropped() {
    assert_eq!(xhtml(&render(html("x<img src='https://count.example/1.gif' width='1' height='1'>"))), "x\n");
}

#[test]
fn a_shortened_entry_says_that_there_is_more_and_where() {
    let paragraph = "<p>High water at six, low water at noon, and <b>rain</b> in between.</p>";
    let read = Entry { link: Some("https://harbour.example/9".to_owned()), ..titled("Tides", &paragraph.repeat(3000)) };
    let entry = atom::render(&edition(read.clone()), &Style::default(), 1);
    let bytes = String::from(&entry).len();
    assert!((25_000..atom::SHORTENED_BYTES).contains(&bytes), "{bytes}");
    let end = |text: String| text.chars().skip(text.chars().count() - 120).collect::<String>();
    assert_snapshot!(end(xhtml(&entry)), @r"
    water at noon, and <b>rain</b> in between…
    </p><p><a href='https://harbour.example/9'>https://harbour.example/9
    </a></p>
    ");
    assert!(end(text(&entry)).ends_with("…\n\nhttps://harbour.example/9"), "{}", end(text(&entry)));
    let whole = String::from(&atom::render(&edition(read), &Style::default(), 0)).len();
    assert!(whole > 200_000, "{whole}");
}

#[test]
fn a_plain_text_keeps_its_lines_and_paragraphs() {
    let plain = |text: &str| render(Entry { content: Some(Text::Plain(text.to_owned())), ..Entry::default() });
    let entry = plain("One\n\t\ntwo <b>\n\nthree");
    assert_eq!(xhtml(&entry), "<p>One<br/><br/>two &lt;b&gt;\n</p><p>three\n</p>");
    assert_eq!(String::from(&entry).parse::<minidom::Element>().unwrap(), entry, "no text is empty");
}

#[test]
fn what_fits_is_not_shortened() {
    let read = titled("Tides", "<p>High water at six.</p>");
    assert_eq!(atom::render(&edition(read.clone()), &Style::default(), 1), render(read));
}

#[test]
fn on_the_last_rung_title_and_link_are_left() {
    let read = Entry {
        link: Some("https://harbour.example/9".to_owned()),
        links: vec![enclosure("https://harbour.example/a.png", None)],
        ..titled("Tides", "High")
    };
    let mut edition = edition(read);
    edition.tags = vec!["tide".to_owned()];
    assert_snapshot!(lines(&atom::render(&edition, &Style::default(), 2)), @r"
    <title type='text'>Tides</title>
    <id>urn:tidings:item:kjjfeusskjjfeuss</id>
    <published>2026-11-02T07:15:00Z</published>
    <updated>2026-11-02T07:15:00Z</updated>
    <author><name>Harbour Log</name></author>
    <link href='https://harbour.example/9' rel='alternate' type='text/html'/>
    <content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p><a href='https://harbour.example/9'>https://harbour.example/9
    </a></p></div></content>
    <content type='text'>https://harbour.example/9</content>
    <source><id>https://harbour.example/feed</id><title>Harbour Log</title><updated>2026-11-02T07:15:00Z</updated><link href='https://harbour.example/feed' rel='self'/></source>
    ");
}
