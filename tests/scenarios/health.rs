//! The operator is told of a feed that fails and of one that is well again, once each, like of entries.

use super::*;

#[tokio::test]
async fn a_feed_that_fails_and_is_well_again_is_told_once_each() {
    let scene = Scene::with(Options::default(), "\n[log]\nhealth-node = \"health\"\n").await;
    scene.gateway.feed("blog", &format!("url = {:?}", scene.feeds.url("/blog.xml")));
    scene.once().await;
    scene.once().await;
    let titles = scene.titles("health").await;
    assert!(titles.len() == 1 && titles[0].starts_with("blog fails: "), "{titles:?}");
    scene.serve("blog", &[("1", "One")]);
    scene.once().await;
    scene.once().await;
    let mut titles = scene.titles("health").await;
    titles.sort();
    assert!(titles.len() == 2 && titles[1] == "blog is well again", "{titles:?}");
    assert_eq!(scene.titles("blog").await, ["One"]);
}

#[tokio::test]
async fn an_operator_is_told_by_chat_too() {
    let mut scene = Scene::with(Options::default(), "\n[log]\nhealth-chat = \"juliet@a.test\"\n").await;
    let juliet = scene.juliet().await;
    juliet.send("<presence xmlns='jabber:client'/>");
    scene.gateway.feed("blog", &format!("url = {:?}", scene.feeds.url("/blog.xml")));
    scene.gateway.start(&["run"]);
    // Also an operator is asked before they are written to.
    scene.gateway.wait_for("has not allowed this account to write").await;
    juliet.send("<presence xmlns='jabber:client' to='bot@a.test' type='subscribed'/>");
    support::eventually("the failure", async || (!juliet.bodies().is_empty()).then_some(())).await;
    scene.serve("blog", &[("1", "One")]);
    support::eventually("the end of it", async || (juliet.bodies().len() > 1).then_some(())).await;
    let told = juliet.bodies();
    assert!(told[0].contains("blog fails: ") && told[1].ends_with("blog is well again"), "{told:?}");
}
