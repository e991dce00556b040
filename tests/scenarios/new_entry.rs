//! New entries: subscribers are told of each one once, oldest first.

use super::*;

#[tokio::test]
async fn a_running_gateway_tells_a_subscriber_of_new_entries_in_order() {
    let mut scene = Scene::new().await;
    scene.feed("blog", &[("1", "One")]);
    scene.once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    scene.gateway.start(&["run"]);
    scene.feeds.wait_for("/blog.xml", 2).await;
    scene.serve("blog", &[("1", "One"), ("2", "Two"), ("3", "Three"), ("4", "Four")]);
    assert_eq!(told(&juliet.wait_for(3).await), ["Two", "Three", "Four"]);
    let polls = scene.feeds.asked("/blog.xml").len();
    scene.feeds.wait_for("/blog.xml", polls + 2).await;
    assert_eq!(told(&juliet.catch_up(&scene.pubsub()).await).len(), 3);
}

#[tokio::test]
async fn two_passes_of_once_publish_each_entry_once() {
    let scene = Scene::new().await;
    scene.feed("blog", &[("1", "One")]);
    scene.once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    scene.serve("blog", &[("1", "One"), ("2", "Two")]);
    scene.once().await;
    scene.once().await;
    assert_eq!(told(&juliet.catch_up(&scene.pubsub()).await), ["Two"]);
}
