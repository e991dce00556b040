//! What polling remembers of a feed and of a host; `source` owns the meaning.
//!
//! Kept as JSON with serde defaults, so that an older row reads in a newer program; what says nothing is not kept.

use serde::{Deserialize, Serialize};

use crate::feed::{Time, is_unset, moment};

/// HTTP validators (RFC 9110 §8.8), byte for byte as received.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Validators {
    /// `ETag`, quotes and `W/` included.
    #[serde(skip_serializing_if = "is_unset")]
    pub etag: Option<String>,
    /// `Last-Modified`.
    #[serde(skip_serializing_if = "is_unset")]
    pub last_modified: Option<String>,
}

/// What polling remembers of a feed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PollFacts {
    /// The configured address that `validators` belong to.
    #[serde(skip_serializing_if = "is_unset")]
    pub url: String,
    /// Validators of the last document that was taken in.
    #[serde(skip_serializing_if = "is_unset")]
    pub validators: Validators,
    /// Hash of the last body that was taken in, hex.
    #[serde(skip_serializing_if = "is_unset")]
    pub body_hash: Option<String>,
    /// Start of the last poll.
    #[serde(skip_serializing_if = "is_unset", with = "moment::option")]
    pub started: Option<Time>,
    /// End of the last poll.
    #[serde(skip_serializing_if = "is_unset", with = "moment::option")]
    pub ended: Option<Time>,
    /// End of the last poll that succeeded, unchanged documents included.
    #[serde(skip_serializing_if = "is_unset", with = "moment::option")]
    pub succeeded: Option<Time>,
    /// HTTP status of the last poll, when there was an answer.
    #[serde(skip_serializing_if = "is_unset")]
    pub status: Option<u16>,
    /// Failures in a row.
    pub failures: u32,
    /// Since when polls fail; set with the first of `failures`.
    #[serde(skip_serializing_if = "is_unset", with = "moment::option")]
    pub failing_since: Option<Time>,
    /// Why the next poll is when it is, for `status`.
    #[serde(skip_serializing_if = "is_unset")]
    pub why: String,
    /// When `once` takes the feed as due, which is a little before `next_due`.
    #[serde(skip_serializing_if = "is_unset", with = "moment::option")]
    pub once_due: Option<Time>,
    /// The schedule that `next_due` was computed by, as text.
    #[serde(skip_serializing_if = "is_unset")]
    pub timing: String,
    /// What the interval of an unchanged feed has grown to, seconds; `None`: the configured one.
    #[serde(skip_serializing_if = "is_unset")]
    pub stretched_seconds: Option<u64>,
    /// What the last document asked for between two polls (`ttl`, `sy:*`), seconds.
    #[serde(skip_serializing_if = "is_unset")]
    pub document_seconds: Option<u64>,
    /// Hours without polls by the last document, UTC.
    #[serde(skip_serializing_if = "is_unset")]
    pub skip_hours: Vec<u8>,
    /// Days without polls by the last document, UTC, 0 is Monday.
    #[serde(skip_serializing_if = "is_unset")]
    pub skip_days: Vec<u8>,
    /// The last document that came unconditionally.
    #[serde(skip_serializing_if = "is_unset", with = "moment::option")]
    pub full_poll: Option<Time>,
    /// The server's weak ETag does not tell equal documents: it is asked by `Last-Modified` alone.
    #[serde(skip_serializing_if = "is_unset")]
    pub is_etag_useless: bool,
    /// Where permanent redirects led often enough; polled in place of `url`.
    #[serde(skip_serializing_if = "is_unset")]
    pub moved_to: Option<String>,
    /// A permanent redirect that is being watched.
    #[serde(skip_serializing_if = "is_unset")]
    pub moving: Option<Moving>,
    /// The host that the last document was at, as far as permanent redirects lead.
    #[serde(skip_serializing_if = "is_unset")]
    pub host: Option<String>,
    /// The first 410 in a row.
    #[serde(skip_serializing_if = "is_unset", with = "moment::option")]
    pub gone_since: Option<Time>,
    /// Why the feed is not polled any more.
    #[serde(skip_serializing_if = "is_unset")]
    pub stopped: Option<String>,
    /// The last errors, newest first, at most five.
    #[serde(skip_serializing_if = "is_unset")]
    pub errors: Vec<(Time, String)>,
}

/// A permanent redirect that was seen, and is not recorded yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moving {
    /// Where it leads.
    pub target: String,
    /// First sight.
    #[serde(with = "moment")]
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
