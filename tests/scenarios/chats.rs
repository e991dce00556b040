//! A person as a destination: told only what they want to be told, and everything from then on.

use super::*;

const JULIET: &str = "to = [{ chat = \"juliet@a.test\" }]";

#[tokio::test]
async fn who_has_not_allowed_it_is_asked_once_and_gets_everything_afterwards() {
    let mut scene = Scene::new().await;
    let juliet = scene.juliet().await;
    juliet.send("<presence xmlns='jabber:client'/>");
    scene.feed_with("blog", JULIET, &[("1", "One")]);
    scene.once().await;
    scene.serve("blog", &[("1", "One"), ("2", "Two")]);
    let exit = scene.once().await;
    assert!(
        exit.stderr.contains("juliet@a.test has not allowed this account to write; they are asked now"),
        "{}",
        exit.stderr
    );
    scene.serve("blog", &[("1", "One"), ("2", "Two"), ("3", "Three")]);
    scene.once().await;
    scene.server_told(&juliet).await;
    assert_eq!((juliet.bodies(), requests(&juliet)), (Vec::new(), 1));
    juliet.send("<presence xmlns='jabber:client' to='bot@a.test' type='subscribed'/>");
    scene.gateway.start(&["run"]);
    support::eventually("both entries", async || (juliet.bodies().len() > 1).then_some(())).await;
    assert_eq!(juliet.bodies(), ["Two\n\nhttps://blog.test/2", "Three\n\nhttps://blog.test/3"]);
    assert_eq!(requests(&juliet), 1);
}

#[tokio::test]
async fn who_adds_the_account_as_a_contact_has_allowed_it() {
    let mut scene = Scene::new().await;
    let juliet = scene.juliet().await;
    juliet.send("<presence xmlns='jabber:client'/>");
    scene.feed_with("blog", JULIET, &[("1", "One")]);
    scene.once().await;
    scene.gateway.start(&["run"]);
    scene.feeds.wait_for("/blog.xml", 2).await;
    scene.serve("blog", &[("1", "One"), ("2", "Two")]);
    scene.gateway.wait_for("has not allowed this account to write").await;
    juliet.send("<presence xmlns='jabber:client' to='bot@a.test' type='unsubscribed'/>");
    juliet.send("<presence xmlns='jabber:client' to='bot@a.test' type='subscribe'/>");
    support::eventually("the entry", async || (!juliet.bodies().is_empty()).then_some(())).await;
    assert_eq!(juliet.bodies(), ["Two\n\nhttps://blog.test/2"]);
    assert_eq!(requests(&juliet), 1, "who said no is not asked again");
}

#[tokio::test]
async fn who_does_not_exist_is_told_to_the_operator_and_the_entry_is_kept() {
    let scene = Scene::new().await;
    let to = "to = [{ chat = \"nobody@a.test\", require-subscription = false }, { node = \"blog\" }]";
    scene.feed_with("blog", to, &[("1", "One")]);
    scene.once().await;
    scene.serve("blog", &[("1", "One"), ("2", "Two")]);
    let exit = scene.once().await;
    assert!(exit.stderr.contains("service-unavailable"), "{}", exit.stderr);
    assert_eq!(scene.titles("blog").await, ["One", "Two"]);
    let status = scene.gateway.call(&["status"]).await;
    assert!(status.stdout.contains("nobody@a.test"), "{}", status.stdout);
}

/// How often somebody was asked for a subscription to their presence.
fn requests(person: &Subscriber) -> usize {
    let is_request = |event: &&Event| matches!(event, Event::Other(stanza) if stanza.name() == "presence" && stanza.attr("type") == Some("subscribe"));
    person.events().iter().filter(is_request).count()
}

impl Scene {
    /// Waits until all that the server has sent to somebody is there.
    async fn server_told(&self, person: &Subscriber) {
        person.catch_up("a.test").await;
    }
}
