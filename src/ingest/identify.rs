//! Pure: what makes an entry the same entry for ever, and what makes it an edited one.
//!
//! Frozen: an entry's key, its item id and its fingerprint are functions of what was read; never random, never position,
//! never date. Test vectors below.

use std::cmp::Reverse;
use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::feed::{Entry, EntryKey, FeedMeta, Fingerprint, Time};
use crate::store::Alias;

use super::alias::{Aliases, alias, is_home, key_alias, telling_aliases};
use super::draft::Draft;
use super::known::Known;
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
    /// Hash of the content as it was read; zeros when there is none.
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
        self.aliases.links.into_iter().flatten().next().or_else(by_id).map(|alias| alias.0)
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
pub fn identify(entries: Vec<Entry>, meta: &FeedMeta, key_id: &str, known: &Known<'_>) -> Vec<Sighting> {
    let home = meta.link.as_deref().map(link::canonical);
    let mut drafts: Vec<Draft> =
        newest(entries).into_iter().enumerate().map(|(at, entry)| Draft::new(at, entry, key_id)).collect();
    merge_repeats(&mut drafts);
    tell_apart(&mut drafts, home.as_deref(), key_id, known);
    let aliases = telling_aliases(&drafts, home.as_deref());
    drafts.into_iter().zip(aliases).map(|(draft, aliases)| draft.finish(aliases, key_id, known)).collect()
}

/// The key of a name: the first 10 bytes of SHA-256(key id ‖ 0x00 ‖ name). Frozen.
pub fn key_of(key_id: &str, name: &str) -> EntryKey {
    EntryKey(hash(&[key_id, "\0", name]))
}

/// What tells an entry from its own earlier self: title, canonical link and content, the title as plain text, the content as
/// read, white space folded. Frozen.
pub(super) fn fingerprint(title: &str, link: Option<&str>, content: &str) -> Fingerprint {
    // Scheme and `www.` are left out: a site that goes to https has edited nothing.
    let [a, b, c, d, e, f, g] = hash(&[title, "\0", link.map(link::bare).unwrap_or_default(), "\0", content]);
    Fingerprint([READER, a, b, c, d, e, f, g])
}

/// The canonical link of an entry: the original one, where the feed gives it beside a proxy's.
pub fn canonical_link(entry: &Entry) -> Option<String> {
    let given = entry.original_link.as_deref().or(entry.link.as_deref())?;
    Some(link::canonical(given)).filter(|link| !link.is_empty())
}

/// The newest entries of a document: by date when every one has a date, else from the top.
fn newest(mut entries: Vec<Entry>) -> Vec<Entry> {
    if entries.len() > MOST_ENTRIES {
        let mut dates: Vec<Time> = entries.iter().filter_map(when::given).collect();
        if dates.len() == entries.len() {
            dates.sort_unstable_by_key(|date| Reverse(*date));
            let oldest = dates[MOST_ENTRIES - 1];
            entries.retain(|entry| when::given(entry) >= Some(oldest));
        }
        entries.truncate(MOST_ENTRIES);
    }
    entries
}

/// Of an entry that is listed several times, the newest revision stays.
fn merge_repeats(drafts: &mut Vec<Draft>) {
    if repeated(drafts.iter().map(|draft| draft.key)).is_empty() {
        return;
    }
    let mut merged: Vec<Draft> = Vec::with_capacity(drafts.len());
    let mut by_name: HashMap<EntryKey, Vec<usize>> = HashMap::new();
    for draft in drafts.drain(..) {
        let group = by_name.entry(draft.key).or_default();
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
fn tell_apart(drafts: &mut [Draft], home: Option<&str>, key_id: &str, known: &Known<'_>) {
    let has_other_story = |draft: &Draft| {
        let before = known.entry(&draft.key).or_else(|| known.namesake(key_alias(&draft.key)));
        before.is_some_and(|before| draft.tells_other_story(before))
    };
    for level in 0..2 {
        let shared = repeated(drafts.iter().filter(|draft| draft.level == level).map(|draft| draft.key));
        for draft in drafts.iter_mut().filter(|draft| draft.level == level && draft.has_longer_name()) {
            let name = draft.name(level);
            let is_shared = shared.contains(&draft.key) || known.holders(alias("shared", &name)).next().is_some();
            if is_shared || (draft.id().is_none() && (is_home(&name, home) || has_other_story(draft))) {
                draft.take_name(level + 1, key_id);
            }
        }
    }
}

/// What stands more than once among some things, once each.
pub(super) fn repeated<T: Ord + Copy>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_unstable();
    let mut repeated: Vec<T> = all.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    repeated.dedup();
    repeated
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
    use crate::feed::Text;
    use crate::store::Seen;

    use super::*;

    /// The entries of a first document, in a feed whose key id is `blog`.
    fn named(document: Vec<Entry>) -> Vec<Sighting> {
        identify(document, &FeedMeta::default(), "blog", &Known::of(&Seen::default()))
    }

    /// The only entry of a document.
    fn sighting(entry: Entry) -> Sighting {
        named(vec![entry]).remove(0)
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
        let sightings = named(document);
        assert_eq!(sightings[0].key.item_id().to_string(), "4dohcjhvh3ojeqvs");
        let document = vec![entry("https://blog.example/1", "T"), entry("https://blog.example/1", "U")];
        let sightings = named(document);
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
