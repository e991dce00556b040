//! Pure: other names that an entry is known by, matched inside the same feed only.
//!
//! A name that could mean two entries is none.

use crate::feed::EntryKey;
use crate::store::{Alias, SeenEntry};

use super::draft::Draft;
use super::identify::{hash, repeated};
use super::link;

/// Names that an entry may be known by beside its key; matched inside the same feed only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases {
    /// Marks of the names that it shares with others: entries with such a name need a longer one from now on.
    pub marks: Vec<Alias>,
    /// The id as an address, without scheme and `www.`.
    pub id: Option<Alias>,
    /// Its links, without scheme and `www.`: the canonical one first, then that of a proxy.
    pub links: [Option<Alias>; 2],
    /// The content, when it has neither id nor link.
    pub text: Option<Alias>,
    /// Id and link without host, for the first poll after a move.
    pub moved: [Option<Alias>; 2],
}

impl Aliases {
    /// All of them, best first.
    pub fn all(&self) -> impl Iterator<Item = Alias> {
        self.marks.iter().copied().chain(self.telling())
    }

    /// Whether they are the names that an entry was seen with last.
    pub(super) fn are_newest_of(&self, entry: &SeenEntry) -> bool {
        let mut known = entry.aliases.iter();
        self.all().all(|alias| known.next() == Some(&alias))
    }

    /// Those that point to the entry.
    fn telling(&self) -> impl Iterator<Item = Alias> {
        [self.id, self.links[0], self.links[1], self.text, self.moved[0], self.moved[1]].into_iter().flatten()
    }
}

/// The aliases that point to one entry only: not those of several entries, not the home page.
pub(super) fn telling_aliases(drafts: &[Draft], home: Option<&str>) -> Vec<Aliases> {
    let mut all: Vec<Aliases> = drafts.iter().map(|draft| possible_aliases(draft, home)).collect();
    let mut owned: Vec<(Alias, usize)> =
        all.iter().enumerate().flat_map(|(at, aliases)| aliases.all().map(move |alias| (alias, at))).collect();
    owned.sort_unstable();
    owned.dedup();
    let shared = repeated(owned.into_iter().map(|(alias, _)| alias));
    for aliases in &mut all {
        let [first, second] = &mut aliases.links;
        let [by_id, by_link] = &mut aliases.moved;
        for alias in [&mut aliases.id, first, second, &mut aliases.text, by_id, by_link] {
            alias.take_if(|alias| shared.binary_search(alias).is_ok());
        }
    }
    all
}

fn possible_aliases(draft: &Draft, home: Option<&str>) -> Aliases {
    let web_id = draft.id().filter(|id| link::is_web(id) && draft.level == 0);
    let link = draft.link.as_deref().filter(|link| !is_home(link, home));
    let proxy = draft.entry.link.as_deref().filter(|_| draft.entry.original_link.is_some()).map(link::canonical);
    let by_link = |link: &str| alias("link", link::bare(link));
    let canonical = link.map(by_link);
    Aliases {
        marks: (0..draft.level).map(|level| alias("shared", &draft.name(level))).collect(),
        id: web_id.map(|id| alias("id", link::bare(id))),
        links: [canonical, proxy.as_deref().map(by_link).filter(|proxy| Some(*proxy) != canonical)],
        text: (draft.id().is_none() && draft.link.is_none())
            .then(|| draft.content())
            .filter(|content| !content.is_empty())
            .map(|content| alias("text", &content)),
        moved: [
            web_id.and_then(link::hostless).map(|path| alias("id-path", path)),
            link.and_then(link::hostless).map(|path| alias("link-path", path)),
        ],
    }
}

pub(super) fn is_home(link: &str, home: Option<&str>) -> bool {
    let trimmed = |link| link::bare(link).trim_end_matches('/');
    home.is_some_and(|home| trimmed(home) == trimmed(link))
}

/// The alias that a key becomes, when its entry is known by another one already.
pub(super) fn key_alias(key: &EntryKey) -> Alias {
    Alias(std::array::from_fn(|at| key.0[at]))
}

pub(super) fn alias(kind: &str, name: &str) -> Alias {
    Alias(hash(&[kind, "\0", name]))
}
