//! The gateway dies, or the disk fails, at each step that makes something durable: nothing is missing, nothing is told twice.

use super::kill_storm::assert_exactly;
use super::*;

/// The steps that are tried: by night all of them, until a run comes to its end before the next one.
fn steps(first: usize) -> Box<dyn Iterator<Item = usize>> {
    if support::is_nightly() { Box::new(first..) } else { Box::new((first..).step_by(2).take(6)) }
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
        self.grow_by(3);
    }

    fn grow_by(&mut self, entries: usize) {
        self.served += entries;
        self.scene.serve("blog", &pairs(&self.entries[..self.served]));
    }

    /// How often the disk was said to fail.
    fn failures(&self) -> usize {
        self.scene.gateway.output().matches("cannot be written").count()
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
    let mut killed = 0;
    for step in steps(1) {
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
    println!("killed at {killed} steps");
    assert!(killed >= 4, "killed {killed} times only: {}", bench.scene.gateway.output());
}

#[tokio::test]
async fn a_slow_disk_makes_it_slow_and_nothing_else() {
    let mut bench = Bench::new().await;
    bench.grow_by(60);
    // Each step takes a fifth of a second.
    let strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync"];
    let slow = [strace.as_slice(), &["-e", "inject=fdatasync:delay_enter=200ms"]].concat();
    bench.scene.gateway.start_under(&slow, &["once", "--all"]);
    let status = bench.scene.gateway.exit().await;
    assert!(status.success(), "{}", bench.scene.gateway.output());
    bench.assert_told("a slow disk").await;
}

#[tokio::test]
async fn a_disk_that_fails_at_a_commit() {
    let mut bench = Bench::new().await;
    let (mut went_on, mut tried) = (0, 0);
    for step in steps(2) {
        bench.grow();
        let inject = format!("inject=fdatasync:error=EIO:when={step}");
        let strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", &inject];
        let failures = bench.failures();
        bench.scene.gateway.start_under(&strace, &["run"]);
        let expected = bench.served - 1;
        support::eventually("the entries, or the end", async || {
            let is_told = bench.juliet.events().len() >= expected;
            (is_told || !bench.scene.gateway.is_running()).then_some(())
        })
        .await;
        // Who cannot open the state ends, and is started again by whoever started it.
        let is_running = bench.scene.gateway.is_running();
        went_on += usize::from(is_running);
        bench.scene.gateway.kill();
        bench.scene.once().await;
        bench.assert_told(&format!("error at step {step}")).await;
        if is_running && bench.failures() == failures {
            break;
        }
        tried += 1;
    }
    println!("failed at {tried} steps");
    let output = bench.scene.gateway.output();
    assert!(went_on >= 2 && output.contains("cannot be written"), "{went_on} went on: {output}");
}
