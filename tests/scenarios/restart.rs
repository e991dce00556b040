//! The XMPP server goes away and comes back: everything arrives, once, in order.

use super::*;
use crate::support::prosody::Storage;

#[tokio::test]
async fn a_server_that_is_killed_in_the_middle_gets_everything_when_it_is_back() {
    let mut scene = Scene::with(Options { storage: Storage::Sqlite, ..Options::default() }, "").await;
    let entries = numbered(200);
    scene.feed_with("blog", "backfill = \"all\"", &pairs(&entries[..1]));
    scene.once().await;
    scene.gateway.start(&["run"]);
    scene.feeds.wait_for("/blog.xml", 2).await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    scene.serve("blog", &pairs(&entries));
    juliet.wait_for(20).await;
    scene.server.kill();
    scene.gateway.wait_for("offline").await;
    scene.server.launch().await;
    let expected: Vec<String> = entries.iter().map(|(_, title)| title.clone()).collect();
    let all = support::eventually("all entries on the node", async || {
        let titles = scene.titles("blog").await;
        (titles.len() >= expected.len()).then_some(titles)
    });
    assert_eq!(all.await, expected);
}

#[tokio::test]
async fn entries_wait_while_the_server_is_away() {
    let mut scene = Scene::new().await;
    scene.feed("blog", &[("1", "One")]);
    scene.once().await;
    scene.server.stop().await;
    scene.serve("blog", &[("1", "One"), ("2", "Two")]);
    let exit = scene.gateway.call(&["once", "--all", "--timeout", "5s"]).await;
    assert_eq!(exit.code, Some(75), "{}", exit.stderr);
    assert!(exit.stderr.contains("1 entries wait") || exit.stderr.contains("1 entry waits"), "{}", exit.stderr);
    scene.server.launch().await;
    scene.once().await;
    let titles = scene.titles("blog").await;
    assert_eq!(titles.last().map(String::as_str), Some("Two"));
}
