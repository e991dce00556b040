//! Pure: whether an entry is meant by a match table, in filters and in routes.

use std::ops::Deref;
use std::str::FromStr;

use regex::Regex;

use crate::feed::{Category, Entry, FeedId, FeedMeta};

use super::plain::plain;

/// A match table of the configuration; the keys of a table must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// Each one holds; the empty one holds for everything.
    All(Vec<Match>),
    /// One holds.
    Any(Vec<Match>),
    /// It does not hold.
    Not(Box<Match>),
    /// A tag that the configuration gives the feed; case folded.
    Tag(String),
    /// Term or label of a category; case folded.
    Category(String),
    /// The feed's id.
    Feed(String),
    /// Name of an author.
    Author(Pattern),
    /// The title as plain text.
    Title(Pattern),
    /// Language: equal, or a prefix before `-`; case folded.
    Lang(String),
}

/// A regular expression; two are equal when they are written alike.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl FromStr for Pattern {
    type Err = regex::Error;

    fn from_str(text: &str) -> Result<Self, regex::Error> {
        Regex::new(text).map(Self)
    }
}

impl Deref for Pattern {
    type Target = Regex;

    fn deref(&self) -> &Regex {
        &self.0
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}

/// What is matched: an entry, or for a withdrawal only its feed.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The feed.
    pub feed: &'a FeedId,
    /// The feed's tags.
    pub tags: &'a [String],
    /// What the document says of the feed.
    pub meta: &'a FeedMeta,
    /// The entry.
    pub entry: &'a Entry,
}

impl Match {
    /// Whether the entry is meant.
    pub fn holds(&self, subject: &Subject<'_>) -> bool {
        let Subject { feed, tags, meta, entry } = *subject;
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(subject)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(subject)),
            Self::Not(part) => !part.holds(subject),
            Self::Tag(tag) => tags.iter().any(|own| is_same(own, tag)),
            Self::Category(name) => {
                let is_named = |category: &Category| {
                    is_same(&category.term, name) || category.label.as_ref().is_some_and(|label| is_same(label, name))
                };
                entry.categories.iter().any(is_named)
            }
            Self::Feed(id) => feed.as_str() == id,
            Self::Author(pattern) => {
                let authors = if entry.authors.is_empty() { &meta.authors } else { &entry.authors };
                authors.iter().filter_map(|author| author.name.as_deref()).any(|name| pattern.is_match(name))
            }
            Self::Title(pattern) => pattern.is_match(&entry.title.as_ref().map(plain).unwrap_or_default()),
            Self::Lang(lang) => {
                let own = entry.lang.as_ref().or(meta.lang.as_ref()).map(|own| own.to_lowercase());
                let lang = lang.to_lowercase();
                own.is_some_and(|own| own == lang || own.strip_prefix(&lang).is_some_and(|rest| rest.starts_with('-')))
            }
        }
    }

    /// Whether the answer is the same for all entries of a feed.
    pub fn is_about_feed(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().all(Self::is_about_feed),
            Self::Not(part) => part.is_about_feed(),
            Self::Tag(_) | Self::Feed(_) => true,
            Self::Category(_) | Self::Author(_) | Self::Title(_) | Self::Lang(_) => false,
        }
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}
