//! What a store keeps of feeds, and what the end of a poll brings: rows as the rest of the program sees them.
//!
//! Everything that is kept as JSON has serde defaults, so that an older row reads in a newer program.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::feed::{Destination, Edition, FeedId, Time, is_unset, moment};
use crate::tally::Times;

use super::{Action, HostRow, PollFacts, ReadFacts, Seen};

/// Facts of the state as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// Eight hex digits that name this state for ever; the session's resource is `tidings-` and these.
    pub id: String,
    /// The pubsub service found by disco, when the configuration names none.
    pub service: Option<String>,
    /// The account that published last, a bare JID.
    pub account: Option<String>,
}

/// All that is known of a feed but its entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedRow {
    /// The feed's id at first contact; entry keys are made with it for ever.
    pub key_id: String,
    /// When the feed is polled next.
    #[serde(with = "moment")]
    pub next_due: Time,
    /// When the feed left the configuration.
    #[serde(default, skip_serializing_if = "is_unset", with = "moment::option")]
    pub removed: Option<Time>,
    /// Paused by the operator.
    #[serde(default, skip_serializing_if = "is_unset")]
    pub paused: bool,
    /// `enabled = false` in the configuration.
    #[serde(default, skip_serializing_if = "is_unset")]
    pub disabled: bool,
    /// What was known of its entries was lost with a former state: what its nodes hold says how far it was told.
    #[serde(default, skip_serializing_if = "is_unset")]
    pub rebuilt: bool,
    /// What polling remembers.
    #[serde(default)]
    pub poll: PollFacts,
    /// What intake remembers.
    #[serde(default)]
    pub read: ReadFacts,
}

/// A feed of the configuration, as [`super::Store::sync_feeds`] takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedSync {
    /// Its id.
    pub id: FeedId,
    /// Former ids.
    pub was: Vec<FeedId>,
    /// Whether it is polled at all.
    pub enabled: bool,
}

/// Which feeds to claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Those whose time has come.
    Now,
    /// Those whose [`FeedRow::next_due`] is not after the instant given; `once` looks ahead with it.
    By(Time),
    /// Every enabled feed that nobody has claimed.
    All,
    /// These, whatever their time.
    These(Vec<FeedId>),
}

/// A feed that this process polls now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The feed.
    pub feed: FeedId,
    /// Lease number; a [`Completion`] with another one is refused.
    pub epoch: u64,
    /// The row as it was when it was claimed.
    pub row: FeedRow,
}

/// One place that an edition goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Where.
    pub destination: Destination,
    /// What.
    pub action: Action,
    /// Not sent before this time (a deferred edit); it holds up nothing.
    pub not_before: Option<Time>,
    /// Set when another feed's copy of the same entry keeps this one from the destination: a hash of the canonical link or
    /// id. The first feed that placed it owns it; decided in the transaction.
    pub dedup: Option<[u8; 8]>,
    /// Told only if it is newer than all that the destination holds of its feed: the state was lost.
    pub if_newer: bool,
    /// Set when a template made the destination's name, which may make so many and no more, whatever the feed; decided in
    /// the transaction.
    pub quota: Option<Quota>,
}

/// How many destinations a template may make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// The template, with its service.
    pub template: String,
    /// The number.
    pub limit: usize,
}

/// What entries are counted under in [`ReadFacts::suppressed`] that a [`Quota`] kept from a destination.
pub const NODE_LIMIT: &str = "node-limit";

/// The end of a poll: everything that changes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The claim that ends. Its `row` is the one to write.
    pub claim: Claim,
    /// The seen-set to write; `None` leaves it as it is (nothing new, or a failed poll).
    pub seen: Option<Seen>,
    /// What to publish, in publishing order.
    pub editions: Vec<(Edition, Vec<Placement>)>,
    /// Host facts that changed, by `name:port`; `None` forgets the host.
    pub hosts: Vec<(String, Option<HostRow>)>,
    /// Nobody waits for it, and nothing is lost with it but the poll, which can be made again: it may wait to be written
    /// together with others ([`super::Store::set_patience`]).
    pub can_wait: bool,
}

/// What a store did since it was opened, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counters {
    /// Operations that wrote something.
    pub commands: u64,
    /// Transactions that they went into.
    pub commits: u64,
    /// Transactions that failed.
    pub failures: u64,
    /// Time that transactions took, the failed ones included.
    pub commit_time: Duration,
    /// The same, one by one.
    pub commit_times: Times,
    /// Reads that failed.
    pub read_failures: u64,
    /// Size of the state on the disk.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_as_short_as_it_can_be_and_an_older_one_reads_the_same() {
        let row: FeedRow = serde_json::from_str(r#"{"key_id":"blog","next_due":"2026-11-02T07:00:00Z"}"#).unwrap();
        let short = serde_json::to_string(&row).unwrap();
        let expected = r#"{"key_id":"blog","next_due":"2026-11-02T07:00:00Z","poll":{"failures":0},"read":{"entries":0,"absent":0}}"#;
        assert_eq!(short, expected);
        let older = r#"{"key_id":"blog","next_due":"2026-11-02T07:00:00Z","removed":null,"paused":false,"disabled":false,
            "poll":{"url":"","validators":{"etag":null,"last_modified":null},"failures":0,"skip_hours":[],"errors":[]},
            "read":{"first_contact":null,"contacts":[],"meta":{"title":null,"authors":[]},"oddities":{},"suppressed":{}}}"#;
        assert_eq!(serde_json::from_str::<FeedRow>(older).unwrap(), row);
    }
}
