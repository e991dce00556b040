//! The XML namespaces that feeds use, by address and by habit.
//!
//! The first address of each is the one that feed-rs and the survey know; the others are older or mistyped ones.

/// A namespace that means something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// RSS of any version: no namespace, or one of the many that were once proposed.
    Rss,
    /// Atom 1.0 and its drafts.
    Atom,
    /// `rdf:`
    Rdf,
    /// `dc:`
    DublinCore,
    /// `dcterms:`
    Terms,
    /// `content:`
    Content,
    /// `sy:`
    Syndication,
    /// `feedburner:`
    Feedburner,
    /// `media:`, Media RSS
    Media,
    /// `itunes:`
    Itunes,
    /// `fh:`, RFC 5005
    History,
    /// `at:`, RFC 6721
    Tombstones,
    /// XHTML
    Xhtml,
    /// Any other.
    Other,
}

/// Namespace, usual prefix, addresses (the right one first, in lower case, without a slash or hash at the end).
const KNOWN: [(Space, &str, &[&str]); 13] = [
    (
        Space::Rss,
        "rss",
        &[
            "http://purl.org/rss/1.0",
            "http://backend.userland.com/rss",
            "http://backend.userland.com/rss2",
            "http://blogs.law.harvard.edu/tech/rss",
            "http://my.netscape.com/rdf/simple/0.9",
            "http://my.netscape.com/publish/formats/rss-0.91.dtd",
            "http://channel.netscape.com/rdf/simple/0.9",
            "http://cyber.law.harvard.edu/rss/rss.html",
            "http://purl.org/net/rss1.1",
            "http://purl.org/rss/2.0",
            "http://www.rssboard.org/rss-specification",
        ],
    ),
    (
        Space::Atom,
        "atom",
        &[
            "http://www.w3.org/2005/atom",
            "http://purl.org/atom/ns",
            "http://example.com/newformat",
            "http://example.com/necho",
        ],
    ),
    (Space::Rdf, "rdf", &["http://www.w3.org/1999/02/22-rdf-syntax-ns"]),
    (Space::DublinCore, "dc", &["http://purl.org/dc/elements/1.1", "http://purl.org/dc/elements/1.0"]),
    (Space::Terms, "dcterms", &["http://purl.org/dc/terms"]),
    (Space::Content, "content", &["http://purl.org/rss/1.0/modules/content"]),
    (Space::Syndication, "sy", &["http://purl.org/rss/1.0/modules/syndication"]),
    (
        Space::Feedburner,
        "feedburner",
        &["http://rssnamespace.org/feedburner/ext/1.0", "http://rssnamespace.org/feedburner/ext"],
    ),
    (Space::Media, "media", &["http://search.yahoo.com/mrss", "http://video.search.yahoo.com/mrss"]),
    (
        Space::Itunes,
        "itunes",
        &["http://www.itunes.com/dtds/podcast-1.0.dtd", "http://example.com/dtds/podcast-1.0.dtd"],
    ),
    (Space::History, "fh", &["http://purl.org/syndication/history/1.0"]),
    (Space::Tombstones, "at", &["http://purl.org/atompub/tombstones/1.0"]),
    (Space::Xhtml, "xhtml", &["http://www.w3.org/1999/xhtml"]),
];

/// Prefixes that writers use without declaring them, beside the usual ones.
const HABITS: [(&str, Space); 4] =
    [("a10", Space::Atom), ("atom10", Space::Atom), ("dct", Space::Terms), ("html", Space::Xhtml)];

impl Space {
    /// The namespace of an address that feed-rs and the survey know, to the letter.
    pub(super) fn exact(uri: &str) -> Self {
        match uri {
            "http://purl.org/rss/1.0/" => Self::Rss,
            "http://www.w3.org/2005/Atom" => Self::Atom,
            "http://purl.org/dc/elements/1.1/" => Self::DublinCore,
            "http://purl.org/dc/terms/" => Self::Terms,
            "http://purl.org/rss/1.0/modules/content/" => Self::Content,
            "http://purl.org/rss/1.0/modules/syndication/" => Self::Syndication,
            "http://rssnamespace.org/feedburner/ext/1.0" => Self::Feedburner,
            "http://search.yahoo.com/mrss/" => Self::Media,
            "http://www.itunes.com/dtds/podcast-1.0.dtd" => Self::Itunes,
            "http://purl.org/syndication/history/1.0" => Self::History,
            "http://purl.org/atompub/tombstones/1.0" => Self::Tombstones,
            "http://www.w3.org/1999/02/22-rdf-syntax-ns#" => Self::Rdf,
            "http://www.w3.org/1999/xhtml" => Self::Xhtml,
            _ => Self::Other,
        }
    }

    /// The namespace of an address, older and mistyped ones included.
    pub(super) fn of_uri(uri: &str) -> Self {
        let uri = uri.trim().trim_end_matches(['/', '#']).to_ascii_lowercase();
        let uri = uri.strip_prefix("https:").map_or(uri.clone(), |rest| format!("http:{rest}"));
        match uri.as_str() {
            "" => Self::Rss,
            uri => KNOWN.iter().find(|(.., uris)| uris.contains(&uri)).map_or(Self::Other, |(space, ..)| *space),
        }
    }

    /// The namespace that is meant by an undeclared prefix.
    pub(super) fn of_prefix(prefix: &str) -> Self {
        let usual = KNOWN.iter().find(|(_, usual, _)| *usual == prefix).map(|(space, ..)| *space);
        usual
            .or_else(|| HABITS.iter().find(|(habit, _)| *habit == prefix).map(|(_, space)| *space))
            .unwrap_or(Self::Other)
    }
}

/// The namespaces that are declared where a document is being read.
#[derive(Debug, Default)]
pub(super) struct Declared {
    /// Depth of the declaring element, prefix (empty: the default namespace), namespace.
    known: Vec<(usize, String, Space)>,
}

/// Prefixes that may be declared at a time.
const MAX_DECLARED: usize = 128;

impl Declared {
    /// Takes note of a declaration of the element at some depth.
    pub(super) fn add(&mut self, depth: usize, prefix: &str, space: Space) {
        if self.known.len() < MAX_DECLARED {
            self.known.push((depth, prefix.to_owned(), space));
        }
    }

    /// The namespace that a prefix is declared for.
    pub(super) fn find(&self, prefix: &str) -> Option<Space> {
        self.known.iter().rev().find(|(_, known, _)| known.eq_ignore_ascii_case(prefix)).map(|(.., space)| *space)
    }

    /// Forgets what the element at some depth and those inside have declared.
    pub(super) fn leave(&mut self, depth: usize) {
        while self.known.pop_if(|(declared, ..)| *declared >= depth).is_some() {}
    }
}

/// The prefix of an `xmlns` attribute; the default namespace has the empty one.
pub(super) fn declared_prefix(attribute: &str) -> Option<&str> {
    match attribute.strip_prefix("xmlns")? {
        "" => Some(""),
        prefix => prefix.strip_prefix(':'),
    }
}
