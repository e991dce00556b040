//! Two instances on one state.

use super::*;

#[tokio::test]
async fn a_second_instance_ends_with_75_and_names_the_first() {
    let mut scene = Scene::new().await;
    scene.feed("blog", &[("1", "One")]);
    scene.gateway.start(&["run"]);
    scene.gateway.wait_for("online").await;
    let exit = scene.gateway.call(&["once"]).await;
    assert_eq!(exit.code, Some(75), "{}", exit.stderr);
    assert!(exit.stderr.contains("`tidings run`, process "), "{}", exit.stderr);
}
