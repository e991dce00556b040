//! Where entries come from: polling on a schedule, one conditional GET at a time per host.
//!
//! `poll` drives: it claims due feeds, waits at the `gate`, has `fetch` ask, `ingest` read and `policy` judge, and commits
//! each poll as one completion. What is decided is decided in pure modules: `schedule`, `policy`, `validators`, `guard`.

mod adopt;
pub mod answer;
pub mod body;
mod catchup;
mod client;
pub mod cron;
pub mod fetch;
pub mod gate;
pub mod guard;
pub mod headers;
mod hosts;
pub mod notice;
pub mod outage;
pub mod outcome;
pub mod policy;
pub mod poll;
mod reading;
mod request;
pub mod roster;
pub mod schedule;
mod standstill;
pub mod sweep;
mod tally;
pub mod trail;
pub mod validators;
mod visit;

use std::time::Duration;

pub use self::body::Limits;
pub use self::client::{ClientError, install_tls};
pub use self::cron::{BadCron, parse_cron};
pub use self::poll::{Bounds, Poller};
pub use self::roster::{Roster, Subscription};
pub use self::sweep::{Polled, Progress, Which};
pub use self::tally::{CHANGES, ENCODINGS, RESULTS, Tally};

/// The project's page: who to turn to, when the operator names nobody.
pub const PROJECT_PAGE: &str = "https://tidings.example/";

/// `[http]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Address or mail of the operator, sent in the User-Agent.
    pub contact: Option<String>,
    /// Proxy for every request, an http, https or socks5 address.
    pub proxy: Option<String>,
    /// Least time between two requests to a host.
    pub host_interval: Duration,
    /// Most requests to a host at once.
    pub per_host: usize,
    /// Most requests at once.
    pub concurrency: usize,
    /// Whether `file:` addresses may be polled.
    pub allow_file: bool,
}

/// When and how a feed is polled; shared by all feeds that say the same.
#[derive(Debug, Clone, PartialEq)]
pub struct PollRules {
    /// Interval, or a cron schedule.
    pub timing: schedule::Timing,
    /// The longest that an unchanged feed's interval grows to; `None`: four times the interval, at most 24 h.
    pub max_every: Option<Duration>,
    /// The operator's own host: intervals under five minutes are allowed.
    pub own: bool,
    /// How often a GET goes out without validators.
    pub full_poll_interval: Duration,
    /// Whether addresses of the local network may be connected to.
    pub allow_private: bool,
    /// `user` and password of HTTP Basic.
    pub basic: Option<(String, BasicPassword)>,
    /// Further request headers.
    pub headers: Vec<(String, String)>,
}

/// Where the password of HTTP Basic comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasicPassword(
    /// First line of this file, read at each poll.
    pub std::path::PathBuf,
);
