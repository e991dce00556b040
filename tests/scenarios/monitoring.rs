//! What monitoring is told over HTTP: health, metrics that agree with `status`, names that dashboard and alerts rely on.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use super::support::process::Port;
use super::*;

/// The status and the body of an answer to GET.
fn answer(mut stream: impl Read + Write, path: &str) -> (u16, String) {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// The status and the body of a page of `[web]`.
pub(super) fn get(port: &Port, path: &str) -> (u16, String) {
    answer(TcpStream::connect(("127.0.0.1", port.number())).unwrap(), path)
}

/// Samples as they stand, such as `tidings_feeds{state="ok"} 1`.
pub(super) fn sample(metrics: &str, name: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in:\n{metrics}")).parse().unwrap()
}

/// The names in a text that begin with `tidings_`, as families.
fn names(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    let words = text.split(|c: char| !is_name(c)).filter(|word| word.starts_with("tidings_"));
    let family = |word: &str| {
        let ends = ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end));
        ends.unwrap_or(word).to_owned()
    };
    words.map(family).collect()
}

/// Pipes a text into promtool.
fn promtool(arguments: &[&str], input: &str) {
    let command = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = command.expect("promtool is missing: apt-get install prometheus");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!arguments.contains(&"metrics") || said.is_empty(), "{said}");
}

#[tokio::test]
async fn metrics_agree_with_status_and_with_all_that_is_written_of_them() {
    let port = Port::take();
    let web = format!("\n[web]\nlisten = \"127.0.0.1:{}\"\n", port.number());
    let mut scene = Scene::with(Options::default(), &web).await;
    scene.feed("blog", &[("1", "One"), ("2", "Two")]);
    scene.feed_with("off", "enabled = false", &[("1", "One")]);
    scene.gateway.feed("broken", &format!("url = {:?}", scene.feeds.url("/nothing.xml")));
    scene.gateway.start(&["run"]);
    support::eventually("both entries", async || (scene.titles("blog").await.len() == 2).then_some(())).await;
    let metrics = support::eventually("the failure", async || {
        let metrics = get(&port, "/metrics").1;
        (sample(&metrics, "tidings_feeds{state=\"failing\"}") == 1.0).then_some(metrics)
    })
    .await;

    let status = scene.gateway.call(&["status", "--json"]).await;
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    for state in ["ok", "new", "failing", "stopped", "paused", "disabled"] {
        let told = status["feeds"].as_array().unwrap().iter().filter(|feed| feed["state"] == state).count();
        assert_eq!(sample(&metrics, &format!("tidings_feeds{{state=\"{state}\"}}")), told as f64, "{state}");
    }
    assert_eq!(sample(&metrics, "tidings_entries_total{change=\"new\"}"), 2.0);
    assert_eq!(sample(&metrics, "tidings_publish_total{result=\"delivered\"}"), 2.0);
    assert_eq!(sample(&metrics, "tidings_entry_latency_seconds_count"), 2.0);
    assert_eq!(sample(&metrics, "tidings_xmpp_connected"), 1.0);
    assert_eq!(sample(&metrics, "tidings_config_last_reload_successful"), 1.0);
    assert!(sample(&metrics, "tidings_polls_total{result=\"failed\"}") >= 1.0);
    assert!(sample(&metrics, "tidings_fetch_bytes_total{encoding=\"identity\"}") > 100.0);
    assert!(sample(&metrics, "tidings_store_bytes") > 1000.0);

    promtool(&["check", "metrics"], &metrics);
    let told = names(&metrics);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    assert_eq!(names(&std::fs::read_to_string(folder.join("docs/metrics.md")).unwrap()), told);
    let alerts = folder.join("deploy/prometheus/alerts.yml");
    promtool(&["check", "rules", alerts.to_str().unwrap()], "");
    let dashboard = std::fs::read_to_string(folder.join("deploy/grafana/tidings.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    for text in [std::fs::read_to_string(alerts).unwrap(), dashboard.to_string()] {
        let relied_on = names(&text);
        assert!(relied_on.len() > 5 && relied_on.is_subset(&told), "{relied_on:?}");
    }

    scene.gateway.write("feeds.d/more.toml", "nonsense");
    assert_eq!(scene.gateway.call(&["reload"]).await.code, Some(78));
    assert_eq!(sample(&get(&port, "/metrics").1, "tidings_config_last_reload_successful"), 0.0);
}

#[tokio::test]
async fn health_is_told_with_the_reason_also_over_a_unix_socket() {
    let mut scene = Scene::with(Options::default(), "\n[web]\nlisten = \"unix:web.sock\"\n").await;
    scene.feed("blog", &[("1", "One")]);
    scene.gateway.start(&["run"]);
    let at = scene.gateway.path("web.sock");
    let get = |path: &str| answer(UnixStream::connect(&at).unwrap(), path);
    support::eventually("readiness", async || {
        (at.exists() && get("/readyz") == (200, "ok\n".to_owned())).then_some(())
    })
    .await;
    assert_eq!(get("/livez"), (200, "ok\n".to_owned()));
    assert_eq!(get("/elsewhere").0, 404);
    scene.server.kill();
    let why = support::eventually("the reason", async || {
        let (code, why) = get("/readyz");
        (code == 503).then_some(why)
    })
    .await;
    assert!(why.starts_with("not connected: "), "{why}");
    assert_eq!(get("/livez").0, 200, "nothing hangs");
    scene.gateway.signal("TERM");
    assert_eq!(scene.gateway.exit().await.code(), Some(0));
    assert!(!at.exists());
}

#[tokio::test]
async fn a_place_that_is_taken_is_told() {
    let port = Port::take();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port.number())).unwrap();
    let web = format!("\n[web]\nlisten = \"127.0.0.1:{}\"\n", port.number());
    let scene = Scene::with(Options::default(), &web).await;
    let exit = scene.gateway.call(&["run"]).await;
    assert_eq!(exit.code, Some(78));
    let said = exit.stderr.replace(&port.number().to_string(), "PORT");
    assert!(said.ends_with(
        "error: [web] listen: 127.0.0.1:PORT: Address already in use (os error 98)\nhint: name a place that is free, and that this user may take\n"
    ), "{said}");
}
