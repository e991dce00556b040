//! `status` answers the same while a gateway runs and when none does.

use super::*;

#[tokio::test]
async fn status_asks_the_running_gateway_and_else_the_state() {
    let mut scene = Scene::new().await;
    scene.feed("blog", &[("1", "One"), ("2", "Two")]);
    scene.gateway.start(&["run"]);
    support::eventually("both entries", async || (scene.titles("blog").await.len() == 2).then_some(())).await;
    let running = told_of(&scene).await;
    assert_eq!(running["session"]["is_connected"], true);
    assert_eq!(running["gateway"]["verb"], "run");
    assert_eq!(running["feeds"][0]["id"], "blog");
    assert_eq!(running["feeds"][0]["known_entries"], 2);
    scene.gateway.signal("TERM");
    scene.gateway.exit().await;
    let stopped = told_of(&scene).await;
    assert_eq!(stopped["gateway"], serde_json::Value::Null);
    assert_eq!(stopped["feeds"][0]["known_entries"], 2);
}

async fn told_of(scene: &Scene) -> serde_json::Value {
    let exit = scene.gateway.call(&["status", "--json", "blog"]).await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    serde_json::from_str(&exit.stdout).unwrap()
}

#[tokio::test]
async fn status_never_creates_a_state() {
    let scene = Scene::new().await;
    scene.feed("blog", &[("1", "One")]);
    scene.gateway.call(&["status"]).await;
    assert!(!scene.gateway.state().exists());
}
