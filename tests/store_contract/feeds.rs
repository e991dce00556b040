//! Feeds come and go; polls begin and end.

use tidings::feed::{EntryKey, Fingerprint};
use tidings::store::{Claim, Completion, Due, FeedSync, NodeFacts, Seen, SeenEntry, Store, StoreError};

use crate::support::*;

fn ids(claims: &[Claim]) -> String {
    claims.iter().map(|claim| claim.feed.as_str()).collect::<Vec<_>>().join(" ")
}

/// Ends a poll so that the feed is due again at a second.
async fn finish(store: &dyn Store, mut claim: Claim, second: i64) {
    claim.row.next_due = at(second);
    store.complete(completion(claim), at(0)).await.unwrap();
}

fn some_seen() -> Seen {
    let entry = SeenEntry {
        key: EntryKey([7; 10]),
        fingerprint: Fingerprint([8; 8]),
        headline: [1; 4],
        content: [2; 8],
        revision: 3,
        published: at(1),
        date: Some(at(1)),
        first_seen: at(2),
        last_seen: at(86_400),
        revised: at(2),
        place: Some(0),
        is_absent: false,
        is_gone: false,
        is_fickle: false,
        is_held: false,
        aliases: Vec::new(),
        item: None,
    };
    Seen::new(vec![entry])
}

/// A seen-set as it comes back from a store.
fn unpacked(seen: &Seen) -> Seen {
    Seen::from_bytes(&seen.to_bytes()).unwrap()
}

pub(crate) async fn nothing_is_due_before_the_first_sync(state: &dyn State) {
    drop(state.open_with_feeds().await);
    let store = state.open().await;
    assert_eq!(store.next_due(), None);
    assert_eq!(store.claim_due(Due::All, at(9), 9).await.unwrap(), []);
}

pub(crate) async fn an_unknown_feed_is_due_at_once_and_its_key_id_is_its_id(state: &dyn State) {
    let store = state.open().await;
    store.sync_feeds(vec![configured("a")], at(5)).await.unwrap();
    assert_eq!(store.next_due(), Some(at(5)));
    let row = store.feed(&feed("a")).await.unwrap().unwrap();
    assert_eq!((row.key_id.as_str(), row.next_due, row.removed), ("a", at(5), None));
    assert_eq!(store.feed(&feed("b")).await.unwrap(), None);
    assert_eq!(store.load_seen(&feed("a")).await.unwrap(), Seen::default());
    let claims = store.claim_due(Due::Now, at(5), 9).await.unwrap();
    assert_eq!(claims[0].row, row);
}

pub(crate) async fn feeds_are_claimed_oldest_first_and_at_most_so_many(state: &dyn State) {
    let store = state.open().await;
    store.sync_feeds(["c", "b", "a"].map(configured).to_vec(), at(0)).await.unwrap();
    for (id, due) in [("a", 30), ("b", 10), ("c", 20)] {
        finish(&*store, claim(&*store, id).await, due).await;
    }
    assert_eq!(store.next_due(), Some(at(10)));
    assert_eq!(ids(&store.claim_due(Due::Now, at(99), 2).await.unwrap()), "b c");
    assert_eq!(ids(&store.claim_due(Due::Now, at(99), 2).await.unwrap()), "a");
}

pub(crate) async fn a_claimed_feed_is_nobody_elses(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let one = claim(&*store, "a").await;
    for which in [Due::Now, Due::All, Due::By(at(9)), Due::These(vec![feed("a"), feed("b")])] {
        let claims = store.claim_due(which, at(9), 9).await.unwrap();
        assert_eq!(ids(&claims), "b");
        assert_ne!(claims[0].epoch, one.epoch);
        store.release(claims.into_iter().next().unwrap(), at(0));
    }
}

pub(crate) async fn due_says_which_feeds_are_claimed(state: &dyn State) {
    let store = state.open().await;
    store.sync_feeds(["a", "b", "c"].map(configured).to_vec(), at(0)).await.unwrap();
    for (id, due) in [("a", 10), ("b", 20), ("c", 30)] {
        finish(&*store, claim(&*store, id).await, due).await;
    }
    let table = [
        (Due::Now, 9, ""),
        (Due::Now, 10, "a"),
        (Due::By(at(20)), 0, "a b"),
        (Due::All, 0, "a b c"),
        (Due::These(vec![feed("c"), feed("nobody"), feed("a")]), 0, "c a"),
    ];
    for (which, now, expected) in table {
        let claims = store.claim_due(which.clone(), at(now), 9).await.unwrap();
        assert_eq!(ids(&claims), expected, "{which:?}");
        for claim in claims {
            let due = claim.row.next_due;
            store.release(claim, due);
        }
    }
}

pub(crate) async fn pollable_are_feeds_that_are_polled_at_all(state: &dyn State) {
    let store = state.open().await;
    let disabled = FeedSync { enabled: false, ..configured("off") };
    let feeds = ["c", "b", "a", "gone", "held"].map(configured);
    store.sync_feeds(feeds.into_iter().chain([disabled]).collect(), at(0)).await.unwrap();
    assert!(store.set_paused(&feed("held"), true).await.unwrap());
    for (id, due, once_due, stopped) in
        [("a", 100, Some(90), None), ("b", 50, None, None), ("gone", 9, None, Some("410"))]
    {
        let mut claim = claim(&*store, id).await;
        (claim.row.poll.once_due, claim.row.poll.stopped) = (once_due.map(at), stopped.map(str::to_owned));
        finish(&*store, claim, due).await;
    }
    let told = |store: &dyn Store| {
        [None, Some(0), Some(50), Some(89), Some(90)]
            .map(|by| store.pollable(by.map(at)).iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>().join(" "))
    };
    let expected = ["a b c", "c", "b c", "b c", "a b c"];
    assert_eq!(told(&*store), expected);
    drop(store);
    // It is the same when it is read from the rows.
    let store = state.open().await;
    let disabled = FeedSync { enabled: false, ..configured("off") };
    let feeds = ["a", "b", "c", "gone", "held"].map(configured);
    store.sync_feeds(feeds.into_iter().chain([disabled]).collect(), at(1)).await.unwrap();
    assert_eq!(told(&*store), expected);
}

pub(crate) async fn a_completed_feed_is_due_when_its_row_says(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let mut claimed = claim(&*store, "a").await;
    claimed.row.next_due = at(900);
    claimed.row.poll.status = Some(200);
    let row = claimed.row.clone();
    store.complete(completion(claimed), at(1)).await.unwrap();
    assert_eq!(store.feed(&feed("a")).await.unwrap(), Some(row));
    assert_eq!(ids(&store.claim_due(Due::Now, at(899), 9).await.unwrap()), "b");
    assert_eq!(store.next_due(), Some(at(900)));
}

pub(crate) async fn a_released_feed_is_due_again_and_nothing_is_written(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let before = store.feed(&feed("a")).await.unwrap();
    let claimed = claim(&*store, "a").await;
    let old = claimed.clone();
    store.release(claimed, at(60));
    store.release(old, at(1));
    assert_eq!(ids(&store.claim_due(Due::Now, at(59), 9).await.unwrap()), "b");
    assert_eq!(store.next_due(), Some(at(60)));
    assert_eq!(store.feed(&feed("a")).await.unwrap(), before);
}

pub(crate) async fn a_stale_completion_is_refused_and_writes_nothing(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let old = claim(&*store, "a").await;
    store.release(old.clone(), at(0));
    let current = claim(&*store, "a").await;
    let editions = vec![(edition("a", "x", 0), vec![to("n")])];
    let late = |claim: Claim| Completion { editions: editions.clone(), seen: Some(some_seen()), ..completion(claim) };
    let is_stale = |outcome| matches!(outcome, Err(StoreError::Stale { .. }));
    assert!(is_stale(store.complete(late(old.clone()), at(1)).await));
    store.complete(completion(current.clone()), at(1)).await.unwrap();
    assert!(is_stale(store.complete(late(current.clone()), at(2)).await), "a claim ends once");
    drop(store);

    let store = state.open_with_feeds().await;
    let newer = claim(&*store, "a").await;
    assert!(newer.epoch > current.epoch, "also across processes");
    assert!(is_stale(store.complete(late(current), at(3)).await));
    assert_eq!(store.outbox().await.unwrap(), []);
    assert_eq!(store.load_seen(&feed("a")).await.unwrap(), Seen::default());
}

pub(crate) async fn a_completion_of_a_removed_feed_is_refused(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let claimed = claim(&*store, "a").await;
    store.sync_feeds(vec![configured("b")], at(1)).await.unwrap();
    assert!(matches!(store.complete(completion(claimed), at(2)).await, Err(StoreError::Stale { .. })));
    assert_eq!(store.feed(&feed("a")).await.unwrap().unwrap().removed, Some(at(1)));
}

pub(crate) async fn a_completion_leaves_the_seen_set_alone_unless_it_brings_one(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let seen = some_seen();
    let claimed = claim(&*store, "a").await;
    store.complete(Completion { seen: Some(seen.clone()), ..completion(claimed) }, at(1)).await.unwrap();
    assert_eq!(store.load_seen(&feed("a")).await.unwrap(), unpacked(&seen));
    store.complete(completion(claim(&*store, "a").await), at(2)).await.unwrap();
    assert_eq!(store.load_seen(&feed("a")).await.unwrap(), unpacked(&seen));
}

pub(crate) async fn a_disabled_or_paused_feed_is_never_due(state: &dyn State) {
    let store = state.open().await;
    let disabled = FeedSync { enabled: false, ..configured("a") };
    store.sync_feeds(vec![disabled, configured("b")], at(0)).await.unwrap();
    assert!(store.set_paused(&feed("b"), true).await.unwrap());
    assert!(!store.set_paused(&feed("c"), true).await.unwrap(), "there is no such feed");
    assert_eq!(store.next_due(), None);
    for which in [Due::Now, Due::All, Due::These(vec![feed("a"), feed("b")])] {
        assert_eq!(store.claim_due(which, at(9), 9).await.unwrap(), []);
    }
    assert!(store.feed(&feed("a")).await.unwrap().unwrap().disabled);
    drop(store);
    let store = state.open_with_feeds().await;
    assert!(!store.feed(&feed("a")).await.unwrap().unwrap().disabled);
    assert_eq!(ids(&store.claim_due(Due::Now, at(9), 9).await.unwrap()), "a", "a pause is kept, enabled is configured");
    assert!(store.set_paused(&feed("b"), false).await.unwrap());
    assert_eq!(ids(&store.claim_due(Due::Now, at(9), 9).await.unwrap()), "b");
}

pub(crate) async fn a_pause_during_a_poll_outlives_the_completion(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let claimed = claim(&*store, "a").await;
    store.set_paused(&feed("a"), true).await.unwrap();
    finish(&*store, claimed, 5).await;
    assert!(store.feed(&feed("a")).await.unwrap().unwrap().paused);
    assert_eq!(ids(&store.claim_due(Due::Now, at(9), 9).await.unwrap()), "b");
}

pub(crate) async fn a_removed_feed_is_kept_a_year_and_comes_back_as_it_was(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let seen = some_seen();
    let completion = Completion { seen: Some(seen.clone()), ..completion(claim(&*store, "a").await) };
    store.complete(completion, at(1)).await.unwrap();
    bring(&*store, 1, &["x"]).await;
    let row = store.feed(&feed("a")).await.unwrap();
    let without_a = || store.sync_feeds(vec![configured("b")], days(0));
    without_a().await.unwrap();
    assert_eq!(store.feeds().await.unwrap().len(), 1);
    assert_eq!(rows(&*store, "n").await, "x0 Ready", "what waits is still sent");

    store.sync_feeds(vec![configured("a"), configured("b")], days(300)).await.unwrap();
    assert_eq!(store.feed(&feed("a")).await.unwrap(), row);
    assert_eq!(store.load_seen(&feed("a")).await.unwrap(), unpacked(&seen));

    without_a().await.unwrap();
    store.sync_feeds(vec![configured("b")], days(365)).await.unwrap();
    assert!(store.feed(&feed("a")).await.unwrap().is_some());
    store.sync_feeds(vec![configured("b")], days(367)).await.unwrap();
    assert_eq!(store.feed(&feed("a")).await.unwrap(), None);
    assert_eq!(store.load_seen(&feed("a")).await.unwrap(), Seen::default());
    assert_eq!(rows(&*store, "n").await, "x0 Ready");
}

pub(crate) async fn a_renamed_feed_keeps_row_seen_set_contacts_and_rows(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let seen = some_seen();
    let editions = vec![(edition("a", "x", 0), vec![to("n")])];
    let mut claimed = claim(&*store, "a").await;
    claimed.row.next_due = at(77);
    let done = Completion { seen: Some(seen.clone()), editions, ..completion(claimed) };
    store.complete(done, at(1)).await.unwrap();
    store
        .set_node(node("n"), NodeFacts { contacts: vec![feed("b"), feed("a")], ..NodeFacts::default() })
        .await
        .unwrap();

    let renamed = FeedSync { was: vec![feed("nobody"), feed("b"), feed("a")], ..configured("c") };
    store.sync_feeds(vec![configured("b"), renamed], at(2)).await.unwrap();
    let row = store.feed(&feed("c")).await.unwrap().unwrap();
    assert_eq!((row.key_id.as_str(), row.next_due), ("a", at(77)));
    assert_eq!(store.feed(&feed("a")).await.unwrap(), None);
    assert!(store.feed(&feed("b")).await.unwrap().is_some(), "a feed that is configured is nobody's former self");
    assert_eq!(store.load_seen(&feed("c")).await.unwrap(), unpacked(&seen));
    assert_eq!(store.outbox().await.unwrap()[0].feed, feed("c"));
    let waiting = waiting(&*store, "n").unwrap();
    assert_eq!((waiting.facts.contacts, waiting.newcomers), (vec![feed("b"), feed("c")], vec![]));
}

pub(crate) async fn a_new_feed_under_a_former_name_makes_other_keys(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let renamed = FeedSync { was: vec![feed("a")], ..configured("c") };
    store.sync_feeds(vec![renamed.clone()], at(1)).await.unwrap();
    store.sync_feeds(vec![configured("a"), renamed], at(2)).await.unwrap();
    assert_eq!(store.feed(&feed("c")).await.unwrap().unwrap().key_id, "a");
    assert_ne!(store.feed(&feed("a")).await.unwrap().unwrap().key_id, "a");
}

pub(crate) async fn claims_survive_a_sync_that_keeps_their_feed(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let claimed = claim(&*store, "a").await;
    store.sync_feeds(vec![configured("a"), configured("c")], at(1)).await.unwrap();
    assert_eq!(ids(&store.claim_due(Due::All, at(1), 9).await.unwrap()), "c");
    finish(&*store, claimed, 5).await;
    assert_eq!(store.next_due(), Some(at(5)));
}

pub(crate) async fn feeds_are_read_by_pages(state: &dyn State) {
    let store = state.open_with_feeds().await;
    store.sync_feeds(["a", "b", "c", "d"].map(configured).to_vec(), at(0)).await.unwrap();
    store.sync_feeds(["a", "c", "d"].map(configured).to_vec(), at(0)).await.unwrap();
    let page = async |after: Option<&str>, limit| {
        let rows = store.feeds_after(after.map(feed).as_ref(), limit).await.unwrap();
        rows.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(page(None, 2).await, "a c", "those that left the configuration do not count");
    assert_eq!(page(Some("b"), 1).await, "c");
    assert_eq!(page(Some("c"), 2).await, "d");
    assert_eq!(page(Some("d"), 2).await, "");
    assert_eq!(store.look_at_feeds(|id, row| (id.as_str() != "c").then_some(row.key_id)).await.unwrap(), ["a", "d"]);
}
