//! The gateway dies, or the disk fails, at each step that makes something durable: nothing is missing, nothing is told twice.

use super::kill_storm::assert_exactly;
use super::*;

/// How many steps are tried at most in one run, and how far they are apart.
fn sample() -> (usize, usize) {
    if std::env::var_os("TIDINGS_NIGHTLY").is_some() { (40, 1) } else { (6, 2) }
}

struct Bench {
    scene: Scene,
    juliet: Subscriber,
    entries: Vec<(String, String)>,
    served: usize,
}

impl Bench {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let entries = numbered(400);
        scene.feed("blog", &pairs(&entries[..1]));
        scene.once().await;
        let juliet = scene.juliet().await;
        juliet.subscribe(&scene.pubsub(), "blog").await;
        Self { scene, juliet, entries, served: 1 }
    }

    /// The feed has three entries more.
    fn grow(&mut self) {
        self.served += 3;
        self.scene.serve("blog", &pairs(&self.entries[..self.served]));
    }

    async fn assert_told(&self, what: &str) {
        let told = told(&self.juliet.catch_up(&self.scene.pubsub()).await);
        let expected: Vec<String> = self.entries[1..self.served].iter().map(|(_, title)| title.clone()).collect();
        assert_exactly(&told, &expected, what);
    }
}

#[tokio::test]
async fn killed_at_any_durable_step() {
    let mut bench = Bench::new().await;
    let (most, apart) = sample();
    let mut killed = 0;
    for step in (1..).step_by(apart).take(most) {
        bench.grow();
        let inject = format!("inject=fdatasync:signal=KILL:when={step}");
        let strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", &inject];
        bench.scene.gateway.start_under(&strace, &["once", "--all"]);
        let is_through = bench.scene.gateway.exit().await.success();
        bench.scene.once().await;
        bench.assert_told(&format!("killed at step {step}")).await;
        if is_through {
            break;
        }
        killed += 1;
    }
    assert!(killed >= 4, "killed {killed} times only: {}", bench.scene.gateway.output());
}

#[tokio::test]
async fn a_disk_that_fails_at_a_commit() {
    let mut bench = Bench::new().await;
    let (most, apart) = sample();
    let mut went_on = 0;
    for step in (2..).step_by(apart).take(most - 1) {
        bench.grow();
        let inject = format!("inject=fdatasync:error=EIO:when={step}");
        let strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", &inject];
        bench.scene.gateway.start_under(&strace, &["run"]);
        let expected = bench.served - 1;
        support::eventually("the entries, or the end", async || {
            let is_told = bench.juliet.events().len() >= expected;
            (is_told || !bench.scene.gateway.is_running()).then_some(())
        })
        .await;
        // Who cannot open the state ends, and is started again by whoever started it.
        went_on += usize::from(bench.scene.gateway.is_running());
        bench.scene.gateway.kill();
        bench.scene.once().await;
        bench.assert_told(&format!("error at step {step}")).await;
    }
    let output = bench.scene.gateway.output();
    assert!(went_on >= 2 && output.contains("cannot be written"), "{went_on} went on: {output}");
}
