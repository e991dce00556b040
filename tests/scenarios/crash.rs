//! The gateway is killed with -9 in the middle of its work, again and again: nothing is missing, repeated or out of order.

use super::*;

#[tokio::test]
async fn a_gateway_that_is_killed_loses_nothing_and_repeats_nothing() {
    let mut scene = Scene::with(Options { max_items: 2000, ..Options::default() }, "").await;
    let entries = numbered(600);
    scene.feed_with("blog", "backfill = \"all\"", &pairs(&entries[..1]));
    scene.once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    scene.serve("blog", &pairs(&entries));
    for kill in 1..=4 {
        let before = juliet.events().len();
        scene.gateway.start(&["run"]);
        juliet.wait_for(before + 25 * kill).await;
        scene.gateway.kill();
    }
    scene.once().await;
    let expected: Vec<String> = entries[1..].iter().map(|(_, title)| title.clone()).collect();
    assert_eq!(told(&juliet.catch_up(&scene.pubsub()).await), expected);
    assert_eq!(scene.titles("blog").await.len(), entries.len());
}
