//! Pure: other names that an entry is known by, matched inside the same feed only.
//!
//! A name that could mean two entries is none.

use std::collections::{HashMap, HashSet};

use crate::feed::EntryKey;
use crate::store::Alias;

use super::identify::{Draft, hash};
use super::link;

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

/// The aliases that point to one entry only: not those of several entries, not the home page.
pub(super) fn telling_aliases(drafts: &[Draft], home: Option<&str>) -> Vec<Aliases> {
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

pub(super) fn is_home(link: &str, home: Option<&str>) -> bool {
    let trimmed = |link| link::bare(link).trim_end_matches('/').to_owned();
    home.is_some_and(|home| trimmed(home) == trimmed(link))
}

/// The alias that a key becomes, when its entry is known by another one already.
pub(super) fn key_alias(key: &EntryKey) -> Alias {
    Alias(std::array::from_fn(|at| key.0[at]))
}

pub(super) fn alias(kind: &str, name: &str) -> Alias {
    Alias(hash(&[kind, "\0", name]))
}
