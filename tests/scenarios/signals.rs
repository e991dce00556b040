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
