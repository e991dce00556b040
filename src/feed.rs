//! The vocabulary: plain data that every other module speaks of.
//!
//! Nothing here does I/O or knows a crate of the field; texts are as read from the feed, addresses are absolute.

mod destination;
pub(crate) mod moment;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::destination::{Destination, KINDS, Kind, Name};

/// A point in time; the project keeps whole UTC instants and never reads a clock outside `gateway.rs` and `main.rs`.
pub type Time = DateTime<Utc>;

/// Reads the clock; only the gateway makes one.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// Whether a field says no more than an absent one, as serde's defaults have it: of very many rows that is most of the bytes.
pub(crate) fn is_unset<T: Default + PartialEq>(field: &T) -> bool {
    *field == T::default()
}

/// The name that an operator gave a feed: `[a-z0-9][a-z0-9._-]{0,62}`, unique over all files.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FeedId(Arc<str>);

/// Why a text is no [`FeedId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a feed's id is 1 to 63 characters of a-z, 0-9, '.', '_', '-', the first one a letter or digit; {0:?} is not")]
pub struct BadFeedId(pub String);

impl FeedId {
    /// Checks and takes over a name.
    pub fn new(name: &str) -> Result<Self, BadFeedId> {
        let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"._-".contains(&c);
        let valid =
            (1..=63).contains(&name.len()) && name.bytes().all(inner) && name.as_bytes()[0].is_ascii_alphanumeric();
        if valid { Ok(Self(name.into())) } else { Err(BadFeedId(name.to_owned())) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FeedId {
    type Err = BadFeedId;
    fn from_str(name: &str) -> Result<Self, BadFeedId> {
        Self::new(name)
    }
}

impl TryFrom<String> for FeedId {
    type Error = BadFeedId;
    fn try_from(name: String) -> Result<Self, BadFeedId> {
        Self::new(&name)
    }
}

impl From<FeedId> for String {
    fn from(id: FeedId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for FeedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FeedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// What makes an entry the same entry for ever: the first 10 bytes of SHA-256(key id ‖ 0x00 ‖ identity). Frozen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntryKey(pub [u8; 10]);

impl EntryKey {
    /// The id of the entry's item on every node: lower-case base32 without padding, 16 characters. Frozen.
    pub fn item_id(&self) -> ItemId {
        ItemId(data_encoding::BASE32_NOPAD.encode(&self.0).to_ascii_lowercase())
    }
}

impl fmt::Debug for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryKey({})", self.item_id())
    }
}

/// The id of an item on a pubsub node (XEP-0060).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ItemId(pub String);

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hash of title, canonical link and content as read; another one means that the entry was edited. Frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; 8]);

/// A text construct as read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "value")]
pub enum Text {
    /// Plain text, entities resolved.
    Plain(String),
    /// HTML as the feed gives it, not sanitised; XHTML content is carried as HTML too.
    Html(String),
}

impl Text {
    /// The characters, whatever the kind.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Html(text) => text,
        }
    }

    /// Whether nothing but white space stands in it.
    pub fn is_blank(&self) -> bool {
        self.as_str().trim().is_empty()
    }
}

/// An author or contributor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// Name as given.
    pub name: Option<String>,
    /// Mail address as given.
    pub email: Option<String>,
    /// Home page or other address as given.
    pub uri: Option<String>,
}

/// A link of an entry (RFC 4287 §4.2.7).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Link {
    /// Absolute address.
    pub href: String,
    /// Relation: `alternate`, `enclosure`, `related` …
    pub rel: String,
    /// Media type, when given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Title, when given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Length in bytes, when given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// Language of the target, when given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
}

/// A category of an entry (RFC 4287 §4.2.2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Category {
    /// The term; may be blank as read.
    pub term: String,
    /// Human-readable label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Scheme, an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
}

/// One entry as read from a document; nothing is made up and nothing is sanitised.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// guid, id or rdf:about as given, trimmed; `None` when the feed gives none.
    pub id: Option<String>,
    /// The title.
    pub title: Option<Text>,
    /// The web page of the entry, absolute.
    pub link: Option<String>,
    /// `feedburner:origLink`, absolute, when the link is a proxy's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_link: Option<String>,
    /// Whether `id` was declared to be a permanent address (RSS `isPermaLink`, default true there); `None` outside RSS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_permalink: Option<bool>,
    /// Enclosures and every other link but the alternate one.
    pub links: Vec<Link>,
    /// First publication, as given.
    pub published: Option<Time>,
    /// Last change, as given.
    pub updated: Option<Time>,
    /// Authors, in order.
    pub authors: Vec<Person>,
    /// Summary or RSS description, when there is content beside it.
    pub summary: Option<Text>,
    /// The content, or the description when that is all there is.
    pub content: Option<Text>,
    /// Categories, in order.
    pub categories: Vec<Category>,
    /// Rights statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rights: Option<Text>,
    /// Language tag (BCP 47) of the entry, else of the feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// What relative addresses inside the content are relative to, absolute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
}

/// What a document says of the feed as a whole; goes into `<source>` and into a node's title and description.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedMeta {
    /// The feed's own id (Atom), as given.
    #[serde(skip_serializing_if = "is_unset")]
    pub id: Option<String>,
    /// Title, plain text.
    #[serde(skip_serializing_if = "is_unset")]
    pub title: Option<String>,
    /// Subtitle or description, plain text.
    #[serde(skip_serializing_if = "is_unset")]
    pub description: Option<String>,
    /// The home page, absolute.
    #[serde(skip_serializing_if = "is_unset")]
    pub link: Option<String>,
    /// The feed's own address as the document gives it (`rel='self'`), absolute.
    #[serde(skip_serializing_if = "is_unset")]
    pub self_link: Option<String>,
    /// Last change of the feed, as given.
    #[serde(skip_serializing_if = "is_unset")]
    pub updated: Option<Time>,
    /// Language tag of the feed.
    #[serde(skip_serializing_if = "is_unset")]
    pub lang: Option<String>,
    /// Authors of the feed, for entries that name none.
    #[serde(skip_serializing_if = "is_unset")]
    pub authors: Vec<Person>,
}

/// One revision of an entry, as it is to be published: what an outbox row refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edition {
    /// The feed that it came from.
    pub feed: FeedId,
    /// The entry's key.
    pub key: EntryKey,
    /// The id of its item.
    pub item: ItemId,
    /// 0 for the first publication, one more for each edit.
    pub revision: u32,
    /// First date that is believed: the feed's, else first sight; never changes again.
    pub published: Time,
    /// Date of this revision: for revision 0 the feed's, else first sight; later the later of the feed's and the time that
    /// the edit was seen. Recovery tells revisions apart by it.
    pub updated: Time,
    /// Tags that the configuration gives the feed; they become categories.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What was read.
    pub entry: Entry,
    /// What the document said of the feed.
    pub source: FeedMeta,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_id_is_checked() {
        for good in ["a", "0", "planet-jabber", "a.b_c-d", &"x".repeat(63)] {
            assert!(FeedId::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", ".a", "_a", "A", "a b", "ä", "a/b", &"x".repeat(64)] {
            assert!(FeedId::new(bad).is_err(), "{bad}");
        }
    }
}
