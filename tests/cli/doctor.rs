//! `doctor` where no server is; with one, in the scenarios.

use super::*;

/// The checks, without what is other on every machine.
fn checks(folder: &TempDir) -> (Option<i32>, String) {
    let output = run(folder.path(), &["doctor", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let line = |check: &serde_json::Value| {
        let text = |key: &str| check[key].as_str().unwrap_or("-").to_owned();
        let name = text("check");
        let message = if name == "disk" || name == "clock" { "…".to_owned() } else { text("message") };
        format!("{} {name}: {message}", text("status")).replace(&folder.path().display().to_string(), "~")
    };
    let lines = report["checks"].as_array().unwrap().iter().map(line).collect::<Vec<_>>();
    (output.status.code(), lines.join("\n"))
}

#[test]
fn without_a_server_the_first_step_that_fails_is_named() {
    let main = format!("{NO_SERVER}password-file = \"password\"\n[store]\npath = \"state.redb\"\n");
    let folder = folder(&[("tidings.toml", &main), FEED, ("password", "x")]);
    let (code, said) = checks(&folder);
    assert_snapshot!(said, @r"
    ok config: tidings.toml, 1 feed
    ok state: there is none at state.redb yet; the first run makes it
    ok disk: …
    warn password: everyone on this machine can read password
    ok dns: localhost is at 127.0.0.1:1
    fail tcp: cannot connect to 127.0.0.1:1: Connection refused (os error 111)
    ok clock: …
    ");
    assert_eq!(code, Some(1));
    assert!(!folder.path().join("state.redb").exists() && !folder.path().join("state.redb.id").exists());
}

#[test]
fn a_state_is_looked_at_and_not_touched() {
    let main = format!("{NO_SERVER}[store]\npath = \"state.redb\"\n");
    let folder = folder(&[("tidings.toml", &main), FEED]);
    assert_eq!(run(folder.path(), &["feeds", "pause", "a"]).status.code(), Some(0));
    let state = folder.path().join("state.redb");
    let before = fs::read(&state).unwrap();
    let (_, said) = checks(&folder);
    assert!(said.contains("ok state: state.redb is whole, 1 feed"), "{said}");
    assert!(said.contains("fail password: no password"), "{said}");
    assert!(fs::read(&state).unwrap() == before, "the state was written to");
    let middle = before.len() / 2;
    fs::write(&state, [&before[..middle], &vec![0xff; before.len() - middle]].concat()).unwrap();
    let (code, said) = checks(&folder);
    assert!(said.contains("fail state: the state state.redb is lost"), "{said}");
    assert_eq!(code, Some(1));
}
