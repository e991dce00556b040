//! What is told of items before they are published.

use insta::assert_snapshot;
use minidom::Element;
use tidings::atom::lint::{CLIENTS, Verdict, lint};
use tidings::atom::{self, Style};
use tidings::feed::Entry;

use super::fixtures::{edition, enclosure, titled};

const SOCIAL: &str = "urn:xmpp:pubsub-social-feed:1";

/// What is said of an entry with these children, on a node of this type.
fn told(node_type: &str, children: &str) -> String {
    let item = format!(
        "<item xmlns='http://jabber.org/protocol/pubsub' id='x'><entry xmlns='http://www.w3.org/2005/Atom'>{children}</entry></item>"
    );
    let findings = lint(&item.parse().unwrap(), node_type);
    findings.iter().map(|finding| format!("{}: {finding}", finding.rule)).collect::<Vec<_>>().join("\n")
}

/// An entry that is well but for what is put into it, and what its title is.
fn check(instead_of: &str, children: &str, expected: &str) {
    let good = [
        ("title", "<title>T</title>"),
        ("id", "<id>urn:x:1</id>"),
        ("published", "<published>2026-11-02T07:15:00Z</published>"),
        ("updated", "<updated>2026-11-02T07:15:00Z</updated>"),
        ("link", "<link href='https://harbour.example/'/>"),
        ("content", "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>x</div></content>"),
        ("summary", "<summary>x</summary>"),
    ];
    let rest: String = good
        .iter()
        .filter(|(name, _)| !instead_of.split(' ').any(|without| without == *name))
        .map(|(_, element)| *element)
        .collect();
    let told = told("http://www.w3.org/2005/Atom", &format!("{children}{rest}"));
    assert!(told.contains(expected), "{children}: {expected}\n{told}");
}

#[test]
fn what_is_rendered_shows_everywhere_on_every_rung() {
    let entry = Entry {
        link: Some("https://harbour.example/9".to_owned()),
        links: vec![enclosure("https://harbour.example/a.png", None)],
        ..titled("Tides", "<p><b>High</b> <i>water</i></p>")
    };
    for rung in 0..=atom::LAST_RUNG {
        let item = atom::item(&edition(entry.clone()), &Style::default(), rung);
        let told: Vec<String> = lint(&item, SOCIAL).iter().map(ToString::to_string).collect();
        if rung == 0 {
            assert_snapshot!(told.join("\n"), @r"
            Movim would show this: “Tides” with a file
            Converse would show this: “Tides” with a file
            RSS Guard would show this: “Tides” with a file
            Libervia would show this: “Tides” with a file
            body-only clients would show this, but without a text, unless the server is told to make one (pubsub_summary_templates)
            ");
        }
        assert_eq!(told.len(), CLIENTS.len(), "{told:?}");
        assert!(lint(&item, SOCIAL).iter().all(|finding| finding.verdict != Verdict::Drops));
    }
}

#[test]
fn an_entry_with_nothing_in_it_is_told_of() {
    assert_snapshot!(told("http://www.w3.org/2005/Atom", ""), @r"
    title: Movim would drop this: no title
    updated: Movim would drop this: no date of update
    link: Movim would show this, but there is no page to open
    content: Movim would show this, but the title only: the content is not XHTML
    link: Converse would show this, but there is no page to open
    link: RSS Guard would show this, but there is no page to open
    title: Libervia would drop this: no title
    id: Libervia would show this, but it cannot tell it from others: no id
    updated: Libervia would drop this: no date of update
    node: body-only clients would show this, but on Prosody as “posted” and the title, without the link; elsewhere without a text
    ");
}

#[test]
fn what_is_no_entry_is_dropped_by_all() {
    let item: Element =
        "<item xmlns='http://jabber.org/protocol/pubsub' id='x'><mood xmlns='http://jabber.org/protocol/mood'/></item>"
            .parse()
            .unwrap();
    let findings = lint(&item, SOCIAL);
    assert_eq!(findings.len(), CLIENTS.len());
    assert!(findings.iter().all(|finding| finding.verdict == Verdict::Drops));
}

#[test]
fn each_rule_has_a_name_and_a_client() {
    check("title", "<title> </title>", "title: Movim would drop this: the title is blank");
    check("title", "<title type='html'>x</title>", "title: Movim would drop this: the title is HTML");
    check("title", "<title>♥</title>", "title: Movim would show this, but as a “like”");
    check("title", "<title>x</title><title>y</title>", "title: Libervia would drop this: more than one");
    check(
        "updated",
        "<updated>Mon, 02 Nov 2026</updated>",
        "updated: Movim would show this, but its date cannot be read",
    );
    check(
        "updated",
        "<updated>2026-11-02T08:15:00+01:00</updated>",
        "updated: Converse would show this, but out of order",
    );
    check("published", "", "published: Movim would show this, but an edit moves it");
    check("", "<author><name>x</name><uri>https://x.example</uri></author>", "author: Libervia would drop this");
    check(
        "",
        "<author><name>x</name><uri>https://x.example</uri></author>",
        "author: Converse would show this, but as a repost",
    );
    check(
        "",
        "<author><name>x</name><uri>xmpp:a@b.example</uri></author>",
        "author: RSS Guard would show this, but name",
    );
    check("", "<link href='xmpp:x.example?;node=y'/>", "link: RSS Guard would show this, but it links");
    check("link", "<link href='https://ü.example/'/>", "link: Movim would show this, but without its link");
    check("", "<link rel='via' href='https://x.example/'/>", "link: Converse would show this, but as a repost");
    check(
        "",
        "<link rel='replies' href='https://x.example/'/>",
        "replies: Movim would show this, but it takes a web page",
    );
    check(
        "",
        "<link rel='related' title='Comments' href='https://x.example/'/>",
        "replies: Movim would show this, but it takes a web page",
    );
    check(
        "",
        "<link rel='enclosure' href='https://x.example/a.png'/>",
        "enclosure: Movim would show this, but without 1 of its files",
    );
    check("content", "<content type='html'>ü</content>", "content: Movim would show this, but letters");
    check("content", "<content type='html'>x</content><content>x</content>", "content: Libervia would drop this");
    check("content", "<content>x</content>", "content: Movim would show this, but the title only");
    check("", "<content>x</content>", "content: RSS Guard would show this, but without any markup");
    check("", "", "summary: Converse would show this, but summary and content");
    check("", "<category term=' '/>", "category: Libervia would show this, but an empty tag");
    check("", "<category term='NSFW'/>", "category: Movim would show this, but behind a warning");
    check(
        "",
        "<source><title>F</title></source>",
        "source: RSS Guard would show this, but with title and date of its feed",
    );
    let lost =
        "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p><b>one</b> <i>two</i></p></div></content>";
    check("content", lost, "white-space: Movim would show this, but some words run together");
    let cut = "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><a href=\"/it's\">x</a></div></content>";
    check("content", cut, "content: Movim would show this, but an address or a description ends at its apostrophe");
    check("", "", "all: body-only clients would show this: “T”");
}

#[test]
fn item_ids_and_node_types_that_mean_something_else_are_told_of() {
    let mut edition = edition(titled("T", "x"));
    for id in ["0", "test_post", "urn:xmpp:avatar:data"] {
        edition.item.0 = id.to_owned();
        let findings = lint(&atom::item(&edition, &Style::default(), 0), SOCIAL);
        assert!(findings.iter().any(|finding| finding.rule == "item" && finding.verdict == Verdict::Drops), "{id}");
    }
    assert!(
        told("http://jabber.org/protocol/mood", "")
            .contains("node: Converse would drop this: it does not list nodes of type")
    );
}
