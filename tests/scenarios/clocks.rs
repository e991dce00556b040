//! The wall clock is set while the gateway runs, and between two runs: nothing is missing and nothing is told twice.

use super::*;

/// Sets the clock of a gateway that was started below [`wrapper`]; as in `+0`, `-1h`, `+1y`.
fn set(scene: &Scene, offset: &str) {
    // A reader must not find it half written.
    scene.gateway.write("clock.new", offset);
    std::fs::rename(scene.gateway.path("clock.new"), scene.gateway.path("clock")).unwrap();
}

fn library() -> String {
    let found = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"]
        .map(|folder| format!("{folder}/faketime/libfaketimeMT.so.1"));
    let there = found.into_iter().find(|path| std::path::Path::new(path).exists());
    there.expect("libfaketime is missing: apt-get install faketime")
}

/// Entry by entry, each under another clock; the clock for timers runs on.
#[tokio::test]
async fn a_clock_that_goes_back_an_hour_and_ahead_a_year_loses_nothing_and_repeats_nothing() {
    let mut scene = Scene::new().await;
    let entries = numbered(12);
    scene.feed("blog", &pairs(&entries[..1]));
    scene.once().await;
    let juliet = scene.juliet().await;
    juliet.subscribe(&scene.pubsub(), "blog").await;
    let clock = format!("FAKETIME_TIMESTAMP_FILE={}", scene.gateway.path("clock").display());
    let preload = format!("LD_PRELOAD={}", library());
    let wrapper = ["env", &preload, &clock, "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"];
    let mut served = 1;
    for run in 0..2 {
        set(&scene, "+0");
        scene.gateway.start_under(&wrapper, &["run"]);
        for offset in ["+0", "-1h", "+1y", "+0", "-1h"] {
            set(&scene, offset);
            served += 1;
            scene.serve("blog", &pairs(&entries[..served]));
            let told = told(&juliet.wait_for(served - 1).await);
            let expected: Vec<String> = entries[1..served].iter().map(|(_, title)| title.clone()).collect();
            assert_eq!(told, expected, "run {run}, clock {offset}");
        }
        // The next start finds a state from another time.
        set(&scene, if run == 0 { "+1y" } else { "-1h" });
        scene.gateway.kill();
    }
    scene.once().await;
    juliet.catch_up(&scene.pubsub()).await;
    assert_eq!(juliet.ids().len(), served - 1);
}
