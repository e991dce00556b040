//! What a server refuses, for now and for good.

use super::*;

#[tokio::test]
async fn a_node_that_refuses_for_an_hour_while_others_take_entries_is_paused() {
    let bench = Bench::new();
    bench.server.rule(|asked| (asked.node == "full").then_some(Mood::Refuse("wait", "internal-server-error")));
    bench.publish("a", &["x"], &[&node("full")]).await;
    let running = bench.start(Until::Stopped);
    let began = bench.now();
    bench.wait("an hour", async || bench.now() > began + TimeDelta::minutes(70)).await;
    assert_eq!(bench.facts(&node("full")).await.pause, None, "the whole service may be in trouble");
    bench.publish("b", &["y"], &[&node("other")]).await;
    bench.wait("the pause", async || bench.facts(&node("full")).await.pause.is_some()).await;
    drop(running);
    let pause = bench.facts(&node("full")).await.pause.unwrap();
    insta::assert_snapshot!(pause.reason, @"refused for more than an hour, while other nodes of the service take entries: internal-server-error");
}

#[tokio::test]
async fn an_entry_that_is_refused_again_and_again_does_not_hold_up_its_node_for_ever() {
    let bench = Bench { speed: 7200, ..Bench::new() };
    bench.server.rule(|asked| is(asked, "publish", "i0000").then_some(Mood::Refuse("wait", "internal-server-error")));
    let items = items(400);
    bench.publish("a", &names(&items), &[&node("n")]).await;
    let is_dead = async || bench.left().await.iter().all(|row| row.state == RowState::Dead);
    bench.run_until("only dead rows are left", is_dead).await;
    assert_eq!(bench.server.told_at("n"), items[1..]);
    let left = bench.left().await;
    assert_eq!(
        left.iter().map(|row| (row.item.0.as_str(), row.state)).collect::<Vec<_>>(),
        [("i0000", RowState::Dead)]
    );
}

#[tokio::test]
async fn a_stanza_that_the_server_closes_the_stream_for_is_sent_smaller() {
    let bench = Bench::new();
    let server = bench.server.clone();
    let mut bind = 1;
    bench.server.rule(move |asked| {
        (asked.verb == "publish" && asked.bytes > 60_000).then(|| {
            bind += 1;
            let (server, bind) = (server.clone(), bind);
            tokio::spawn(async move {
                server.go_offline();
                tokio::time::sleep(Duration::from_millis(20)).await;
                server.bind(bind);
            });
            Mood::Lose("policy-violation (XML stanza is too big)")
        })
    });
    let mut large = edition("large", 0);
    large.entry.content = Some(Text::Plain("word ".repeat(30_000)));
    bench.bring("a", vec![edition("before", 0), large, edition("after", 0)], &[&node("n")], Action::Publish).await;
    bench.run_out().await;
    let mut told = bench.server.told_at("n");
    told.sort();
    assert_eq!(told, ["after", "before", "large"]);
}

#[tokio::test]
async fn a_server_that_names_no_service_yet_is_asked_again() {
    let bench = Bench::new();
    bench.server.has_service(false);
    bench.publish("a", &["x"], &[&node("n")]).await;
    let running = bench.start(Until::Stopped);
    bench.wait("the pause", async || bench.facts(&node("n")).await.pause.is_some()).await;
    assert!(bench.facts(&node("n")).await.pause.unwrap().reason.contains("has no pubsub service"));
    bench.server.has_service(true);
    bench.wait("the entry", async || bench.left().await.is_empty()).await;
    drop(running);
    assert_eq!(bench.server.told_at("n"), ["x"]);
}

#[tokio::test]
async fn a_paused_node_is_looked_at_hourly_and_when_a_process_starts() {
    let bench = Bench::new();
    bench.server.rule(|asked| (asked.verb == "publish").then_some(Mood::Refuse("auth", "forbidden")));
    bench.publish("a", &["x"], &[&node("n")]).await;
    let began = bench.now();
    bench.run_until("three looks", async || bench.server.asked("publish").len() == 3).await;
    assert!(bench.now() > began + TimeDelta::hours(2));
    bench.server.rule(|_| None);
    let began = bench.now();
    bench.run_out().await;
    assert!(bench.now() < began + TimeDelta::hours(1));
    assert_eq!(bench.server.told_at("n"), ["x"]);
    assert_eq!(bench.facts(&node("n")).await.pause, None);
}

#[tokio::test]
async fn a_microblog_that_is_not_as_it_is_to_be_is_published_to_as_it_is() {
    let mut bench = Bench::new();
    let microblog = Destination::Pep { jid: None };
    let named = Named { settings: bench.config.routed.clone(), feeds: Vec::new(), is_routed: true, is_shared: true };
    bench.config.named.insert(microblog.clone(), named);
    bench.server.rule(|asked| asked.is_conditional.then_some(Mood::Unmet));
    bench.publish("a", &["x", "y"], &[&microblog]).await;
    bench.drain().await;
    assert_eq!(bench.server.told_at("urn:xmpp:microblog:0"), ["x", "y"]);
    let asked: Vec<bool> = bench.server.asked("publish").iter().map(|asked| asked.is_conditional).collect();
    assert!(asked[0] && asked.ends_with(&[false, false]), "{asked:?}");
}

#[tokio::test]
async fn who_may_not_create_nodes_may_publish_to_one_that_is_there() {
    let bench = Bench::new();
    bench.server.hold("given", &[]);
    bench
        .server
        .rule(|asked| matches!(asked.verb, "create" | "configure").then_some(Mood::Refuse("auth", "forbidden")));
    bench.publish("a", &["x"], &[&node("given"), &node("missing")]).await;
    bench.drain().await;
    assert_eq!(bench.server.told(), [("given".to_owned(), "x".to_owned())]);
    let pause = bench.facts(&node("missing")).await.pause.unwrap();
    assert!(pause.reason.contains("does not let this account create node missing"), "{}", pause.reason);
    assert_eq!(bench.server.asked("publish")[0].service, SERVICE);
}
