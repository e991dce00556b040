//! HTML that tries to be more than text, one trick a line; none may leave a trace that acts.

use super::assert_harmless;
use super::fixtures::{edition, html, render, titled, xhtml};
use tidings::atom::{self, Style};
use tidings::feed::{Entry, Text};

const TRICKS: &str = include_str!("../fixtures/bypasses.html");

#[test]
fn no_trick_gets_through() {
    for trick in TRICKS.lines().filter(|line| !line.is_empty()) {
        for wrapped in [
            trick.to_owned(),
            format!("<p><b>x{trick}y</b></p>"),
            format!("<table><tr><td>{trick}"),
            format!("<pre>{trick}</pre>{trick}"),
        ] {
            let entry = render(html(&wrapped));
            assert_harmless(&entry);
            assert_harmless(&String::from(&entry).parse().unwrap());
        }
    }
}

#[test]
fn no_trick_gets_through_on_the_second_reading() {
    // Markup that was written as text must still be text when the result is parsed as HTML once more.
    for trick in TRICKS.lines().filter(|line| !line.is_empty()) {
        assert_harmless(&render(html(&xhtml(&render(html(trick))))));
    }
}

#[test]
fn a_title_is_text_whatever_stands_in_it() {
    for trick in TRICKS.lines().filter(|line| !line.is_empty()) {
        let title = Some(Text::Html(trick.to_owned()));
        let title = atom::title(&edition(Entry { title, ..titled("", "x") }), &Style::default());
        assert!(!title.contains(['\n', '\0', '\u{202E}']), "{title:?}");
    }
}
