//! A feed that did not change: asked for conditionally, and nothing is published.

use super::*;

#[tokio::test]
async fn an_unchanged_feed_is_asked_for_by_its_validators_and_publishes_nothing() {
    let scene = Scene::new().await;
    scene.feed("blog", &[("1", "One"), ("2", "Two")]);
    scene.once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    scene.once().await;
    let asked = scene.feeds.asked("/blog.xml");
    let statuses: Vec<u16> = asked.iter().map(|asked| asked.status).collect();
    assert_eq!(statuses, [200, 304]);
    assert!(asked[0].headers.get("if-none-match").is_none());
    assert!(asked[1].headers.get("if-none-match").is_some());
    assert_eq!(told(&juliet.catch_up(&scene.pubsub()).await), [""; 0]);
}

#[tokio::test]
async fn a_pass_without_news_does_not_log_in() {
    let mut scene = Scene::new().await;
    scene.feed("blog", &[("1", "One")]);
    scene.once().await;
    scene.server.stop().await;
    scene.once().await;
}

#[tokio::test]
async fn a_shuffled_document_publishes_nothing() {
    let scene = Scene::new().await;
    scene.feed("blog", &[("1", "One"), ("2", "Two"), ("3", "Three")]);
    scene.once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    let body = atom("Feed blog", &[("1", "One"), ("2", "Two"), ("3", "Three")]);
    let entries: Vec<&str> = body.split_inclusive("</entry>").collect();
    let (head, first) = entries[0].split_at(entries[0].find("<entry>").unwrap());
    let shuffled = format!("{head}{}{first}{}{}", entries[1], entries[2], entries[3]);
    assert_ne!(shuffled, body);
    scene.feeds.serve("/blog.xml", Page::atom(shuffled));
    scene.once().await;
    assert_eq!(scene.feeds.asked("/blog.xml").last().unwrap().status, 200);
    assert_eq!(told(&juliet.catch_up(&scene.pubsub()).await), [""; 0]);
}
