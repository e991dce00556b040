//! The server is killed in the middle of a window: everything arrives, and only what it lost is told again.

use std::collections::BTreeSet;

use super::*;
use crate::support::ejabberd::{self, Ejabberd};
use crate::support::prosody::Storage;

/// The gateway is halted while the server is away, so that it can be seen what the server has lost.
async fn everything_arrives(xmpp: &tidings::xmpp::Config, address: &str, pubsub: &str, restart: impl AsyncFnOnce()) {
    let domain = xmpp.jid.domain().to_string();
    let mut gateway = Gateway::new(xmpp, QUICK);
    let feeds = FeedServer::start().await;
    let entries = numbered(400);
    let serve = |count: usize| feeds.serve("/blog.xml", Page::atom(atom("Blog", &pairs(&entries[..count]))));
    gateway.feed("blog", &format!("url = {:?}", serve(1)));
    let exit = gateway.call(&["once", "--all"]).await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let juliet = Subscriber::connect(address, &format!("juliet@{domain}")).await;
    juliet.subscribe(pubsub, "blog").await;
    serve(400);
    gateway.start(&["run"]);
    juliet.wait_for(30).await;
    gateway.signal("STOP");
    restart().await;
    let before = juliet.ids();

    let owner = Subscriber::connect(address, &format!("bot@{domain}")).await;
    let ids = async || -> Vec<String> {
        let items = owner.items(pubsub, "blog").await.unwrap_or_default();
        items.into_iter().map(|(id, _)| id).collect()
    };
    let held: BTreeSet<String> = ids().await.into_iter().collect();
    if owner.items(pubsub, "blog").await.is_none() {
        // Killed at a bad moment, ejabberd has lost the node itself. What was never acknowledged must arrive all the same.
        gateway.signal("CONT");
        let are_there = async || {
            let there: BTreeSet<String> = ids().await.into_iter().collect();
            (there.len() >= 400 - before.len()).then_some(())
        };
        support::eventually("what was not told before, on a node that is made again", are_there).await;
        gateway.kill();
        return;
    }
    let juliet = Subscriber::connect(address, &format!("juliet@{domain}")).await;
    juliet.subscribe(pubsub, "blog").await;
    gateway.signal("CONT");
    support::eventually("all entries on the node", async || (ids().await.len() >= 400).then_some(())).await;
    let lost: BTreeSet<&String> = before.iter().filter(|id| !held.contains(*id)).collect();
    juliet.catch_up(pubsub).await;
    let after = juliet.ids();
    let mut counted = BTreeSet::new();
    for id in &after {
        assert!(counted.insert(id), "{id} is told twice after the restart");
        assert!(!held.contains(id), "{id} was on the node and is told again; the server had lost {lost:?}");
        assert!(!before.contains(id) || lost.contains(id), "{id} is told again though the server had not lost it");
    }
    gateway.kill();
}

#[tokio::test]
async fn prosody() {
    let mut server = Prosody::start(Options { storage: Storage::Sqlite, ..Options::default() }).await;
    let (xmpp, address, pubsub) = (server.xmpp(Tls::StartTls), server.address(), server.pubsub());
    everything_arrives(&xmpp, &address, &pubsub, async || {
        server.kill();
        server.launch().await;
    })
    .await;
}

#[tokio::test]
async fn ejabberd() {
    let mut server = Ejabberd::start(ejabberd::Options::default()).await;
    let (xmpp, address, pubsub) = (server.xmpp(Tls::StartTls), server.address(), server.pubsub());
    everything_arrives(&xmpp, &address, &pubsub, async || {
        server.kill();
        server.launch().await;
    })
    .await;
}
