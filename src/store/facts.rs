//! What polling remembers of a feed and of a host; `source` owns the meaning.
//!
//! Kept as JSON with serde defaults, so that an older row reads in a newer program.

use serde::{Deserialize, Serialize};

use crate::feed::Time;

/// HTTP validators (RFC 9110 §8.8), byte for byte as received.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Validators {
    /// `ETag`, quotes and `W/` included.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
}

/// What polling remembers of a feed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PollFacts {
    /// The configured address that `validators` belong to.
    pub url: String,
    /// Validators of the last document that was taken in.
    pub validators: Validators,
    /// Hash of the last body that was taken in, hex.
    pub body_hash: Option<String>,
    /// Start of the last poll.
    pub started: Option<Time>,
    /// End of the last poll.
    pub ended: Option<Time>,
    /// End of the last poll that succeeded, unchanged documents included.
    pub succeeded: Option<Time>,
    /// HTTP status of the last poll, when there was an answer.
    pub status: Option<u16>,
    /// Failures in a row.
    pub failures: u32,
    /// Since when polls fail; set with the first of `failures`.
    pub failing_since: Option<Time>,
    /// Why the next poll is when it is, for `status`.
    pub why: String,
    /// When `once` takes the feed as due, which is a little before `next_due`.
    pub once_due: Option<Time>,
    /// The schedule that `next_due` was computed by, as text.
    pub timing: String,
    /// What the interval of an unchanged feed has grown to, seconds; `None`: the configured one.
    pub stretched_seconds: Option<u64>,
    /// What the last document asked for between two polls (`ttl`, `sy:*`), seconds.
    pub document_seconds: Option<u64>,
    /// Hours without polls by the last document, UTC.
    pub skip_hours: Vec<u8>,
    /// Days without polls by the last document, UTC, 0 is Monday.
    pub skip_days: Vec<u8>,
    /// The last document that came unconditionally.
    pub full_poll: Option<Time>,
    /// The server's weak ETag does not tell equal documents: it is asked by `Last-Modified` alone.
    pub is_etag_useless: bool,
    /// Where permanent redirects led often enough; polled in place of `url`.
    pub moved_to: Option<String>,
    /// A permanent redirect that is being watched.
    pub moving: Option<Moving>,
    /// The host that the last document was at, as far as permanent redirects lead.
    pub host: Option<String>,
    /// The first 410 in a row.
    pub gone_since: Option<Time>,
    /// Why the feed is not polled any more.
    pub stopped: Option<String>,
    /// The last errors, newest first, at most five.
    pub errors: Vec<(Time, String)>,
}

/// A permanent redirect that was seen, and is not recorded yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moving {
    /// Where it leads.
    pub target: String,
    /// First sight.
    pub since: Time,
    /// Polls that saw it, in a row.
    pub sightings: u32,
}

/// A host that asked to be left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostRow {
    /// No request before this time.
    pub not_before: Option<Time>,
    /// Refusals (429, 503) in a row.
    pub refusals: u32,
}
