//! One name for the default service: none.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::feed::Destination;
use crate::ingest::route::RouteTarget;

use super::{Config, Target};

impl Config {
    /// The same configuration, in which nodes of this service, by its name or by none, are the same destinations.
    #[must_use]
    pub fn with_default_service(mut self, service: &str) -> Self {
        let mut lists: HashMap<Arc<[Target]>, Arc<[Target]>> = HashMap::new();
        for feed in Arc::make_mut(&mut self.feeds).values_mut() {
            if feed.to.iter().any(|target| is_at(&target.destination, service)) {
                let to = lists.entry(feed.to.clone()).or_insert_with_key(|to| unnamed(to, service)).clone();
                Arc::make_mut(feed).to = to;
            }
        }
        let others = self.route_targets.iter_mut().chain(&mut self.health);
        others.for_each(|target| unname(&mut target.destination, service));
        for target in Arc::make_mut(&mut self.routes).iter_mut().flat_map(|route| &mut route.to) {
            match target {
                RouteTarget::Fixed(destination) => unname(destination, service),
                RouteTarget::Template { service: named, .. } => drop(named.take_if(|named| named == service)),
            }
        }
        self
    }
}

fn is_at(destination: &Destination, service: &str) -> bool {
    matches!(destination, Destination::Node { service: Some(named), .. } if named == service)
}

/// The same destinations, each once.
fn unnamed(to: &[Target], service: &str) -> Arc<[Target]> {
    let mut to = to.to_vec();
    to.iter_mut().for_each(|target| unname(&mut target.destination, service));
    let mut known = HashSet::new();
    to.retain(|target| known.insert(target.destination.clone()));
    to.into()
}

fn unname(destination: &mut Destination, service: &str) {
    if let Destination::Node { service: named, .. } = destination {
        named.take_if(|named| named == service);
    }
}
