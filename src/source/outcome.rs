//! How a poll ended, as far as its feed is concerned: plain data.

use crate::feed::Time;
use crate::ingest::parse::Hints;

use super::answer::Answer;

/// How a poll ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// 304, or the document of last time.
    Unchanged(Answer),
    /// A document was taken in.
    TakenIn(Answer, TakenIn),
    /// Nothing was taken in.
    Failed(Failure),
    /// Nothing was asked: the host rests until then.
    Rested(Time),
}

/// What intake says of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct TakenIn {
    /// Hash of the body, hex.
    pub body_hash: String,
    /// What it says of polling.
    pub hints: Hints,
    /// Whether its validators may be kept.
    pub keeps_validators: bool,
    /// Whether anything was new or edited.
    pub has_news: bool,
    /// Whether an entry was known before.
    pub has_known: bool,
}

/// Why nothing was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For the operator.
    pub why: String,
    /// HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// What it means.
    pub kind: FailureKind,
}

impl Failure {
    /// What went wrong is told by others: what could make a log or a terminal lie is left out of it.
    pub fn new(why: &str, status: Option<u16>, kind: FailureKind) -> Self {
        Self { why: plain(why), status, kind }
    }
}

/// What a failure means for the next poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Later each time.
    Backoff,
    /// The network is down for everybody: it does not count.
    Offline,
    /// The host sent us away until then (429, 503).
    Rest(Time),
    /// 410.
    Gone,
}

/// Without control characters and bidirectional overrides, and not too long.
pub(super) fn plain(text: &str) -> String {
    let is_bidi = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| !c.is_control() && !is_bidi(*c)).take(400).collect()
}
