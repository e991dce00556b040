//! The connection is cut after so many bytes of a publish: whether the server got all of it or not, it is told once.

use super::kill_storm::assert_exactly;
use super::*;
use crate::support::proxy::Proxy;

/// The request of a publish is some 900 bytes long; past its end only the answer is lost.
const LONGEST: usize = 1000;

/// Cuts of one gateway, its feed and its node. The gateways are at work at once, as what takes time is to wait.
const CUTS: usize = 126;

#[tokio::test]
async fn an_entry_is_told_once_wherever_the_connection_is_cut() {
    let scene = Scene::new().await;
    let apart = if support::is_nightly() { 1 } else { 200 };
    let cuts: Vec<usize> = (0..=LONGEST).step_by(apart).collect();
    let parts = cuts.chunks(CUTS).enumerate();
    futures::future::join_all(parts.map(|(part, cuts)| cut_at(&scene, format!("blog{part}"), cuts))).await;
}

/// Two entries come for each cut, and the first of them is cut.
async fn cut_at(scene: &Scene, node: String, cuts: &[usize]) {
    let proxy = Proxy::start(&scene.server.address()).await;
    let server = Some(proxy.address().to_owned());
    let settle = Some(std::time::Duration::from_millis(300));
    let xmpp = tidings::xmpp::Config { server, settle, ..scene.server.xmpp(Tls::None) };
    let gateway = Gateway::new(&xmpp, QUICK);
    let once = async || {
        let exit = gateway.call(&["once", "--all"]).await;
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    };
    let entries = numbered(1 + 2 * cuts.len());
    let url = scene.serve(&node, &pairs(&entries[..1]));
    gateway.feed(&node, &format!("url = {url:?}"));
    once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), &node).await;
    let mut served = 1;
    for bytes in cuts {
        served += 2;
        scene.serve(&node, &pairs(&entries[..served]));
        proxy.cut_in("<publish", *bytes);
        once().await;
        assert!(proxy.has_cut(), "nothing was cut at {bytes}");
        let expected: Vec<String> = entries[1..served].iter().map(|(_, title)| title.clone()).collect();
        assert_exactly(&told(&juliet.catch_up(&scene.pubsub()).await), &expected, &format!("cut after {bytes} bytes"));
    }
}
