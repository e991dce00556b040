//! tidings.toml and feeds.d, composed of the modules' own Config types.
//!
//! Everything is read before anything is refused: one run reports every error of every file. What a later release builds
//! is refused by name; no key is ignored.

mod address;
mod blank;
mod change;
mod destination;
mod duration;
mod edit;
mod error;
mod feed;
mod feeds;
mod fields;
mod file;
mod fill;
mod find;
mod headers;
mod load;
mod matching;
mod memo;
mod new_feed;
mod opml;
mod pieces;
mod places;
mod print;
mod raw;
mod route;
mod sections;
mod settings;
mod slug;
mod template;
mod timing;
mod unify;
mod value;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::Url;

use crate::feed::{Destination, FeedId};
use crate::{atom, deliver, ingest, source, store, web, xmpp};

pub use self::blank::Blank;
pub use self::change::RemoveError;
pub(crate) use self::duration::duration;
pub use self::error::{ConfigError, ConfigErrors};
use self::load::Manner;
pub use self::new_feed::NewFeed;
pub use self::print::Merged;
pub use self::slug::slug;
pub(crate) use self::value::quoted_toml;

/// The whole configuration, checked and resolved.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from.
    pub path: PathBuf,
    /// `[xmpp]`.
    pub xmpp: xmpp::Config,
    /// `[store]`.
    pub store: store::Config,
    /// `[http]`.
    pub http: source::Config,
    /// `[web]`.
    pub web: web::Config,
    /// Every feed, by id.
    pub feeds: Arc<BTreeMap<FeedId, Arc<Feed>>>,
    /// Every `[[route]]`, in order.
    pub routes: Arc<Vec<ingest::route::Route>>,
    /// The fixed destinations of routes.
    pub route_targets: Vec<Target>,
    /// Settings of the nodes that templates of routes make.
    pub route_nodes: Arc<deliver::NodeSettings>,
    /// `[reload]`: whether a running gateway takes over edited files by itself.
    pub is_watched: bool,
    /// `[log]`: where the operator is told of feeds that fail or are well again.
    pub health: Vec<Target>,
}

/// A feed, resolved: own settings over `[defaults]` over built-in ones; equal parts are shared between feeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed {
    /// Its id.
    pub id: FeedId,
    /// Address of the document.
    pub url: Url,
    /// What people call it, for lists of feeds.
    pub name: Option<Box<str>>,
    /// Whether it is polled.
    pub enabled: bool,
    /// Tags, case folded, in order.
    pub tags: Arc<Vec<String>>,
    /// Former ids.
    pub was: Vec<FeedId>,
    /// When and how it is polled.
    pub poll: Arc<source::PollRules>,
    /// How its entries are judged.
    pub rules: Arc<ingest::Rules>,
    /// Where its entries go, routes left out; see [`Feed::destinations`].
    pub to: Arc<[Target]>,
    /// How its entries are rendered.
    pub style: Arc<atom::Style>,
}

impl Feed {
    /// Where its entries go, routes left out.
    pub fn destinations(&self) -> impl Iterator<Item = (Destination, &Target)> {
        self.to.iter().map(|target| (target.destination_of(&self.id), target))
    }
}

/// A destination of a `to`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// Where; a node's name may be a template over `{feed}`, so that very many feeds share a `to`.
    pub destination: Destination,
    /// First contact at this destination; `None`: none (PEP, rooms, chats that do not set it).
    pub backfill: Option<ingest::Backfill>,
    /// How it is created and kept.
    pub settings: Arc<deliver::NodeSettings>,
}

impl Target {
    /// Where entries of a feed go.
    pub fn destination_of(&self, feed: &FeedId) -> Destination {
        match &self.destination {
            Destination::Node { service, node } => {
                Destination::Node { service: service.clone(), node: template::name_of(node, feed.as_str()) }
            }
            other => other.clone(),
        }
    }

    /// Whether it is another destination for each feed.
    fn names_feed(&self) -> bool {
        matches!(&self.destination, Destination::Node { node, .. } if template::names_feed(node))
    }
}

/// How variables of the environment are looked up.
type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

impl Config {
    /// Reads and checks the configuration: the file given, else `$TIDINGS_CONFIG`, else the first of the usual places.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigErrors> {
        load::load(path, Manner::new(&variable)).map(|(config, _)| config)
    }

    /// Whether a text would do as the main file at a path, with the feeds that are there.
    pub fn check_draft(path: &Path, text: String) -> Result<(), ConfigErrors> {
        load::check_draft(path, text, &variable)
    }

    /// Reads the same files again. What a feed comes to is kept once when nothing about it changed.
    pub fn load_again(&self) -> Result<Self, ConfigErrors> {
        let manner = Manner { former: Some(self), ..Manner::new(&variable) };
        load::load(Some(&self.path), manner).map(|(config, _)| config)
    }

    /// The configuration, and where every setting comes from.
    pub fn explain(path: Option<&Path>) -> Result<(Self, Merged), ConfigErrors> {
        load::load(path, Manner { is_traced: true, ..Manner::new(&variable) })
    }

    /// Where the state of a configuration is, however broken the rest of it may be; `None` when not even that can be said.
    pub fn state_of(path: Option<&Path>) -> Option<PathBuf> {
        load::state(path, &variable)
    }

    /// The configuration as if there was this file of feeds, too. With it no other file is needed.
    pub fn with_guest(path: Option<&Path>, file: &Path, feeds: String) -> Result<Self, ConfigErrors> {
        let manner = Manner { guest: Some((file, feeds)), ..Manner::new(&variable) };
        load::load(path, manner).map(|(config, _)| config)
    }
}
