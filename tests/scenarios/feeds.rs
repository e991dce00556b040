//! `feeds` and `doctor` beside a running gateway.

use super::*;
use crate::support::ejabberd::{self, Ejabberd};

#[tokio::test]
async fn feeds_are_paused_and_polled_through_the_running_gateway() {
    let mut scene = Scene::new().await;
    // Its schedule will not poll it again while this test lasts.
    scene.feed_with("blog", "every = \"1h\"", &[("1", "One")]);
    scene.gateway.start(&["run"]);
    support::eventually("the first entry", async || (scene.titles("blog").await.len() == 1).then_some(())).await;
    scene.serve("blog", &[("1", "One"), ("2", "Two")]);
    let polled = scene.gateway.call(&["feeds", "poll", "blog", "--wait"]).await;
    assert_eq!((polled.code, polled.stdout.as_str()), (Some(0), "blog: 1 entry to publish\n"), "{}", polled.stderr);
    support::eventually("the second entry", async || (scene.titles("blog").await.len() == 2).then_some(())).await;
    let paused = scene.gateway.call(&["feeds", "pause", "blog"]).await;
    assert_eq!((paused.code, paused.stderr.as_str()), (Some(0), "blog: paused\n"));
    let list = scene.gateway.call(&["feeds", "list"]).await;
    assert!(list.stdout.starts_with("blog  paused "), "{}", list.stdout);
    let polled = scene.gateway.call(&["feeds", "poll", "blog", "--wait"]).await;
    assert_eq!((polled.code, polled.stdout.as_str()), (Some(1), "blog: failed: it is paused\n"));
    assert_eq!(scene.gateway.call(&["feeds", "resume", "blog"]).await.code, Some(0));
    assert!(scene.gateway.call(&["feeds", "list"]).await.stdout.starts_with("blog  ok "));
    doctor_finds_all_well(&scene).await;
    assert!(scene.gateway.is_running());
}

/// Under a resource of its own: the gateway's session is the first one still.
async fn doctor_finds_all_well(scene: &Scene) {
    let said = scene.gateway.call(&["doctor"]).await;
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    for line in [
        "ok    state",
        "ok    gateway    it is healthy",
        "ok    tls",
        "ok    login      logged in as bot@a.test/doctor-",
    ] {
        assert!(said.stdout.contains(line), "{line:?} in {}", said.stdout);
    }
    assert!(said.stdout.contains("ok    service    pubsub.a.test is a pubsub service\n"), "{}", said.stdout);
    assert!(said.stdout.contains("ok    node       node blog is there; bot@a.test may publish\n"), "{}", said.stdout);
    assert!(
        said.stdout.contains("ok    clock      ") && said.stdout.contains(", as the server's\n"),
        "{}",
        said.stdout
    );
    let status = scene.gateway.call(&["status", "--json"]).await;
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["session"]["binds"], 1, "{status}");
}

#[tokio::test]
async fn what_is_added_and_removed_is_taken_over_at_once() {
    let mut scene = Scene::new().await;
    scene.feed("blog", &[("1", "One")]);
    scene.gateway.start(&["run"]);
    support::eventually("the first feed", async || (scene.titles("blog").await.len() == 1).then_some(())).await;
    let url = scene.serve("late", &[("2", "Two")]);
    let added = scene.gateway.call(&["feeds", "add", &url, "--id", "late", "--allow-private"]).await;
    assert_eq!(added.code, Some(0), "{}", added.stderr);
    assert_eq!(added.stderr, "the running gateway took it over: 1 feed added\n");
    support::eventually("the second feed", async || (scene.titles("late").await.len() == 1).then_some(())).await;
    let removed = scene.gateway.call(&["feeds", "remove", "blog"]).await;
    assert_eq!((removed.code, removed.stdout.as_str()), (Some(0), "blog: taken out of feeds.d/blog.toml\n"));
    let list = scene.gateway.call(&["status", "--json"]).await;
    assert!(!list.stdout.contains("\"id\":\"blog\""), "{}", list.stdout);
}

#[tokio::test]
async fn doctor_says_what_is_wrong_with_a_node_and_leaves_it_so() {
    let scene = Scene::new().await;
    scene.feed_with("missing", "to = [{ node = \"theirs\", create = false }]", &[]);
    scene.feed("new", &[]);
    scene.feed("small", &[]);
    let owner = scene.owner().await;
    owner.create(&scene.pubsub(), "small", &[("pubsub#max_items", "3")]).await;
    let said = scene.gateway.call(&["doctor", "--json"]).await;
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let nodes = report["checks"].as_array().unwrap().iter().filter(|check| check["check"] == "node");
    let nodes =
        nodes.map(|node| format!("{}: {}", node["status"].as_str().unwrap(), node["message"].as_str().unwrap()));
    insta::assert_snapshot!(nodes.collect::<Vec<_>>().join("\n"), @r"
    ok: node new is not there yet, and is made with its first entry; whether bot@a.test may is unknown until then
    warn: node small is there, and is otherwise configured: type
    fail: node theirs is not there
    ");
    assert_eq!(said.code, Some(1));
    assert!(!scene.gateway.state().exists());
}

/// Three rooms that juliet has made, each with a setting.
async fn make_rooms(juliet: &Subscriber, domain: &str) {
    for (room, setting) in [("open", "persistentroom"), ("closed", "membersonly"), ("quiet", "moderatedroom")] {
        let room = format!("{room}@muc.{domain}");
        juliet.enter(&room, "juliet").await;
        let form = format!(
            "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>\
             <field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>\
             <field var='muc#roomconfig_{setting}'><value>1</value></field></x></query>"
        );
        juliet.request(&room, "set", &form).await.unwrap();
    }
}

/// What doctor says of rooms and persons, each with its fix.
fn meetings(said: &Exit) -> String {
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let meant = |check: &&serde_json::Value| check["check"] == "room" || check["check"] == "person";
    let checks = report["checks"].as_array().unwrap().iter().filter(meant);
    let line = |check: &serde_json::Value| {
        let text = |key: &str| check[key].as_str().unwrap_or("-").to_owned();
        format!("{} {}: {}\n  {}", text("status"), text("check"), text("message"), text("fix"))
    };
    checks.map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn doctor_looks_at_rooms_and_persons_and_goes_to_none_of_them() {
    let scene = Scene::new().await;
    let juliet = scene.juliet().await;
    make_rooms(&juliet, "a.test").await;
    let rooms = ["open", "closed", "quiet", "new"].map(|room| format!("{{ room = \"{room}@muc.a.test\" }}"));
    let theirs = "{ room = \"theirs@muc.a.test\", create = false }, { room = \"juliet@a.test\" }";
    let persons = "{ chat = \"juliet@a.test\" }, { chat = \"romeo@nowhere.a.test\" }";
    scene.feed_with("blog", &format!("to = [{}, {theirs}, {persons}]", rooms.join(", ")), &[]);
    let before = juliet.events().len();
    let said = scene.gateway.call(&["doctor", "--json"]).await;
    insta::assert_snapshot!(meetings(&said), @r"
    warn room: room closed@muc.a.test is there, for members only
      nothing, if bot@a.test is a member of the room; else make it one
    fail room: room juliet@a.test cannot be reached: service-unavailable
      look at `room` in `to`, and whether its server runs
    ok room: room new@muc.a.test is not there yet, and is made when it is entered; whether the account may is unknown until then
      -
    ok room: room open@muc.a.test is there
      -
    ok room: room quiet@muc.a.test is there; it is moderated, and may give no voice to some
      -
    fail room: room theirs@muc.a.test is not there
      make it there, or set create = true
    ok person: chat juliet@a.test: the server answers; they are asked when the first entry comes whether they want messages
      -
    fail person: chat romeo@nowhere.a.test: the server cannot be reached: not-allowed (Communication with remote domains is not enabled)
      look at the address, and whether that server runs
    ");
    assert_eq!(said.code, Some(1));
    assert_eq!(juliet.events().len(), before, "{:?}", juliet.events());
    assert!(!scene.gateway.state().exists());
}

#[tokio::test]
async fn doctor_looks_at_rooms_and_persons_of_ejabberd() {
    let server = Ejabberd::start(ejabberd::Options::default()).await;
    let gateway = Gateway::new(&server.xmpp(Tls::StartTls), QUICK);
    let juliet = Subscriber::connect(&server.address(), "juliet@e.test").await;
    make_rooms(&juliet, "e.test").await;
    let rooms = ["open", "closed", "quiet", "new"].map(|room| format!("{{ room = \"{room}@muc.e.test\" }}"));
    let theirs = "{ room = \"theirs@muc.e.test\", create = false }, { chat = \"juliet@e.test\" }";
    gateway.feed("blog", &format!("url = \"http://127.0.0.1:9/\"\nto = [{}, {theirs}]", rooms.join(", ")));
    insta::assert_snapshot!(meetings(&gateway.call(&["doctor", "--json"]).await), @r"
    warn room: room closed@muc.e.test is there, for members only
      nothing, if bot@e.test is a member of the room; else make it one
    ok room: room new@muc.e.test is not there yet, and is made when it is entered; whether the account may is unknown until then
      -
    ok room: room open@muc.e.test is there; it is moderated, and may give no voice to some
      -
    ok room: room quiet@muc.e.test is there; it is moderated, and may give no voice to some
      -
    fail room: room theirs@muc.e.test is not there
      make it there, or set create = true
    ok person: chat juliet@e.test: the server answers; they are asked when the first entry comes whether they want messages
      -
    ");
}

#[tokio::test]
async fn doctor_tells_a_wrong_password_from_a_wrong_certificate() {
    let scene = Scene::new().await;
    scene.gateway.write("password", "wrong\n");
    let said = scene.gateway.call(&["doctor"]).await;
    assert_eq!(said.code, Some(1));
    assert!(
        said.stdout.contains("ok    tls ") && said.stdout.contains("fail  login      login refused: not-authorized"),
        "{}",
        said.stdout
    );
    let xmpp = tidings::xmpp::Config { ca_file: None, ..scene.server.xmpp(Tls::StartTls) };
    scene.gateway.configure(&xmpp, QUICK);
    let said = scene.gateway.call(&["doctor"]).await;
    assert!(
        said.stdout.contains("ok    tcp ") && said.stdout.contains("fail  tls        TLS with a.test failed"),
        "{}",
        said.stdout
    );
}
