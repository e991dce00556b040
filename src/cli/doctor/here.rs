//! What can be seen on this machine: the password, the state, the disk, the clock.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access, access, statvfs};

use crate::config::Config;
use crate::control::{Answer, Question, Status};
use crate::feed::Time;
use crate::store::{Examined, RedbStore, StoreError};
use crate::xmpp::Password;

use super::super::ask::ask_gateway;
use super::super::terminal::{counted, shown_time};
use super::report::Check;

/// Less is a failure, for the next commit may not fit.
const LEAST_BYTES: u64 = 64 << 20;
/// Less is worth a word.
const FEW_BYTES: u64 = 1 << 30;
/// A clock that is so far off makes a mess of dates and certificates.
const MOST_SECONDS_OFF: i64 = 60;

/// Whether the password can be read, and by whom.
pub(super) fn password(config: &Config) -> Check {
    if let Err(error) = config.xmpp.password.resolve() {
        let fix = "put it into the file that `password-file` in [xmpp] names, as its first line";
        return Check::fail("password", error, fix);
    }
    let Password::File(path) = &config.xmpp.password else { return Check::ok("password", "there is one") };
    match path.metadata().map(|file| file.mode()) {
        Ok(mode) if mode & 0o004 != 0 => {
            let message = format!("everyone on this machine can read {}", path.display());
            Check::warn("password", message, format!("chmod 600 {}", path.display()))
        }
        _ => Check::ok("password", format!("{} can be read", path.display())),
    }
}

/// Whether the state is whole. While a gateway runs it is that one's, and it answers or not.
pub(super) async fn state(config: &Config) -> (Check, Option<Status>) {
    let path = &config.store.path;
    match ask_gateway(path, &Question::Status { feed: None, is_brief: true }).await {
        Ok(Some(Answer::Status(status))) => {
            let holder = status.gateway.as_ref();
            let holder = holder.map(|holder| format!("`tidings {}`, process {}", holder.verb, holder.pid));
            let holder = holder.unwrap_or_else(|| "a gateway".to_owned());
            return (Check::ok("state", format!("{} is in use by {holder}", path.display())), Some(*status));
        }
        Ok(_) => {}
        Err(failure) => {
            let told = failure.render(false);
            let told = told.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            let fix = "look at its log, and restart it; or ask as the user that it runs as";
            return (Check::fail("state", told, fix), None);
        }
    }
    let path = path.clone();
    let (shown, there) = (path.display().to_string(), tokio::task::spawn_blocking(move || RedbStore::examine(&path)));
    let check = match there.await {
        Ok(Ok(None)) => Check::ok("state", format!("there is none at {shown} yet; the first run makes it")),
        Ok(Ok(Some(Examined::Whole { feeds }))) => {
            Check::ok("state", format!("{shown} is whole, {}", counted(feeds, "feed")))
        }
        Ok(Ok(Some(Examined::NotClosed))) => {
            let fix = "nothing: the next start repairs that";
            Check::warn("state", format!("{shown} was not closed well, and cannot be read before it is repaired"), fix)
        }
        Ok(Err(StoreError::Held { .. })) => {
            let fix = "find it: fuser or lsof name the process that has the file open";
            Check::fail("state", format!("{shown} is held by a process that does not answer"), fix)
        }
        Ok(Err(error @ StoreError::Lost { .. })) => {
            Check::fail("state", error, "bring it back from a backup, or begin anew: tidings run --rebuild")
        }
        Ok(Err(error @ StoreError::Newer { .. })) => Check::fail("state", error, "use the newer program"),
        Ok(Err(error)) => Check::fail("state", error, "look at the disk, and at who may read the file and its folder"),
        Err(_panic) => Check::fail("state", format!("{shown}: reading it crashed"), "bring it back from a backup"),
    };
    (check, None)
}

/// How much room there is where the state is, or will be, and whether it may be written there.
pub(super) fn disk(state: &Path) -> Check {
    // What is not there yet will be made in the nearest folder that is.
    let mut folders =
        state.ancestors().skip(1).map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let Some(folder) = folders.find(|folder| folder.is_dir()) else {
        return Check::fail(
            "disk",
            format!("no folder of {} is there", state.display()),
            "[store] path names another place",
        );
    };
    let shown = folder.display();
    if let Err(error) = access(folder, Access::WRITE_OK | Access::EXEC_OK) {
        let message = format!("{shown} cannot be written to by this user: {error}");
        return Check::warn(
            "disk",
            message,
            "run as the user that the gateway runs as, or let [store] path name another place",
        );
    }
    match statvfs(folder) {
        Ok(disk) => {
            let left = disk.f_bavail.saturating_mul(disk.f_frsize);
            let message = format!("{} left at {shown}", megabytes(left));
            match left {
                left if left < LEAST_BYTES => {
                    Check::fail("disk", message, "make room: nothing more can be written soon")
                }
                left if left < FEW_BYTES => Check::warn("disk", message, "make room"),
                _ => Check::ok("disk", message),
            }
        }
        Err(error) => Check::warn("disk", format!("{shown} does not say how much room is left: {error}"), ""),
    }
}

fn megabytes(bytes: u64) -> String {
    match bytes >> 20 {
        few if few < 10_240 => format!("{few} MB are"),
        many => format!("{} GB are", many >> 10),
    }
}

/// Whether the clock goes right, by the server's.
pub(super) fn clock(now: Time, server: Option<Time>) -> Check {
    let Some(server) = server else {
        return Check::ok("clock", format!("{}; the server does not tell its own", shown_time(now)));
    };
    let seconds = (now - server).num_seconds();
    match seconds.abs() > MOST_SECONDS_OFF {
        true => {
            let message = format!(
                "{}, {} s {} the server's",
                shown_time(now),
                seconds.abs(),
                if seconds > 0 { "ahead of" } else { "behind" }
            );
            Check::warn("clock", message, "let both machines get their time by NTP")
        }
        false => Check::ok("clock", format!("{}, as the server's", shown_time(now))),
    }
}
