//! Filters, routes and what they do with edits and withdrawals.

use tidings::feed::{Category, Destination, Entry, Person, Text};
use tidings::ingest::OnRemove;
use tidings::ingest::filter::Rule;
use tidings::ingest::route::{Match, Route, RouteTarget};
use tidings::store::Action;

use crate::simulation::{Edit, Feed, node, post, posts};

const NOTHING: [&str; 0] = [];

fn to_node(name: &str) -> RouteTarget {
    RouteTarget::Fixed(node(name))
}

fn template(node: &str) -> RouteTarget {
    RouteTarget::Template { service: None, node: node.to_owned() }
}

fn route(matches: Match, to: Vec<RouteTarget>) -> Route {
    Route { matches, to, dedup: true, limit: 200 }
}

/// A known feed with these routes.
fn routed(routes: Vec<Route>) -> Feed {
    let mut feed = Feed::after(posts(1..=3));
    feed.tags = vec!["xmpp".to_owned(), "IM".to_owned()];
    feed.routes = routes;
    feed
}

fn rich_post() -> Entry {
    Entry {
        title: Some(Text::Html("Fish &amp; <b>Chips</b>".to_owned())),
        authors: vec![Person { name: Some("Ada Lovelace".to_owned()), ..Person::default() }],
        categories: vec![
            Category { term: "food".to_owned(), label: Some("Good Food".to_owned()), scheme: None },
            Category { term: " ".to_owned(), label: Some("C++".to_owned()), scheme: None },
        ],
        lang: Some("en-GB".to_owned()),
        ..post(50)
    }
}

#[test]
fn a_match_says_what_it_means() {
    let text = |text: &str| text.to_owned();
    for (matches, expected) in [
        (Match::All(vec![]), true),
        (Match::Any(vec![]), false),
        (Match::Tag(text("XMPP")), true),
        (Match::Tag(text("im")), true),
        (Match::Tag(text("xm")), false),
        (Match::Category(text("FOOD")), true),
        (Match::Category(text("good food")), true),
        (Match::Category(text("goo")), false),
        (Match::Feed(text("blog")), true),
        (Match::Feed(text("blo")), false),
        (Match::Author("^Ada".parse().unwrap()), true),
        (Match::Author("^Bob".parse().unwrap()), false),
        (Match::Title("^Fish & Chips$".parse().unwrap()), true),
        (Match::Title("fish".parse().unwrap()), false),
        (Match::Lang(text("EN")), true),
        (Match::Lang(text("en-gb")), true),
        (Match::Lang(text("en-us")), false),
        (Match::Lang(text("e")), false),
        (Match::Not(Box::new(Match::Tag(text("rust")))), true),
        (Match::All(vec![Match::Tag(text("xmpp")), Match::Lang(text("de"))]), false),
        (Match::Any(vec![Match::Tag(text("xmpp")), Match::Lang(text("de"))]), true),
    ] {
        let mut feed = routed(vec![route(matches.clone(), vec![to_node("topic")])]);
        feed.get(vec![rich_post(), post(3)]);
        assert_eq!(feed.last.len(), 1);
        assert_eq!(!feed.at(&node("topic")).is_empty(), expected, "{matches:?}");
    }
}

#[test]
fn the_first_filter_rule_that_matches_decides() {
    let title = |pattern: &str| Match::Title(pattern.parse().unwrap());
    for (rules, expected) in [
        (vec![], vec!["P10", "P11", "P12"]),
        (vec![Rule::Drop(title("P1[01]"))], vec!["P12"]),
        (vec![Rule::Keep(title("P10")), Rule::Drop(title("P1[01]"))], vec!["P10", "P12"]),
        (vec![Rule::Keep(title("P10")), Rule::Drop(Match::All(vec![]))], vec!["P10"]),
        (vec![Rule::Drop(Match::All(vec![])), Rule::Keep(title("P10"))], vec![]),
    ] {
        let mut feed = Feed::after(posts(1..=3));
        feed.rules.filter = rules;
        assert_eq!(feed.get(posts(10..=12)), expected);
        assert_eq!(feed.get(posts(10..=12)), NOTHING);
        assert_eq!(feed.suppressed("filtered") as usize, 3 - expected.len(), "each is counted once");
        feed.rules.filter = Vec::new();
        assert_eq!(feed.get(posts(10..=12)), NOTHING, "an edited filter never floods");
    }
}

#[test]
fn a_destination_that_several_routes_name_gets_an_entry_once() {
    let everything = || Match::All(Vec::new());
    let mut feed = routed(vec![
        route(everything(), vec![to_node("all"), to_node("blog")]),
        route(everything(), vec![to_node("all"), template("{feed}"), template("all")]),
    ]);
    feed.get(posts(1..=4));
    let places: Vec<String> = feed.last[0].1.iter().map(|place| place.destination.to_string()).collect();
    assert_eq!(places, ["node blog", "node all"]);
}

#[test]
fn copies_in_several_feeds_share_a_name_on_routes_that_fold_them() {
    let place = |entry: Entry, dedup: bool| {
        let mut feed = routed(vec![Route { dedup, ..route(Match::All(Vec::new()), vec![to_node("all")]) }]);
        feed.get(vec![entry, post(3)]);
        assert_eq!(feed.last[0].1[0].dedup, None, "the feed's own node always gets it");
        feed.last[0].1[1].dedup
    };
    let name = place(post(50), true);
    assert!(name.is_some());
    assert_eq!(place(post(50), false), None);
    // Another feed gives another id and adds its own tracking.
    let copy = post(50).id("other").link("http://www.blog.example/posts/50?utm_source=planet").title("[blog] P50");
    assert_eq!(place(copy, true), name);
    assert_ne!(place(post(51), true), name);
    let by_id = place(post(50).no_link(), true);
    assert!(by_id.is_some() && by_id != name);
    assert_eq!(place(post(50).no_link().no_id(), true), None);
}

#[test]
fn a_link_to_the_home_page_folds_nothing() {
    let mut feed = routed(vec![route(Match::All(Vec::new()), vec![to_node("all")])]);
    let home = "https://blog.example/";
    feed.next.meta.link = Some(home.to_owned());
    feed.get(vec![post(50).link(home), post(51).link(home), post(3)]);
    assert_ne!(feed.last[0].1[1].dedup, feed.last[1].1[1].dedup);
}

#[test]
fn a_template_makes_a_node_for_each_tag_and_category() {
    let mut feed = routed(vec![route(Match::All(Vec::new()), vec![template("{tag}"), template("t/{category}")])]);
    feed.get(vec![rich_post(), post(3)]);
    let places: Vec<String> = feed.last[0].1.iter().map(|place| place.destination.to_string()).collect();
    assert_eq!(places, ["node blog", "node im", "node xmpp", "node t/cplusplus", "node t/food"]);
}

#[test]
fn what_a_template_makes_has_a_quota_that_its_service_and_its_text_name() {
    let there = RouteTarget::Template { service: Some("pubsub.far.example".to_owned()), node: "{tag}".to_owned() };
    let mut feed = routed(vec![Route {
        limit: 2,
        ..route(Match::All(Vec::new()), vec![to_node("all"), template("{tag}"), there])
    }]);
    feed.get(vec![post(50), post(3)]);
    let quotas: Vec<_> =
        feed.last[0].1.iter().map(|place| place.quota.as_ref().map(|q| (q.template.as_str(), q.limit))).collect();
    let (here, there) = (Some(("/{tag}", 2)), Some(("pubsub.far.example/{tag}", 2)));
    assert_eq!(quotas, [None, None, here, here, there, there]);
}

#[test]
fn an_entry_that_goes_nowhere_is_counted() {
    let mut feed = routed(Vec::new());
    feed.to = Vec::new();
    assert_eq!(feed.get(posts(1..=4)), NOTHING);
    assert_eq!(feed.suppressed("no-destination"), 1);
    feed.to = vec![(Destination::Chat { jid: "romeo@example.net".to_owned() }, None)];
    feed.wait(5);
    assert_eq!(feed.get(vec![post(4).content("x"), post(3)]), NOTHING, "a chat line cannot be edited");
    assert_eq!(feed.suppressed("ignored-update"), 1);
}

#[test]
fn a_withdrawal_goes_where_the_entry_must_be() {
    let mut feed = routed(vec![
        route(Match::All(vec![]), vec![to_node("all"), template("{tag}"), template("{category}")]),
        route(Match::Tag("xmpp".to_owned()), vec![to_node("by-tag")]),
        route(Match::Tag("rust".to_owned()), vec![to_node("other-tag")]),
        route(Match::Title("P".parse().unwrap()), vec![to_node("by-title")]),
    ]);
    feed.to.push((Destination::Room { jid: "news@rooms.example".to_owned() }, None));
    feed.rules.on_remove = OnRemove::Retract;
    feed.tombstones(&["id-2"]).get(vec![post(3), post(1)]);
    let (edition, places) = &feed.last[0];
    assert!(places.iter().all(|place| place.action == Action::Retract && place.not_before.is_none()));
    let places: Vec<String> = places.iter().map(|place| place.destination.to_string()).collect();
    assert_eq!(places, ["node blog", "node all", "node im", "node xmpp", "node by-tag"]);
    assert_eq!(edition.revision, 1, "newer than what may still wait");
}
