//! The sixteen things that feeds do to their entries: documents as fetched one after the other, and what is published.

use tidings::feed::Entry;

use crate::simulation::{Edit, Feed, hour, post, posts};

const NOTHING: [&str; 0] = [];

#[test]
fn case_1_a_guid_that_goes_to_https_or_www_is_the_same_entry() {
    let at = |scheme: &str, n: i64| post(n).id(&format!("{scheme}blog.example/?p={n}")).link("https://blog.example/");
    let all = |scheme: &str| (1..=8).rev().map(|n| at(scheme, n)).collect::<Vec<Entry>>();
    let mut feed = Feed::after(all("http://"));
    assert_eq!(feed.get(all("https://")), NOTHING);
    assert_eq!(feed.get(all("https://www.")), NOTHING);
    assert_eq!(feed.get([vec![at("https://", 9)], all("https://")].concat()), ["P9"]);
    assert_eq!(feed.get([vec![at("http://", 9)], all("http://")].concat()), NOTHING);
}

#[test]
fn case_1_links_that_go_to_https_with_their_guids_are_no_edit() {
    let all = |scheme: &str| {
        let link = |n: i64| format!("{scheme}://blog.example/{n}");
        (1..=3).rev().map(|n| post(n).id(&link(n)).link(&link(n))).collect::<Vec<Entry>>()
    };
    let mut feed = Feed::after(all("http"));
    assert_eq!(feed.get(all("https")), NOTHING);
}

#[test]
fn case_2_all_guids_change_and_the_links_stay() {
    let rekeyed = |n: i64| post(n).id(&format!("new-{n}"));
    let mut feed = Feed::after(posts(1..=10));
    let item = feed.last[9].0.item.clone();

    // One entry came meanwhile; it is the only one that is told.
    assert_eq!(feed.get((1..=11).rev().map(rekeyed).collect()), ["P11"]);
    assert_eq!(feed.notices, ["the feed changed the ids of all its entries; 10 are known again by their links"]);
    assert_eq!(feed.get((1..=11).rev().map(rekeyed).collect()), NOTHING);

    // An entry keeps its first item id, whatever its guid becomes.
    let edited = rekeyed(10).content("Other words.");
    assert_eq!(feed.wait(2).get(vec![rekeyed(11), edited, rekeyed(9)]), ["P10 edit 1"]);
    assert_eq!(feed.last[0].0.item, item);
}

#[test]
fn case_2_entries_whose_title_and_date_changed_too_are_known_by_their_links_and_not_told_as_edits() {
    let mut feed = Feed::after(posts(1..=4));
    let rewritten =
        |n: i64| post(n).id(&format!("new-{n}")).title(&format!("Post {n}")).dated(n + 1).content("New look.");
    assert_eq!(feed.get((1..=4).rev().map(rewritten).collect()), NOTHING);
    assert_eq!(feed.suppressed("moved"), 4);
    assert_eq!(feed.get((1..=4).rev().map(rewritten).collect()), NOTHING);
}

#[test]
fn case_3_tracking_parameters_and_session_ids_in_links_change_nothing() {
    let all = |noise: &str| {
        let link = |n: i64| format!("https://blog.example/show?id={n}&{noise}");
        (1..=6).rev().map(|n| post(n).no_id().link(&link(n))).collect::<Vec<Entry>>()
    };
    let mut feed = Feed::after(all("utm_source=rss&utm_campaign=a"));
    for noise in ["utm_source=mail", "fbclid=1", "PHPSESSID=77aa", "sid=0123456789abcdef0123456789abcdef", "mc_cid=9"] {
        assert_eq!(feed.get(all(noise)), NOTHING, "{noise}");
    }
    feed.get(all("page=2"));
    assert_eq!(feed.suppressed("flood-brake"), 6, "a parameter that names a page is another page");
}

#[test]
fn case_4_behind_a_proxy_the_original_link_is_the_link() {
    let proxied = |n: i64, proxy: &str| Entry {
        original_link: post(n).link,
        ..post(n).link(&format!("https://{proxy}.example/~r/blog/{n}"))
    };
    let mut feed = Feed::after((1..=3).rev().map(|n| proxied(n, "feedproxy")).collect());
    assert_eq!(feed.get((1..=3).rev().map(|n| proxied(n, "otherproxy")).collect()), NOTHING);
    assert_eq!(feed.get(posts(1..=3)), NOTHING, "the proxy is gone");

    // Without guid the original link alone makes the entry.
    let mut feed = Feed::after(vec![proxied(1, "feedproxy").no_id()]);
    assert_eq!(feed.get(vec![post(1).no_id()]), NOTHING);
}

#[test]
fn case_5_one_guid_on_different_entries_tells_each_of_them_once() {
    let all = |numbers: std::ops::RangeInclusive<i64>| {
        numbers.rev().map(|n| post(n).id("https://blog.example/")).collect::<Vec<Entry>>()
    };
    let mut feed = Feed::new();
    assert_eq!(feed.get(all(1..=3)), ["P1", "P2", "P3"]);
    assert_eq!(feed.get(all(1..=4)), ["P4"]);
    assert_eq!(feed.get(all(4..=4)), NOTHING, "alone, it is still itself");
    assert_eq!(feed.get(all(5..=5)), ["P5"], "and a new one that is alone is no edit of an old one");
    assert_eq!(feed.get(all(3..=6)), ["P6"]);
    assert_eq!(feed.wait(2).get(vec![post(6).id("https://blog.example/").content("Edited.")]), ["P6 edit 1"]);
}

#[test]
fn case_5_an_entry_that_was_alone_with_its_guid_stays_itself_when_others_take_it_too() {
    let same = |n: i64| post(n).id("same");
    let mut feed = Feed::after(vec![same(1)]);
    assert_eq!(feed.get(vec![same(2), same(1)]), ["P2"]);
    assert_eq!(feed.get(vec![same(3), same(2), same(1)]), ["P3"]);
}

#[test]
fn case_5_one_guid_and_one_link_on_all_entries_leaves_their_titles() {
    let same = |n: i64| post(n).id("same").link("https://blog.example/news");
    let mut feed = Feed::new();
    assert_eq!(feed.get(vec![same(2), same(1)]), ["P1", "P2"]);
    assert_eq!(feed.get(vec![same(3), same(2)]), ["P3"]);
    assert_eq!(feed.get(vec![same(3)]), NOTHING);
}

#[test]
fn case_6_another_order_is_nothing() {
    let mut feed = Feed::after(posts(1..=9));
    for seed in 0..20 {
        let mut shuffled = posts(1..=9);
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        assert_eq!(feed.get(shuffled), NOTHING);
    }
}

#[test]
fn case_7_an_entry_that_comes_back_after_months_is_not_told_again() {
    let mut feed = Feed::after(posts(1..=10));
    assert_eq!(feed.get(posts(2..=10)), NOTHING);
    feed.wait(24 * 300);
    assert_eq!(feed.get(posts(2..=10)), NOTHING);
    assert_eq!(feed.get(posts(1..=10)), NOTHING);
}

#[test]
fn case_7_what_was_not_seen_for_over_a_year_is_kept_for_four_times_the_length_of_the_feed() {
    let mut feed = Feed::after(posts(1..=10));
    feed.get(posts(51..=60));
    feed.wait(24 * 400);
    feed.get(posts(61..=70));
    assert_eq!(feed.seen.entries.len(), 30, "as many as four documents hold");
    feed.get(posts(71..=80));
    feed.get(posts(81..=90));
    assert_eq!(feed.seen.entries.len(), 40);
    feed.wait(24 * 400);
    feed.get(posts(81..=90));
    feed.get(vec![post(91), post(90)]);
    assert_eq!(feed.seen.entries.len(), 11, "what stands in the document is in sight");
}

#[test]
fn case_7_an_entry_is_kept_for_a_year_however_many_came_since() {
    let mut feed = Feed::new();
    for first in [1, 11, 21, 31, 41, 51] {
        feed.get(posts(first..=first + 9));
    }
    feed.wait(24 * 360);
    feed.get(posts(51..=60));
    assert_eq!(feed.seen.entries.len(), 60);
    feed.wait(24 * 6);
    feed.get(posts(51..=60));
    assert_eq!(feed.seen.entries.len(), 40);
}

#[test]
fn case_8_an_updated_that_moves_on_every_fetch_is_nothing() {
    let mut feed = Feed::after(posts(1..=3));
    for at in 100..105 {
        assert_eq!(feed.get((1..=3).rev().map(|n| post(n).updated(at)).collect()), NOTHING);
    }
    assert_eq!(feed.wait(5).get(vec![post(3).title("P3, corrected"), post(2), post(1)]), ["P3, corrected edit 1"]);
    assert_eq!(
        feed.get(vec![post(3).title("P3, corrected"), post(2).link("https://blog.example/2b"), post(1)]),
        ["P2 edit 1"]
    );
}

#[test]
fn case_9_a_feed_that_is_redated_as_a_whole_is_nothing() {
    let mut feed = Feed::after(posts(1..=9));
    assert_eq!(feed.get((1..=9).rev().map(|n| post(n).dated(100)).collect()), NOTHING);
    assert_eq!(feed.get((1..=9).rev().map(|n| post(n).dated(1)).collect()), NOTHING);
    // What was published first stays the date.
    let edited = post(9).dated(1).content("Edited.");
    assert_eq!(feed.wait(5).get(vec![edited]), ["P9 edit 1"]);
    assert_eq!(feed.last[0].0.published, hour(9));
}

#[test]
fn case_10_a_date_that_cannot_be_believed_is_first_sight_for_ever() {
    for (what, entry) in [
        ("future", post(7).dated(24 * 365)),
        ("1970", post(7).dated(-24 * 365 * 56)),
        ("none", post(7).undated()),
        ("year 1", post(7).dated(-24 * 365 * 2025)),
    ] {
        let mut feed = Feed::after(posts(1..=3));
        assert_eq!(feed.get(vec![entry.clone(), post(3), post(2), post(1)]), ["P7"], "{what}");
        let first_sight = feed.now;
        assert_eq!(feed.last[0].0.published, first_sight, "{what}");
        assert_eq!(feed.last[0].0.updated, first_sight, "{what}");

        feed.wait(9);
        assert_eq!(feed.get(vec![entry.content("Edited."), post(3), post(2), post(1)]), ["P7 edit 1"], "{what}");
        assert_eq!(feed.last[0].0.published, first_sight, "{what}");
        assert_eq!(feed.last[0].0.updated, feed.now, "{what}");
    }
}

#[test]
fn case_10_ten_minutes_ahead_are_a_clock_that_is_wrong() {
    let mut feed = Feed::after(posts(1..=3));
    let minutes_ahead = |feed: &Feed, minutes: i64| Entry {
        published: Some(feed.now + chrono::TimeDelta::minutes(60 + minutes)),
        ..post(minutes)
    };
    let (near, far) = (minutes_ahead(&feed, 10), minutes_ahead(&feed, 11));
    let near_date = near.published.unwrap();
    assert_eq!(feed.get(vec![near, far]), ["P11", "P10"]);
    assert_eq!(feed.last[0].0.published, feed.now);
    assert_eq!(feed.last[1].0.published, near_date);
}

#[test]
fn case_11_the_same_entry_twice_in_a_document_is_told_once() {
    let mut feed = Feed::new();
    assert_eq!(feed.get(vec![post(2), post(2), post(1), post(1).no_id()]).len(), 3, "without id it is not the same");
    let mut feed = Feed::after(vec![post(1)]);
    assert_eq!(feed.get(vec![post(2), post(2), post(1)]), ["P2"]);
    // Two revisions side by side (RFC 4287 §4.1.1): the newer one.
    let (older, newer) = (post(3).updated(101), post(3).updated(102).content("Newer."));
    assert_eq!(feed.get(vec![older.clone(), newer.clone(), post(2)]), ["P3"]);
    assert_eq!(feed.last[0].0.entry, newer);
    assert_eq!(feed.get(vec![newer, older, post(2)]), NOTHING);
}

#[test]
fn case_12_a_guid_that_is_no_permalink_is_opaque() {
    let opaque = |n: i64, id: &str| Entry { is_permalink: Some(false), ..post(n).id(id) };
    let mut feed = Feed::after(vec![opaque(1, "https://www.blog.example/posts/2")]);
    // Its guid looks like the link of another entry, and is not one.
    assert_eq!(feed.get(vec![post(2).no_id(), opaque(1, "https://www.blog.example/posts/2")]), ["P2"]);
}

#[test]
fn case_13_an_entry_with_a_link_only_is_its_link() {
    let mut feed = Feed::new();
    assert_eq!(feed.get(vec![post(2).no_id(), post(1).no_id()]), ["P1", "P2"]);
    assert_eq!(feed.get(vec![post(3).no_id(), post(2).no_id(), post(1).no_id()]), ["P3"]);
    feed.wait(5);
    assert_eq!(feed.get(vec![post(3).no_id().title("P3 anew"), post(2).no_id()]), ["P3 anew edit 1"]);
    assert_eq!(feed.get(vec![post(3).no_id().title("P3 anew").link("http://www.blog.example/posts/3")]), NOTHING);
}

#[test]
fn case_14_an_entry_with_a_title_or_a_text_only_is_its_text() {
    let titled = |n: i64| Entry { content: None, ..post(n).no_id().no_link() };
    let told = |n: i64| Entry { title: None, ..post(n).no_id().no_link().undated() };
    let mut feed = Feed::new();
    assert_eq!(feed.get(vec![titled(3), titled(2)]), ["P2", "P3"]);
    assert_eq!(feed.get(vec![titled(4), titled(3)]), ["P4"]);
    let mut feed = Feed::new();
    assert_eq!(feed.get(vec![told(2), told(1)]).len(), 2);
    assert_eq!(feed.get(vec![told(3), told(2), told(1)]), ["<p>This is what post 3 tells.</p>"]);
    assert_eq!(feed.get(vec![told(3), told(2), told(1)]), NOTHING);
}

#[test]
fn case_14_a_new_title_over_the_same_text_is_an_edit() {
    let told = |n: i64| post(n).no_id().no_link();
    let mut feed = Feed::after(vec![told(2), told(1)]);
    assert_eq!(feed.wait(2).get(vec![told(2).title("P2 anew"), told(1)]), ["P2 anew edit 1"]);
}

#[test]
fn case_15_a_move_to_another_domain_tells_nothing_again() {
    let at = |host: &str, n: i64| {
        let url = format!("https://{host}/{n}");
        post(n).id(&url).link(&url).content(&format!("<a href='{url}'>post {n}</a>"))
    };
    let all = |host: &str, to: i64| (1..=to).rev().map(|n| at(host, n)).collect::<Vec<Entry>>();
    let mut feed = Feed::after(all("old.example", 4));
    feed.has_moved = true;
    assert_eq!(feed.get(all("new.example", 5)), ["P5"]);
    assert_eq!(feed.get(all("new.example", 6)), ["P6"]);
}

#[test]
fn case_15_a_move_after_which_hardly_an_entry_is_known_tells_at_most_the_newest() {
    let mut feed = Feed::after(posts(1..=10));
    let moved = |n: i64| post(n).id(&format!("n{n}")).link(&format!("https://new.example/article/{n}"));
    feed.has_moved = true;
    assert_eq!(feed.get((1..=11).rev().map(moved).collect()), ["P11"]);
    assert_eq!(feed.suppressed("moved"), 10);
    assert_eq!(feed.notices.len(), 1);
    assert_eq!(feed.get((1..=12).rev().map(moved).collect()), ["P12"]);

    // None is newer than what was known: none is told.
    let mut feed = Feed::after(posts(1..=10));
    feed.has_moved = true;
    assert_eq!(feed.get((1..=10).rev().map(moved).collect()), NOTHING);
}

#[test]
fn case_16_an_edited_slug_that_is_also_the_guid_is_an_edit() {
    let slug = |n: i64, slug: &str| {
        let url = format!("https://blog.example/{slug}");
        post(n).id(&url).link(&url)
    };
    let mut feed = Feed::after(vec![slug(3, "three"), slug(2, "tow"), slug(1, "one")]);
    let item = feed.last[1].0.item.clone();
    feed.wait(2);
    // The content is the same.
    assert_eq!(feed.get(vec![slug(3, "three"), slug(2, "two").title("P2 anew"), slug(1, "one")]), ["P2 anew edit 1"]);
    assert_eq!(feed.last[0].0.item, item);
    // Title and date are the same.
    feed.wait(2);
    let rewritten = slug(3, "tree").content("Rewritten.");
    assert_eq!(feed.get(vec![rewritten.clone(), slug(2, "two").title("P2 anew"), slug(1, "one")]), ["P3 edit 1"]);
    assert_eq!(feed.get(vec![rewritten, slug(2, "two").title("P2 anew"), slug(1, "one")]), NOTHING);
}

#[test]
fn case_16_an_entry_that_falls_out_while_another_with_the_same_words_comes_is_no_edit() {
    let same = |n: i64| post(n).content("Read more");
    let mut feed = Feed::after(vec![same(3), same(2), same(1)]);
    assert_eq!(feed.get(vec![same(4), same(3), same(2)]), ["P4"]);
    // One vanishes from inside; what all entries say tells nothing.
    assert_eq!(feed.get(vec![same(5), same(4), same(2)]), ["P5"]);
}

#[test]
fn case_16_an_entry_that_is_like_two_that_vanished_is_a_new_one() {
    let same = |n: i64| post(n).content("Closed today.");
    let mut feed = Feed::after(vec![same(3), same(2), post(1)]);
    assert_eq!(feed.get(vec![same(4), post(1)]), ["P4"]);
}
