//! What feeds do out there, beyond the sixteen cases.

use tidings::feed::Entry;

use crate::simulation::{Edit, Feed, hour, post, posts};

const NOTHING: [&str; 0] = [];

#[test]
fn advertisements_that_rotate_in_every_entry_are_no_edits() {
    let with_ad = |n: i64, ad: i64| post(n).content(&format!("Post {n}. <img src='https://ads.example/{ad}.gif'>"));
    let mut feed = Feed::after((1..=8).rev().map(|n| with_ad(n, 0)).collect());
    for poll in 1..=24 {
        let document = (1 + poll..=8 + poll).rev().map(|n| with_ad(n, poll)).collect();
        assert_eq!(feed.get(document), [format!("P{}", 8 + poll)]);
    }
}

#[test]
fn one_entry_that_changes_with_every_poll_is_told_once_in_a_cool_down() {
    let mut feed = Feed::after(posts(1..=8));
    let mut sent = std::collections::BTreeSet::new();
    for poll in 1..=35_i64 {
        feed.now += chrono::TimeDelta::minutes(5);
        let ticking = post(8).content(&format!("{poll} minutes ago"));
        for line in feed.get_now([vec![ticking], posts(1..=7)].concat()) {
            assert!(line.starts_with("P8 edit"), "{line}");
        }
        // Rows with the same not-before take each other's place in the outbox.
        sent.extend(feed.last.iter().map(|(_, places)| places[0].not_before.unwrap_or(feed.now)));
    }
    assert_eq!(sent.len(), 4, "at once, and then once an hour");
}

#[test]
fn session_ids_in_links_beside_guids_are_no_edits() {
    let all = |session: &str| {
        let link = |n: i64| format!("https://shop.example/p;jsessionid={session}?id={n}");
        (1..=3).rev().map(|n| post(n).link(&link(n))).collect::<Vec<Entry>>()
    };
    let mut feed = Feed::after(all("AA"));
    assert_eq!(feed.get(all("BB")), NOTHING);
}

#[test]
fn guids_made_anew_on_every_fetch_are_known_by_their_links() {
    let mut feed = Feed::after(posts(1..=9));
    let mut item = None;
    for poll in 1..=30 {
        let random = |n: i64| post(n).id(&format!("{poll}-{n}-{}", n * poll * 7919));
        assert_eq!(feed.get((1..=9).rev().map(random).collect()), NOTHING, "{poll}");
        assert_eq!(feed.notices.len(), usize::from(poll % 10 == 1), "it is told of once");
        if poll % 10 == 0 {
            let edited = random(9).id("edited").content(&format!("Edited {poll}."));
            feed.wait(5).get(vec![edited, random(8), random(7)]);
            assert_eq!(feed.last.len(), 1);
            assert_eq!(*item.get_or_insert(feed.last[0].0.item.clone()), feed.last[0].0.item);
        }
    }
    assert_eq!(feed.seen.entries.len(), 9);
}

#[test]
fn guids_and_links_made_anew_on_every_fetch_end_at_the_flood_brake() {
    let mut feed = Feed::after(posts(1..=9));
    for poll in 1..=5 {
        let random = |n: i64| post(n).id(&format!("{poll}-{n}")).link(&format!("https://blog.example/{poll}/{n}"));
        assert_eq!(feed.get((1..=9).rev().map(random).collect()), NOTHING);
    }
    assert_eq!(feed.suppressed("flood-brake"), 5 * 9);
}

#[test]
fn an_advisory_page_with_a_constant_address_tells_every_advisory() {
    let page = "https://vendor.example/advisories";
    let mut feed = Feed::after(vec![post(1).link(page)]);
    assert_eq!(feed.get(vec![post(2).link(page)]), ["P2"]);
    assert_eq!(feed.get(vec![post(3).link(page), post(2).link(page)]), ["P3"]);
    // The same without guids.
    let mut feed = Feed::after(vec![post(1).no_id().link(page)]);
    assert_eq!(feed.get(vec![post(2).no_id().link(page)]), ["P2"]);
    assert_eq!(feed.get(vec![post(3).no_id().link(page)]), ["P3"]);
    assert_eq!(feed.get(vec![post(3).no_id().link(page), post(2).no_id().link(page)]), NOTHING);
}

#[test]
fn entries_that_all_link_to_the_home_page_are_told_one_by_one() {
    let home = "https://blog.example";
    for entry in [|n| post(n).no_id().link("https://www.blog.example/"), |n| post(n).link("https://blog.example/")] {
        let mut feed = Feed::new();
        for last in 1..=6 {
            feed.next.meta.link = Some(home.to_owned());
            assert_eq!(feed.get((1..=last).rev().map(entry).collect()), [format!("P{last}")]);
        }
    }
}

#[test]
fn a_post_that_is_pinned_to_the_top_is_not_told_again() {
    let mut feed = Feed::after(posts(1..=6));
    assert_eq!(feed.get([vec![post(2)], posts(3..=7)].concat()), ["P7"]);
    assert_eq!(feed.get(posts(4..=8)), ["P8"], "unpinned, and long out of the window");
}

#[test]
fn a_document_that_is_cut_short_and_then_whole_again_is_nothing() {
    let mut feed = Feed::after(posts(1..=9));
    feed.next.is_truncated = true;
    assert_eq!(feed.get(posts(6..=10)), ["P10"]);
    assert_eq!(feed.get(posts(1..=10)), NOTHING);
    assert_eq!(feed.get(Vec::new()), NOTHING);
    assert_eq!(feed.get(posts(1..=10)), NOTHING);
}

#[test]
fn a_guid_that_comes_and_goes_is_the_same_entry() {
    let mut feed = Feed::after(posts(1..=6));
    let without_ids = || posts(1..=6).into_iter().map(Edit::no_id).collect::<Vec<_>>();
    assert_eq!(feed.get(without_ids()), NOTHING);
    assert_eq!(feed.get(posts(1..=6)), NOTHING);
    let mut feed = Feed::after(without_ids());
    assert_eq!(feed.get(posts(1..=6)), NOTHING);
    assert_eq!(feed.get(without_ids()), NOTHING);
}

#[test]
fn two_caches_of_which_one_is_behind_tell_nothing_twice() {
    let mut feed = Feed::after(posts(1..=6));
    assert_eq!(feed.get(posts(2..=7)), ["P7"]);
    for _ in 0..3 {
        assert_eq!(feed.get(posts(1..=6)), NOTHING);
        assert_eq!(feed.get(posts(2..=7)), NOTHING);
    }
}

#[test]
fn ids_that_differ_in_case_only_are_different_entries() {
    let video = |id: &str, n: i64| {
        post(n).id(&format!("https://video.example/{id}")).link(&format!("https://video.example/watch?v={id}"))
    };
    let mut feed = Feed::after(vec![video("aBc", 1)]);
    assert_eq!(feed.get(vec![video("abc", 2), video("aBc", 1)]), ["P2"]);
}

#[test]
fn white_space_that_moves_is_no_edit() {
    let mut feed = Feed::after(vec![post(1).title("One two").content("<p>a b</p>")]);
    assert_eq!(feed.wait(5).get(vec![post(1).title(" One\n two ").content("<p>a\r\n   b</p>\n")]), NOTHING);
}

#[test]
fn whatever_goes_back_to_what_it_was_is_an_edit_again() {
    let first = post(2);
    let others = [
        post(2).link("https://blog.example/elsewhere"),
        post(2).title("Another title"),
        post(2).content("Another text."),
        post(2).link("https://blog.example/elsewhere").title("Another title"),
    ];
    for (at, other) in others.into_iter().enumerate() {
        let mut feed = Feed::after(vec![first.clone(), post(1)]);
        assert_eq!(feed.wait(2).get(vec![first.clone(), post(1)]), NOTHING, "{at}");
        for (edit, version) in [(1, &other), (2, &first), (3, &other)] {
            let told = feed.wait(2).get(vec![version.clone(), post(1)]);
            assert!(matches!(&told[..], [line] if line.ends_with(&format!(" edit {edit}"))), "{at}: {told:?}");
            assert_eq!(feed.wait(2).get(vec![version.clone(), post(1)]), NOTHING, "{at}");
        }
    }
}

#[test]
fn a_reply_with_the_title_of_its_thread_is_an_entry_of_its_own() {
    let thread = "https://forum.example/t/5";
    let reply = |n: i64| post(n).title("Re: Help").link(&format!("{thread}#post-{n}"));
    let mut feed = Feed::after(vec![reply(2), reply(1)]);
    assert_eq!(feed.get(vec![reply(3), reply(2), reply(1)]), ["Re: Help"]);
    // Without anchors the link says nothing, and the guid all.
    let bare = |n: i64| reply(n).link(thread);
    let mut feed = Feed::after(vec![bare(2), bare(1)]);
    assert_eq!(feed.get(vec![bare(3), bare(2), bare(1)]), ["Re: Help"]);
}

#[test]
fn a_link_that_several_entries_share_or_that_leads_home_makes_nothing_the_same() {
    let digest = |n: i64| post(n).title("Digest").link("https://blog.example/digest");
    let mut feed = Feed::after(vec![digest(1), post(1)]);
    assert_eq!(feed.get(vec![digest(3), digest(2), post(1)]), ["Digest", "Digest"]);
    let home = |n: i64| post(n).link("https://blog.example/");
    for entry in [|home: Entry| home.title("Digest"), |home: Entry| home.undated().no_id()] {
        let mut feed = Feed::new();
        for n in 1..=3 {
            feed.next.meta.link = Some("http://www.blog.example".to_owned());
            let told = feed.get(vec![entry(home(n))]);
            assert!(told == ["Digest"] || told == [format!("P{n}")], "{told:?}");
        }
    }
}

#[test]
fn messages_without_titles_are_told_one_by_one_even_at_one_address() {
    fn message(n: i64) -> Entry {
        Entry { title: None, ..post(n).content(&format!("message {n}")) }
    }
    let address = "https://status.example/now";
    let ways: [&dyn Fn(i64) -> Entry; 5] = [
        &message,
        &|n| message(n).link(address),
        &|n| message(n).link(address).no_id(),
        &|n| message(n).link(address).id("now"),
        &|n| message(n).no_link().no_id(),
    ];
    for entry in ways {
        let mut feed = Feed::new();
        for last in 1..=6 {
            let window = last.max(3) - 2..=last;
            assert_eq!(feed.get(window.rev().map(entry).collect()), [format!("message {last}")]);
        }
    }
}

#[test]
fn of_a_very_long_document_the_newest_thousand_are_looked_at() {
    let mut feed = Feed::new();
    feed.now = hour(1100);
    feed.get(posts(1..=1000));
    assert_eq!(feed.notices, NOTHING);
    // The oldest first: by date the last ones count.
    let oldest_first: Vec<Entry> = (1..=1001).map(post).collect();
    assert_eq!(feed.get(oldest_first), ["P1001"]);
    assert_eq!(feed.notices, ["the document has more than 1000 entries; only the newest are looked at"]);
    // Without dates the upper ones.
    let undated: Vec<Entry> = (1..=1002).rev().map(|n| post(n).undated()).collect();
    assert_eq!(feed.get(undated), ["P1002"]);
    assert_eq!(feed.seen.entries.len(), 1002);
}
