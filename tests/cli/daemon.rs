//! `run`, `once` and `status` where no server is.

use super::*;

/// Starts the daemon, sends it a signal when it runs, and returns its exit code and all that it said.
fn stopped_by(signal: &str, options: &[&str]) -> (Option<i32>, String) {
    let folder = folder(&[("tidings.toml", NO_SERVER)]);
    let mut command = tidings(folder.path(), &[&["run"], options].concat());
    let mut child = command.env("TIDINGS_XMPP_PASSWORD", "x").stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        said += &format!("{line}\n");
        if line.contains("running") {
            let arguments = [format!("-{signal}"), child.id().to_string()];
            assert!(Command::new("kill").args(arguments).status().unwrap().success());
        }
    }
    (child.wait().unwrap().code(), said)
}

#[test]
fn a_level_that_is_none_is_a_usage_error() {
    let folder = folder(&[ACCOUNT]);
    let output = tidings(folder.path(), &["check"]).env("RUST_LOG", "tidings=loud").output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert_snapshot!(text(&output.stderr), @r#"
    error: RUST_LOG="tidings=loud": error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
    hint: try RUST_LOG=tidings=debug
    "#);
}

#[test]
fn the_daemon_ends_well_when_it_is_told_to() {
    let (code, said) = stopped_by("TERM", &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("finishing what is in flight") && !said.contains('\x1b'), "{said}");
}

#[test]
fn the_daemon_that_is_interrupted_says_so() {
    let (code, said) = stopped_by("INT", &[]);
    assert_eq!(code, Some(130), "{said}");
}

#[test]
fn log_lines_can_be_json() {
    let (_, said) = stopped_by("TERM", &["--log-format", "json"]);
    let lines = said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).collect::<Vec<_>>();
    assert!(lines.iter().any(|line| line["message"] == "running" && line["feeds"] == 0), "{said}");
}

#[test]
fn a_machine_that_trusts_nobody_is_told_of() {
    let folder = folder(&[("tidings.toml", "[xmpp]\njid = \"bot@a.test\"\nserver = \"127.0.0.1:1\"\n")]);
    let mut doctor = tidings(folder.path(), &["doctor"]);
    doctor.env("TIDINGS_XMPP_PASSWORD", "x").env("SSL_CERT_FILE", "/nowhere.pem").env("SSL_CERT_DIR", "");
    let said = text(&doctor.output().unwrap().stderr);
    assert!(said.contains("trust roots cannot be read") && said.contains("/nowhere.pem"), "{said}");
}

#[test]
fn once_without_anything_to_publish_does_not_log_in() {
    let folder = folder(&[("tidings.toml", NO_SERVER)]);
    assert_snapshot!(told(folder.path(), &["once"]), @r"
    exit 0
    --- stdout
    --- stderr
    ");
    assert_snapshot!(told(folder.path(), &["status"]), @r"
    exit 0
    --- stdout
    gateway:  not running
    feeds:    none
    outbox:   0 waiting
    --- stderr
    ");
    let unknown = told(folder.path(), &["status", "planet"]);
    assert!(unknown.starts_with("exit 64") && unknown.contains("there is no feed `planet` in the state"), "{unknown}");
}

#[test]
fn status_never_creates_a_state() {
    let folder = folder(&[ACCOUNT]);
    assert_snapshot!(told(folder.path(), &["status"]), @r"
    exit 1
    --- stdout
    --- stderr
    error: there is no state at ~/.local/state/tidings/state.redb
    hint: `tidings run` or `tidings once` makes one
    ");
    assert!(!folder.path().join(".local").exists());
}
