//! Rows of the outbox: placed, claimed, settled, kept and dropped.

use tidings::feed::{Destination, Edition, Entry};
use tidings::store::{
    Action, Delivery, NodeFacts, Outcome, Pause, Placement, Quota, RowId, RowState, Settlement, Store,
};

use crate::support::*;

async fn settle_all(store: &dyn Store, deliveries: &[Delivery], outcome: Outcome, second: i64) {
    let settled = deliveries.iter().map(|delivery| Settlement { row: delivery.row.id, outcome: outcome.clone() });
    store.settle(settled.collect(), at(second)).await.unwrap();
}

pub(crate) async fn rows_come_in_the_order_of_the_completions(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["z", "y"]).await;
    poll(&*store, "b", 2, vec![(edition("b", "x", 0), vec![to("n"), to("m")])]).await;
    let found = store.rows(&node("n")).await.unwrap();
    assert_eq!(told(&found), "z0 Ready, y0 Ready, x0 Ready");
    assert!(found.is_sorted_by_key(|row| row.id.sequence));
    assert_eq!((found[0].queued, found[2].queued, found[2].feed.as_str()), (at(1), at(2), "b"));
    assert_eq!(found[0].stamp, edition("a", "z", 0).updated);
    assert_eq!(rows(&*store, "m").await, "x0 Ready");
    assert_eq!(rows(&*store, "nowhere").await, "");
    assert_eq!(store.outbox().await.unwrap().len(), 4);
}

pub(crate) async fn claimed_rows_are_in_doubt_and_carry_their_edition(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["x", "y"]).await;
    let deliveries = send(&*store, "n", 1, 7).await;
    assert_eq!(*deliveries[0].edition, edition("a", "x", 0));
    assert_eq!((deliveries[0].row.state, deliveries[0].row.changed), (RowState::Doubt, at(7)));
    assert_eq!(store.rows(&node("n")).await.unwrap()[0], deliveries[0].row);
    drop(store);
    let store = state.open().await;
    assert_eq!(rows(&*store, "n").await, "x0 Doubt, y0 Ready");
    assert_eq!(sent(&send(&*store, "n", 9, 8).await), "y0", "what is in doubt is not sent again");
}

pub(crate) async fn a_claim_takes_the_first_rows_of_each_destination(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["u", "v", "w"]).await;
    poll(&*store, "b", 2, vec![(edition("b", "x", 0), vec![to("m")]), (edition("b", "y", 0), vec![to("m")])]).await;
    let wanted = vec![(node("m"), 1), (node("n"), 2), (node("nowhere"), 5)];
    assert_eq!(sent(&store.claim_outbox(wanted, at(3)).await.unwrap()), "x0 u0 v0");
    assert_eq!(sent(&send(&*store, "n", 0, 3).await), "");
    assert_eq!(sent(&send(&*store, "n", 9, 3).await), "w0");
}

pub(crate) async fn deferred_rows_wait_and_hold_up_nothing(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let later = Placement { not_before: Some(at(100)), ..to("n") };
    poll(&*store, "a", 1, vec![(edition("a", "x", 1), vec![later]), (edition("a", "y", 0), vec![to("n")])]).await;
    let counted = waiting(&*store, "n").unwrap();
    assert_eq!((counted.ready, counted.deferred, counted.deferred_until), (1, 1, Some(at(100))));
    assert_eq!(sent(&send(&*store, "n", 9, 99).await), "y0");
    assert_eq!(sent(&send(&*store, "n", 9, 99).await), "");
    assert_eq!(sent(&send(&*store, "n", 9, 100).await), "x1");
}

pub(crate) async fn a_destination_that_is_paused_or_backing_off_yields_nothing(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["x"]).await;
    let pause = Some(Pause { reason: "forbidden".into(), since: at(1), until: at(50) });
    store.set_node(node("n"), NodeFacts { pause: pause.clone(), ..NodeFacts::default() }).await.unwrap();
    assert_eq!(sent(&send(&*store, "n", 9, 49).await), "");
    assert_eq!(waiting(&*store, "n").unwrap().facts.pause, pause);
    store.set_node(node("n"), NodeFacts { not_before: Some(at(60)), pause, ..NodeFacts::default() }).await.unwrap();
    assert_eq!(sent(&send(&*store, "n", 9, 59).await), "");
    drop(store);
    let store = state.open().await;
    assert_eq!(sent(&send(&*store, "n", 9, 59).await), "", "also after opening again");
    assert_eq!(sent(&send(&*store, "n", 9, 60).await), "x0", "both times have passed");
}

pub(crate) async fn each_outcome_does_what_it_says(state: &dyn State) {
    let told = |reason: &str| Some(reason.to_owned());
    let table = [
        (Outcome::Delivered, Some((RowState::Sent, 0, 0, None))),
        (Outcome::Ready, Some((RowState::Ready, 0, 0, None))),
        (refused(), Some((RowState::Ready, 1, 0, told("try later")))),
        (Outcome::Shrink { reason: "too big".into(), rung: 2 }, Some((RowState::Ready, 0, 2, told("too big")))),
        (dead(), Some((RowState::Dead, 0, 0, told("no")))),
        (Outcome::Drop, None),
    ];
    for (outcome, expected) in table {
        let store = state.open_with_feeds().await;
        bring(&*store, 1, &["x"]).await;
        let deliveries = send(&*store, "n", 1, 2).await;
        settle_all(&*store, &deliveries, outcome.clone(), 3).await;
        let row = store.rows(&node("n")).await.unwrap().pop();
        assert!(row.as_ref().is_none_or(|row| row.changed == at(3) && row.id == deliveries[0].row.id));
        assert_eq!(row.map(|row| (row.state, row.attempts, row.rung, row.reason)), expected, "{outcome:?}");
        settle_all(&*store, &deliveries, Outcome::Drop, 4).await;
    }
}

pub(crate) async fn a_row_that_is_not_there_is_ignored(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["x"]).await;
    let gone = Settlement { row: RowId { node: 9, sequence: 9, turn: 0 }, outcome: Outcome::Delivered };
    store.settle(vec![gone], at(2)).await.unwrap();
    assert_eq!(rows(&*store, "n").await, "x0 Ready");
}

pub(crate) async fn what_was_read_while_it_waited_is_not_settled_once_it_may_have_been_sent(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["x"]).await;
    let seen = store.rows(&node("n")).await.unwrap().pop().unwrap();
    let deliveries = send(&*store, "n", 1, 2).await;
    for outcome in [dead(), Outcome::Drop, Outcome::Ready, Outcome::Move { to: node("m") }] {
        store.settle(vec![Settlement { row: seen.id, outcome }], at(3)).await.unwrap();
        assert_eq!(rows(&*store, "n").await, "x0 Doubt");
    }
    settle_all(&*store, &deliveries, Outcome::Delivered, 4).await;
    store.settle(vec![Settlement { row: seen.id, outcome: dead() }], at(5)).await.unwrap();
    assert_eq!(rows(&*store, "n").await, "x0 Sent");
}

pub(crate) async fn the_last_16_acknowledged_rows_are_kept_for_ten_minutes(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let names: Vec<String> = (0..20).map(|n| format!("x{n:02}-")).collect();
    bring(&*store, 1, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let deliveries = send(&*store, "n", 20, 2).await;
    for (second, part) in (3..).zip(deliveries.chunks(10)) {
        settle_all(&*store, part, Outcome::Delivered, second).await;
    }
    let kept = store.rows(&node("n")).await.unwrap();
    assert_eq!((kept.len(), kept[0].item.0.as_str()), (16, "x04-"));
    assert_eq!(waiting(&*store, "n").unwrap().sent, 16);
    drop(store);

    let store = state.open_with_feeds().await;
    for (second, expected) in [(3, 16), (4, 10), (5, 0)] {
        // Any later settlement will do.
        settle_all(&*store, &deliveries[..1], Outcome::Drop, second + 600).await;
        assert_eq!(store.rows(&node("n")).await.unwrap().len(), expected);
    }
    assert_eq!(store.waiting(), []);
}

pub(crate) async fn an_edition_is_kept_as_long_as_a_row_refers_to_it(state: &dyn State) {
    let store = state.open_with_feeds().await;
    poll(&*store, "a", 1, vec![(edition("a", "x", 0), ["n", "m", "o"].map(to).to_vec())]).await;
    let deliveries = send(&*store, "n", 1, 2).await;
    settle_all(&*store, &deliveries, Outcome::Drop, 3).await;
    assert_eq!(*send(&*store, "m", 1, 4).await[0].edition, edition("a", "x", 0));
    let deliveries = send(&*store, "o", 1, 5).await;
    settle_all(&*store, &deliveries, dead(), 6).await;
    settle_all(&*store, &deliveries, Outcome::Ready, 7).await;
    assert_eq!(*send(&*store, "o", 1, 8).await[0].edition, edition("a", "x", 0), "a dead row keeps it too");
}

pub(crate) async fn an_edition_that_a_row_refers_to_is_not_written_over(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["x"]).await;
    let told = send(&*store, "n", 1, 2).await;
    // The entry is withdrawn, and all that is known of it by now is its key.
    let bare = Edition { entry: Entry::default(), updated: at(77), ..edition("a", "x", 0) };
    let retract = |name| Placement { action: Action::Retract, ..to(name) };
    poll(&*store, "a", 3, vec![(bare, vec![retract("m")])]).await;
    settle_all(&*store, &told, Outcome::Ready, 4).await;
    for (name, action) in [("n", Action::Publish), ("m", Action::Retract)] {
        let sent = send(&*store, name, 1, 5).await;
        assert_eq!((&*sent[0].edition, sent[0].row.action), (&edition("a", "x", 0), action));
        assert_eq!(sent[0].row.stamp, sent[0].edition.updated, "recovery looks for what was sent");
    }
}

pub(crate) async fn another_feeds_copy_is_kept_from_the_destination(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let once = |name: &str| Placement { dedup: Some(*b"the link"), ..to(name) };
    poll(&*store, "a", 1, vec![(edition("a", "x", 0), vec![once("n")])]).await;
    poll(&*store, "b", 2, vec![(edition("b", "y", 0), vec![once("n"), once("m")])]).await;
    assert_eq!(rows(&*store, "n").await, "x0 Ready");
    assert_eq!(rows(&*store, "m").await, "y0 Ready");
    poll(&*store, "a", 3, vec![(edition("a", "x", 1), vec![once("n"), once("m")])]).await;
    assert_eq!(rows(&*store, "n").await, "x1 Ready", "the owner may edit it");
    assert_eq!(rows(&*store, "m").await, "y0 Ready");
    drop(store);

    let store = state.open().await;
    let renamed = tidings::store::FeedSync { was: vec![feed("a")], ..configured("c") };
    store.sync_feeds(vec![renamed, configured("b")], at(4)).await.unwrap();
    poll(&*store, "b", 5, vec![(edition("b", "y", 1), vec![once("n")])]).await;
    poll(&*store, "c", 6, vec![(edition("c", "x", 2), vec![once("n")])]).await;
    assert_eq!(rows(&*store, "n").await, "x2 Ready", "also under its new name");
}

pub(crate) async fn a_template_makes_no_more_destinations_than_it_may_whatever_the_feed(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let made = |template: &str, name: &str, limit| Placement {
        quota: Some(Quota { template: template.to_owned(), limit }),
        ..to(name)
    };
    let of_topic = |name: &str| made("topic-{category}", name, 2);
    poll(&*store, "a", 1, vec![(edition("a", "x", 0), vec![of_topic("topic-a")])]).await;
    poll(&*store, "b", 2, vec![(edition("b", "y", 0), vec![of_topic("topic-b"), of_topic("topic-c"), to("n")])]).await;
    drop(store);

    let store = state.open_with_feeds().await;
    poll(&*store, "a", 3, vec![(edition("a", "z", 0), vec![of_topic("topic-d"), of_topic("topic-b")])]).await;
    for (name, expected) in [
        ("topic-a", "x0 Ready"),
        ("topic-b", "y0 Ready, z0 Ready"),
        ("topic-c", ""),
        ("topic-d", ""),
        ("n", "y0 Ready"),
    ] {
        assert_eq!(rows(&*store, name).await, expected, "{name}");
    }
    let counted = async |id: &str| {
        store.feed(&feed(id)).await.unwrap().unwrap().read.suppressed.get("node-limit").copied().unwrap_or_default()
    };
    assert_eq!((counted("a").await, counted("b").await), (1, 1), "an entry that misses a node is counted");
    assert!(store.nodes().await.unwrap().iter().all(|(at, _)| *at != node("topic-c")), "nothing is known of it");
    let more = |name: &str| made("topic-{category}", name, 3);
    let other = |name: &str| made("topic", name, 1);
    poll(&*store, "a", 4, vec![(edition("a", "w", 0), vec![more("topic-d"), other("topic-e")])]).await;
    assert_eq!(rows(&*store, "topic-d").await, "w0 Ready", "the operator allows more");
    assert_eq!(rows(&*store, "topic-e").await, "w0 Ready", "a template of its own");
}

pub(crate) async fn waiting_counts_what_is_there(state: &dyn State) {
    let store = state.open_with_feeds().await;
    assert_eq!(store.waiting(), []);
    assert_eq!(store.waiting_bytes(), 0);
    bring(&*store, 1, &["u", "v", "w", "x"]).await;
    bring(&*store, 2, &["y"]).await;
    poll(&*store, "b", 3, vec![(edition("b", "z", 0), vec![to("m")])]).await;
    let deliveries = send(&*store, "n", 3, 4).await;
    settle_all(&*store, &deliveries[..1], Outcome::Delivered, 5).await;
    settle_all(&*store, &deliveries[1..2], dead(), 5).await;
    let n = waiting(&*store, "n").unwrap();
    assert_eq!((n.ready, n.doubt, n.sent, n.deferred, n.oldest), (2, 1, 1, 0, Some(at(1))));
    let m = waiting(&*store, "m").unwrap();
    assert_eq!((m.ready, m.doubt, m.oldest, m.newcomers), (1, 0, Some(at(3)), vec![feed("b")]));
    assert_eq!(n.bytes, 3 * m.bytes, "three rows that are not told yet, of one size");
    assert_eq!(store.waiting_bytes(), n.bytes + m.bytes);
    let board = store.waiting();
    drop(store);
    assert_eq!(state.open().await.waiting(), board);
}

pub(crate) async fn a_newcomer_is_a_feed_whose_first_contact_is_not_done(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["x"]).await;
    poll(&*store, "b", 2, vec![(edition("b", "y", 0), vec![to("n")])]).await;
    let mut newcomers = waiting(&*store, "n").unwrap().newcomers;
    newcomers.sort();
    assert_eq!(newcomers, [feed("a"), feed("b")]);
    store.set_node(node("n"), NodeFacts { contacts: vec![feed("a")], ..NodeFacts::default() }).await.unwrap();
    assert_eq!(waiting(&*store, "n").unwrap().newcomers, [feed("b")]);
    send(&*store, "n", 2, 3).await;
    assert_eq!(waiting(&*store, "n").unwrap().newcomers, [], "nothing of it is ready");
}

pub(crate) async fn dead_rows_do_not_count_and_can_be_revived(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["x", "y"]).await;
    let deliveries = send(&*store, "n", 2, 2).await;
    settle_all(&*store, &deliveries, dead(), 3).await;
    assert_eq!(store.waiting(), []);
    assert_eq!(rows(&*store, "n").await, "x0 Dead, y0 Dead");
    drop(store);
    let store = state.open().await;
    assert_eq!(store.waiting(), []);
    settle_all(&*store, &deliveries[1..], Outcome::Ready, 4).await;
    settle_all(&*store, &deliveries[..1], Outcome::Drop, 4).await;
    assert_eq!(sent(&send(&*store, "n", 9, 5).await), "y0");
}

pub(crate) async fn a_dead_row_that_is_revived_begins_anew(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["x"]).await;
    let shorter = Outcome::Shrink { reason: "too big".to_owned(), rung: 2 };
    for outcome in [refused(), shorter, Outcome::Ready] {
        settle_all(&*store, &send(&*store, "n", 1, 2).await, outcome, 2).await;
    }
    let row = store.rows(&node("n")).await.unwrap().pop().unwrap();
    assert_eq!((row.attempts, row.rung), (1, 2), "what only waits again keeps what was learnt of it");
    settle_all(&*store, &send(&*store, "n", 1, 3).await, dead(), 3).await;
    settle(&*store, "x", RowState::Dead, Outcome::Ready, 4).await;
    let row = store.rows(&node("n")).await.unwrap().pop().unwrap();
    assert_eq!((row.attempts, row.rung, row.reason), (0, 0, None));
}

pub(crate) async fn what_a_row_publishes_can_be_read_while_it_is_there(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["x"]).await;
    let row = store.outbox().await.unwrap().pop().unwrap();
    assert_eq!(store.edition(&row).await.unwrap(), Some(edition("a", "x", 0)));
    settle(&*store, "x", RowState::Ready, Outcome::Drop, 2).await;
    assert_eq!(store.edition(&row).await.unwrap(), None);
}

pub(crate) async fn sequences_go_up_even_when_all_rows_are_gone(state: &dyn State) {
    let mut last = 0;
    for round in 0..3 {
        let store = state.open_with_feeds().await;
        let placement = Placement { destination: Destination::Pep { jid: None }, ..to("n") };
        let retract = Placement { action: Action::Retract, ..placement.clone() };
        let places = if round == 1 { retract } else { placement };
        poll(&*store, "a", 1, vec![(edition("a", "x", round), vec![places])]).await;
        let row = store.outbox().await.unwrap().pop().unwrap();
        assert!(row.id.sequence > last);
        last = row.id.sequence;
        store.settle(vec![Settlement { row: row.id, outcome: Outcome::Drop }], at(2)).await.unwrap();
        assert_eq!(store.outbox().await.unwrap(), []);
    }
}
