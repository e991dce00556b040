//! Facts of the state, of destinations and of hosts.

use tidings::feed::Destination;
use tidings::store::{Completion, HostRow, Meta, NodeFacts, Pause, Seen};

use crate::support::*;

pub(crate) async fn a_new_state_has_an_id_of_eight_hex_digits_that_stays(state: &dyn State) {
    let id = state.open().await.meta().await.unwrap().id;
    assert!(id.len() == 8 && id.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c)), "{id}");
    assert_eq!(state.open().await.meta().await.unwrap().id, id);
}

pub(crate) async fn facts_of_the_state_are_kept(state: &dyn State) {
    let store = state.open().await;
    let meta = Meta {
        service: Some("pubsub.example.org".into()),
        account: Some("me@example.org".into()),
        ..store.meta().await.unwrap()
    };
    store.set_meta(meta.clone()).await.unwrap();
    assert_eq!(store.meta().await.unwrap(), meta);
    drop(store);
    assert_eq!(state.open().await.meta().await.unwrap(), meta);
}

pub(crate) async fn what_was_learnt_of_a_destination_is_kept(state: &dyn State) {
    let store = state.open().await;
    let places = [
        node("n"),
        Destination::Node { service: Some("pubsub.example.org".into()), node: "n".into() },
        Destination::Pep { jid: None },
        Destination::Room { jid: "room@example.org".into() },
        Destination::Chat { jid: "room@example.org".into() },
    ];
    for (n, place) in places.iter().enumerate() {
        let facts =
            NodeFacts { failures: u32::try_from(n).unwrap(), contacts: vec![feed("a")], ..NodeFacts::default() };
        store.set_node(place.clone(), facts).await.unwrap();
    }
    let facts = NodeFacts {
        max_items: Some(20),
        pause: Some(Pause { reason: "forbidden".into(), since: at(1), until: at(2) }),
        ..NodeFacts::default()
    };
    store.set_node(places[0].clone(), facts.clone()).await.unwrap();

    let mut nodes = store.nodes().await.unwrap();
    nodes.sort_by_key(|(place, _)| places.iter().position(|p| p == place));
    assert_eq!(nodes.iter().map(|(place, _)| place.clone()).collect::<Vec<_>>(), places);
    assert_eq!(nodes[0].1, facts);
    assert_eq!(nodes[4].1.failures, 4);
}

pub(crate) async fn hosts_come_and_go_with_completions(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let row = HostRow { not_before: Some(at(60)), refusals: 2 };
    let hosts =
        vec![("one.example:443".to_owned(), Some(row.clone())), ("two.example:80".to_owned(), Some(row.clone()))];
    store.complete(Completion { hosts, ..completion(claim(&*store, "a").await) }, at(1)).await.unwrap();
    let hosts = vec![("one.example:443".to_owned(), None), ("three.example:80".to_owned(), None)];
    store.complete(Completion { hosts, ..completion(claim(&*store, "a").await) }, at(2)).await.unwrap();
    assert_eq!(store.hosts().await.unwrap().into_iter().collect::<Vec<_>>(), [("two.example:80".to_owned(), row)]);
}

pub(crate) async fn everything_is_there_after_opening_again(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let mut claimed = claim(&*store, "a").await;
    claimed.row.next_due = at(900);
    claimed.row.poll.validators.etag = Some("\"x\"".into());
    let editions = vec![(edition("a", "x", 0), vec![to("n"), to("m")]), (edition("a", "y", 0), vec![to("n")])];
    let seen = Some(Seen::default());
    store.complete(Completion { seen, editions, ..completion(claimed) }, at(1)).await.unwrap();
    send(&*store, "n", 1, 2).await;
    let (feeds, outbox, board) = (store.feeds().await.unwrap(), store.outbox().await.unwrap(), store.waiting());
    drop(store);

    let store = state.open_with_feeds().await;
    assert_eq!(store.feeds().await.unwrap(), feeds);
    assert_eq!(feeds[0].1.poll.validators.etag.as_deref(), Some("\"x\""));
    assert_eq!(store.outbox().await.unwrap(), outbox);
    assert_eq!(told(&outbox), "x0 Doubt, y0 Ready, x0 Ready");
    assert_eq!(store.waiting(), board);
    assert_eq!(store.next_due(), Some(at(0)), "of feed b");
    assert_eq!(sent(&send(&*store, "m", 9, 3).await), "x0");
}

pub(crate) async fn counters_count_what_was_written(state: &dyn State) {
    let store = state.open_with_feeds().await;
    let before = store.counters();
    store.set_node(node("n"), NodeFacts::default()).await.unwrap();
    let after = store.counters();
    assert_eq!((after.commands - before.commands, after.commits - before.commits, after.failures), (1, 1, 0));
    assert!(after.commit_time > before.commit_time);
    store.meta().await.unwrap();
    assert_eq!(store.counters().commands, after.commands, "reading writes nothing");
    // Nor does having nothing to say.
    store.settle(Vec::new(), at(1)).await.unwrap();
    store.claim_outbox(vec![(node("n"), 0)], at(1)).await.unwrap();
    assert_eq!(store.counters().commands, after.commands);
}
