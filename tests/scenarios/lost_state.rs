//! The state is lost: nobody is told anything twice, and the way out is named.

use std::fs;

use super::*;

/// Its state is gone, its marker is not; the feed has gone on meanwhile.
async fn lost() -> (Scene, Subscriber) {
    let scene = Scene::new().await;
    let entries = numbered(30);
    scene.feed_with("blog", "to = [{ node = \"blog\" }, { node = \"copy\" }]", &pairs(&entries[..25]));
    scene.once().await;
    let juliet = scene.juliet().await;
    let pubsub = scene.pubsub();
    for node in ["blog", "copy"] {
        juliet.subscribe(&pubsub, node).await;
    }
    scene.serve("blog", &pairs(&entries));
    (scene, juliet)
}

const NEWER: [&str; 5] = ["Entry 26", "Entry 27", "Entry 28", "Entry 29", "Entry 30"];

#[tokio::test]
async fn a_rebuilt_state_tells_only_what_is_newer_than_the_newest_on_the_node() {
    let (scene, juliet) = lost().await;
    // This node has lost everything: what it was told nobody can say.
    let owner = scene.owner().await;
    owner.delete(&scene.pubsub(), "copy").await;
    let before = scene.titles("blog").await;
    fs::write(scene.gateway.state(), "nonsense").unwrap();

    let exit = scene.gateway.call(&["once", "--all"]).await;
    assert_eq!(exit.code, Some(78), "{}", exit.stderr);
    assert!(exit.stderr.contains("--rebuild"), "{}", exit.stderr);
    let exit = scene.gateway.call(&["once", "--all", "--rebuild"]).await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(exit.stderr.contains("was lost: made a new one"), "{}", exit.stderr);
    assert_eq!(fs::read_to_string(scene.gateway.path("state.redb.lost")).unwrap(), "nonsense");

    let told = told(&juliet.catch_up(&scene.pubsub()).await);
    assert_eq!(told, NEWER);
    let mut expected = before;
    expected.extend(NEWER.map(str::to_owned));
    assert_eq!(scene.titles("blog").await, expected);
    assert_eq!(scene.titles("copy").await, [""; 0]);

    // Asked for again, it leaves a sound state alone.
    let exit = scene.gateway.call(&["once", "--all", "--rebuild"]).await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(exit.stderr.contains("nothing to rebuild"), "{}", exit.stderr);
    let more = numbered(31);
    scene.serve("blog", &pairs(&more));
    scene.once().await;
    assert_eq!(scene.titles("copy").await, ["Entry 31"]);
    assert_eq!(juliet.ids().len(), 6);
}

#[tokio::test]
async fn a_daemon_that_is_killed_while_it_rebuilds_goes_on_with_it() {
    let (mut scene, juliet) = lost().await;
    fs::remove_file(scene.gateway.state()).unwrap();
    let inject = "inject=fdatasync:signal=KILL:when=6";
    let strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", inject];
    scene.gateway.start_under(&strace, &["run", "--rebuild"]);
    assert!(!scene.gateway.exit().await.success(), "{}", scene.gateway.output());
    scene.once().await;
    let mut told = told(&juliet.catch_up(&scene.pubsub()).await);
    told.sort();
    // On each of two nodes.
    let mut expected = [NEWER, NEWER].concat();
    expected.sort_unstable();
    assert_eq!(told, expected);
}
