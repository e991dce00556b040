//! Pure: which destinations an entry goes to.

use regex::Regex;

use crate::feed::Destination;

/// A match table of the configuration; the keys of a table must all hold.
#[derive(Debug, Clone)]
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
    Author(Regex),
    /// The title as plain text.
    Title(Regex),
    /// Language: equal, or a prefix before `-`; case folded.
    Lang(String),
}

/// One `[[route]]`.
#[derive(Debug, Clone)]
pub struct Route {
    /// Which entries.
    pub matches: Match,
    /// Where they go.
    pub to: Vec<RouteTarget>,
    /// An entry that several feeds carry goes once to a destination.
    pub dedup: bool,
    /// How many nodes a template may make.
    pub limit: usize,
}

/// A destination of a route.
#[derive(Debug, Clone)]
pub enum RouteTarget {
    /// Always the same one.
    Fixed(Destination),
    /// A node whose name is a template over `{feed} {tag} {category} {host} {lang}`.
    Template {
        /// JID of the pubsub service; `None`: the default one.
        service: Option<String>,
        /// The template.
        node: String,
    },
}
