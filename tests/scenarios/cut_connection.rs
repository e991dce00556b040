//! The connection is cut after so many bytes of a publish: whether the server got all of it or not, it is told once.

use super::kill_storm::assert_exactly;
use super::*;
use crate::support::proxy::Proxy;

/// The request of a publish is some 900 bytes long; past its end only the answer is lost.
const LONGEST: usize = 1000;

#[tokio::test]
async fn an_entry_is_told_once_wherever_the_connection_is_cut() {
    let scene = Scene::new().await;
    let proxy = Proxy::start(&scene.server.address()).await;
    let server = Some(proxy.address().to_owned());
    scene.gateway.configure(&tidings::xmpp::Config { server, ..scene.server.xmpp(Tls::None) }, QUICK);
    let entries = numbered(400);
    scene.feed("blog", &pairs(&entries[..1]));
    scene.once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    let apart = if std::env::var_os("TIDINGS_NIGHTLY").is_some() { 10 } else { 200 };
    let mut served = 1;
    for bytes in (0..=LONGEST).step_by(apart) {
        served += 2;
        scene.serve("blog", &pairs(&entries[..served]));
        proxy.cut_in("<publish", bytes);
        scene.once().await;
        assert!(proxy.has_cut(), "nothing was cut at {bytes}");
        let expected: Vec<String> = entries[1..served].iter().map(|(_, title)| title.clone()).collect();
        assert_exactly(&told(&juliet.catch_up(&scene.pubsub()).await), &expected, &format!("cut after {bytes} bytes"));
    }
}
