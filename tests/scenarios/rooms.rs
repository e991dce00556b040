//! A room as a destination: entered, told what is new, entered again after a kick, left when it is not wanted any more.

use super::*;
use crate::support::ejabberd::{self, Ejabberd};
use xmpp_parsers::ns;

const NEWS: &str = "to = [{ room = \"news@muc.a.test\", nick = \"Feeds\" }]";

/// Presences of an occupant that somebody in the room was told of: `true` for coming, `false` for going.
fn comings(events: &[Event], nick: &str) -> Vec<bool> {
    let coming = |event: &Event| match event {
        Event::Other(stanza) if stanza.name() == "presence" && stanza.attr("from")?.ends_with(&format!("/{nick}")) => {
            Some(stanza.attr("type").is_none())
        }
        _ => None,
    };
    events.iter().filter_map(coming).collect()
}

async fn wait_for_comings(watcher: &Subscriber, nick: &str, expected: &[bool]) {
    let what = format!("{nick} to come and go as in {expected:?}");
    support::eventually(&what, async || (comings(&watcher.events(), nick) == expected).then_some(())).await;
}

async fn wait_for_bodies(watcher: &Subscriber, expected: &[&str]) {
    support::eventually(&format!("{expected:?}"), async || (watcher.bodies() == expected).then_some(())).await;
}

#[tokio::test]
async fn a_room_is_told_what_is_new_and_edits_are_not_told_again() {
    let scene = Scene::new().await;
    let juliet = scene.juliet().await;
    juliet.enter("news@muc.a.test", "juliet").await;
    let to = "to = [{ node = \"blog\" }, { room = \"news@muc.a.test\", nick = \"Feeds\" }]";
    scene.feed_with("blog", to, &[("1", "One")]);
    scene.once().await;
    scene.serve("blog", &[("1", "One"), ("2", "Two"), ("3", "Three")]);
    scene.once().await;
    scene.serve("blog", &[("1", "One"), ("2", "Two and a half"), ("3", "Three")]);
    scene.once().await;
    assert_eq!(juliet.bodies(), ["Two\n\nhttps://blog.test/2", "Three\n\nhttps://blog.test/3"]);
    assert_eq!(
        comings(&juliet.events(), "Feeds"),
        [true, false],
        "it comes to speak, and leaves; the node is told three times"
    );
    let ids: Vec<String> = juliet.events().iter().filter_map(message_id).collect();
    assert!(ids.iter().all(|id| id.len() == 16) && ids[0] != ids[1], "{ids:?}");
}

/// The id of a message with a text, which must be its origin-id, too.
fn message_id(event: &Event) -> Option<String> {
    let Event::Other(stanza) = event else { return None };
    stanza.get_child("body", ns::JABBER_CLIENT)?;
    let id = stanza.attr("id").unwrap().to_owned();
    assert_eq!(stanza.get_child("origin-id", ns::SID).unwrap().attr("id"), Some(id.as_str()));
    Some(id)
}

#[tokio::test]
async fn a_gateway_stays_in_its_room_and_comes_back_after_a_kick() {
    let mut scene = Scene::new().await;
    let juliet = scene.juliet().await;
    juliet.enter("news@muc.a.test", "juliet").await;
    scene.feed_with("blog", NEWS, &[("1", "One")]);
    scene.gateway.start(&["run"]);
    wait_for_comings(&juliet, "Feeds", &[true]).await;
    let kick = "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='Feeds' role='none'><reason>Hush</reason></item></query>";
    juliet.request("news@muc.a.test", "set", kick).await.unwrap();
    wait_for_comings(&juliet, "Feeds", &[true, false, true]).await;
    scene.gateway.wait_for("kicked from the room (Hush)").await;
    scene.feeds.wait_for("/blog.xml", 1).await;
    scene.serve("blog", &[("1", "One"), ("2", "Two")]);
    wait_for_bodies(&juliet, &["Two\n\nhttps://blog.test/2"]).await;
    // Out of the configuration is out of the room; the end of the gateway is, too.
    scene.feed("blog", &[("1", "One"), ("2", "Two")]);
    scene.gateway.signal("HUP");
    wait_for_comings(&juliet, "Feeds", &[true, false, true, false]).await;
    scene.feed_with("blog", NEWS, &[("1", "One"), ("2", "Two")]);
    scene.gateway.signal("HUP");
    wait_for_comings(&juliet, "Feeds", &[true, false, true, false, true]).await;
    scene.gateway.signal("TERM");
    scene.gateway.exit().await;
    wait_for_comings(&juliet, "Feeds", &[true, false, true, false, true, false]).await;
}

#[tokio::test]
async fn a_gateway_that_was_killed_does_not_repeat_what_the_room_remembers() {
    let mut scene = Scene::new().await;
    let juliet = scene.juliet().await;
    juliet.enter("news@muc.a.test", "juliet").await;
    let entries = numbered(30);
    scene.feed_with("blog", NEWS, &pairs(&entries[..1]));
    scene.once().await;
    scene.serve("blog", &pairs(&entries));
    scene.gateway.start(&["run"]);
    support::eventually("some messages", async || (juliet.bodies().len() > 3).then_some(())).await;
    scene.gateway.kill();
    scene.once().await;
    let told: Vec<String> = juliet.bodies().iter().map(|body| body.lines().next().unwrap().to_owned()).collect();
    let expected: Vec<String> = entries[1..].iter().map(|(_, title)| title.clone()).collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn several_feeds_in_a_room_name_themselves_and_a_ban_is_told() {
    let mut scene = Scene::new().await;
    let juliet = scene.juliet().await;
    juliet.enter("news@muc.a.test", "juliet").await;
    scene.feed_with("blog", NEWS, &[("1", "One")]);
    scene.feed_with("other", NEWS, &[("o1", "Uno")]);
    scene.once().await;
    scene.serve("blog", &[("1", "One"), ("2", "Two")]);
    scene.once().await;
    assert_eq!(juliet.bodies(), ["Feed blog: Two\n\nhttps://blog.test/2"]);
    let ban =
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item jid='bot@a.test' affiliation='outcast'/></query>";
    juliet.request("news@muc.a.test", "set", ban).await.unwrap();
    scene.serve("blog", &[("1", "One"), ("2", "Two"), ("3", "Three")]);
    let exit = scene.once().await;
    assert!(exit.stderr.contains("this account is banned from the room"), "{}", exit.stderr);
    let allow =
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item jid='bot@a.test' affiliation='none'/></query>";
    juliet.request("news@muc.a.test", "set", allow).await.unwrap();
    scene.gateway.start(&["run"]);
    wait_for_bodies(&juliet, &["Feed blog: Two\n\nhttps://blog.test/2", "Feed blog: Three\n\nhttps://blog.test/3"])
        .await;
}

#[tokio::test]
async fn a_room_of_ones_own_server_that_is_not_there_is_made_and_stays() {
    let scene = Scene::new().await;
    let elsewhere = "to = [{ room = \"made@muc.a.test\" }, { room = \"not-made@muc.a.test\", create = false }]";
    scene.feed_with("blog", elsewhere, &[("1", "One")]);
    scene.once().await;
    scene.serve("blog", &[("1", "One"), ("2", "Two")]);
    let exit = scene.once().await;
    assert!(exit.stderr.contains("the room does not exist: make it there, or set create = true"), "{}", exit.stderr);
    let juliet = scene.juliet().await;
    let enter = "<x xmlns='http://jabber.org/protocol/muc'/>";
    juliet.send(&format!("<presence xmlns='jabber:client' to='made@muc.a.test/juliet'>{enter}</presence>"));
    wait_for_bodies(&juliet, &["Two\n\nhttps://blog.test/2"]).await;
}

#[tokio::test]
async fn ejabberd_s_rooms_are_told_too() {
    let server = Ejabberd::start(ejabberd::Options::default()).await;
    let gateway = Gateway::new(&server.xmpp(Tls::StartTls), QUICK);
    let feeds = FeedServer::start().await;
    let serve = |entries: &[(&str, &str)]| feeds.serve("/blog.xml", Page::atom(atom("Feed blog", entries)));
    let url = serve(&[("1", "One")]);
    let to = "to = [{ room = \"news@muc.e.test\" }, { chat = \"juliet@e.test\", require-subscription = false }]";
    gateway.feed("blog", &format!("url = {url:?}\n{to}"));
    let juliet = Subscriber::connect(&server.address(), "juliet@e.test").await;
    juliet.send("<presence xmlns='jabber:client'/>");
    juliet.enter("news@muc.e.test", "juliet").await;
    assert_eq!(gateway.call(&["once", "--all"]).await.code, Some(0));
    serve(&[("1", "One"), ("2", "Two")]);
    let exit = gateway.call(&["once", "--all"]).await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    wait_for_bodies(&juliet, &["Two\n\nhttps://blog.test/2"; 2]).await;
}
