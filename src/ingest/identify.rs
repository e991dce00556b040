//! Pure: what makes an entry the same entry for ever, and what makes it an edited one.
//!
//! Frozen: an entry's key, its item id and its fingerprint are functions of what was read; never random, never position,
//! never date. Test vectors below.

use std::cmp::Reverse;
use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::feed::{Entry, EntryKey, FeedMeta, Fingerprint, Text, Time};
use crate::store::{Alias, Seen, SeenEntry};

use super::alias::{Aliases, alias, is_home, key_alias, telling_aliases};
use super::plain::{folded, plain};
use super::rules::ItemIdScheme;
use super::{link, when};

/// First byte of every fingerprint. One more when the reader reads titles, links or contents differently: entries are then
/// stamped anew, and nobody is told.
pub const READER: u8 = 1;

/// An entry of a document with everything it may be known by.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// What was read.
    pub entry: Entry,
    /// Where it stands in the document, from the top.
    pub position: u16,
    /// The key of its name.
    pub key: EntryKey,
    /// What the name is made of.
    pub named_by: Name,
    /// Keys of shorter names that it shares with other entries, and may have had while it stood alone with them.
    pub shared: Vec<EntryKey>,
    /// Other names.
    pub aliases: Aliases,
    /// Whether it was edited.
    pub fingerprint: Fingerprint,
    /// Hash of the title, or of the content when there is none.
    pub headline: [u8; 4],
    /// Hash of the content; zeros when there is none.
    pub content: [u8; 8],
    /// The date that the feed gives, believed or not, in whole seconds.
    pub date: Option<Time>,
}

/// What an entry's name is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// guid, id or rdf:about.
    Id,
    /// The canonical link: there is no id.
    Link,
    /// Title and text: there is no link either.
    Text,
}

impl Sighting {
    /// The alias that its key becomes, when it is known by another one already.
    pub fn key_alias(&self) -> Alias {
        key_alias(&self.key)
    }

    /// What copies of the entry in other feeds are known by, too: its canonical link, else its id.
    pub fn shared_name(&self) -> Option<[u8; 8]> {
        let by_id = || Some(alias("id", link::bare(self.entry.id.as_deref()?.trim())));
        self.aliases.links.first().copied().or_else(by_id).map(|alias| alias.0)
    }

    /// The id of its item, when that is not made of the key.
    pub fn item_id(&self, scheme: ItemIdScheme) -> Option<String> {
        // An id that several entries share would make them overwrite each other; an endless one fits no stanza.
        let has_own_id = self.named_by == Name::Id && self.shared.is_empty();
        let id = self.entry.id.as_deref().map(str::trim).filter(|id| has_own_id && id.len() < 1024)?;
        (scheme == ItemIdScheme::Atomtopubsub).then(|| id.replace([':', ',', '/'], "-"))
    }
}

/// Most entries of a document that are looked at: the newest.
pub const MOST_ENTRIES: usize = 1_000;

/// Names the entries of a document; an entry that stands in it twice is one.
pub fn identify(entries: Vec<Entry>, meta: &FeedMeta, key_id: &str, seen: &Seen) -> Vec<Sighting> {
    let home = meta.link.as_deref().map(link::canonical);
    let mut drafts: Vec<Draft> = newest(entries).enumerate().map(|(at, entry)| Draft::new(at, entry)).collect();
    merge_repeats(&mut drafts);
    tell_apart(&mut drafts, home.as_deref(), key_id, seen);
    let aliases = telling_aliases(&drafts, home.as_deref());
    drafts.into_iter().zip(aliases).map(|(draft, aliases)| draft.finish(aliases, key_id, seen)).collect()
}

/// The key of a name: the first 10 bytes of SHA-256(key id ‖ 0x00 ‖ name). Frozen.
pub fn key_of(key_id: &str, name: &str) -> EntryKey {
    EntryKey(hash(&[key_id, "\0", name]))
}

/// What tells an entry from its own earlier self: title, canonical link and content, the title as plain text, the content as
/// read, white space folded. Frozen.
fn fingerprint(title: &str, link: Option<&str>, content: &str) -> Fingerprint {
    // Scheme and `www.` are left out: a site that goes to https has edited nothing.
    let [a, b, c, d, e, f, g] = hash(&[title, "\0", link.map(link::bare).unwrap_or_default(), "\0", content]);
    Fingerprint([READER, a, b, c, d, e, f, g])
}

/// The canonical link of an entry: the original one, where the feed gives it beside a proxy's.
pub fn canonical_link(entry: &Entry) -> Option<String> {
    let given = entry.original_link.as_deref().or(entry.link.as_deref())?;
    Some(link::canonical(given)).filter(|link| !link.is_empty())
}

/// An entry on its way to a name.
pub(super) struct Draft {
    pub(super) entry: Entry,
    position: u16,
    pub(super) id: Option<String>,
    pub(super) link: Option<String>,
    title: String,
    pub(super) content: String,
    date: Option<Time>,
    /// Names from the shortest to the longest.
    pub(super) names: Vec<String>,
    /// Which of them is its own.
    pub(super) level: usize,
}

impl Draft {
    fn new(position: usize, entry: Entry) -> Self {
        let id = entry.id.as_deref().map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned);
        let link = canonical_link(&entry);
        let title = entry.title.as_ref().map(plain).unwrap_or_default();
        let text = entry.content.as_ref().or(entry.summary.as_ref());
        let content = folded(text.map(Text::as_str).unwrap_or_default());
        let headline = if title.is_empty() { &content } else { &title };
        let names = match (&id, &link) {
            (Some(id), link) => {
                let both = format!("{id} {}", link.as_deref().unwrap_or_default());
                vec![id.clone(), both.clone(), format!("{both} {headline}")]
            }
            (None, Some(link)) => vec![link.clone(), format!("{link} {headline}")],
            (None, None) => vec![text_name(&title, text)],
        };
        let position = u16::try_from(position).unwrap_or(u16::MAX - 1).min(u16::MAX - 1);
        let date = when::given(&entry);
        Self { entry, position, id, link, title, content, date, names, level: 0 }
    }

    /// What it tells of in short: its title, else its content.
    fn headline(&self) -> &str {
        if self.title.is_empty() { &self.content } else { &self.title }
    }

    /// One entry listed twice: same id and link, and at least the same headline or the same date.
    fn repeats(&self, other: &Self) -> bool {
        let has_same_link = self.link.as_deref().map(link::bare) == other.link.as_deref().map(link::bare);
        let has_same_date = self.date.is_some() && self.date == other.date;
        self.names[0] == other.names[0] && has_same_link && (self.headline() == other.headline() || has_same_date)
    }

    /// Another headline and another date: an advisory page with a constant address tells of something new.
    fn tells_other_story(&self, known: &SeenEntry) -> bool {
        let has_other_date = self.date.zip(known.date).is_some_and(|(date, before)| date != before);
        has_other_date && hash(&[self.headline()]) != known.headline
    }

    fn finish(self, aliases: Aliases, key_id: &str, seen: &Seen) -> Sighting {
        let text_hash = |text: &str| if text.is_empty() { [0; 8] } else { hash(&[text]) };
        let key = key_of(key_id, &self.names[self.level]);
        let fingerprint = fingerprint(&self.title, self.link.as_deref(), &self.content);
        // Most entries are as they were, and hashing a content twice is most of what knowing them costs.
        let known = seen.find(&key).map(|at| &seen.entries[at]).filter(|known| known.fingerprint == fingerprint);
        Sighting {
            position: self.position,
            key,
            named_by: match (&self.id, &self.link) {
                (Some(_), _) => Name::Id,
                (None, Some(_)) => Name::Link,
                (None, None) => Name::Text,
            },
            shared: self.names[..self.level].iter().map(|name| key_of(key_id, name)).collect(),
            aliases,
            fingerprint,
            headline: known.map_or_else(|| hash(&[self.headline()]), |known| known.headline),
            content: known.map_or_else(|| text_hash(&self.content), |known| known.content),
            date: self.date,
            entry: self.entry,
        }
    }
}

/// The name of an entry without id and link: a hash of title and first KiB of plain text. Frozen.
fn text_name(title: &str, content: Option<&Text>) -> String {
    let mut text = content.map(plain).unwrap_or_default();
    let end = (0..=text.len().min(1024)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.truncate(end);
    let digest: [u8; 32] = hash(&[title, "\0", &text]);
    data_encoding::HEXLOWER.encode(&digest)
}

/// The newest entries of a document: by date when every one has a date, else from the top.
fn newest(entries: Vec<Entry>) -> impl Iterator<Item = Entry> {
    let mut dates: Vec<Time> = entries.iter().filter_map(when::given).collect();
    let is_dated = dates.len() == entries.len();
    dates.sort_unstable_by_key(|date| Reverse(*date));
    let oldest = dates.get(MOST_ENTRIES - 1).copied().filter(|_| is_dated);
    entries.into_iter().filter(move |entry| oldest.is_none() || when::given(entry) >= oldest).take(MOST_ENTRIES)
}

/// Of an entry that is listed several times, the newest revision stays.
fn merge_repeats(drafts: &mut Vec<Draft>) {
    let mut merged: Vec<Draft> = Vec::with_capacity(drafts.len());
    let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
    for draft in drafts.drain(..) {
        let group = by_name.entry(draft.names[0].clone()).or_default();
        match group.iter().find(|at| merged[**at].repeats(&draft)) {
            Some(&at) if draft.entry.updated > merged[at].entry.updated => merged[at] = draft,
            Some(_) => {}
            None => {
                group.push(merged.len());
                merged.push(draft);
            }
        }
    }
    *drafts = merged;
}

/// Gives longer names to different entries that share a short one, now or in an earlier document, and to those without an
/// id whose link is the home page, or an address that has told another story before.
fn tell_apart(drafts: &mut [Draft], home: Option<&str>, key_id: &str, seen: &Seen) {
    let known: HashMap<Alias, usize> =
        seen.entries.iter().enumerate().flat_map(|(at, entry)| entry.aliases.iter().map(move |a| (*a, at))).collect();
    let has_other_story = |draft: &Draft, name: &str| {
        let key = key_of(key_id, name);
        let at = seen.find(&key).or_else(|| known.get(&key_alias(&key)).copied());
        at.is_some_and(|at| draft.tells_other_story(&seen.entries[at]))
    };
    for level in 0..2 {
        let mut count: HashMap<String, usize> = HashMap::new();
        for draft in drafts.iter().filter(|draft| draft.level == level) {
            *count.entry(draft.names[level].clone()).or_default() += 1;
        }
        for draft in drafts.iter_mut().filter(|draft| draft.level == level && draft.names.len() > level + 1) {
            let name = &draft.names[level];
            let is_shared = count[name] > 1 || known.contains_key(&alias("shared", name));
            if is_shared || (draft.id.is_none() && (is_home(name, home) || has_other_story(draft, name))) {
                draft.level += 1;
            }
        }
    }
}

/// The first bytes of SHA-256 over the parts.
pub(super) fn hash<const N: usize>(parts: &[&str]) -> [u8; N] {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    let digest = hasher.finalize();
    std::array::from_fn(|at| digest.get(at).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The only entry of a document, in a feed whose key id is `blog`.
    fn sighting(entry: Entry) -> Sighting {
        identify(vec![entry], &FeedMeta::default(), "blog", &Seen::default()).remove(0)
    }

    fn html(text: &str) -> Option<Text> {
        Some(Text::Html(text.to_owned()))
    }

    #[test]
    fn keys_are_frozen() {
        // By hand: printf 'blog\0tag:blog.example,2026:1' | sha256sum | head -c 20, in base32.
        let item = |key: EntryKey| key.item_id().to_string();
        assert_eq!(item(key_of("planet-jabber", "tag:blog.example,2026:1")), "dlkxdlm6nfnue2yc");
        assert_eq!(item(key_of("blog", "tag:blog.example,2026:1")), "ih6k7qaww7ebaexk");

        let text = |text: &str| Some(text.to_owned());
        for (what, entry, expected) in [
            ("id", Entry { id: text(" tag:blog.example,2026:1\n"), ..Entry::default() }, "ih6k7qaww7ebaexk"),
            (
                "link",
                Entry { link: text("https://blog.example/p?id=1&utm_source=x"), ..Entry::default() },
                "3tbmkivejxn4uuyh",
            ),
            (
                "text",
                Entry { title: html("Fish &amp; chips"), content: html("<p>One</p>\n two"), ..Entry::default() },
                "qe3qbvtoas3fgpgy",
            ),
            ("1024 bytes of text", Entry { content: html(&"é".repeat(600)), ..Entry::default() }, "jkcpc2hs4e7nwqoo"),
            (
                "1023 bytes of text",
                Entry { summary: html(&format!("x{}", "é".repeat(600))), ..Entry::default() },
                "5eyziewvphik4j3j",
            ),
        ] {
            assert_eq!(item(sighting(entry).key), expected, "{what}");
        }
    }

    #[test]
    fn keys_of_entries_that_share_a_name_are_frozen() {
        let entry = |link: &str, title: &str| Entry {
            id: Some("id".to_owned()),
            link: Some(link.to_owned()),
            title: Some(Text::Plain(title.to_owned())),
            ..Entry::default()
        };
        let document = vec![entry("https://blog.example/1", "T"), entry("https://blog.example/2", "T")];
        let sightings = identify(document, &FeedMeta::default(), "blog", &Seen::default());
        assert_eq!(sightings[0].key.item_id().to_string(), "4dohcjhvh3ojeqvs");
        let document = vec![entry("https://blog.example/1", "T"), entry("https://blog.example/1", "U")];
        let sightings = identify(document, &FeedMeta::default(), "blog", &Seen::default());
        assert_eq!(sightings[0].key.item_id().to_string(), "2v4kv4emw3w6vzwk");
    }

    #[test]
    fn fingerprints_are_frozen() {
        let entry = Entry {
            title: html("Fish &amp;\t <b>chips</b> "),
            link: Some("https://www.blog.example/p?id=1&utm_source=x".to_owned()),
            content: html("<p>One\r\n  two</p>"),
            ..Entry::default()
        };
        let fingerprint = |entry: Entry| data_encoding::HEXLOWER.encode(&sighting(entry).fingerprint.0);
        assert_eq!(fingerprint(entry.clone()), "0141d5db7b6fa221");
        assert_eq!(fingerprint(Entry::default()), "0196a296d224f285");
        // Neither dates nor anything else make an edit.
        let other = Entry {
            id: Some("x".to_owned()),
            updated: Some(chrono::DateTime::UNIX_EPOCH),
            summary: html("x"),
            authors: vec![Default::default()],
            ..entry
        };
        assert_eq!(fingerprint(other), "0141d5db7b6fa221");
    }

    #[test]
    fn shared_names_are_frozen() {
        let name = |entry: Entry| sighting(entry).shared_name().map(|name| data_encoding::HEXLOWER.encode(&name));
        let link = Entry { link: Some("https://www.blog.example/1".to_owned()), ..Entry::default() };
        assert_eq!(name(link).as_deref(), Some("4ea1c6acd5fff2d3"));
        let id = Entry { id: Some("tag:blog.example,2026:1".to_owned()), ..Entry::default() };
        assert_eq!(name(id).as_deref(), Some("d50bbb26a286c668"));
        assert_eq!(name(Entry::default()), None);
    }
}
