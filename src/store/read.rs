//! What intake remembers of a feed beside its seen-set.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::feed::{Destination, FeedMeta, Time, is_unset, moment};

/// What intake remembers of a feed beside its seen-set; `ingest` owns the meaning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadFacts {
    /// First document that was taken in; `None` before first contact.
    #[serde(skip_serializing_if = "is_unset", with = "moment::option")]
    pub first_contact: Option<Time>,
    /// Last document that was taken in.
    #[serde(skip_serializing_if = "is_unset", with = "moment::option")]
    pub taken_in: Option<Time>,
    /// Date of the oldest entry of the first document: what is dated before was there already.
    #[serde(skip_serializing_if = "is_unset", with = "moment::option")]
    pub oldest: Option<Time>,
    /// Own destinations that had their first contact.
    #[serde(skip_serializing_if = "is_unset")]
    pub contacts: Vec<Destination>,
    /// Entries of the last document.
    pub entries: usize,
    /// Entries that were absent from the last document and are gone if they are absent once more.
    pub absent: usize,
    /// What the last document said of the feed.
    #[serde(skip_serializing_if = "is_unset")]
    pub meta: FeedMeta,
    /// How the last document was read: fast, or what had to be repaired.
    #[serde(skip_serializing_if = "is_unset")]
    pub read_by: String,
    /// What was odd about the last document, by name, in words for the operator; `status` may show it.
    #[serde(skip_serializing_if = "is_unset")]
    pub oddities: BTreeMap<String, String>,
    /// Entries that were seen and not published, by reason; shown by `status`.
    #[serde(skip_serializing_if = "is_unset")]
    pub suppressed: BTreeMap<String, u64>,
}
