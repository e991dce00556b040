//! The same on ejabberd.

use super::*;
use crate::support::ejabberd::{self, Ejabberd};

#[tokio::test]
async fn ejabberd_gets_the_same_node_and_the_same_entries() {
    let server = Ejabberd::start(ejabberd::Options::default()).await;
    let gateway = Gateway::new(&server.xmpp(Tls::StartTls), QUICK);
    let feeds = FeedServer::start().await;
    let serve = |entries: &[(&str, &str)]| feeds.serve("/blog.xml", Page::atom(atom("Feed blog", entries)));
    let url = serve(&[("1", "One")]);
    gateway.feed("blog", &format!("url = {url:?}"));
    let exit = gateway.call(&["once", "--all"]).await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let domain = server.domain().to_owned();
    let juliet = Subscriber::connect(&server.address(), &format!("juliet@{domain}")).await;
    juliet.subscribe(&server.pubsub(), "blog").await;
    serve(&[("1", "One"), ("2", "Two"), ("3", "Three")]);
    let exit = gateway.call(&["once", "--all"]).await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!(told(&juliet.wait_for(2).await), ["Two", "Three"]);
    let owner = Subscriber::connect(&server.address(), &format!("bot@{domain}")).await;
    let configuration = owner.configuration(&server.pubsub(), "blog").await;
    assert_eq!(configuration["pubsub#send_last_published_item"], ["never"]);
    assert_eq!(owner.items(&server.pubsub(), "blog").await.unwrap().len(), 3);
}
