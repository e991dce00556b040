//! How a call ends: exit codes, and which error is which of them.

use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::config::ConfigErrors;
use crate::gateway::GatewayError;
use crate::store::StoreError;
use crate::xmpp::{FollowError, PasswordError, RequestError, StartError};

use super::terminal;

/// Exit codes; from 64 on those of sysexits.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All is well.
    Ok = 0,
    /// The answer is no: see each verb.
    Failed = 1,
    /// EX_USAGE: the command line is wrong.
    Usage = 64,
    /// EX_DATAERR: a file that was to be read is not what it should be.
    BadInput = 65,
    /// EX_UNAVAILABLE: the XMPP service was not reached.
    Unreachable = 69,
    /// EX_SOFTWARE: a bug.
    Bug = 70,
    /// EX_CANTCREAT: the state cannot be created.
    CannotCreate = 73,
    /// EX_IOERR: the state cannot be read or written.
    Io = 74,
    /// EX_TEMPFAIL: another instance holds the state, or time was up.
    TryAgain = 75,
    /// EX_NOPERM: the login was refused.
    Refused = 77,
    /// EX_CONFIG: the configuration is wrong, or the state needs a decision.
    Config = 78,
    /// SIGINT.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a verb ended otherwise than well, ready to be told.
#[derive(Debug)]
pub enum Failure {
    /// The configuration.
    Config(ConfigErrors),
    /// Everything else.
    Told {
        /// The exit code.
        exit: Exit,
        /// What happened.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// Whoever read our output has gone: nobody is left to be told.
    Unread,
}

impl Failure {
    /// A failure with a way out.
    pub fn new(exit: Exit, message: impl fmt::Display, hint: impl Into<String>) -> Self {
        let hint = Some(terminal::harmless(&hint.into())).filter(|hint| !hint.is_empty());
        Self::Told { exit, message: terminal::harmless(&message.to_string()), hint }
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Config(_) => Exit::Config,
            Self::Told { exit, .. } => *exit,
            Self::Unread => Exit::Ok,
        }
    }

    /// The text for stderr.
    pub fn render(&self, is_coloured: bool) -> String {
        match self {
            Self::Config(errors) => errors.render(is_coloured),
            Self::Told { message, hint, .. } => {
                let (red, cyan, off) = if is_coloured { terminal::COLOURS } else { ("", "", "") };
                let hint = hint.as_ref().map(|hint| format!("{cyan}hint{off}: {hint}\n")).unwrap_or_default();
                format!("{red}error{off}: {message}\n{hint}")
            }
            Self::Unread => String::new(),
        }
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::Config(errors)
    }
}

/// Output that cannot be written.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unread,
            _ => Self::new(Exit::Io, format!("the output cannot be written: {error}"), ""),
        }
    }
}

impl From<GatewayError> for Failure {
    fn from(error: GatewayError) -> Self {
        let (exit, hint) = match &error {
            GatewayError::Held { .. } => (Exit::TryAgain, "it does the work already; `tidings status` asks it"),
            GatewayError::Store(inner) => of_store(inner),
            GatewayError::Session(inner) => (Exit::Config, of_start(inner)),
            GatewayError::Http(_) => (Exit::Config, ""),
            GatewayError::Web { .. } => (Exit::Config, "name a place that is free, and that this user may take"),
            GatewayError::Refused(_) => (Exit::Refused, REFUSED),
            GatewayError::AccountChanged { .. } => (Exit::Config, ""),
            GatewayError::Unreachable { .. } => (Exit::Unreachable, "nothing is lost: the next run sends it"),
            GatewayError::OutOfTime { .. } => (Exit::TryAgain, "nothing is lost: the next run sends it"),
            GatewayError::FeedsFailed { .. } => (Exit::Failed, "`tidings status` says why"),
            GatewayError::Interrupted => (Exit::Interrupted, "nothing is lost: the next run goes on"),
            GatewayError::Bug => (Exit::Bug, ""),
        };
        Self::new(exit, error, hint)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let (exit, hint) = of_store(&error);
        Self::new(exit, error, hint)
    }
}

/// The way out of a refused login.
const REFUSED: &str = "look at `jid` and the password in [xmpp]";

/// The way out of a lost state.
const LOST: &str = "bring it back from a backup; or let `tidings run --rebuild` or `tidings once --rebuild` make a new one: what \
                    the feeds hold now counts as seen, and of that each node gets what is newer than the newest it holds";

fn of_store(error: &StoreError) -> (Exit, &'static str) {
    match error {
        StoreError::Held { .. } => (Exit::TryAgain, ""),
        StoreError::Create { .. } => (Exit::CannotCreate, "[store] path in tidings.toml names another place"),
        StoreError::Lost { .. } => (Exit::Config, LOST),
        StoreError::Newer { .. } => (Exit::Config, "use the newer program"),
        StoreError::Io { .. } => (Exit::Io, "look at the disk, and at who may read and write the file and its folder"),
        StoreError::Stale { .. } => (Exit::Bug, ""),
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let hint = of_start(&error);
        Self::new(Exit::Config, error, hint)
    }
}

fn of_start(error: &StartError) -> &'static str {
    match error {
        StartError::Password(PasswordError::Unreadable { .. } | PasswordError::Empty { .. }) => {
            "the password is the first line of the file; whoever runs tidings must be able to read it"
        }
        StartError::CaFile { .. } => "it holds the certificate of an authority, as PEM",
        StartError::Password(PasswordError::Missing) | StartError::NoAccount(_) | StartError::Tls(_) => "",
    }
}

impl From<FollowError> for Failure {
    fn from(error: FollowError) -> Self {
        let (exit, hint) = match &error {
            FollowError::Refused(_) => (Exit::Refused, "look at the account's address and password"),
            FollowError::Offline(_) => (Exit::Unreachable, ""),
            FollowError::Service { error: RequestError::Refused(_), .. } => {
                (Exit::Failed, "is the name right? A node is made when its first entry is published")
            }
            FollowError::Service { .. } => (Exit::Unreachable, ""),
        };
        Self::new(exit, error, hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_sysexits() {
        let path = || std::path::PathBuf::from("state.redb");
        let store = |error: StoreError| Failure::from(GatewayError::Store(error)).exit() as u8;
        assert_eq!(Failure::from(GatewayError::Held { path: path(), holder: None }).exit() as u8, 75);
        assert_eq!(Failure::from(GatewayError::Unreachable { reason: String::new(), waiting: 1 }).exit() as u8, 69);
        assert_eq!(Failure::from(GatewayError::OutOfTime { waiting: 1, in_doubt: 0 }).exit() as u8, 75);
        assert_eq!(Failure::from(GatewayError::Refused(String::new())).exit() as u8, 77);
        assert_eq!(Failure::from(GatewayError::FeedsFailed { failed: 1, polled: 1 }).exit() as u8, 1);
        assert_eq!(Failure::from(GatewayError::Interrupted).exit() as u8, 130);
        assert_eq!(Failure::from(GatewayError::Bug).exit() as u8, 70);
        assert_eq!(store(StoreError::Create { path: path(), why: String::new() }), 73);
        assert_eq!(store(StoreError::Lost { path: path(), why: String::new() }), 78);
        assert_eq!(store(StoreError::Newer { path: path(), found: 2, known: 1 }), 78);
        assert_eq!(store(StoreError::Io { path: path(), why: String::new() }), 74);
    }

    #[test]
    fn nobody_is_told_when_the_reader_has_gone() {
        let gone = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((gone.exit(), gone.render(false)), (Exit::Ok, String::new()));
        let full = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(full.exit(), Exit::Io);
    }

    #[test]
    fn a_failure_is_told_with_its_way_out() {
        let failure = Failure::new(Exit::Failed, "it rains", "take an umbrella");
        assert_eq!(failure.render(false), "error: it rains\nhint: take an umbrella\n");
        assert_eq!(failure.render(true), "\x1b[1;31merror\x1b[0m: it rains\n\x1b[1;36mhint\x1b[0m: take an umbrella\n");
    }
}
