//! What holds whatever a feed says.

use minidom::Element;
use proptest::collection::vec;
use proptest::prelude::*;
use tidings::atom::{self, SHORTENED_BYTES, Style};
use tidings::feed::{Category, Entry, FeedMeta, Link, Person, Text};

use super::fixtures::{edition, html, lines, render, xhtml};

/// Pieces that HTML is made of, and those that break it.
fn soup() -> impl Strategy<Value = String> {
    let pieces = [
        "<p>",
        "</p>",
        "<b>",
        "</b>",
        "<i title=\"it's\">",
        "</i>",
        "<a href=/x>",
        "<a href=\"javascript:x\">",
        "</a>",
        "<div>",
        "</div>",
        "<ul>",
        "</ul>",
        "<li>",
        "</li>",
        "<table>",
        "<tr>",
        "<td>",
        "</td>",
        "</table>",
        "<caption>",
        "<tbody>",
        "<pre>",
        "<pre>\n",
        "</pre>",
        "<br>",
        "<br/>",
        "<hr>",
        "<img src=a.png>",
        "<img alt=x>",
        "<svg>",
        "</svg>",
        "<math><mi>",
        "<style>",
        "</style>",
        "<script>",
        "</script>",
        "<title>",
        "</title>",
        "<textarea>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<h1>",
        "</h1>",
        "<blockquote>",
        "</blockquote>",
        "<dl>",
        "<dt>",
        "<dd>",
        "</dl>",
        "<ruby>",
        "<rt>",
        "<rp>",
        "</ruby>",
        "<q>",
        "</q>",
        "<span>",
        "<section>",
        "<font color=red>",
        "<form>",
        "<video src=v.mp4>",
        "<iframe src=f>",
        "</iframe>",
        "<",
        ">",
        "&",
        "&amp;",
        "&lt;",
        "&nbsp;",
        "&#0;",
        "&#8;",
        "\0",
        "\u{8}",
        "\u{FFFE}",
        "\u{202E}",
        "'",
        "\"",
        " ",
        "\n",
        "\r\n",
        "\t",
        "word",
        "ß",
        "🕰",
        "<x:y>",
        "<select><option>",
        "<noscript>",
        "<template>",
        "<o:p/>",
    ];
    vec(prop_oneof![8 => proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned), 1 => ".{0,5}"], 0..40)
        .prop_map(|pieces| pieces.concat())
}

fn any_text() -> impl Strategy<Value = Text> {
    prop_oneof![
        soup().prop_map(Text::Html),
        soup().prop_map(Text::Plain),
        "\\PC*".prop_map(Text::Plain),
        any::<String>().prop_map(Text::Html)
    ]
}

prop_compose! {
    fn any_link()(href in prop_oneof![any::<String>(), "(https?://|/|xmpp:)[a-zü'/?.]{0,20}"], rel in prop_oneof![any::<String>(), "enclosure|via|replies|related"],
        media_type in any::<Option<String>>(), title in any::<Option<String>>(), length in any::<Option<u64>>(), lang in any::<Option<String>>()) -> Link {
        Link { href, rel, media_type, title, length, lang }
    }
}

prop_compose! {
    fn any_entry()(id in any::<Option<String>>(), title in proptest::option::of(any_text()), link in any::<Option<String>>(), links in vec(any_link(), 0..4),
        names in vec(any::<Option<String>>(), 0..3), summary in proptest::option::of(any_text()), content in proptest::option::of(any_text()),
        terms in vec((any::<String>(), any::<Option<String>>()), 0..4), rights in proptest::option::of(any_text()), lang in any::<Option<String>>()) -> Entry {
        Entry { id, title, link, links, summary, content, rights, lang,
            authors: names.into_iter().map(|name| Person { name, ..Person::default() }).collect(),
            categories: terms.into_iter().map(|(term, label)| Category { term, label, scheme: None }).collect(),
            ..Entry::default() }
    }
}

fn depth(element: &Element) -> usize {
    1 + element.children().map(depth).max().unwrap_or(0)
}

fn is_forbidden(c: char) -> bool {
    !matches!(c, '\t' | '\n' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
        || matches!(c, '\u{202A}'..='\u{202E}')
}

proptest! {
    #[test]
    fn whatever_is_read_the_item_is_well_formed_shallow_and_clean(entry in any_entry(), tags in vec(any::<String>(), 0..3), rung in 0u8..3) {
        let mut edition = edition(entry);
        edition.tags = tags;
        let item = atom::item(&edition, &Style { has_summary: true, author_uri: Some("feeds@example.org".to_owned()), ..Style::default() }, rung);
        let written = String::from(&item);
        prop_assert!(!written.chars().any(is_forbidden), "{written:?}");
        prop_assert_eq!(&written.parse::<Element>().unwrap(), &item);
        prop_assert!(depth(&item) < 100);
    }

    #[test]
    fn whatever_is_read_each_client_finds_what_it_needs(entry in any_entry(), source_title in any::<Option<String>>(), rung in 0u8..3) {
        let mut edition = edition(entry);
        edition.source = FeedMeta { title: source_title, ..FeedMeta::default() };
        let entry = atom::render(&edition, &Style::default(), rung);
        for name in ["title", "id", "published", "updated", "author", "source"] {
            let texts: Vec<String> = entry.children().filter(|child| child.name() == name).map(|child| child.text()).collect();
            prop_assert_eq!(texts.len(), 1, "{}", name);
            prop_assert!(matches!(name, "author" | "source") || !texts[0].trim().is_empty(), "{}", name);
        }
        let kinds: Vec<_> = entry.children().filter(|child| child.name() == "content").map(|child| child.attr("type").unwrap()).collect();
        prop_assert_eq!(kinds, ["xhtml", "text"]);
        prop_assert_eq!(entry.children().last().unwrap().name(), "source");
        let received = tidings::atom::read::Received::read(&entry);
        prop_assert_eq!(received.problems(), &[] as &[String]);
    }

    #[test]
    fn sanitising_twice_changes_nothing(soup in soup()) {
        let once = xhtml(&render(html(&soup)));
        let twice = xhtml(&render(html(&once)));
        prop_assert_eq!(once, twice, "{}", soup);
    }

    #[test]
    fn nothing_that_acts_gets_through(soup in soup()) {
        super::assert_harmless(&render(html(&soup)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_shortened_entry_is_short(soup in soup(), times in 0usize..4000, word in prop_oneof![any::<String>(), Just("&".to_owned()), Just("x".to_owned())], rung in 1u8..3) {
        let words = word.repeat(times);
        let text = || Some(Text::Plain(words.clone()));
        let person = Person { name: Some(words.clone()), ..Person::default() };
        let category = |n| Category { term: format!("{n}{word}"), label: Some(words.clone()), scheme: None };
        let link = |n| Link { href: format!("https://harbour.example/{n}"), rel: "enclosure".to_owned(), title: Some(word.clone()), ..Link::default() };
        let mut edition = edition(Entry { title: text(), id: Some(words.clone()), rights: text(), summary: text(), authors: vec![person],
            link: Some(format!("https://harbour.example/{words}")), links: (0..times.min(300)).map(link).collect(), categories: (0..times.min(50)).map(category).collect(),
            ..html(&soup.repeat(times.min(300))) });
        edition.source.title = Some(words.clone());
        edition.source.self_link = Some(format!("https://harbour.example/{words}"));
        let bytes = lines(&atom::render(&edition, &Style { has_summary: true, ..Style::default() }, rung)).len();
        prop_assert!(bytes < SHORTENED_BYTES, "{}", bytes);
    }
}
