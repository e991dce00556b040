//! Two feeds on two nodes, and a route that sends what matches to a third.

use super::*;

#[tokio::test]
async fn each_feed_has_its_node_and_a_route_gathers_what_matches() {
    let settings = "\n[[route]]\nmatch = { any = [{ tag = \"rust\" }, { title = \"(?i)crab\" }] }\nto = [{ node = \"topic-rust\" }]\n";
    let scene = Scene::with(Options::default(), settings).await;
    scene.feed_with("rust-blog", "tags = [\"rust\"]", &[("1", "Old")]);
    scene.feed("sea-blog", &[("s1", "Old")]);
    scene.once().await;
    scene.serve("rust-blog", &[("1", "Old"), ("2", "Borrowing")]);
    scene.serve("sea-blog", &[("s1", "Old"), ("s2", "Crabs"), ("s3", "Whales")]);
    scene.once().await;
    assert_eq!(scene.titles("rust-blog").await, ["Old", "Borrowing"]);
    assert_eq!(scene.titles("sea-blog").await, ["Old", "Crabs", "Whales"]);
    let mut gathered = scene.titles("topic-rust").await;
    gathered.sort();
    assert_eq!(gathered, ["Borrowing", "Crabs"], "first contact brings nothing to a route");
}
