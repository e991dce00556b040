//! What clients need of a payload, one test a rule.
#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "payload/bypasses.rs"]
mod bypasses;
#[path = "payload/content.rs"]
mod content;
#[path = "payload/corpus.rs"]
mod corpus;
#[path = "payload/fixtures.rs"]
mod fixtures;
#[path = "payload/goldens.rs"]
mod goldens;
#[path = "payload/lint.rs"]
mod lint;
#[path = "payload/properties.rs"]
mod properties;
#[path = "payload/roundtrip.rs"]
mod roundtrip;
#[path = "payload/rules.rs"]
mod rules;

use minidom::Element;

/// Fails when the entry holds an element, attribute or address that does more than show.
fn assert_harmless(entry: &Element) {
    for child in entry.children() {
        assert_harmless(child);
    }
    let is_xhtml = entry.ns() == "http://www.w3.org/1999/xhtml";
    let allowed = [
        "a abbr b bdi blockquote br caption cite code dd del dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark",
        "ol p pre q rp rt ruby s samp small strong sub sup table tbody td tfoot th thead time tr u ul var",
    ];
    let mut names = allowed.iter().flat_map(|names| names.split(' '));
    assert!(!is_xhtml || names.any(|name| name == entry.name()), "{}", entry.name());
    for ((_, name), value) in entry.attrs().iter() {
        assert!(!name.starts_with("on") && name != "style" && name != "id" && name != "class", "{name}");
        if matches!(name.as_str(), "href" | "src" | "cite") {
            let scheme = value.split(':').next().unwrap();
            let schemes = [
                "http", "https", "mailto", "xmpp", "tel", "sms", "geo", "ftp", "gemini", "gopher", "irc", "ircs",
                "magnet",
            ];
            assert!(value.is_ascii() && !value.contains('\'') && schemes.contains(&scheme), "{value}");
        }
    }
}
