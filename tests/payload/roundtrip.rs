//! What was rendered, read again as the document of a feed, gives the entry back.

use chrono::{TimeDelta, Utc};
use proptest::collection::vec;
use proptest::prelude::*;
use tidings::atom::{self, Style};
use tidings::feed::{Category, Entry, Link, Person, Text};
use tidings::ingest::parse::parse;

use super::fixtures::{edition, only, time, xhtml};

/// Words as people write them.
fn words() -> impl Strategy<Value = String> {
    "[A-Za-zäßéж漢🕰&<>'\"]{1,8}( [A-Za-z0-9äж漢&.,!-]{1,8}){0,4}"
}

prop_compose! {
    fn well_kept_entry()(id in "[a-z0-9:/.-]{1,30}", title in words(), path in "[a-z0-9-]{1,12}(/[a-z0-9-]{1,12}){0,2}",
        names in vec("[A-Z][a-zäж]{1,8}( [A-Z][a-z]{1,8})?", 1..3), terms in vec("[a-z0-9äж-]{1,12}", 0..4), label in words(),
        files in vec("[a-z0-9-]{1,12}", 0..3), lang in proptest::option::of(Just("en-GB".to_owned())), paragraphs in vec(words(), 1..4)) -> Entry {
        let escaped = |text: &String| format!("<p>{}</p>", text.replace('&', "&amp;").replace('<', "&lt;"));
        Entry {
            id: Some(format!("urn:x:{id}")),
            title: Some(Text::Plain(title)),
            link: Some(format!("https://harbour.example/{path}")),
            links: files.iter().enumerate().map(|(at, file)| Link { href: format!("https://harbour.example/{at}/{file}.mp3"),
                rel: "enclosure".to_owned(), media_type: Some("audio/mpeg".to_owned()), length: Some(at as u64 + 1), ..Link::default() }).collect(),
            authors: vec![Person { name: Some(names.join(", ")), ..Person::default() }],
            categories: terms.iter().map(|term| Category { term: term.clone(), label: Some(label.clone()), scheme: None }).collect(),
            content: Some(Text::Html(paragraphs.iter().map(escaped).collect())),
            lang,
            ..Entry::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn an_entry_that_was_rendered_is_read_as_it_was(entry in well_kept_entry(), seconds in 0i64..3_000_000_000) {
        let mut edition = edition(entry);
        edition.published = time("1990-01-01T00:00:00Z") + TimeDelta::seconds(seconds);
        edition.updated = edition.published + TimeDelta::hours(1);
        let rendered = atom::render(&edition, &Style::default(), 0);
        let feed = format!("<feed xmlns='http://www.w3.org/2005/Atom'><title>F</title><id>urn:f</id><updated>2026-01-01T00:00:00Z</updated>{}</feed>", String::from(&rendered));
        let document = parse(feed.as_bytes(), "https://elsewhere.example/feed", Some("application/atom+xml")).unwrap();
        prop_assert_eq!(document.entries.len(), 1);
        let (read, was) = (&document.entries[0], &edition.entry);
        prop_assert_eq!(&read.id, &was.id);
        prop_assert_eq!(read.title.as_ref().map(Text::as_str), was.title.as_ref().map(Text::as_str));
        prop_assert_eq!(&read.link, &was.link);
        prop_assert_eq!(read.published.map(|at| at.with_timezone(&Utc)), Some(edition.published));
        prop_assert_eq!(read.updated, Some(edition.updated));
        prop_assert_eq!(&read.authors, &was.authors);
        let terms = |entry: &Entry| entry.categories.iter().map(|c| (c.term.clone(), c.label.clone())).collect::<std::collections::BTreeSet<_>>();
        prop_assert_eq!(terms(read), terms(was));
        let files = |entry: &Entry| entry.links.iter().filter(|l| l.rel == "enclosure").map(|l| (l.href.clone(), l.media_type.clone(), l.length)).collect::<Vec<_>>();
        prop_assert_eq!(files(read), files(was));
        prop_assert_eq!(read.lang.as_ref().or(document.meta.lang.as_ref()), was.lang.as_ref());
        // And what it says is rendered as it was, down to the last character.
        let mut again = edition.clone();
        again.entry = read.clone();
        let rendered_again = atom::render(&again, &Style::default(), 0);
        prop_assert_eq!(xhtml(&rendered_again), xhtml(&rendered));
        prop_assert_eq!(only(&rendered_again, "title"), only(&rendered, "title"));
    }
}
