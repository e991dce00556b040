//! What holds for every sequence of documents.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use tidings::feed::{Entry, Text};

use crate::simulation::{Feed, hour, node, post, posts};

/// Entries out of few words, so that names collide in every way.
fn any_entry() -> impl Strategy<Value = Entry> {
    let id = of(select(vec!["a", "b", "c", "http://x.example/1", "https://x.example/1", "https://www.x.example/2"]));
    let link = of(select(vec![
        "https://x.example/",
        "https://x.example/1",
        "http://x.example/1?utm_source=f",
        "https://y.example/1",
        "https://x.example/2",
    ]));
    let text = || of(select(vec!["one", "two", "<b>three</b>"]));
    (id, link, text(), text(), of(0_i64..120), of(0_i64..120)).prop_map(
        |(id, link, title, content, published, updated)| Entry {
            id: id.map(str::to_owned),
            link: link.map(str::to_owned),
            title: title.map(|title| Text::Plain(title.to_owned())),
            content: content.map(|content| Text::Html(content.to_owned())),
            published: published.map(hour),
            updated: updated.map(hour),
            ..Entry::default()
        },
    )
}

fn any_document() -> impl Strategy<Value = (Vec<Entry>, bool, bool, bool)> {
    (vec(any_entry(), 0..8), prop::bool::weighted(0.1), prop::bool::weighted(0.1), prop::bool::weighted(0.1))
}

proptest! {
    #[test]
    fn the_same_document_again_publishes_nothing(first in vec(any_entry(), 0..8), second in vec(any_entry(), 0..8)) {
        let mut feed = Feed::after(first);
        feed.get_now(second.clone());
        let seen = feed.seen.clone();
        prop_assert_eq!(feed.get_now(second), Vec::<String>::new());
        prop_assert_eq!(feed.seen.entries.len(), seen.entries.len());
    }

    #[test]
    fn another_order_publishes_nothing(mut entries in vec(any_entry(), 0..8), seed in any::<u64>()) {
        // Of two revisions side by side without a date the upper one counts: there the order means something.
        let mut names = BTreeSet::new();
        let page = |entry: &Entry| Some(entry.link.as_deref()?.split_once("//")?.1.replace("?utm_source=f", ""));
        let has_web_id = |entry: &Entry| entry.id.as_ref().is_some_and(|id| id.starts_with("http"));
        entries.retain(|entry| !has_web_id(entry) && names.insert((entry.id.clone(), page(entry))));
        let mut feed = Feed::after(entries.clone());
        let mut shuffled = entries;
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        prop_assert_eq!(feed.get(shuffled), Vec::<String>::new());
    }

    #[test]
    fn whatever_the_order_of_a_document_the_same_is_published(
        known in 1_i64..30, new in 1_i64..30, seed in any::<u64>()
    ) {
        let mut straight = Feed::after(posts(1..=known));
        let mut shuffled = Feed::after(posts(1..=known));
        let mut document = posts(1..=known + new);
        let expected = straight.get(document.clone());
        fastrand::Rng::with_seed(seed).shuffle(&mut document);
        prop_assert_eq!(shuffled.get(document), expected);
    }

    /// The simulation checks after each document that nothing is lost.
    #[test]
    fn no_revision_is_told_twice(documents in vec(any_document(), 1..6)) {
        let mut feed = Feed::new();
        let mut told: BTreeMap<_, u32> = BTreeMap::new();
        for (entries, is_truncated, is_complete, has_moved) in documents {
            (feed.next.is_truncated, feed.next.is_complete, feed.has_moved) = (is_truncated, is_complete, has_moved);
            feed.get(entries);
            let mut items = BTreeSet::new();
            for (edition, places) in &feed.last {
                prop_assert!(items.insert(edition.item.clone()), "{} twice in one poll", edition.item);
                prop_assert!(places.iter().all(|place| place.destination == node("blog")));
                let before = told.insert(edition.item.clone(), edition.revision);
                prop_assert!(before.is_none_or(|before| before < edition.revision));
                prop_assert!(edition.published <= feed.now && edition.updated <= feed.now);
            }
        }
    }

    #[test]
    fn the_oldest_comes_first(entries in vec(any_entry(), 0..12)) {
        let mut feed = Feed::after(posts(1..=1));
        feed.get(entries);
        let dates: Vec<_> = feed.last.iter().map(|(edition, _)| edition.published).collect();
        let dated = |entry: &Entry| entry.published.or(entry.updated).is_some_and(|date| date <= feed.now);
        let is_dated = feed.last.iter().all(|(edition, _)| dated(&edition.entry));
        prop_assert!(!is_dated || dates.is_sorted());
    }

    #[test]
    fn a_fresh_entry_is_told_whatever_came_before(
        documents in vec(any_document(), 1..6), last in vec(any_entry(), 0..8), place in any::<prop::sample::Index>()
    ) {
        let mut feed = Feed::new();
        for (entries, is_truncated, is_complete, has_moved) in documents {
            (feed.next.is_truncated, feed.next.is_complete, feed.has_moved) = (is_truncated, is_complete, has_moved);
            feed.get(entries);
        }
        let mut document = last;
        document.insert(place.index(document.len() + 1), post(121));
        feed.now = hour(121);
        prop_assert!(feed.get(document).contains(&"P121".to_owned()), "{:?}", feed.read.suppressed);
    }
}
