//! What an edited configuration means for entries that are known or wait: a behaviour a row of the table.

use super::*;

/// A feed that was published, and has gone on while the server was away: two entries wait.
async fn with_two_that_wait(keys: &str) -> (Scene, Subscriber) {
    let mut scene =
        Scene::with(Options { storage: crate::support::prosody::Storage::Sqlite, ..Options::default() }, "").await;
    scene.feed_with("blog", keys, &[("1", "One")]);
    scene.once().await;
    scene.server.stop().await;
    scene.serve("blog", &[("1", "One"), ("2", "Two"), ("3", "Three")]);
    let exit = scene.gateway.call(&["once", "--all", "--timeout", "2s"]).await;
    assert_eq!(exit.code, Some(75), "{}", exit.stderr);
    scene.server.launch().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    (scene, juliet)
}

fn rename(scene: &Scene, id: &str, text: &str) {
    std::fs::remove_file(scene.gateway.path("feeds.d/blog.toml")).unwrap();
    scene.gateway.feed(id, text);
}

#[tokio::test]
async fn a_renamed_feed_goes_on_where_it_was() {
    let (scene, juliet) = with_two_that_wait("").await;
    let url = scene.feeds.url("/blog.xml");
    rename(&scene, "diary", &format!("url = {url:?}\nwas = [\"blog\"]\nto = [{{ node = \"blog\" }}]"));
    scene.once().await;
    assert_eq!(told(&juliet.catch_up(&scene.pubsub()).await), ["Two", "Three"]);
    scene.serve("blog", &[("3", "Three"), ("4", "Four")]);
    scene.once().await;
    assert_eq!(told(&juliet.catch_up(&scene.pubsub()).await), ["Two", "Three", "Four"]);
}

#[tokio::test]
async fn a_removed_feed_is_told_to_the_end_and_knows_its_entries_when_it_comes_back() {
    let (scene, juliet) = with_two_that_wait("").await;
    let text = format!("url = {:?}\n", scene.feeds.url("/blog.xml"));
    rename(&scene, "other", "url = \"http://127.0.0.1:9/\"\nenabled = false");
    scene.once().await;
    assert_eq!(told(&juliet.catch_up(&scene.pubsub()).await), ["Two", "Three"]);
    scene.gateway.feed("blog", &text);
    scene.serve("blog", &[("1", "One"), ("2", "Two"), ("3", "Three"), ("4", "Four")]);
    scene.once().await;
    assert_eq!(told(&juliet.catch_up(&scene.pubsub()).await), ["Two", "Three", "Four"]);
}

#[tokio::test]
async fn an_edited_address_keeps_what_is_known() {
    let (scene, juliet) = with_two_that_wait("").await;
    let entries = [("1", "One"), ("2", "Two"), ("3", "Three"), ("4", "Four")];
    let url = scene.feeds.serve("/moved.xml", Page::atom(atom("Feed blog", &entries)));
    scene.gateway.feed("blog", &format!("url = {url:?}"));
    scene.once().await;
    assert_eq!(told(&juliet.catch_up(&scene.pubsub()).await), ["Two", "Three", "Four"]);
}

#[tokio::test]
async fn another_service_gets_what_waits_and_has_a_first_contact() {
    let extra = "Component \"news.a.test\" \"pubsub\"\n  admins = { \"bot@a.test\" }\n  pubsub_max_items = 1000\n";
    let extra_pubsub = extra.to_owned();
    let mut scene = Scene::with(Options { extra_pubsub, ..Options::default() }, "").await;
    scene.feed_with("blog", "service = \"pubsub.a.test\"\ncreate = true", &[("1", "One")]);
    scene.once().await;
    scene.server.stop().await;
    scene.serve("blog", &[("1", "One"), ("2", "Two"), ("3", "Three")]);
    let exit = scene.gateway.call(&["once", "--all", "--timeout", "2s"]).await;
    assert_eq!(exit.code, Some(75), "{}", exit.stderr);
    scene.server.launch().await;
    // Entry 2 has left the feed meanwhile.
    let url = scene.serve("blog", &[("1", "One"), ("3", "Three")]);
    scene.gateway.feed("blog", &format!("url = {url:?}\nservice = \"news.a.test\"\ncreate = true"));
    let exit = scene.once().await;
    assert_eq!(exit.stderr, "");
    let items = scene.owner().await.items("news.a.test", "blog").await.unwrap();
    assert_eq!(items.iter().map(|(_, entry)| title(entry)).collect::<Vec<_>>(), ["Two", "One", "Three"]);
    assert_eq!(scene.titles("blog").await, ["One"], "the former service gets nothing more");
}

#[tokio::test]
async fn a_destination_that_was_removed_gives_up_what_waits_for_it_and_says_so() {
    let both = "to = [{ node = \"blog\" }, { node = \"gone\" }]";
    let (scene, juliet) = with_two_that_wait(both).await;
    let url = scene.feeds.url("/blog.xml");
    scene.gateway.feed("blog", &format!("url = {url:?}"));
    let exit = scene.once().await;
    assert!(exit.stderr.contains("the configuration no longer sends this feed there"), "{}", exit.stderr);
    assert_eq!(told(&juliet.catch_up(&scene.pubsub()).await), ["Two", "Three"]);
    assert_eq!(scene.titles("gone").await, ["One"]);
    let listed = scene.gateway.call(&["outbox", "list", "--to", "gone"]).await.stdout;
    assert_eq!(listed.matches("given up").count(), 2, "{listed}");
    assert!(listed.contains("no longer sends this feed there"), "{listed}");
}

#[tokio::test]
async fn another_account_is_refused_while_deliveries_of_the_former_one_are_in_doubt() {
    let mut scene = Scene::new().await;
    let entries = numbered(300);
    scene.feed_with("blog", "backfill = \"all\"", &pairs(&entries[..1]));
    scene.once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    scene.serve("blog", &pairs(&entries));
    scene.gateway.start(&["run"]);
    juliet.wait_for(20).await;
    scene.server.freeze(true);
    support::eventually("rows in doubt", async || {
        let status = scene.gateway.call(&["status", "--json"]).await.stdout;
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        (status["in_doubt"].as_u64() > Some(0)).then_some(())
    })
    .await;
    scene.gateway.kill();
    scene.server.freeze(false);
    let bot = scene.server.xmpp(Tls::StartTls);
    let romeo = tidings::xmpp::Config { jid: "romeo@a.test".parse().unwrap(), ..bot.clone() };
    scene.gateway.configure(&romeo, QUICK);
    let exit = scene.gateway.call(&["once", "--all"]).await;
    assert_eq!(exit.code, Some(78), "{}", exit.stderr);
    assert!(exit.stderr.contains("run once more as bot@a.test"), "{}", exit.stderr);
    scene.gateway.configure(&bot, QUICK);
    scene.once().await;
    scene.gateway.configure(&romeo, QUICK);
    scene.once().await;
    let expected: Vec<String> = entries[1..].iter().map(|(_, title)| title.clone()).collect();
    assert_eq!(told(&juliet.catch_up(&scene.pubsub()).await), expected);
}

#[tokio::test]
async fn the_default_service_by_its_name_or_by_none_is_one_destination() {
    let scene = Scene::new().await;
    scene.feed("blog", &[("1", "One")]);
    scene.once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    // Another feed names the service of the same node.
    let to = "to = [{ node = \"blog\", service = \"pubsub.a.test\" }]";
    scene.feed_with("second", to, &[("u1", "Uno")]);
    scene.serve("blog", &[("1", "One"), ("2", "Two")]);
    scene.gateway.feed(
        "locked",
        "url = \"http://127.0.0.1:9/\"\nto = [{ node = \"blog\", service = \"pubsub.a.test\" }, { node = \"blog\" }]",
    );
    scene.once().await;
    let mut told = told(&juliet.catch_up(&scene.pubsub()).await);
    told.sort();
    assert_eq!(told, ["Two", "Uno"]);
    let shown = scene.gateway.call(&["status", "--json", "second"]).await.stdout;
    assert!(!shown.contains("at pubsub.a.test"), "{shown}");
}
