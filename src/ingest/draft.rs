//! Pure: an entry of a document on its way to a name.

use std::borrow::Cow;

use twox_hash::XxHash3_64;

use crate::feed::{Entry, EntryKey, Text, Time};
use crate::store::SeenEntry;

use super::alias::Aliases;
use super::identify::{Name, READER, Sighting, canonical_link, fingerprint, hash, key_of};
use super::known::Known;
use super::plain::{folded, plain};
use super::{link, when};

/// An entry on its way to a name.
pub(super) struct Draft {
    pub(super) entry: Entry,
    position: u16,
    pub(super) link: Option<String>,
    title: String,
    date: Option<Time>,
    /// Which of its names is its own; 0 is the shortest.
    pub(super) level: usize,
    /// The key of that name.
    pub(super) key: EntryKey,
}

impl Draft {
    pub(super) fn new(position: usize, entry: Entry, key_id: &str) -> Self {
        let link = canonical_link(&entry);
        let title = entry.title.as_ref().map(plain).unwrap_or_default();
        let position = u16::try_from(position).unwrap_or(u16::MAX - 1).min(u16::MAX - 1);
        let date = when::given(&entry);
        let mut draft = Self { entry, position, link, title, date, level: 0, key: EntryKey([0; 10]) };
        draft.take_name(0, key_id);
        draft
    }

    /// Goes by this one of its names from now on.
    pub(super) fn take_name(&mut self, level: usize, key_id: &str) {
        self.level = level;
        self.key = key_of(key_id, &self.name(level));
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.entry.id.as_deref().map(str::trim).filter(|id| !id.is_empty())
    }

    /// Its content, else its summary, as read; white space folded.
    pub(super) fn content(&self) -> Cow<'_, str> {
        folded(text_of(&self.entry))
    }

    /// What it tells of in short: its title, else its content.
    fn headline(&self) -> Cow<'_, str> {
        if self.title.is_empty() { self.content() } else { Cow::Borrowed(&self.title) }
    }

    fn named_by(&self) -> Name {
        match (self.id(), &self.link) {
            (Some(_), _) => Name::Id,
            (None, Some(_)) => Name::Link,
            (None, None) => Name::Text,
        }
    }

    /// Its names from the shortest, 0, to the longest. Frozen.
    pub(super) fn name(&self, level: usize) -> Cow<'_, str> {
        let link = self.link.as_deref().unwrap_or_default();
        match (self.id(), level) {
            (Some(id), 0) => Cow::Borrowed(id),
            (Some(id), 1) => format!("{id} {link}").into(),
            (Some(id), _) => format!("{id} {link} {}", self.headline()).into(),
            (None, _) if self.link.is_none() => text_name(&self.title, &self.entry).into(),
            (None, 0) => Cow::Borrowed(link),
            (None, _) => format!("{link} {}", self.headline()).into(),
        }
    }

    pub(super) fn has_longer_name(&self) -> bool {
        let longest = match self.named_by() {
            Name::Id => 2,
            Name::Link => 1,
            Name::Text => 0,
        };
        self.level < longest
    }

    /// One entry listed twice: same name and link, and at least the same headline or the same date.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        let has_same_link = self.link.as_deref().map(link::bare) == other.link.as_deref().map(link::bare);
        let has_same_date = self.date.is_some() && self.date == other.date;
        self.key == other.key && has_same_link && (self.headline() == other.headline() || has_same_date)
    }

    /// Another headline and another date: an advisory page with a constant address tells of something new.
    pub(super) fn tells_other_story(&self, known: &SeenEntry) -> bool {
        let has_other_date = self.date.zip(known.date).is_some_and(|(date, before)| date != before);
        has_other_date && hash(&[&self.headline()]) != known.headline
    }

    pub(super) fn finish(self, aliases: Aliases, key_id: &str, known: &Known<'_>) -> Sighting {
        let content = content_hash(text_of(&self.entry));
        let mut headline = (!self.title.is_empty()).then(|| hash(&[&self.title]));
        // To fold a content and to take its SHA-256 is most of what knowing an entry costs, and most are as they were: those
        // whose title, content and names, the link among them, are the ones that they were seen with last.
        let is_as_it_was = |before: &&SeenEntry| {
            let has_same_link = aliases.links[0].is_some() && aliases.are_newest_of(before);
            let has_same_words = Some(before.headline) == headline && before.content == content;
            has_same_link && has_same_words && before.fingerprint.0[0] == READER
        };
        let fingerprint = match known.entry(&self.key).filter(is_as_it_was) {
            Some(before) => before.fingerprint,
            None => fingerprint(&self.title, self.link.as_deref(), &self.content()),
        };
        Sighting {
            position: self.position,
            key: self.key,
            named_by: self.named_by(),
            shared: (0..self.level).map(|level| key_of(key_id, &self.name(level))).collect(),
            aliases,
            fingerprint,
            headline: *headline.get_or_insert_with(|| hash(&[&self.content()])),
            content,
            date: self.date,
            entry: self.entry,
        }
    }
}

/// Tells contents apart as they are read; zeros for none. Fast, and no secret: who makes two contents alike hides an edit of
/// his own.
fn content_hash(content: &str) -> [u8; 8] {
    if content.is_empty() { [0; 8] } else { XxHash3_64::oneshot(content.as_bytes()).to_be_bytes() }
}

/// The content of an entry, else its summary, as read.
fn text_of(entry: &Entry) -> &str {
    entry.content.as_ref().or(entry.summary.as_ref()).map(Text::as_str).unwrap_or_default()
}

/// The name of an entry without id and link: a hash of title and first KiB of plain text. Frozen.
fn text_name(title: &str, entry: &Entry) -> String {
    let mut text = entry.content.as_ref().or(entry.summary.as_ref()).map(plain).unwrap_or_default();
    let end = (0..=text.len().min(1024)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.truncate(end);
    let digest: [u8; 32] = hash(&[title, "\0", &text]);
    data_encoding::HEXLOWER.encode(&digest)
}
