//! A subscriber on another server.

use super::*;

#[tokio::test]
async fn a_subscriber_on_a_second_server_gets_the_entries() {
    let home = Options::default();
    let away = Options { authority: home.authority.clone(), ..Options::of("b.test") };
    let (server, far) = Prosody::start_pair(home, away).await;
    let gateway = Gateway::new(&server.xmpp(Tls::StartTls), QUICK);
    let scene = Scene { server, feeds: FeedServer::start().await, gateway };
    scene.feed("blog", &[("1", "One")]);
    scene.once().await;
    let romeo = Subscriber::connect(&far.address(), "romeo@b.test").await;
    romeo.subscribe(&scene.pubsub(), "blog").await;
    scene.serve("blog", &[("1", "One"), ("2", "Two"), ("3", "Three")]);
    scene.once().await;
    assert_eq!(told(&romeo.wait_for(2).await), ["Two", "Three"]);
}
