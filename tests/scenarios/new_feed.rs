//! A new feed: its entries come to its own node, which is made with everything that makes posts show.

use super::*;

#[tokio::test]
async fn a_new_feed_fills_its_own_node_in_order() {
    let scene = Scene::new().await;
    scene.feed("blog", &[("1", "One"), ("2", "Two"), ("3", "Three")]);
    scene.once().await;
    assert_eq!(scene.titles("blog").await, ["One", "Two", "Three"]);
}

#[tokio::test]
async fn the_node_is_configured_so_that_posts_show() {
    let scene = Scene::new().await;
    scene.feed("blog", &[("1", "One")]);
    scene.once().await;
    let configuration = scene.owner().await.configuration(&scene.pubsub(), "blog").await;
    let value =
        |name: &str| configuration.get(&format!("pubsub#{name}")).map(|values| values.join(" ")).unwrap_or_default();
    assert_eq!(value("title"), "Feed blog");
    assert_eq!(value("type"), "urn:xmpp:pubsub-social-feed:1");
    assert_eq!(value("access_model"), "open");
    assert_eq!(value("publish_model"), "publishers");
    assert!(["1", "true"].contains(&value("persist_items").as_str()), "{configuration:?}");
}

#[tokio::test]
async fn first_contact_publishes_the_newest_and_remembers_the_rest() {
    let scene = Scene::new().await;
    let entries = numbered(30);
    scene.feed_with("blog", "backfill = 3", &pairs(&entries));
    scene.once().await;
    scene.once().await;
    assert_eq!(scene.titles("blog").await, ["Entry 28", "Entry 29", "Entry 30"]);
}

#[tokio::test]
async fn a_payload_is_an_atom_entry_with_text_and_link() {
    let scene = Scene::new().await;
    scene.feed("blog", &[("1", "One")]);
    scene.once().await;
    let items = scene.owner().await.items(&scene.pubsub(), "blog").await.unwrap();
    let entry = tidings::atom::read::Received::read(&items[0].1);
    assert_eq!(entry.problems(), [""; 0]);
    assert_eq!(entry.title.as_deref(), Some("One"));
    assert_eq!(entry.link.as_deref(), Some("https://blog.test/1"));
    assert_eq!(entry.text, "About One.");
}
