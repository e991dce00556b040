//! First contact: of a feed, of a destination that came later, and with a feed that has nothing yet.

use tidings::feed::{Destination, Entry};
use tidings::ingest::route::{Match, Route, RouteTarget};
use tidings::ingest::{Backfill, needs_backfill};

use crate::simulation::{Edit, Feed, node, post, posts};

const NOTHING: [&str; 0] = [];

fn room() -> Destination {
    Destination::Room { jid: "news@rooms.example".to_owned() }
}

fn firehose() -> Route {
    let to = vec![RouteTarget::Fixed(node("everything"))];
    Route { matches: Match::All(Vec::new()), to, dedup: true, limit: 200 }
}

#[test]
fn first_contact_publishes_the_newest_entries_to_own_destinations_that_ask_for_them() {
    let mut feed = Feed::new();
    feed.routes = vec![firehose()];
    feed.to = vec![
        (node("two"), Some(Backfill::Newest(2))),
        (node("all"), Some(Backfill::All)),
        (node("none"), Some(Backfill::Newest(0))),
        (room(), None),
    ];
    assert_eq!(feed.get(posts(1..=4)), ["P1", "P2", "P3", "P4"]);
    assert_eq!(feed.at(&node("two")), ["P3", "P4"]);
    assert_eq!(feed.at(&node("all")), ["P1", "P2", "P3", "P4"]);
    for silent in [node("none"), room(), node("everything")] {
        assert_eq!(feed.at(&silent), NOTHING, "{silent}");
    }
    assert_eq!(feed.get(posts(1..=5)), ["P5"]);
    for told in [node("two"), node("all"), node("none"), room(), node("everything")] {
        assert_eq!(feed.at(&told), ["P5"], "{told}");
    }
}

#[test]
fn what_first_contact_leaves_out_is_counted_and_never_told() {
    let mut feed = Feed::new();
    assert_eq!(feed.get(posts(1..=50)).len(), 20);
    assert_eq!(feed.suppressed("backfill"), 30);
    assert_eq!(feed.get(posts(1..=50)), NOTHING);
}

#[test]
fn a_feed_whose_state_was_lost_goes_to_its_nodes_with_all_that_it_has_for_they_know_what_is_newer() {
    let mut feed = Feed::new();
    feed.is_rebuilt = true;
    feed.routes = vec![firehose()];
    feed.to = vec![(node("two"), Some(Backfill::Newest(2))), (room(), Some(Backfill::Newest(2)))];
    assert_eq!(feed.get(posts(1..=30)).len(), 30);
    assert!(feed.last.iter().flat_map(|(_, places)| places).all(|place| place.if_newer));
    for silent in [room(), node("everything")] {
        assert_eq!(feed.at(&silent), NOTHING, "{silent}");
    }
    assert_eq!(feed.get(posts(1..=31)), ["P31"]);
    assert!(feed.last.iter().flat_map(|(_, places)| places).all(|place| !place.if_newer));
    assert_eq!(feed.at(&room()), ["P31"]);
    // A node that comes later is new.
    feed.to.push((node("later"), Some(Backfill::Newest(2))));
    assert_eq!(feed.get(posts(1..=31)), ["P30", "P31"]);
    assert!(feed.last.iter().flat_map(|(_, places)| places).all(|place| !place.if_newer));
}

#[test]
fn the_newest_entries_of_a_feed_without_dates_stand_on_top() {
    let mut feed = Feed::new();
    feed.to = vec![(node("two"), Some(Backfill::Newest(2)))];
    assert_eq!(feed.get(posts(1..=4).into_iter().map(Edit::undated).collect()), ["P3", "P4"]);
}

#[test]
fn a_filtered_entry_takes_no_place_of_the_backfill() {
    let mut feed = Feed::new();
    feed.to = vec![(node("two"), Some(Backfill::Newest(2)))];
    feed.rules.filter = vec![tidings::ingest::filter::Rule::Drop(Match::Title("P4|P2".parse().unwrap()))];
    assert_eq!(feed.get(posts(1..=4)), ["P1", "P3"]);
    assert_eq!(feed.suppressed("filtered"), 2);
}

#[test]
fn a_destination_that_came_later_gets_its_backfill_alone() {
    let mut feed = Feed::after(posts(1..=4));
    assert!(!needs_backfill(&feed.read, &feed.plan()));
    feed.to.push((room(), None));
    assert!(!needs_backfill(&feed.read, &feed.plan()), "it asks for none");
    feed.to.push((node("later"), Some(Backfill::Newest(2))));
    assert!(needs_backfill(&feed.read, &feed.plan()));

    assert_eq!(feed.get(posts(1..=5)), ["P4", "P5"]);
    assert_eq!(feed.at(&node("later")), ["P4", "P5"]);
    assert_eq!(feed.at(&node("blog")), ["P5"]);
    assert_eq!(feed.at(&room()), ["P5"]);
    assert!(!needs_backfill(&feed.read, &feed.plan()));
    assert_eq!(feed.get(posts(1..=5)), NOTHING);
}

#[test]
fn a_destination_that_came_later_gets_entries_in_their_newest_revision() {
    let mut feed = Feed::after(posts(1..=2));
    let edited: Vec<Entry> = vec![post(2).content("Edited."), post(1)];
    feed.wait(5).get(edited.clone());
    let updated = feed.last[0].0.updated;
    feed.to.push((node("later"), Some(Backfill::Newest(20))));
    assert_eq!(feed.wait(5).get(edited), ["P1", "P2 edit 1"]);
    assert_eq!(feed.last[1].0.updated, updated);
}

#[test]
fn an_empty_document_is_no_first_contact_of_a_destination() {
    let mut feed = Feed::new();
    feed.routes = vec![firehose()];
    assert_eq!(feed.get(Vec::new()), NOTHING);
    assert!(!needs_backfill(&feed.read, &feed.plan()), "nothing is to be had yet");
    feed.wait(24 * 60);
    // The first real post goes everywhere; what was written long before goes to the feed's own node.
    assert_eq!(feed.get(vec![post(1500), post(-1000)]), ["P-1000", "P1500"]);
    assert_eq!(feed.at(&node("everything")), ["P1500"]);
}

#[test]
fn a_document_that_is_cut_short_is_a_first_contact_too() {
    let mut feed = Feed::new();
    feed.next.is_truncated = true;
    assert_eq!(feed.get(posts(5..=9)), ["P5", "P6", "P7", "P8", "P9"]);
    assert_eq!(feed.get(posts(1..=9)), NOTHING, "what was cut off is older");
    assert_eq!(feed.suppressed("old"), 4);
}
