//! A node that holds our items already is not told of them again.

use super::*;

#[tokio::test]
async fn a_new_state_publishes_nothing_twice() {
    let scene = Scene::new().await;
    scene.feed("blog", &[("1", "One"), ("2", "Two")]);
    scene.once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    let other = Gateway::new(&scene.server.xmpp(Tls::StartTls), QUICK);
    let url = scene.serve("blog", &[("1", "One"), ("2", "Two"), ("3", "Three")]);
    other.feed("blog", &format!("url = {url:?}"));
    let exit = other.call(&["once", "--all"]).await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!(told(&juliet.catch_up(&scene.pubsub()).await), ["Three"]);
}

#[tokio::test]
async fn a_feed_that_comes_to_a_known_node_later_publishes_nothing_twice() {
    let scene = Scene::new().await;
    let to = "to = [{ node = \"planet\" }]";
    scene.feed_with("second", to, &[("s1", "Uno")]);
    scene.once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "planet").await;
    let other = Gateway::new(&scene.server.xmpp(Tls::StartTls), QUICK);
    let first = scene.serve("first", &[("f1", "One")]);
    other.feed("first", &format!("url = {first:?}\n{to}"));
    assert_eq!(other.call(&["once", "--all"]).await.code, Some(0));
    let second = scene.serve("second", &[("s1", "Uno"), ("s2", "Due")]);
    other.feed("second", &format!("url = {second:?}\n{to}"));
    assert_eq!(other.call(&["once", "--all"]).await.code, Some(0));
    assert_eq!(told(&juliet.catch_up(&scene.pubsub()).await), ["One", "Due"]);
}
