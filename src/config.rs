//! tidings.toml and feeds.d, composed of the modules' own Config types.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

use crate::feed::{Destination, FeedId};
use crate::{atom, deliver, ingest, source, store, web, xmpp};

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
    pub feeds: BTreeMap<FeedId, Arc<Feed>>,
    /// Every `[[route]]`, in order.
    pub routes: Arc<Vec<ingest::route::Route>>,
    /// Settings of the nodes that routes make.
    pub route_nodes: Arc<deliver::NodeSettings>,
}

/// A feed, resolved: own settings over `[defaults]` over built-in ones; equal parts are shared between feeds.
#[derive(Debug, Clone)]
pub struct Feed {
    /// Its id.
    pub id: FeedId,
    /// Address of the document.
    pub url: Url,
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
    /// Where its entries go, routes left out.
    pub to: Vec<Target>,
    /// How its entries are rendered.
    pub style: Arc<atom::Style>,
}

/// A destination of a feed's `to`.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where.
    pub destination: Destination,
    /// First contact at this destination; `None`: none (PEP, rooms, chats that do not set it).
    pub backfill: Option<ingest::Backfill>,
    /// How it is created and kept.
    pub settings: Arc<deliver::NodeSettings>,
}
