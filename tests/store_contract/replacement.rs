//! A newer revision of an item meets older rows of it.

use tidings::store::{Action, Outcome, Placement, RowState, Settlement};

use crate::support::*;

pub(crate) async fn a_waiting_row_is_replaced_in_place(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["x", "y"]).await;
    send(&*store, "n", 1, 2).await;
    settle(&*store, "x", RowState::Doubt, Outcome::Shrink { reason: "too big".into(), rung: 2 }, 3).await;
    let old = store.rows(&node("n")).await.unwrap()[0].clone();
    revise(&*store, 4, "x", 1).await;
    assert_eq!(rows(&*store, "n").await, "x1 Ready, y0 Ready");
    let new = &store.rows(&node("n")).await.unwrap()[0];
    assert_eq!((new.id.sequence, new.queued), (old.id.sequence, old.queued), "its place in the queue stays");
    assert_eq!((new.rung, new.attempts, new.reason.clone()), (0, 0, None), "it was never refused");
    assert_eq!(waiting(&*store, "n").unwrap().ready, 2);
    assert_eq!(sent(&send(&*store, "n", 9, 5).await), "x1 y0");
}

pub(crate) async fn a_replacement_is_not_held_up_longer_than_what_it_replaces(state: &dyn State) {
    for (first, second, expected) in
        [(None, Some(90), None), (Some(50), Some(90), Some(50)), (Some(50), None, None), (Some(90), Some(50), Some(50))]
    {
        let store = state.open_with_feeds().await;
        for (revision, not_before) in [(0, first), (1, second)] {
            let place = Placement { not_before: not_before.map(at), ..to("n") };
            poll(&*store, "a", 1, vec![(edition("a", "x", revision), vec![place])]).await;
        }
        let row = store.outbox().await.unwrap().pop().unwrap();
        assert_eq!((row.revision, row.not_before), (1, expected.map(at)), "{first:?} {second:?}");
        store.settle(vec![Settlement { row: row.id, outcome: Outcome::Drop }], at(2)).await.unwrap();
    }
}

pub(crate) async fn what_was_replaced_cannot_be_settled_any_more(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["x"]).await;
    let old = store.rows(&node("n")).await.unwrap()[0].id;
    revise(&*store, 2, "x", 1).await;
    // First contact found revision 0 on the node; revision 1 is not there.
    store.settle(vec![Settlement { row: old, outcome: Outcome::Delivered }], at(3)).await.unwrap();
    assert_eq!(rows(&*store, "n").await, "x1 Ready");
}

pub(crate) async fn an_older_revision_does_not_replace_a_newer_one(state: &dyn State) {
    let store = state.open_with_feeds().await;
    revise(&*store, 1, "x", 2).await;
    revise(&*store, 2, "x", 1).await;
    revise(&*store, 3, "x", 2).await;
    assert_eq!(rows(&*store, "n").await, "x2 Ready");
    assert_eq!(sent(&send(&*store, "n", 9, 4).await), "x2");
}

pub(crate) async fn a_retraction_replaces_a_waiting_publication(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["x"]).await;
    let retract = Placement { action: Action::Retract, ..to("n") };
    poll(&*store, "a", 2, vec![(edition("a", "x", 0), vec![retract])]).await;
    let found = store.rows(&node("n")).await.unwrap();
    assert_eq!((told(&found).as_str(), found[0].action), ("x0 Ready", Action::Retract));
    assert_eq!(*send(&*store, "n", 1, 3).await[0].edition, edition("a", "x", 0));
}

pub(crate) async fn a_row_that_may_be_on_its_way_is_not_touched(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["x", "y"]).await;
    send(&*store, "n", 2, 2).await;
    settle(&*store, "y", RowState::Doubt, Outcome::Delivered, 3).await;
    revise(&*store, 4, "x", 1).await;
    revise(&*store, 4, "y", 1).await;
    revise(&*store, 4, "y", 2).await;
    assert_eq!(rows(&*store, "n").await, "x0 Doubt, y0 Sent, x1 Ready, y2 Ready");
    settle(&*store, "x", RowState::Doubt, Outcome::Delivered, 5).await;
    assert_eq!(rows(&*store, "n").await, "x0 Sent, y0 Sent, x1 Ready, y2 Ready");
}

pub(crate) async fn a_lost_row_gives_its_place_to_the_newer_revision(state: &dyn State) {
    let outcomes = [Outcome::Ready, refused(), Outcome::Shrink { reason: "too big".into(), rung: 2 }];
    for outcome in outcomes {
        let store = state.open_with_feeds().await;
        bring(&*store, 1, &["x", "y"]).await;
        let place = send(&*store, "n", 1, 2).await[0].row.id.sequence;
        let deferred = Placement { not_before: Some(at(900)), ..to("n") };
        poll(&*store, "a", 3, vec![(edition("a", "x", 1), vec![deferred])]).await;
        settle(&*store, "x", RowState::Doubt, outcome, 4).await;
        assert_eq!(rows(&*store, "n").await, "x1 Ready, y0 Ready");
        let found = store.rows(&node("n")).await.unwrap();
        assert_eq!((found[0].id.sequence, found[0].rung, found[0].not_before), (place, 0, None));
        let deliveries = send(&*store, "n", 9, 5).await;
        assert_eq!(sent(&deliveries), "x1 y0");
        let drop_all = deliveries.iter().map(|delivery| Settlement { row: delivery.row.id, outcome: Outcome::Drop });
        store.settle(drop_all.collect(), at(6)).await.unwrap();
        assert_eq!(store.outbox().await.unwrap(), []);
    }
}

pub(crate) async fn an_older_row_never_goes_out_after_a_newer_one(state: &dyn State) {
    // What is known of the newer row when the older one turns out not to have arrived, and what is left.
    let table = [
        (None, "x1 Doubt"),
        (Some(Outcome::Delivered), "x1 Sent"),
        (Some(Outcome::Ready), "x1 Ready"),
        (Some(dead()), "x0 Ready, x1 Dead"),
        (Some(Outcome::Drop), "x0 Ready"),
    ];
    for (newer, expected) in table {
        let store = state.open_with_feeds().await;
        bring(&*store, 1, &["x"]).await;
        let older_row = send(&*store, "n", 1, 2).await[0].row.id;
        revise(&*store, 3, "x", 1).await;
        let newer_row = send(&*store, "n", 1, 4).await[0].row.id;
        let mut settled = vec![Settlement { row: older_row, outcome: Outcome::Ready }];
        settled.extend(newer.clone().map(|outcome| Settlement { row: newer_row, outcome }));
        store.settle(settled, at(5)).await.unwrap();
        assert_eq!(rows(&*store, "n").await, expected, "{newer:?}");
        for row in store.outbox().await.unwrap() {
            store.settle(vec![Settlement { row: row.id, outcome: Outcome::Drop }], at(6)).await.unwrap();
        }
    }
}

pub(crate) async fn a_dead_row_is_superseded_by_a_newer_revision(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["x", "y"]).await;
    send(&*store, "n", 2, 2).await;
    settle(&*store, "x", RowState::Doubt, dead(), 3).await;
    revise(&*store, 4, "x", 1).await;
    assert_eq!(rows(&*store, "n").await, "y0 Doubt, x1 Ready", "died first");
    revise(&*store, 5, "y", 1).await;
    settle(&*store, "y", RowState::Doubt, dead(), 6).await;
    assert_eq!(rows(&*store, "n").await, "x1 Ready, y1 Ready", "died later");
}

pub(crate) async fn a_newer_row_does_not_move_before_one_that_may_be_on_the_node(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["x"]).await;
    let first = send(&*store, "n", 1, 2).await[0].row.id;
    revise(&*store, 3, "x", 1).await;
    let second = send(&*store, "n", 1, 4).await[0].row.id;
    revise(&*store, 5, "x", 2).await;
    store.settle(vec![Settlement { row: first, outcome: Outcome::Ready }], at(6)).await.unwrap();
    assert_eq!(rows(&*store, "n").await, "x1 Doubt, x2 Ready");
    store.settle(vec![Settlement { row: second, outcome: Outcome::Ready }], at(7)).await.unwrap();
    assert_eq!(rows(&*store, "n").await, "x2 Ready");
    assert_eq!(store.rows(&node("n")).await.unwrap()[0].id.sequence, second.sequence);
}

pub(crate) async fn a_revived_row_joins_an_older_one_that_waits(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["x"]).await;
    send(&*store, "n", 1, 2).await;
    revise(&*store, 3, "x", 1).await;
    let newer = send(&*store, "n", 1, 4).await[0].row.id;
    store.settle(vec![Settlement { row: newer, outcome: dead() }], at(5)).await.unwrap();
    settle(&*store, "x", RowState::Doubt, refused(), 6).await;
    assert_eq!(rows(&*store, "n").await, "x0 Ready, x1 Dead");
    settle(&*store, "x", RowState::Dead, Outcome::Ready, 7).await;
    assert_eq!(rows(&*store, "n").await, "x1 Ready");
    assert_eq!(sent(&send(&*store, "n", 9, 8).await), "x1");
}

pub(crate) async fn a_moved_row_comes_behind_those_that_wait_there(state: &dyn State) {
    let store = state.open_with_feeds().await;
    poll(&*store, "a", 1, vec![(edition("a", "z", 0), vec![to("m")])]).await;
    bring(&*store, 1, &["w", "x", "y"]).await;
    send(&*store, "n", 1, 2).await;
    let all = store.rows(&node("n")).await.unwrap().into_iter();
    let moves = all.map(|row| Settlement { row: row.id, outcome: Outcome::Move { to: node("m") } });
    store.settle(moves.collect(), at(3)).await.unwrap();
    assert_eq!(rows(&*store, "n").await, "w0 Doubt", "what may be on its way stays where it may have arrived");
    assert_eq!(rows(&*store, "m").await, "z0 Ready, x0 Ready, y0 Ready", "in the order in which they waited");
    assert_eq!(sent(&send(&*store, "m", 9, 4).await), "z0 x0 y0");
}

pub(crate) async fn a_row_that_is_placed_again_among_older_ones_comes_after_them(state: &dyn State) {
    let store = state.open_with_feeds().await;
    bring(&*store, 1, &["y"]).await;
    let backfill = ["x", "y", "z"].map(|name| (edition("a", name, 0), vec![to("n")]));
    poll(&*store, "a", 2, backfill.into()).await;
    assert_eq!(rows(&*store, "n").await, "x0 Ready, y0 Ready, z0 Ready");
    let second = store.rows(&node("n")).await.unwrap().swap_remove(1);
    assert_eq!(second.queued, at(1), "it waits as long as ever");
    assert_eq!(sent(&send(&*store, "n", 9, 3).await), "x0 y0 z0");
}
