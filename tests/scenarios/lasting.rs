//! Troubles that pass: the deliveries wait, and go on.

use super::*;
use crate::support::ejabberd::{self, Ejabberd};

#[tokio::test]
async fn a_node_that_was_deleted_is_made_again() {
    let mut scene = Scene::new().await;
    scene.feed("blog", &[("1", "One")]);
    scene.once().await;
    scene.gateway.start(&["run"]);
    scene.serve("blog", &[("1", "One"), ("2", "Two")]);
    let has = async |title: &str| scene.titles("blog").await.iter().any(|found| found == title).then_some(());
    support::eventually("the second entry", async || has("Two").await).await;
    scene.owner().await.delete(&scene.pubsub(), "blog").await;
    scene.serve("blog", &[("1", "One"), ("2", "Two"), ("3", "Three")]);
    support::eventually("the third entry", async || has("Three").await).await;
    let configuration = scene.owner().await.configuration(&scene.pubsub(), "blog").await;
    assert_eq!(configuration["pubsub#title"], ["Feed blog"]);
}

#[tokio::test]
async fn what_ejabberd_finds_too_big_is_shortened_and_arrives() {
    let server = Ejabberd::start(ejabberd::Options::default()).await;
    let mut gateway = Gateway::new(&server.xmpp(Tls::StartTls), QUICK);
    let feeds = FeedServer::start().await;
    let serve = |body: String| feeds.serve("/blog.xml", Page::atom(body));
    gateway.feed("blog", &format!("url = {:?}", serve(atom("Blog", &[("1", "One")]))));
    gateway.start(&["run"]);
    let owner = Subscriber::connect(&server.address(), &format!("bot@{}", server.domain())).await;
    let items = async || owner.items(&server.pubsub(), "blog").await.unwrap_or_default();
    support::eventually("the first entry", async || (items().await.len() == 1).then_some(())).await;
    owner.configure(&server.pubsub(), "blog", &[("max_payload_size", "4000")]).await;
    let long = atom("Blog", &[("1", "One"), ("2", "Two")]).replace("About Two.", &"word ".repeat(5000));
    serve(long);
    support::eventually("the second entry", async || (items().await.len() == 2).then_some(())).await;
    let (_, entry) = items().await.into_iter().find(|(_, entry)| title(entry) == "Two").unwrap();
    assert!(String::from(&entry).len() < 4000);
}

#[tokio::test]
async fn who_is_allowed_to_publish_at_last_goes_on_when_the_gateway_starts() {
    let scene = Scene::new().await;
    let romeo = tidings::xmpp::Config { jid: "romeo@a.test".parse().unwrap(), ..scene.server.xmpp(Tls::StartTls) };
    let mut stranger = Gateway::new(&romeo, QUICK);
    let owner = scene.owner().await;
    owner.create(&scene.pubsub(), "locked", &[("publish_model", "publishers")]).await;
    let url = scene.serve("locked", &[("1", "One"), ("2", "Two")]);
    stranger.feed("locked", &format!("url = {url:?}"));
    let exit = stranger.call(&["once", "--all"]).await;
    assert!(exit.stderr.contains("forbidden"), "{}", exit.stderr);
    owner.affiliate(&scene.pubsub(), "locked", "romeo@a.test", "publisher").await;
    stranger.start(&["run"]);
    support::eventually("the entries", async || (scene.titles("locked").await == ["One", "Two"]).then_some(())).await;
    stranger.kill();
}

#[tokio::test]
async fn a_service_that_is_away_holds_up_only_its_own_nodes() {
    let home = Options::default();
    let away =
        Options { authority: home.authority.clone(), admins: vec!["bot@a.test".to_owned()], ..Options::of("b.test") };
    let (server, mut far) = Prosody::start_pair(home, away).await;
    let gateway = Gateway::new(&server.xmpp(Tls::StartTls), QUICK);
    let mut scene = Scene { server, feeds: FeedServer::start().await, gateway };
    far.stop().await;
    let to = "to = [{ node = \"there\", service = \"pubsub.b.test\", create = true }]";
    scene.feed_with("away", to, &[("1", "One")]);
    scene.feed("near", &[("1", "Uno")]);
    scene.gateway.start(&["run"]);
    support::eventually("the near entry", async || (scene.titles("near").await == ["Uno"]).then_some(())).await;
    scene.gateway.wait_for("node there at pubsub.b.test").await;
    far.launch().await;
    let owner = Subscriber::connect(&far.address(), "bot@b.test").await;
    let count = async || owner.items("pubsub.b.test", "there").await.map_or(0, |items| items.len());
    support::eventually("the far entry", async || (count().await == 1).then_some(())).await;
}

#[tokio::test]
async fn a_stream_that_is_slowed_down_is_not_taken_for_dead() {
    let mut scene = Scene::with(Options { rate: Some("6kb/s".to_owned()), ..Options::default() }, "").await;
    let entries = numbered(60);
    scene.feed("blog", &pairs(&entries[..1]));
    scene.once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    scene.serve("blog", &pairs(&entries));
    scene.gateway.start(&["run"]);
    let expected: Vec<String> = entries[1..].iter().map(|(_, title)| title.clone()).collect();
    assert_eq!(told(&juliet.wait_for(59).await), expected);
    assert!(!scene.gateway.output().contains("offline"), "{}", scene.gateway.output());
}
