//! What may have been sent is asked about before anything else happens to it.

use super::*;

/// The first publish of an item goes wrong; everything after it is fine.
fn once_wrong(item: &'static str, mood: Mood) -> impl FnMut(&Asked) -> Option<Mood> + Send {
    let mut mood = Some(mood);
    move |asked| if is(asked, "publish", item) { mood.take() } else { None }
}

#[tokio::test]
async fn what_arrived_is_not_told_twice_and_what_did_not_is_sent_again() {
    for (mood, expected) in [
        (Mood::TakeAndLose("the addressee does not answer"), ["x", "y"]),
        (Mood::Lose("the addressee does not answer"), ["y", "x"]),
    ] {
        let bench = Bench::new();
        bench.server.rule(once_wrong("x", mood));
        bench.publish("a", &["x", "y"], &[&node("n")]).await;
        bench.run_out().await;
        assert_eq!(bench.server.told_at("n"), expected);
    }
}

#[tokio::test]
async fn a_fault_of_the_program_in_a_window_repeats_nothing_and_nodes_go_on() {
    let bench = Bench::new();
    bench.server.rule(once_wrong("i0005", Mood::TakeAndPanic));
    let items = items(40);
    bench.publish("a", &names(&items), &[&node("n"), &node("m")]).await;
    bench.run_out().await;
    assert_eq!((bench.server.told_at("n"), bench.server.told_at("m")), (items.clone(), items));
}

#[tokio::test]
async fn a_refusal_beside_it_does_not_hide_what_is_in_doubt() {
    let bench = Bench::new();
    let mut answers = HashMap::from([
        ("w".to_owned(), Mood::Refuse("wait", "resource-constraint")),
        ("x".to_owned(), Mood::Refuse("wait", "remote-server-timeout")),
    ]);
    bench.server.rule(move |asked| if asked.verb == "publish" { answers.remove(&asked.item) } else { None });
    bench.publish("a", &["v", "w", "x", "y"], &[&node("n")]).await;
    bench.run_out().await;
    let mut told = bench.server.told_at("n");
    told.sort();
    assert_eq!(told, ["v", "w", "x", "y"]);
}

#[tokio::test]
async fn a_newer_revision_waits_until_the_fate_of_the_older_is_known() {
    for (mood, expected) in [(Mood::TakeAndLose("over"), 2), (Mood::Lose("over"), 1)] {
        let bench = Bench::new();
        bench.server.rule(once_wrong("x", mood));
        bench.publish("a", &["x"], &[&node("n")]).await;
        let is_sent =
            async || bench.left().await[0].state == RowState::Doubt && !bench.server.asked("publish").is_empty();
        bench.run_until("the row is in doubt", is_sent).await;
        bench.bring("a", vec![edition("x", 1)], &[&node("n")], Action::Publish).await;
        bench.server.bind(2);
        bench.run_out().await;
        assert_eq!(bench.server.told_at("n").len(), expected);
        let last = bench.server.asked("publish").pop().unwrap().payload.unwrap();
        assert_eq!(last.get_child("updated", last.ns().as_str()).unwrap().text(), "2027-01-15T08:00:01Z");
    }
}

#[tokio::test]
async fn a_node_that_cannot_tell_what_it_holds_is_treated_as_the_operator_says() {
    for (on_doubt, expected) in [(OnDoubt::Resend, 2), (OnDoubt::Skip, 1)] {
        let mut bench = Bench::new();
        bench.config.routed = Arc::new(NodeSettings { on_doubt, create: true, ..NodeSettings::default() });
        let mut lost = once_wrong("x", Mood::TakeAndLose("over"));
        bench.server.rule(move |asked| match asked.verb {
            "items" => Some(Mood::Refuse("cancel", "feature-not-implemented")),
            _ => lost(asked),
        });
        bench.publish("a", &["x"], &[&node("n")]).await;
        bench.run_out().await;
        assert_eq!(bench.server.told_at("n").len(), expected, "{on_doubt:?}");
    }
}

#[tokio::test]
async fn a_node_that_may_not_be_read_is_paused_with_what_to_grant() {
    let bench = Bench::new();
    let mut lost = once_wrong("x", Mood::TakeAndLose("over"));
    bench.server.rule(move |asked| match asked.verb {
        "items" => Some(Mood::Refuse("auth", "forbidden")),
        _ => lost(asked),
    });
    bench.publish("a", &["x"], &[&node("n")]).await;
    bench.run_until("the pause", async || bench.facts(&node("n")).await.pause.is_some()).await;
    let pause = bench.facts(&node("n")).await.pause.unwrap();
    insta::assert_snapshot!(pause.reason, @"the node does not tell this account what it holds (forbidden): allow it to read the node's items");
    assert_eq!(bench.server.told_at("n"), ["x"]);
}

#[tokio::test]
async fn a_retraction_of_what_is_not_there_is_done() {
    let bench = Bench::new();
    bench.publish("a", &["x"], &[&node("n")]).await;
    bench.drain().await;
    bench.bring("a", vec![edition("never", 0), edition("x", 1)], &[&node("n")], Action::Retract).await;
    bench.drain().await;
    assert_eq!(bench.server.asked("retract").len(), 2);
    assert_eq!(bench.left().await, []);
    assert_eq!(bench.facts(&node("n")).await.failures, 0);
}

#[tokio::test]
async fn a_lost_node_is_made_again_and_gets_what_was_acknowledged_last() {
    let bench = Bench::new();
    let mut is_gone = true;
    bench.publish("a", &["x"], &[&node("n")]).await;
    bench.server.rule(move |asked| {
        (asked.verb == "publish" && std::mem::take(&mut is_gone)).then_some(Mood::Refuse("cancel", "item-not-found"))
    });
    bench.drain().await;
    assert_eq!(bench.server.asked("create").len(), 2);
    assert_eq!(bench.server.told_at("n"), ["x"]);
}

#[tokio::test]
async fn a_node_that_took_everything_is_asked_for_its_last_items_and_for_nothing_else() {
    let bench = Bench::new();
    bench.publish("a", &["x", "y"], &[&node("n")]).await;
    bench.drain().await;
    let audits = || bench.server.asked("configure").len() + bench.server.asked("create").len();
    let before = audits();
    let running = bench.start(Until::Stopped);
    bench.wait("the last items are asked for", async || bench.server.asked("items").len() == 2).await;
    running.end().await;
    assert_eq!(audits(), before);
    bench.publish("a", &["z"], &[&node("n")]).await;
    bench.drain().await;
    assert!(audits() > before, "it is audited before the first publish of a process");
    assert_eq!(bench.server.told_at("n"), ["x", "y", "z"]);
}
