//! What polling needs of the configuration: one value, replaced as a whole at a reload.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;

use url::Url;

use crate::feed::{Destination, FeedId};
use crate::ingest::route::Route;
use crate::ingest::{Backfill, Plan, Rules};
use crate::store::Claim;

use super::PollRules;

/// A feed as polling sees it.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// The configured address.
    pub url: Url,
    /// When and how it is polled.
    pub poll: Arc<PollRules>,
    /// Its tags.
    pub tags: Arc<Vec<String>>,
    /// How its entries are judged.
    pub rules: Arc<Rules>,
    /// Its own destinations, each with what first contact publishes there.
    pub to: Vec<(Destination, Option<Backfill>)>,
}

impl Subscription {
    /// What intake needs of it.
    pub fn plan<'a>(&'a self, claim: &'a Claim, roster: &'a Roster) -> Plan<'a> {
        Plan {
            feed: &claim.feed,
            key_id: &claim.row.key_id,
            tags: &self.tags,
            rules: &self.rules,
            to: &self.to,
            is_rebuilt: claim.row.rebuilt,
            routes: &roster.routes,
        }
    }
}

/// What the poll of a feed is judged by: the configuration of one moment.
#[derive(Clone)]
pub(super) struct Terms {
    pub(super) subscription: Subscription,
    pub(super) roster: Arc<Roster>,
}

impl Terms {
    /// What intake needs of it.
    pub(super) fn plan<'a>(&'a self, claim: &'a Claim) -> Plan<'a> {
        self.subscription.plan(claim, &self.roster)
    }
}

/// Finds an enabled feed of the configuration.
type Find = Box<dyn Fn(&FeedId) -> Option<Subscription> + Send + Sync>;

/// All feeds. Keeps no copy of the configuration but of the feeds that share an address.
pub struct Roster {
    find: Find,
    twins: HashMap<FeedId, Arc<[FeedId]>>,
    /// The routes of the configuration.
    pub routes: Arc<Vec<Route>>,
    /// Where the operator is told of feeds that fail or are well again.
    pub health: Vec<Destination>,
}

impl Roster {
    /// `find` knows each of `feeds`.
    pub fn new(
        feeds: impl IntoIterator<Item = FeedId>,
        find: impl Fn(&FeedId) -> Option<Subscription> + Send + Sync + 'static,
        routes: Arc<Vec<Route>>,
    ) -> Self {
        let hashes = RandomState::new();
        let mut requests: Vec<(u64, FeedId)> = Vec::new();
        for feed in feeds {
            requests.extend(find(&feed).map(|subscription| (hashes.hash_one(request_key(&subscription)), feed)));
        }
        requests.sort_unstable();
        let mut twins = HashMap::new();
        for alike in requests.chunk_by(|(a, _), (b, _)| a == b).filter(|alike| alike.len() > 1) {
            // Different requests hardly ever have the same hash.
            let mut groups: BTreeMap<String, Vec<FeedId>> = BTreeMap::new();
            for (feed, subscription) in alike.iter().filter_map(|(_, feed)| Some((feed, find(feed)?))) {
                groups.entry(request_key(&subscription)).or_default().push(feed.clone());
            }
            for group in groups.into_values().filter(|group| group.len() > 1) {
                let group: Arc<[FeedId]> = group.into();
                twins.extend(group.iter().map(|feed| (feed.clone(), Arc::clone(&group))));
            }
        }
        Self { find: Box::new(find), twins, routes, health: Vec::new() }
    }

    /// The same, with places where the operator is told of feeds that fail or are well again.
    pub fn reporting_to(self, health: Vec<Destination>) -> Self {
        Self { health, ..self }
    }

    /// An enabled feed.
    pub fn find(&self, feed: &FeedId) -> Option<Subscription> {
        (self.find)(feed)
    }

    /// The feeds that one request serves, in order, this one among them; empty when it is alone.
    pub fn twins(&self, feed: &FeedId) -> &[FeedId] {
        self.twins.get(feed).map_or(&[], |group| group)
    }
}

/// Equal for feeds that would send the same request.
fn request_key(subscription: &Subscription) -> String {
    let PollRules { basic, headers, allow_private, .. } = &*subscription.poll;
    let url = subscription.url.as_str();
    match (basic, headers.is_empty(), allow_private) {
        (None, true, false) => url.to_owned(),
        _ => format!("{url} {basic:?} {headers:?} {allow_private}"),
    }
}
