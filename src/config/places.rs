//! Which feeds go to a destination by their own `to`, and what `deliver` is told of it.
//!
//! A node that is called after its feed is found by its name: nothing is kept of very many feeds that their ids tell.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::atom::Style;
use crate::deliver::{self, Named};
use crate::feed::{Destination, FeedId};

use super::{Config, Feed, Target, template};

/// The destinations of feeds.
pub(super) struct Places {
    feeds: Arc<BTreeMap<FeedId, Arc<Feed>>>,
    /// The nodes that are called after feeds, as it is written.
    templates: BTreeSet<Destination>,
}

impl Places {
    pub(super) fn new(feeds: Arc<BTreeMap<FeedId, Arc<Feed>>>) -> Self {
        let mut templates = BTreeSet::new();
        for target in feeds.values().flat_map(|feed| feed.to.iter()).filter(|target| target.names_feed()) {
            if !templates.contains(&target.destination) {
                templates.insert(target.destination.clone());
            }
        }
        Self { feeds, templates }
    }

    /// The feeds, and their destinations that are not called after them.
    pub(super) fn fixed(&self) -> impl Iterator<Item = (&Feed, &Target)> {
        self.all().filter(|(_, target)| !target.names_feed())
    }

    /// The feeds, and their destinations that are called after them, unless all are in the same way.
    pub(super) fn ambiguous(&self) -> impl Iterator<Item = (&Feed, &Target)> {
        self.all().filter(|(_, target)| self.templates.len() > 1 && target.names_feed())
    }

    /// The feeds after which this node is called, in order.
    pub(super) fn called_after_feeds(&self, destination: &Destination) -> Vec<(&Feed, &Target)> {
        let Destination::Node { service, node: name } = destination else { return Vec::new() };
        let called = |template: &Destination| match template {
            Destination::Node { service: there, node } if there == service => {
                let feed = self.feeds.get(&FeedId::new(template::feed_of(node, name)?).ok()?)?;
                Some((&**feed, feed.to.iter().find(|target| target.destination == *template)?))
            }
            _ => None,
        };
        let mut feeds: Vec<_> = self.templates.iter().filter_map(called).collect();
        feeds.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
        feeds.dedup_by(|(a, _), (b, _)| a.id == b.id);
        feeds
    }

    fn all(&self) -> impl Iterator<Item = (&Feed, &Target)> {
        self.feeds.values().flat_map(|feed| feed.to.iter().map(|target| (&**feed, target)))
    }

    /// What `deliver` is told of a node that is called after feeds.
    fn named(&self, destination: &Destination) -> Option<Named> {
        let feeds = self.called_after_feeds(destination);
        let settings = feeds.first()?.1.settings.clone();
        let is_shared = feeds.len() > 1;
        Some(Named { settings, feeds: feeds.into_iter().filter_map(owner).collect(), is_routed: false, is_shared })
    }
}

/// A feed that has a first contact with its destination.
fn owner((feed, target): (&Feed, &Target)) -> Option<FeedId> {
    target.backfill.map(|_| feed.id.clone())
}

impl Config {
    /// The part that `deliver` needs.
    pub fn deliver(&self) -> deliver::Config {
        let places = Places::new(self.feeds.clone());
        let named = self.named(&places);
        let styled = |feed: &&Arc<Feed>| *feed.style != Style::default();
        deliver::Config {
            named,
            called_after_feeds: Arc::new(move |destination| places.named(destination)),
            routed: self.route_nodes.clone(),
            settle: self.xmpp.settle,
            account: self.xmpp.jid.clone(),
            styles: self.feeds.values().filter(styled).map(|feed| (feed.id.clone(), feed.style.clone())).collect(),
        }
    }

    /// Every destination that is not called after a feed.
    fn named(&self, places: &Places) -> HashMap<Destination, Named> {
        let of_routes = self.route_targets.iter().chain(&self.health).map(|target| (None, target));
        let of_feeds = places.fixed().map(|(feed, target)| (Some(feed), target));
        let mut all: HashMap<Destination, Named> = HashMap::new();
        for (feed, target) in of_routes.chain(of_feeds) {
            let known = all.entry(target.destination.clone()).and_modify(|named| named.is_shared = true);
            let is_routed = feed.is_none();
            let named = known.or_insert_with(|| Named {
                settings: target.settings.clone(),
                feeds: Vec::new(),
                is_routed,
                is_shared: is_routed,
            });
            named.feeds.extend(feed.and_then(|feed| owner((feed, target))));
        }
        for (destination, named) in &mut all {
            let feeds = places.called_after_feeds(destination);
            named.is_shared |= !feeds.is_empty();
            named.feeds.extend(feeds.into_iter().filter_map(owner));
            named.feeds.sort();
            named.feeds.dedup();
        }
        all
    }
}
