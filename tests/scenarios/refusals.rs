//! What the server refuses: the operator is told what to grant, and other nodes go on.

use super::*;
use crate::support::certs::Authority;

#[tokio::test]
async fn a_node_of_somebody_else_that_is_missing_is_named() {
    let scene = Scene::new().await;
    let to = format!("to = [{{ node = \"theirs\", service = {:?}, create = false }}]", scene.pubsub());
    scene.feed_with("blog", &to, &[("1", "One")]);
    scene.feed("other", &[("1", "Uno")]);
    let exit = scene.once().await;
    assert!(exit.stderr.contains("node theirs does not exist"), "{}", exit.stderr);
    assert_eq!(scene.titles("other").await, ["Uno"]);
}

#[tokio::test]
async fn a_node_that_forbids_publishing_waits_and_holds_up_nothing() {
    let scene = Scene::new().await;
    let stranger = Gateway::new(
        &tidings::xmpp::Config { jid: "romeo@a.test".parse().unwrap(), ..scene.server.xmpp(Tls::StartTls) },
        QUICK,
    );
    scene.owner().await.create(&scene.pubsub(), "locked", &[("publish_model", "publishers")]).await;
    let url = scene.serve("locked", &[("1", "One")]);
    stranger.feed("locked", &format!("url = {url:?}"));
    let exit = stranger.call(&["once", "--all"]).await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(exit.stderr.contains("forbidden"), "{}", exit.stderr);
    assert_eq!(scene.titles("locked").await, [""; 0]);
    let status = stranger.call(&["status"]).await;
    assert!(status.stdout.contains("locked") && status.stdout.contains("forbidden"), "{}", status.stdout);
    scene.owner().await.affiliate(&scene.pubsub(), "locked", "romeo@a.test", "publisher").await;
    // Whoever starts it has done something about it.
    let exit = stranger.call(&["once"]).await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!(scene.titles("locked").await, ["One"]);
}

#[tokio::test]
async fn a_wrong_password_ends_with_77() {
    let scene = Scene::new().await;
    scene.feed("blog", &[("1", "One")]);
    scene.gateway.write("password", "wrong\n");
    for verb in [&["once"][..], &["run"]] {
        let exit = scene.gateway.call(verb).await;
        assert_eq!(exit.code, Some(77), "{verb:?}: {}", exit.stderr);
        assert!(!exit.stderr.contains("wrong\n"), "the password is told: {}", exit.stderr);
    }
    scene.gateway.write("password", "secret\n");
    scene.once().await;
    assert_eq!(scene.titles("blog").await, ["One"]);
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let scene = Scene::new().await;
    scene.feed("blog", &[("1", "One")]);
    let other = Authority::new().write(&scene.gateway.path("."));
    let wrong = tidings::xmpp::Config { ca_file: Some(other), ..scene.server.xmpp(Tls::StartTls) };
    scene.gateway.configure(&wrong, QUICK);
    let exit = scene.gateway.call(&["once", "--timeout", "3s"]).await;
    assert_eq!(exit.code, Some(75), "{}", exit.stderr);
    assert!(exit.stderr.contains("certificate"), "{}", exit.stderr);
    assert_eq!(scene.titles("blog").await, [""; 0]);
}
