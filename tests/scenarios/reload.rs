//! A reload takes over what changed and nothing else, or nothing at all.

use super::*;

/// Feeds that are polled at the start and not again while a test runs.
const RARELY: &str = "every = \"1h\"";

/// How often a feed's document was asked for.
fn asked(scene: &Scene, id: &str) -> usize {
    scene.feeds.asked(&format!("/{id}.xml")).len()
}

async fn reload(scene: &Scene) -> Exit {
    scene.gateway.call(&["reload"]).await
}

async fn status(scene: &Scene) -> serde_json::Value {
    let exit = scene.gateway.call(&["status", "--json"]).await;
    serde_json::from_str(&exit.stdout).unwrap_or_else(|_| panic!("{}", exit.stderr))
}

#[tokio::test]
async fn a_reload_touches_only_the_feeds_that_changed_and_keeps_the_session() {
    let mut scene = Scene::new().await;
    for id in ["stays", "leaves", "moves"] {
        scene.feed_with(id, RARELY, &[("1", "One")]);
    }
    scene.gateway.start(&["run"]);
    support::eventually("all entries", async || {
        let titles = [scene.titles("stays").await, scene.titles("leaves").await, scene.titles("moves").await];
        titles.iter().all(|titles| titles.len() == 1).then_some(())
    })
    .await;
    let before = status(&scene).await;

    scene.feed_with("comes", RARELY, &[("1", "One")]);
    std::fs::remove_file(scene.gateway.path("feeds.d/leaves.toml")).unwrap();
    let url = scene.serve("moved", &[("1", "One"), ("2", "Two")]);
    scene.gateway.feed("moves", &format!("url = {url:?}\n{RARELY}"));
    let told = reload(&scene).await;
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    assert_eq!(told.stdout, "added: comes\nchanged: moves\nremoved: leaves\n3 feeds in all\n");
    support::eventually("the new feed's entry and the moved one's", async || {
        let titles = [scene.titles("comes").await, scene.titles("moves").await];
        (titles == [vec!["One"], vec!["One", "Two"]]).then_some(())
    })
    .await;

    let after = status(&scene).await;
    assert_eq!(after["session"], before["session"]);
    assert_eq!(after["feeds"][2]["row"]["next_due"], before["feeds"][2]["row"]["next_due"], "{after}");
    assert_eq!((asked(&scene, "stays"), asked(&scene, "leaves"), asked(&scene, "moves")), (1, 1, 1));
    assert_eq!(reload(&scene).await.stdout, "nothing changed\n3 feeds in all\n");
    assert_eq!((asked(&scene, "stays"), asked(&scene, "comes"), asked(&scene, "moved")), (1, 1, 1));
}

#[tokio::test]
async fn a_broken_configuration_is_told_with_all_its_errors_and_changes_nothing() {
    let mut scene = Scene::new().await;
    scene.feed("blog", &[("1", "One")]);
    scene.gateway.start(&["run"]);
    support::eventually("the entry", async || (scene.titles("blog").await.len() == 1).then_some(())).await;
    scene
        .gateway
        .write("feeds.d/more.toml", "[a]\nurl = \"nonsense\"\n[b]\nurl = \"https://b.example/\"\nevrey = \"1h\"\n");
    let told = reload(&scene).await;
    assert_eq!(told.code, Some(78), "{}", told.stdout);
    assert!(told.stderr.contains("more.toml:2:") && told.stderr.contains("more.toml:5:"), "{}", told.stderr);
    assert!(told.stderr.ends_with(
        "error: nothing was changed: the gateway goes on as before\nhint: correct it and reload again; `tidings check` says the same without a gateway\n"
    ), "{}", told.stderr);
    // By the signal, too.
    scene.gateway.signal("HUP");
    scene.gateway.wait_for("cannot take over the configuration").await;
    scene.serve("blog", &[("1", "One"), ("2", "Two")]);
    support::eventually("the second entry", async || (scene.titles("blog").await.len() == 2).then_some(())).await;

    std::fs::remove_file(scene.gateway.path("feeds.d/more.toml")).unwrap();
    scene.feed("other", &[("1", "One")]);
    scene.gateway.signal("HUP");
    support::eventually("the other feed", async || (scene.titles("other").await.len() == 1).then_some(())).await;
    scene.gateway.wait_for("took over the configuration: 1 feed added").await;
}

#[tokio::test]
async fn another_account_logs_in_when_what_is_in_flight_is_answered() {
    let mut scene = Scene::new().await;
    scene.feed("blog", &[("1", "One")]);
    scene.gateway.start(&["run"]);
    support::eventually("the entry", async || (scene.titles("blog").await.len() == 1).then_some(())).await;
    // An account that cannot even try to log in is refused before anything is touched.
    let mut xmpp = scene.server.xmpp(Tls::StartTls);
    let ca_file = xmpp.ca_file.replace("nowhere.pem".into());
    scene.gateway.configure(&xmpp, QUICK);
    let told = reload(&scene).await;
    assert!(told.code == Some(78) && told.stderr.contains("nowhere.pem"), "{}", told.stderr);
    assert_eq!(status(&scene).await["session"]["is_connected"], true);

    xmpp.ca_file = ca_file;
    xmpp.settle = None;
    scene.gateway.configure(&xmpp, &format!("{QUICK}\n[http.nothing]\n"));
    assert_eq!(reload(&scene).await.code, Some(78));
    scene.gateway.configure(&xmpp, &format!("{QUICK}\n"));
    scene.gateway.write(
        "tidings.toml",
        &std::fs::read_to_string(scene.gateway.path("tidings.toml"))
            .unwrap()
            .replace("password-file", "settle = \"1s\"\npassword-file"),
    );
    let told = reload(&scene).await;
    assert_eq!(told.stdout, "[xmpp] changed: the gateway logs in anew\n1 feed in all\n", "{}", told.stderr);
    scene.serve("blog", &[("1", "One"), ("2", "Two")]);
    support::eventually("the second entry", async || (scene.titles("blog").await.len() == 2).then_some(())).await;
    assert_eq!(status(&scene).await["session"]["binds"], 2);
    assert!(scene.gateway.is_running());
}

#[tokio::test]
async fn a_reload_moves_entries_that_wait_to_the_service_that_is_named_now() {
    let extra_pubsub =
        "Component \"news.a.test\" \"pubsub\"\n  admins = { \"bot@a.test\" }\n  pubsub_max_items = 1000\n".to_owned();
    let mut scene = Scene::with(Options { extra_pubsub, ..Options::default() }, "").await;
    // The service that holds them up is none.
    let keys = format!("{RARELY}\nservice = \"nowhere.a.test\"\ncreate = true\nbackfill = \"all\"");
    scene.feed_with("blog", &keys, &[("1", "One"), ("2", "Two")]);
    scene.gateway.start(&["run"]);
    scene.gateway.wait_for("node blog at nowhere.a.test").await;
    scene.feed_with("blog", &keys.replace("nowhere", "news"), &[("2", "Two"), ("3", "Three")]);
    let told = reload(&scene).await;
    assert_eq!(told.stdout, "changed: blog\n1 feed in all\n", "{}", told.stderr);
    let owner = scene.owner().await;
    let titles = async || {
        let items = owner.items("news.a.test", "blog").await.unwrap_or_default();
        items.iter().map(|(_, entry)| title(entry)).collect::<Vec<_>>()
    };
    let has = async |entry: &str| titles().await.iter().any(|title| title == entry);
    support::eventually("the entries", async || (has("One").await && has("Two").await).then_some(())).await;
    assert!(scene.gateway.output().contains("entries that wait go to the service"), "{}", scene.gateway.output());
    assert!(scene.gateway.is_running());
}

#[tokio::test]
async fn edited_files_are_taken_over_by_themselves_when_they_are_watched() {
    let mut scene = Scene::with(Options::default(), "[reload]\nwatch = true\n").await;
    scene.feed_with("blog", RARELY, &[("1", "One")]);
    scene.gateway.start(&["run"]);
    support::eventually("the entry", async || (scene.titles("blog").await.len() == 1).then_some(())).await;
    let times = |scene: &Scene, what: &str| scene.gateway.output().matches(what).count();

    // As an editor writes: into another file, which is then put in place.
    let url = scene.serve("other", &[("1", "One")]);
    scene.gateway.write("feeds.d/.other.toml.swp", &format!("[other]\nurl = {url:?}\n{RARELY}\n"));
    let put_in_place = |name: &str| {
        std::fs::rename(scene.gateway.path("feeds.d/.other.toml.swp"), scene.gateway.path(name)).unwrap();
    };
    put_in_place("feeds.d/other.toml");
    support::eventually("the new feed's entry", async || (scene.titles("other").await.len() == 1).then_some(())).await;

    // A broken file keeps what was, and says where it is broken.
    scene.gateway.write("feeds.d/.other.toml.swp", &format!("[other]\nurl = {url:?}\nevrey = \"1h\"\n"));
    put_in_place("feeds.d/other.toml");
    scene.gateway.wait_for("cannot take over the configuration").await;
    assert!(scene.gateway.output().contains("other.toml:3:"), "{}", scene.gateway.output());
    assert_eq!(status(&scene).await["feeds"].as_array().map(Vec::len), Some(2));

    // Mended, with the main file, which names a third feed's folder anew: many files are one reload.
    for id in ["a", "b", "c"] {
        scene.feed_with(id, RARELY, &[("1", "One")]);
    }
    scene.feed_with("other", &RARELY.replace("1h", "2h"), &[("1", "One")]);
    scene.gateway.wait_for("took over the configuration: 3 feeds added, 1 feed changed").await;

    // An OPML file counts, and so does a folder that was replaced as a whole.
    std::fs::rename(scene.gateway.path("feeds.d"), scene.gateway.path("former.d")).unwrap();
    std::fs::create_dir(scene.gateway.path("feeds.d")).unwrap();
    let outline = format!("<opml version='2.0'><body><outline text='x' xmlUrl={url:?} tidings-id='x'/></body></opml>");
    scene.gateway.write("feeds.d/list.opml", &outline);
    scene.gateway.wait_for("took over the configuration: 1 feed added, 5 feeds removed").await;
    scene.feed_with("y", RARELY, &[("1", "One")]);
    support::eventually("a feed of the new folder", async || (scene.titles("y").await.len() == 1).then_some(())).await;

    // Switched off, it is asked for.
    let main = std::fs::read_to_string(scene.gateway.path("tidings.toml")).unwrap();
    scene.gateway.write("tidings.toml", &main.replace("watch = true", "watch = false"));
    scene.gateway.wait_for("took over the configuration: [reload] changed").await;
    assert_eq!(times(&scene, "took over the configuration"), 5, "{}", scene.gateway.output());
    assert_eq!(times(&scene, "cannot take over"), 1, "{}", scene.gateway.output());
}

#[tokio::test]
async fn a_reload_that_the_disk_fails_is_undone_or_says_that_it_is_not() {
    let mut scene = Scene::new().await;
    scene.feed_with("stays", RARELY, &[("1", "One")]);
    scene.gateway.start(&["run"]);
    support::eventually("the entry", async || (scene.titles("stays").await.len() == 1).then_some(())).await;
    support::eventually("its acknowledgement", async || {
        (status(&scene).await["outbox"].as_array().unwrap().is_empty()).then_some(())
    })
    .await;
    scene.feed_with("comes", RARELY, &[("1", "One")]);
    let feeds = async || {
        let feeds = status(&scene).await["feeds"].clone();
        feeds.as_array().unwrap().iter().map(|feed| feed["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (when, said) in [(":when=1", "nothing was changed"), ("", "only a part of the configuration")] {
        let spoiled = scene.gateway.spoil_disk(when).await;
        let told = reload(&scene).await;
        assert!(told.code != Some(0) && told.stderr.contains(said), "{}", told.stderr);
        drop(spoiled);
        if when == ":when=1" {
            assert_eq!(feeds().await, ["stays"]);
        }
    }
    // It was said to be worth another try, when the disk works.
    support::eventually("the reload", async || (reload(&scene).await.code == Some(0)).then_some(())).await;
    assert_eq!(feeds().await, ["comes", "stays"]);
    support::eventually("the new feed's entry", async || (scene.titles("comes").await.len() == 1).then_some(())).await;
    assert!(scene.gateway.is_running());
}
