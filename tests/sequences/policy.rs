//! What is new and still not told, what is edited and told later, and what is gone.

use tidings::feed::Entry;
use tidings::ingest::{ItemIdScheme, OnRemove, OnUpdate};

use crate::simulation::{Edit, Feed, hour, post, posts};

const NOTHING: [&str; 0] = [];

/// The document without these posts.
fn without(entries: Vec<Entry>, missing: &[i64]) -> Vec<Entry> {
    let ids: Vec<_> = missing.iter().map(|n| post(*n).id).collect();
    entries.into_iter().filter(|entry| !ids.contains(&entry.id)).collect()
}

/// A feed that retracts, after first contact with these posts.
fn retracting(entries: Vec<Entry>) -> Feed {
    let mut feed = Feed::new();
    feed.rules.on_remove = OnRemove::Retract;
    feed.get(entries);
    feed
}

// Order

#[test]
fn the_oldest_comes_first_by_date_or_from_the_bottom_when_one_has_no_date() {
    let mut feed = Feed::after(posts(1..=3));
    assert_eq!(feed.get(vec![post(80), post(82), post(81), post(3), post(2), post(1)]), ["P80", "P81", "P82"]);
    let mut feed = Feed::after(posts(1..=3));
    assert_eq!(feed.get(vec![post(80), post(82), post(81).undated(), post(3)]), ["P81", "P82", "P80"]);
}

// Old entries

#[test]
fn an_entry_older_than_all_of_first_contact_is_not_told() {
    let mut feed = Feed::after(posts(50..=53));
    assert_eq!(feed.get(vec![post(53), post(52), post(51), post(50), post(49)]), NOTHING);
    assert_eq!(feed.suppressed("old"), 1);
    assert_eq!(feed.get(vec![post(54), post(53), post(49)]), ["P54"]);
}

#[test]
fn an_entry_that_slides_in_from_below_long_after_its_date_is_not_told() {
    let mut feed = Feed::after(posts(1..=3));
    feed.wait(24 * 40);
    feed.get(vec![post(1000), post(3)]);
    // Of hour 10, long ago; above a known entry it was dated back by its author, below all it slid in.
    assert_eq!(feed.get(vec![post(1000), post(10), post(3)]), ["P10"]);
    assert_eq!(feed.get(vec![post(1000), post(3), post(11)]), NOTHING);
    assert_eq!(feed.suppressed("old"), 1);
    assert_eq!(feed.get(vec![post(1000), post(3), post(900)]), ["P900"], "not long before the last poll");
    assert_eq!(feed.get(vec![post(1000), post(3), post(12).undated()]), ["P12"], "without a date nothing is old");
}

// Flood brake

#[test]
fn a_flood_of_entries_that_are_not_newer_is_held_but_for_the_newer_ones() {
    let mut feed = Feed::after(posts(1..=10));
    let copy = |n: i64| post(n).id(&format!("copy-{n}")).link(&format!("https://blog.example/copy/{n}")).content("x");
    let flood = [vec![post(101)], (2..=10).rev().map(copy).collect()].concat();
    assert_eq!(feed.get(flood.clone()), ["P101"]);
    assert_eq!(feed.suppressed("flood-brake"), 9);
    assert_eq!(feed.notices, ["10 entries look new at once; 9 that are not newer than the known ones are held back"]);
    assert_eq!(feed.get(flood), NOTHING);
}

#[test]
fn it_is_a_flood_when_half_of_many_new_entries_are_not_newer() {
    // Known entries, new ones that are not newer, new ones that are; whether it is a flood.
    for (known, late, newer, is_flood) in
        [(10, 5, 5, true), (10, 4, 6, false), (10, 3, 3, true), (10, 3, 2, false), (5, 6, 0, true), (4, 6, 0, false)]
    {
        let mut feed = Feed::after(posts(1..=known));
        let late_post = |n: i64| post(1).id(&format!("late-{n}")).link(&format!("https://blog.example/late/{n}"));
        let late_posts = (0..late).map(|n| late_post(n).content(&format!("late {n}"))).collect();
        let told = feed.get([posts(21..=20 + newer), late_posts, posts(known..=known)].concat());
        let expected = if is_flood { newer } else { newer + late };
        assert_eq!(told.len() as i64, expected, "{known} known, {late} late, {newer} newer");
    }
}

#[test]
fn a_busy_feed_is_no_flood() {
    let mut feed = Feed::after(posts(1..=10));
    assert_eq!(feed.get(posts(21..=40)).len(), 20);
    assert_eq!(feed.get(posts(41..=50).into_iter().map(Edit::undated).collect()).len(), 10);
    assert_eq!(feed.get(posts(45..=56)).len(), 6, "dated now, and known");
    assert_eq!(feed.suppressed("flood-brake"), 0);
}

#[test]
fn a_small_feed_and_a_few_entries_are_no_flood() {
    let mut feed = Feed::after(posts(1..=4));
    assert_eq!(feed.get(vec![post(3).id("a").link("https://a.example/").content("a"), post(2)]).len(), 1);
    let mut feed = Feed::after(posts(11..=15));
    let late = |n: i64| post(n).title(&format!("late {n}")).id(&format!("l{n}")).link("").content("late");
    assert_eq!(feed.get((11..=15).map(late).collect()).len(), 5);
    let mut feed = Feed::after(posts(11..=14));
    let late = |n: i64| late(n).dated(12).content(&format!("late {n}"));
    assert_eq!(feed.get((21..=26).map(late).collect()).len(), 6, "of four known entries little can be said");
}

// Edits

#[test]
fn edits_within_the_cool_down_become_one_with_a_not_before() {
    let mut feed = Feed::after(posts(1..=3));
    let edited = |words: &str| vec![post(3).content(words), post(2), post(1)];
    let minutes = |feed: &mut Feed, minutes: i64| feed.now += chrono::TimeDelta::minutes(minutes);
    minutes(&mut feed, 10);
    assert_eq!(feed.get_now(edited("one")), ["P3 edit 1"], "the first one is told at once");
    minutes(&mut feed, 10);
    assert_eq!(feed.get_now(edited("two")), ["P3 edit 2 at +50m"]);
    minutes(&mut feed, 20);
    assert_eq!(feed.get_now(edited("three")), ["P3 edit 3 at +30m"], "it takes the place of the one that waits");
    minutes(&mut feed, 31);
    assert_eq!(feed.get_now(edited("three")), NOTHING);
    assert_eq!(feed.get_now(edited("four")), ["P3 edit 4 at +59m"], "counted from when the last one was told");
    minutes(&mut feed, 300);
    assert_eq!(feed.get_now(edited("five")), ["P3 edit 5"]);
    minutes(&mut feed, -60 * 24 * 7);
    assert_eq!(
        feed.get_now(edited("six")),
        ["P3 edit 6 at +60m"],
        "a clock that was put back holds up nothing for long"
    );
}

#[test]
fn each_revision_has_a_later_updated() {
    let mut feed = Feed::after(vec![post(1).updated(3)]);
    assert_eq!(feed.last[0].0.updated, hour(3));
    feed.wait(5);
    feed.get(vec![post(1).updated(4).content("one")]);
    assert_eq!(feed.last[0].0.updated, feed.now, "an old stamp would hide the edit");
    feed.now += chrono::TimeDelta::minutes(5);
    assert_eq!(feed.get_now(vec![post(1).updated(4).content("two")]), ["P1 edit 2 at +55m"]);
    assert_eq!(feed.last[0].0.updated, feed.now, "also while it waits");
    assert_eq!(feed.last[0].0.published, hour(1));
}

#[test]
fn a_redesign_tells_nothing() {
    let mut feed = Feed::after(posts(1..=10));
    let redesigned = |n: i64| post(n).content(&format!("<div class='new'>Post {n}</div>"));
    let document = [posts(8..=10), (1..=7).rev().map(redesigned).collect()].concat();
    assert_eq!(feed.wait(5).get(document.clone()), NOTHING);
    assert_eq!(feed.suppressed("edit-brake"), 7);
    assert_eq!(feed.notices, ["7 entries were edited at once; none is published again"]);
    assert_eq!(feed.get(document), NOTHING, "they are stamped");
    // Five may be edited at once in any feed.
    let five = (1..=5).rev().map(post).collect();
    assert_eq!(feed.wait(5).get(five).len(), 5);
}

#[test]
fn edits_can_be_ignored() {
    let mut feed = Feed::new();
    feed.rules.on_update = OnUpdate::Ignore;
    feed.get(posts(1..=3));
    assert_eq!(feed.wait(5).get(vec![post(3).title("P3 anew"), post(2), post(1)]), NOTHING);
    assert_eq!(feed.suppressed("ignored-update"), 1);
}

#[test]
fn another_reader_version_stamps_anew_and_tells_nobody() {
    let mut feed = Feed::after(posts(1..=3));
    feed.seen.entries.iter_mut().for_each(|entry| entry.fingerprint.0 = [0xff; 8]);
    assert_eq!(feed.wait(5).get(posts(1..=3)), NOTHING);
    assert_eq!(feed.wait(5).get(vec![post(3), post(2).content("x"), post(1)]), ["P2 edit 1"]);
}

// Withdrawals

#[test]
fn an_entry_is_gone_when_it_is_missing_inside_twice_in_a_row() {
    let mut feed = retracting(posts(1..=10));
    assert_eq!(feed.get(without(posts(1..=10), &[5])), NOTHING);
    assert_eq!(feed.read.absent, 1);
    assert_eq!(feed.get(without(posts(1..=11), &[5])), ["P11", "P5 gone"]);
    assert_eq!(feed.get(without(posts(1..=11), &[5])), NOTHING);
    assert_eq!(feed.read.absent, 0);
}

#[test]
fn an_unchanged_document_counts_as_the_second_absence() {
    let mut feed = retracting(posts(1..=10));
    assert_eq!(feed.get_unchanged(), NOTHING);
    feed.get(without(posts(1..=10), &[5]));
    assert_eq!(feed.get_unchanged(), ["P5 gone"]);
    assert_eq!(feed.get_unchanged(), NOTHING);
    assert_eq!(feed.read.absent, 0);
}

#[test]
fn an_entry_that_is_back_before_the_second_look_was_never_gone() {
    let mut feed = retracting(posts(1..=10));
    feed.get(without(posts(1..=10), &[5]));
    assert_eq!(feed.get(posts(1..=10)), NOTHING);
    assert_eq!(feed.get(without(posts(1..=10), &[5])), NOTHING);
    assert_eq!(feed.read.absent, 1);
}

#[test]
fn an_absence_that_another_order_interrupts_is_forgotten() {
    let mut feed = retracting(posts(1..=10));
    feed.get(without(posts(1..=10), &[5]));
    let mut upside_down = without(posts(1..=10), &[5]);
    upside_down.reverse();
    assert_eq!(feed.get(upside_down), NOTHING);
    assert_eq!(feed.read.absent, 0);
    assert_eq!(feed.get_unchanged(), NOTHING);
}

#[test]
fn an_entry_that_falls_out_of_the_window_is_not_gone() {
    let mut feed = retracting(posts(1..=10));
    for last in 11..=40 {
        assert_eq!(feed.get(posts(last - 9..=last)), [format!("P{last}")]);
    }
    // Missing inside once, and then the window has passed it by.
    feed.get(without(posts(31..=40), &[33]));
    assert_eq!(feed.get(posts(41..=50)).len(), 10);
    assert_eq!(feed.get(posts(41..=50)), NOTHING);
}

#[test]
fn a_feed_that_is_not_sorted_loses_entries_without_anyone_being_gone() {
    // Sorted by title, the newest ten: the oldest falls out from the middle.
    let by_name = |range: std::ops::RangeInclusive<i64>| {
        let mut entries = posts(range);
        entries.sort_by_key(|entry| entry.title.as_ref().map(|title| title.as_str().to_owned()));
        entries
    };
    let mut feed = retracting(by_name(1..=12));
    for last in 13..=30 {
        assert_eq!(feed.get(by_name(last - 11..=last)), [format!("P{last}")]);
    }
}

#[test]
fn more_than_a_fifth_at_once_is_a_broken_feed() {
    let mut feed = retracting(posts(1..=10));
    feed.get(without(posts(1..=10), &[4, 5, 6]));
    assert_eq!(feed.notices, ["3 entries vanished at once; none is taken for deleted"]);
    assert_eq!(feed.get(without(posts(1..=10), &[4, 5, 6])), NOTHING);
    assert_eq!(feed.get(posts(1..=10)), NOTHING, "and when they are back, they are known");
    let mut feed = retracting(posts(1..=14));
    feed.get(without(posts(1..=14), &[4, 5, 6]));
    assert_eq!(feed.notices.len(), 1, "three of fourteen");
    let mut feed = retracting(posts(1..=10));
    feed.get(without(posts(1..=10), &[4, 5]));
    assert_eq!(feed.get(without(posts(1..=10), &[4, 5])).len(), 2, "two of ten are a fifth");
    // A single one may be deleted from the smallest feed.
    let mut feed = retracting(posts(1..=2));
    feed.get(vec![post(1)]);
    assert_eq!(feed.get(vec![post(1)]), ["P2 gone"]);
}

#[test]
fn a_truncated_or_an_empty_document_retires_nothing() {
    let mut feed = retracting(posts(1..=10));
    for _ in 0..3 {
        assert_eq!(feed.get(Vec::new()), NOTHING);
        feed.next.is_truncated = true;
        assert_eq!(feed.get(without(posts(4..=10), &[7])), NOTHING);
        assert_eq!(feed.read.absent, 0);
    }
    assert_eq!(feed.get(posts(1..=10)), NOTHING);
}

#[test]
fn a_tombstone_is_believed_at_once() {
    let mut feed = retracting(posts(1..=10));
    assert_eq!(
        feed.tombstones(&["id-9", "id-5", "unknown"]).get(without(posts(1..=10), &[5])),
        ["P5 gone"],
        "9 is there"
    );
    assert_eq!(feed.tombstones(&["id-5"]).get(without(posts(1..=10), &[5])), NOTHING);
}

#[test]
fn a_complete_feed_means_what_it_leaves_out() {
    let mut feed = retracting(posts(1..=10));
    feed.next.is_complete = true;
    assert_eq!(feed.get(posts(2..=10)), ["P1 gone"]);
    feed.next.is_complete = true;
    assert_eq!(feed.get(posts(7..=10)), NOTHING, "half a feed is a broken one");
}

#[test]
fn a_withdrawn_entry_that_comes_back_is_published_again() {
    let mut feed = retracting(posts(1..=10));
    feed.tombstones(&["id-5"]).get(without(posts(1..=10), &[5]));
    assert_eq!(feed.get(posts(1..=10)), ["P5 edit 2"]);
    assert_eq!(feed.get(posts(1..=10)), NOTHING);
}

#[test]
fn an_entry_that_came_back_once_is_not_gone_by_absence_again() {
    let mut feed = retracting(posts(1..=10));
    for expected in [&["P5 gone"][..], &[]] {
        feed.get(without(posts(1..=10), &[5]));
        assert_eq!(feed.get(without(posts(1..=10), &[5])), expected);
        feed.get(posts(1..=10));
    }
    assert_eq!(feed.tombstones(&["id-5"]).get(without(posts(1..=10), &[5])), ["P5 gone"], "a tombstone is a word");
}

#[test]
fn what_was_never_published_is_not_retracted() {
    let mut feed = retracting(posts(1..=30));
    assert_eq!(feed.tombstones(&["id-1", "id-20"]).get(without(posts(1..=30), &[1, 20])), ["P20 gone"]);
    assert_eq!(feed.get(posts(1..=30)), ["P20 edit 2"], "nor published when it is back");
}

#[test]
fn without_on_remove_nothing_is_retracted() {
    let mut feed = Feed::after(posts(1..=10));
    assert_eq!(feed.tombstones(&["id-5"]).get(without(posts(1..=10), &[5])), NOTHING);
    assert_eq!(feed.get(posts(1..=10)), NOTHING);
}

// Item ids

#[test]
fn item_ids_of_atomtopubsub_are_kept_even_when_the_guid_changes() {
    let mut feed = Feed::new();
    feed.rules.item_id = ItemIdScheme::Atomtopubsub;
    let id = "tag:blog.example,2026:/posts/1";
    feed.get(vec![post(1).id(id), post(2).no_id()]);
    let items: Vec<String> = feed.last.iter().map(|(edition, _)| edition.item.to_string()).collect();
    assert_eq!(items[0], "tag-blog.example-2026--posts-1");
    assert_eq!(items[1].len(), 16, "without an id of its own it has the usual one");
    assert_eq!(feed.wait(2).get(vec![post(1).id("other").content("x")]), ["P1 edit 1"]);
    assert_eq!(feed.last[0].0.item.to_string(), items[0]);
}
