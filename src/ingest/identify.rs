//! Pure: what makes an entry the same entry for ever, and what makes it an edited one.
//!
//! Frozen: an entry's key, its item id and its fingerprint are functions of what was read; never random, never position,
//! never date. Test vectors below.

use std::collections::{HashMap, HashSet};

use chrono::{Datelike, SubsecRound};
use sha2::{Digest, Sha256};

use crate::feed::{Entry, EntryKey, FeedMeta, Fingerprint, Text, Time};
use crate::store::{Alias, Seen};

use super::link;
use super::plain::{folded, plain};
use super::rules::ItemIdScheme;

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
    /// Hash of the title.
    pub title: [u8; 4],
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

/// Names that an entry may be known by beside its key; matched inside the same feed only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases {
    /// Marks of the names that it shares with others: entries with such a name need a longer one from now on.
    pub marks: Vec<Alias>,
    /// The id as an address, without scheme and `www.`.
    pub id: Option<Alias>,
    /// Its links, without scheme and `www.`: the canonical one first.
    pub links: Vec<Alias>,
    /// The content, when it has neither id nor link.
    pub text: Option<Alias>,
    /// Id and link without host, for the first poll after a move.
    pub moved: Vec<Alias>,
}

impl Aliases {
    /// All of them, best first.
    pub fn all(&self) -> impl Iterator<Item = Alias> {
        self.marks.iter().chain(&self.id).chain(&self.links).chain(&self.text).chain(&self.moved).copied()
    }
}

impl Sighting {
    /// What copies of the entry in other feeds are known by, too: its canonical link, else its id.
    pub fn shared_name(&self) -> Option<[u8; 8]> {
        let by_id = || Some(alias("id", link::bare(self.entry.id.as_deref()?.trim())));
        self.aliases.links.first().copied().or_else(by_id).map(|alias| alias.0)
    }

    /// The id of its item, when that is not made of the key.
    pub fn item_id(&self, scheme: ItemIdScheme) -> Option<String> {
        // An id that several entries share would make them overwrite each other.
        let has_own_id = self.named_by == Name::Id && self.shared.is_empty();
        let id = self.entry.id.as_deref().filter(|_| has_own_id)?.trim();
        (scheme == ItemIdScheme::Atomtopubsub).then(|| id.replace([':', ',', '/'], "-"))
    }
}

/// Names the entries of a document; an entry that stands in it twice is one.
pub fn identify(entries: Vec<Entry>, meta: &FeedMeta, key_id: &str, seen: &Seen) -> Vec<Sighting> {
    let home = meta.link.as_deref().map(link::canonical);
    let mut drafts: Vec<Draft> = entries.into_iter().enumerate().map(|(at, entry)| Draft::new(at, entry)).collect();
    merge_repeats(&mut drafts);
    tell_apart(&mut drafts, home.as_deref(), seen);
    let aliases = telling_aliases(&drafts, home.as_deref());
    drafts.into_iter().zip(aliases).map(|(draft, aliases)| draft.finish(aliases, key_id)).collect()
}

/// The key of a name: the first 10 bytes of SHA-256(key id ‖ 0x00 ‖ name). Frozen.
pub fn key_of(key_id: &str, name: &str) -> EntryKey {
    EntryKey(hash(&[key_id, "\0", name]))
}

/// What tells an entry from its own earlier self: title, canonical link and content as read, white space folded. Frozen.
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

/// The date that an entry gives itself, in whole seconds.
pub fn date(entry: &Entry) -> Option<Time> {
    let date = entry.published.or(entry.updated)?;
    (0..=9999).contains(&date.year()).then(|| date.trunc_subsecs(0))
}

/// An entry on its way to a name.
struct Draft {
    entry: Entry,
    position: u16,
    id: Option<String>,
    link: Option<String>,
    title: String,
    content: String,
    date: Option<Time>,
    /// Names from the shortest to the longest.
    names: Vec<String>,
    /// Which of them is its own.
    level: usize,
}

impl Draft {
    fn new(position: usize, entry: Entry) -> Self {
        let id = entry.id.as_deref().map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned);
        let link = canonical_link(&entry);
        let title = folded(entry.title.as_ref().map(Text::as_str).unwrap_or_default());
        let content = entry.content.as_ref().or(entry.summary.as_ref());
        let names = match (&id, &link) {
            (Some(id), link) => {
                let both = format!("{id} {}", link.as_deref().unwrap_or_default());
                vec![id.clone(), both.clone(), format!("{both} {title}")]
            }
            (None, Some(link)) => vec![link.clone(), format!("{link} {title}")],
            (None, None) => vec![text_name(entry.title.as_ref(), content)],
        };
        let content = folded(content.map(Text::as_str).unwrap_or_default());
        let position = u16::try_from(position).unwrap_or(u16::MAX - 1).min(u16::MAX - 1);
        let date = date(&entry);
        Self { entry, position, id, link, title, content, date, names, level: 0 }
    }

    /// One entry listed twice: same id and link, and at least the same title or the same date.
    fn repeats(&self, other: &Self) -> bool {
        let bare = |draft: &Self| draft.link.as_deref().map(link::bare).map(str::to_owned);
        self.names[0] == other.names[0]
            && bare(self) == bare(other)
            && (self.title == other.title || (self.date.is_some() && self.date == other.date))
    }

    fn finish(self, aliases: Aliases, key_id: &str) -> Sighting {
        let text_hash = |text: &str| if text.is_empty() { [0; 8] } else { hash(&[text]) };
        Sighting {
            position: self.position,
            key: key_of(key_id, &self.names[self.level]),
            named_by: match (&self.id, &self.link) {
                (Some(_), _) => Name::Id,
                (None, Some(_)) => Name::Link,
                (None, None) => Name::Text,
            },
            shared: self.names[..self.level].iter().map(|name| key_of(key_id, name)).collect(),
            aliases,
            fingerprint: fingerprint(&self.title, self.link.as_deref(), &self.content),
            title: hash(&[&self.title]),
            content: text_hash(&self.content),
            date: self.date,
            entry: self.entry,
        }
    }
}

/// The name of an entry without id and link: a hash of title and first KiB of plain text. Frozen.
fn text_name(title: Option<&Text>, content: Option<&Text>) -> String {
    let mut text = content.map(plain).unwrap_or_default();
    let end = (0..=text.len().min(1024)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.truncate(end);
    let digest: [u8; 32] = hash(&[&title.map(plain).unwrap_or_default(), "\0", &text]);
    data_encoding::HEXLOWER.encode(&digest)
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

/// Gives longer names to different entries that share a short one, now or in an earlier document, and to those that are
/// named by the home page.
fn tell_apart(drafts: &mut [Draft], home: Option<&str>, seen: &Seen) {
    let marks: HashSet<Alias> = seen.entries.iter().flat_map(|entry| entry.aliases.iter().copied()).collect();
    for level in 0..2 {
        let mut count: HashMap<String, usize> = HashMap::new();
        for draft in drafts.iter().filter(|draft| draft.level == level) {
            *count.entry(draft.names[level].clone()).or_default() += 1;
        }
        for draft in drafts.iter_mut().filter(|draft| draft.level == level && draft.names.len() > level + 1) {
            let name = &draft.names[level];
            if count[name] > 1 || marks.contains(&alias("shared", name)) || (draft.id.is_none() && is_home(name, home))
            {
                draft.level += 1;
            }
        }
    }
}

/// The aliases that point to one entry only: not those of several entries, not the home page.
fn telling_aliases(drafts: &[Draft], home: Option<&str>) -> Vec<Aliases> {
    let mut all: Vec<Aliases> = drafts.iter().map(|draft| possible_aliases(draft, home)).collect();
    let mut count: HashMap<Alias, usize> = HashMap::new();
    for aliases in &all {
        let once: HashSet<Alias> = aliases.all().collect();
        once.into_iter().for_each(|alias| *count.entry(alias).or_default() += 1);
    }
    for aliases in &mut all {
        let is_telling = |alias: &Alias| count[alias] == 1;
        aliases.id = aliases.id.filter(is_telling);
        aliases.text = aliases.text.filter(is_telling);
        aliases.links.retain(is_telling);
        aliases.moved.retain(is_telling);
    }
    all
}

fn possible_aliases(draft: &Draft, home: Option<&str>) -> Aliases {
    let web_id = draft.id.as_deref().filter(|id| link::is_web(id) && draft.level == 0);
    let link = draft.link.as_deref().filter(|link| !is_home(link, home));
    let proxy = draft.entry.link.as_deref().filter(|_| draft.entry.original_link.is_some()).map(link::canonical);
    let mut links: Vec<Alias> =
        link.into_iter().chain(proxy.as_deref()).map(|l| alias("link", link::bare(l))).collect();
    links.dedup();
    let moved_id = web_id.and_then(link::hostless).map(|path| alias("id-path", path));
    let moved_link = link.and_then(link::hostless).map(|path| alias("link-path", path));
    Aliases {
        marks: draft.names[..draft.level].iter().map(|name| alias("shared", name)).collect(),
        id: web_id.map(|id| alias("id", link::bare(id))),
        links,
        text: (draft.id.is_none() && draft.link.is_none() && !draft.content.is_empty())
            .then(|| alias("text", &draft.content)),
        moved: moved_id.into_iter().chain(moved_link).collect(),
    }
}

fn is_home(link: &str, home: Option<&str>) -> bool {
    let trimmed = |link| link::bare(link).trim_end_matches('/').to_owned();
    home.is_some_and(|home| trimmed(home) == trimmed(link))
}

fn alias(kind: &str, name: &str) -> Alias {
    Alias(hash(&[kind, "\0", name]))
}

/// The first bytes of SHA-256 over the parts.
pub(super) fn hash<const N: usize>(parts: &[&str]) -> [u8; N] {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    let digest = hasher.finalize();
    std::array::from_fn(|at| digest.get(at).copied().unwrap_or_default())
}
