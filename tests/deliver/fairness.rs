//! One destination never holds up another, and none keeps the machine busy for nothing.

use super::*;

fn far(name: &str) -> Destination {
    Destination::Node { service: Some("far.test".to_owned()), node: name.to_owned() }
}

#[tokio::test]
async fn many_busy_nodes_share_the_credit_and_all_come_to_an_end() {
    let bench = Bench::new();
    let items = items(60);
    let nodes: Vec<Destination> = (0..40).map(|n| node(&format!("n{n}"))).collect();
    bench.publish("a", &names(&items), &nodes.iter().collect::<Vec<_>>()).await;
    bench.drain().await;
    for number in 0..40 {
        assert_eq!(bench.server.told_at(&format!("n{number}")), items);
    }
}

#[tokio::test]
async fn a_silent_service_takes_nothing_away_from_the_others() {
    let bench = Bench::new();
    let items = items(30);
    let dead: Vec<Destination> = (0..300).map(|n| far(&format!("f{n}"))).collect();
    bench.publish("a", &names(&items), &dead.iter().collect::<Vec<_>>()).await;
    bench.publish("b", &names(&items), &[&node("near")]).await;
    bench.server.rule(|asked| (asked.service == "far.test").then_some(Mood::Silent));
    bench.run_until("the near node's entries", async || bench.server.told_at("near").len() == 30).await;
    assert_eq!(bench.server.told_at("near"), items);
}

#[tokio::test]
async fn an_answer_that_is_lost_while_the_stream_lives_is_asked_for_with_growing_pauses() {
    let bench = Bench::new();
    bench.publish("a", &["x"], &[&node("bad")]).await;
    bench.server.rule(|asked| matches!(asked.verb, "publish" | "items").then_some(Mood::Lose("nests too deeply")));
    let bench = Bench { speed: 200, ..bench };
    bench.run_for(Duration::from_secs(600)).await;
    let asked = bench.server.asked("items").len();
    assert!((1..=10).contains(&asked), "asked {asked} times in ten minutes");
    assert_eq!(bench.server.asked("publish").len(), 1, "sent again without having been asked about");
}

#[tokio::test]
async fn a_stream_that_refuses_everything_though_it_seems_up_does_not_keep_the_machine_busy() {
    let bench = Bench::new();
    bench.publish("a", &["x"], &[&node("n")]).await;
    bench.server.rule(|_| Some(Mood::Lose("not connected")));
    let bench = Bench { speed: 60, ..bench };
    bench.run_for(Duration::from_secs(60)).await;
    let all: usize = ["find", "create", "items", "info"].iter().map(|verb| bench.server.asked(verb).len()).sum();
    assert!(all < 20, "asked {all} times in a minute");
}

#[tokio::test]
async fn no_more_are_on_their_way_than_the_node_keeps() {
    let bench = Bench::new();
    let items = items(50);
    bench.server.keep(5);
    bench.publish("a", &names(&items), &[&node("small")]).await;
    bench.drain().await;
    assert_eq!(bench.server.told_at("small"), items);
    assert_eq!(bench.server.widest("small"), 5);
}

#[tokio::test]
async fn one_is_on_its_way_to_a_node_of_somebody_else() {
    let bench = Bench::new();
    bench.server.hold("theirs", &[]);
    bench.server.rule(|asked| match asked.verb {
        "create" | "configure" => Some(Mood::Refuse("auth", "forbidden")),
        _ => None,
    });
    let items = items(9);
    bench.publish("a", &names(&items), &[&node("theirs")]).await;
    bench.drain().await;
    assert_eq!(bench.server.told_at("theirs"), items);
    assert_eq!(bench.server.widest("theirs"), 1);
}

#[tokio::test]
async fn a_clock_that_was_a_year_ahead_holds_up_nothing() {
    let bench = Bench::new();
    bench.publish("a", &["x"], &[&node("n")]).await;
    let facts = NodeFacts { not_before: Some(at(365 * 86_400)), failures: 3, ..NodeFacts::default() };
    bench.store.set_node(node("n"), facts).await.unwrap();
    bench.run_out().await;
    assert_eq!(bench.server.told_at("n"), ["x"]);
}
