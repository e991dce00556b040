//! `outbox`: what waits and what was given up is shown, sent again or forgotten, whether a gateway runs or not.

use super::*;
use crate::support::ejabberd::{self, Ejabberd};

async fn listed(gateway: &Gateway) -> serde_json::Value {
    let exit = gateway.call(&["outbox", "list", "--json"]).await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    serde_json::from_str(&exit.stdout).unwrap()
}

async fn is_healthy(gateway: &Gateway) -> bool {
    gateway.call(&["status", "--check"]).await.code == Some(0)
}

#[tokio::test]
async fn what_was_given_up_is_sent_again_or_forgotten() {
    let server = Ejabberd::start(ejabberd::Options::default()).await;
    let mut gateway = Gateway::new(&server.xmpp(Tls::StartTls), QUICK);
    let feeds = FeedServer::start().await;
    let serve = |count: usize| feeds.serve("/blog.xml", Page::atom(atom("Blog", &pairs(&numbered(count)))));
    gateway.feed("blog", &format!("url = {:?}", serve(1)));
    gateway.start(&["run"]);
    let owner = Subscriber::connect(&server.address(), &format!("bot@{}", server.domain())).await;
    let count = async || owner.items(&server.pubsub(), "blog").await.map_or(0, |items| items.len());
    let limit = async |bytes: &str| owner.configure(&server.pubsub(), "blog", &[("max_payload_size", bytes)]).await;
    support::eventually("the first entry", async || (count().await == 1).then_some(())).await;
    let nothing = "nothing was given up, and nothing waits\n";
    let is_empty = async || gateway.call(&["outbox", "retry", "--all"]).await.stderr == nothing;
    support::eventually("an empty outbox", async || is_empty().await.then_some(())).await;

    limit("60").await;
    serve(2);
    gateway.wait_for("an entry was given up").await;
    support::eventually("the dead row", async || (!is_healthy(&gateway).await).then_some(())).await;
    let row = &listed(&gateway).await["destinations"][0]["rows"][0];
    assert_eq!((&row["state"], &row["title"], &row["feed"]), (&"dead".into(), &"Entry 2".into(), &"blog".into()));
    let exit = gateway.call(&["outbox", "retry", "--to", "elsewhere"]).await;
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    limit("60000").await;
    let exit = gateway.call(&["outbox", "retry", "--to", "node blog"]).await;
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), "1 entry is sent again\n"));
    support::eventually("the second entry", async || (count().await == 2).then_some(())).await;
    let (_, entry) = owner
        .items(&server.pubsub(), "blog")
        .await
        .unwrap()
        .into_iter()
        .find(|(_, entry)| title(entry) == "Entry 2")
        .unwrap();
    assert_eq!(tidings::atom::read::Received::read(&entry).text, "About Entry 2.", "it is told in full");
    assert!(is_healthy(&gateway).await);

    limit("60").await;
    serve(3);
    support::eventually("another dead row", async || (!is_healthy(&gateway).await).then_some(())).await;
    gateway.signal("TERM");
    gateway.exit().await;
    let exit = gateway.call(&["outbox", "drop", "--feed", "blog"]).await;
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), "1 entry is forgotten; the feeds' entries stay known\n"));
    assert!(is_healthy(&gateway).await);
    limit("60000").await;
    assert_eq!(gateway.call(&["once", "--all"]).await.code, Some(0));
    assert_eq!(count().await, 2);
    let exit = gateway.call(&["outbox", "list"]).await;
    assert_eq!((exit.stdout.as_str(), exit.stderr.as_str()), ("nothing waits, and nothing was given up\n", ""));
}

#[tokio::test]
async fn a_node_that_lets_us_publish_at_last_is_tried_at_once() {
    let scene = Scene::new().await;
    let romeo = tidings::xmpp::Config { jid: "romeo@a.test".parse().unwrap(), ..scene.server.xmpp(Tls::StartTls) };
    let mut stranger = Gateway::new(&romeo, QUICK);
    let owner = scene.owner().await;
    owner.create(&scene.pubsub(), "locked", &[("publish_model", "publishers")]).await;
    let url = scene.serve("locked", &[("1", "One"), ("2", "Two")]);
    stranger.feed("locked", &format!("url = {url:?}"));
    stranger.start(&["run"]);
    stranger.wait_for("forbidden").await;
    let queue = support::eventually("the pause", async || {
        let queue = listed(&stranger).await["destinations"][0].clone();
        queue["held"]["reason"].is_string().then_some(queue)
    });
    let queue = queue.await;
    assert!(queue["held"]["reason"].as_str().unwrap().contains("forbidden"), "{queue}");
    assert_eq!(queue["rows"].as_array().unwrap().len(), 2);
    let exit = stranger.call(&["outbox", "drop", "--all"]).await;
    assert_eq!(exit.code, Some(1), "what waits is not dropped unasked: {}", exit.stderr);
    owner.affiliate(&scene.pubsub(), "locked", "romeo@a.test", "publisher").await;
    let exit = stranger.call(&["outbox", "retry", "--to", "locked"]).await;
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), "1 destination is tried again now\n"));
    support::eventually("the entries", async || (scene.titles("locked").await == ["One", "Two"]).then_some(())).await;
}
