//! What systemd is told, and what its units say.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use super::*;

/// The manager's end of `$NOTIFY_SOCKET`.
struct Manager(UnixDatagram);

impl Manager {
    fn listen(gateway: &mut Gateway) -> Self {
        let path = gateway.path("notify.sock");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(support::DEADLINE)).unwrap();
        gateway.set("NOTIFY_SOCKET", path.to_str().unwrap());
        Self(socket)
    }

    /// Reads on until a message holds a line that begins like this.
    fn wait_for(&self, start: &str) -> String {
        loop {
            let mut message = [0; 4096];
            let length = self.0.recv(&mut message).unwrap_or_else(|error| panic!("no {start}: {error}"));
            let message = String::from_utf8_lossy(&message[..length]).into_owned();
            if message.lines().any(|line| line.starts_with(start)) {
                return message;
            }
        }
    }
}

#[tokio::test]
async fn the_manager_is_told_of_start_reload_and_stop_and_that_all_goes_round() {
    let mut scene = Scene::new().await;
    scene.feed("blog", &[("1", "One")]);
    let manager = Manager::listen(&mut scene.gateway);
    scene.gateway.set("WATCHDOG_USEC", "2000000");
    scene.gateway.start(&["run"]);
    manager.wait_for("READY=1");
    manager.wait_for("STATUS=1 feeds; connected");
    manager.wait_for("WATCHDOG=1");
    manager.wait_for("WATCHDOG=1");
    scene.gateway.signal("HUP");
    let reloading = manager.wait_for("RELOADING=1");
    let time = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).expect(&reloading);
    let uptime = Duration::from_micros(time.parse().unwrap());
    assert!(uptime > Duration::ZERO, "{reloading}");
    manager.wait_for("READY=1");
    scene.gateway.signal("TERM");
    manager.wait_for("STOPPING=1");
    assert_eq!(scene.gateway.exit().await.code(), Some(0));
}

/// Most that `systemd-analyze security` may hold against a service.
const EXPOSURE: f64 = 1.2;

#[test]
fn the_units_are_sound_and_hardened() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd");
    let analyze = |arguments: &[&str]| {
        let output = Command::new("systemd-analyze").args(arguments).current_dir(&folder).output();
        let output = output.expect("systemd-analyze is missing: apt-get install systemd");
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.success(), said.into_owned())
    };
    // The program need not be installed where the tests run: a unit that names another one is looked at in its place.
    let copies = tempfile::tempdir().unwrap();
    for unit in ["tidings.service", "tidings-once.service", "tidings-once.timer"] {
        let text = std::fs::read_to_string(folder.join(unit)).unwrap();
        let program = env!("CARGO_BIN_EXE_tidings");
        std::fs::write(copies.path().join(unit), text.replace("=tidings ", &format!("={program} "))).unwrap();
    }
    for unit in ["tidings.service", "tidings-once.service", "tidings-once.timer"] {
        let copy = copies.path().join(unit);
        let (is_sound, said) = analyze(&["verify", "--man=no", copy.to_str().unwrap()]);
        assert!(is_sound && !said.contains(unit), "{unit}: {said}");
    }
    for unit in ["tidings.service", "tidings-once.service"] {
        let (_, said) = analyze(&["security", "--offline=true", unit]);
        let level = said.lines().find_map(|line| line.split("Overall exposure level for ").nth(1)).expect(&said);
        let level: f64 = level.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(level <= EXPOSURE, "{unit}: {said}");
    }
}
