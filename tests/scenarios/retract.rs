//! A withdrawn entry is retracted where the operator asks for it.

use super::*;

#[tokio::test]
async fn a_tombstone_retracts_the_item() {
    let scene = Scene::new().await;
    scene.feed_with("blog", "on-remove = \"retract\"", &[("1", "One"), ("2", "Two")]);
    scene.once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    let dead = "<at:deleted-entry xmlns:at=\"http://purl.org/atompub/tombstones/1.0\" ref=\"urn:test:1\" \
                when=\"2024-05-02T00:00:00Z\"/></feed>";
    let body = atom("Feed blog", &[("2", "Two"), ("3", "Three")]).replace("</feed>", dead);
    scene.feeds.serve("/blog.xml", Page::atom(body));
    scene.once().await;
    let events = juliet.catch_up(&scene.pubsub()).await;
    assert_eq!(told(&events), ["Three"]);
    let retracted = events.iter().filter(|event| matches!(event, Event::Retracted { .. })).count();
    assert_eq!((retracted, scene.titles("blog").await), (1, vec!["Two".to_owned(), "Three".to_owned()]));
    scene.once().await;
    assert_eq!(juliet.catch_up(&scene.pubsub()).await.len(), 2);
}
