//! First contact of a feed with a node that holds its entries already.

use super::*;

fn own(bench: &mut Bench, node: &Destination, feeds: &[&str]) {
    let feeds = feeds.iter().map(|feed| FeedId::new(feed).unwrap()).collect();
    let named = Named { settings: bench.config.routed.clone(), feeds, is_routed: false, is_shared: false };
    bench.config.named.insert(node.clone(), named);
}

#[tokio::test]
async fn what_the_node_holds_at_first_contact_counts_as_published() {
    let mut bench = Bench::new();
    let planet = node("planet");
    own(&mut bench, &planet, &["a", "b"]);
    bench.server.hold("planet", &["a1", "b1"]);
    bench.publish("a", &["a1", "a2"], &[&planet]).await;
    bench.drain().await;
    assert_eq!(bench.server.told_at("planet"), ["a2"]);
    // Another feed is given the same node when that is known for long.
    bench.publish("b", &["b1", "b2"], &[&planet]).await;
    bench.drain().await;
    assert_eq!(bench.server.told_at("planet"), ["a2", "b2"]);
    assert_eq!(bench.facts(&planet).await.contacts.len(), 2);
    // From now on an edit is an edit.
    bench.bring("b", vec![edition("b1", 1)], &[&planet], Action::Publish).await;
    bench.drain().await;
    assert_eq!(bench.server.told_at("planet"), ["a2", "b2", "b1"]);
    assert_eq!(bench.server.asked("list").len(), 2);
}

#[tokio::test]
async fn a_feed_that_comes_while_its_node_is_busy_has_its_first_contact_too() {
    let mut bench = Bench::new();
    let planet = node("planet");
    own(&mut bench, &planet, &["a", "b"]);
    bench.server.hold("planet", &["b1"]);
    bench.publish("a", &["a1", "a2"], &[&planet]).await;
    let running = bench.start(Until::Stopped);
    bench.wait("the first publish", async || !bench.server.asked("publish").is_empty()).await;
    // An answer takes 10 ms; the feed comes meanwhile.
    bench.publish("b", &["b1", "b2"], &[&planet]).await;
    running.end().await;
    assert_eq!(bench.server.told_at("planet"), ["a1", "a2", "b2"]);
}

#[tokio::test]
async fn feeds_that_only_a_route_brings_leave_no_trace_at_the_node() {
    let mut bench = Bench::new();
    let firehose = node("firehose");
    own(&mut bench, &firehose, &["a"]);
    for number in 0..20 {
        bench.publish(&format!("f{number}"), &[&format!("i{number}")], &[&firehose]).await;
    }
    bench.publish("a", &["own"], &[&firehose]).await;
    bench.drain().await;
    assert_eq!(bench.server.told_at("firehose").len(), 21);
    assert_eq!(bench.facts(&firehose).await.contacts, [FeedId::new("a").unwrap()]);
    assert_eq!(bench.server.asked("list").len(), 1);
}

#[tokio::test]
async fn a_node_that_does_not_list_its_items_gets_everything() {
    let mut bench = Bench::new();
    own(&mut bench, &node("n"), &["a"]);
    bench.server.rule(|asked| (asked.verb == "list").then_some(Mood::Refuse("auth", "forbidden")));
    bench.publish("a", &["x"], &[&node("n")]).await;
    bench.drain().await;
    assert_eq!(bench.server.told_at("n"), ["x"]);
}

#[tokio::test]
async fn after_a_lost_state_a_node_gets_what_is_newer_than_the_newest_that_it_holds() {
    let mut bench = Bench::new();
    bench.is_rebuilt = true;
    let (planet, empty) = (node("planet"), node("empty"));
    own(&mut bench, &planet, &["a", "b"]);
    own(&mut bench, &empty, &["a"]);
    // Of what it was told it has lost one; the older ones fell out.
    bench.server.hold("planet", &["a3", "a5"]);
    bench.publish("a", &["a1", "a2", "a3", "a4", "a5", "a6", "a7"], &[&planet, &empty]).await;
    // It never heard of this feed, and not of these entries, which have all fallen out of it.
    bench.publish("b", &["b1", "b2"], &[&planet]).await;
    bench.drain().await;
    assert_eq!(bench.server.told_at("planet"), ["a6", "a7"]);
    assert_eq!(bench.server.told_at("empty"), [""; 0]);
    // From now on news is news.
    bench.is_rebuilt = false;
    bench.publish("a", &["a8"], &[&planet, &empty]).await;
    bench.publish("b", &["b3"], &[&planet]).await;
    bench.drain().await;
    assert_eq!(bench.server.told_at("planet"), ["a6", "a7", "a8", "b3"]);
    assert_eq!(bench.server.told_at("empty"), ["a8"]);
}
