//! SIGTERM and SIGINT: what is in flight is finished, the state is valid.

use super::*;

async fn ends_by(signal: &str, code: i32) {
    let mut scene = Scene::new().await;
    let entries = numbered(300);
    scene.feed_with("blog", "backfill = \"all\"", &pairs(&entries[..1]));
    scene.once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    scene.serve("blog", &pairs(&entries));
    scene.gateway.start(&["run"]);
    juliet.wait_for(10).await;
    scene.gateway.signal(signal);
    assert_eq!(scene.gateway.exit().await.code(), Some(code), "{}", scene.gateway.output());
    let status = scene.gateway.call(&["status", "--json"]).await;
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    let in_doubt: u64 = status["outbox"].as_array().unwrap().iter().filter_map(|row| row["doubt"].as_u64()).sum();
    assert_eq!(in_doubt, 0, "{status}");
    scene.once().await;
    let expected: Vec<String> = entries[1..].iter().map(|(_, title)| title.clone()).collect();
    assert_eq!(told(&juliet.catch_up(&scene.pubsub()).await), expected);
}

#[tokio::test]
async fn sigterm_finishes_what_is_in_flight_and_ends_with_0() {
    ends_by("TERM", 0).await;
}

#[tokio::test]
async fn sigint_finishes_what_is_in_flight_and_ends_with_130() {
    ends_by("INT", 130).await;
}

/// `once` waits for a host that never answers; a signal ends it.
async fn a_pass_ends_by(signal: &str, code: i32) {
    let mut scene = Scene::new().await;
    let url = scene.feeds.serve("/slow.xml", Page::Hang);
    scene.gateway.feed("slow", &format!("url = {url:?}"));
    scene.gateway.start(&["once"]);
    scene.feeds.wait_for("/slow.xml", 1).await;
    scene.gateway.signal(signal);
    let status = scene.gateway.exit().await;
    assert_eq!(status.code(), Some(code), "{}", scene.gateway.output());
    assert!(scene.gateway.output().contains("nothing is lost"), "{}", scene.gateway.output());
}

#[tokio::test]
async fn a_pass_that_sigterm_stops_has_not_failed() {
    a_pass_ends_by("TERM", 0).await;
}

#[tokio::test]
async fn a_pass_that_sigint_stops_says_so() {
    a_pass_ends_by("INT", 130).await;
}

/// A pass that is in the middle of publishing, with a feed that never answers.
async fn once_under_way() -> (Scene, Subscriber, Vec<(String, String)>) {
    let mut scene = Scene::new().await;
    let entries = numbered(300);
    scene.feed_with("blog", "backfill = \"all\"", &pairs(&entries[..1]));
    scene.once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    scene.serve("blog", &pairs(&entries));
    let hanging = scene.feeds.serve("/hanging.xml", Page::Hang);
    scene.gateway.feed("hanging", &format!("url = {hanging:?}"));
    scene.gateway.start(&["once", "--all"]);
    juliet.wait_for(10).await;
    (scene, juliet, entries)
}

/// The state is whole, and the next pass sends the rest, each entry once.
async fn goes_on(scene: Scene, juliet: Subscriber, entries: &[(String, String)]) {
    scene.gateway.write("feeds.d/hanging.toml", "");
    let doctor = scene.gateway.call(&["doctor"]).await;
    assert!(!doctor.stdout.contains("fail  state"), "{}", doctor.stdout);
    scene.once().await;
    let expected: Vec<String> = entries[1..].iter().map(|(_, title)| title.clone()).collect();
    assert_eq!(told(&juliet.catch_up(&scene.pubsub()).await), expected);
}

#[tokio::test]
async fn once_that_is_interrupted_finishes_what_is_in_flight() {
    let (mut scene, juliet, entries) = once_under_way().await;
    scene.gateway.signal("INT");
    assert_eq!(scene.gateway.exit().await.code(), Some(130), "{}", scene.gateway.output());
    assert!(scene.gateway.output().contains("nothing is lost"), "{}", scene.gateway.output());
    let status = scene.gateway.call(&["status", "--json"]).await;
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    let in_doubt: u64 = status["outbox"].as_array().unwrap().iter().filter_map(|row| row["doubt"].as_u64()).sum();
    assert_eq!(in_doubt, 0, "{status}");
    goes_on(scene, juliet, &entries).await;
}

#[tokio::test]
async fn once_that_is_interrupted_twice_stops_and_loses_nothing() {
    let (mut scene, juliet, entries) = once_under_way().await;
    scene.gateway.signal("INT");
    // Two signals that come together may count as one.
    while scene.gateway.is_running() {
        scene.gateway.signal("INT");
        tokio::task::yield_now().await;
    }
    assert_eq!(scene.gateway.exit().await.code(), Some(130));
    goes_on(scene, juliet, &entries).await;
}
