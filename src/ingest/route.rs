//! Pure: which destinations an entry goes to.
//!
//! An entry goes once to a destination, however many routes name it; the feed's own destinations come first.

use crate::feed::{Category, Destination};
use crate::store::{Action, Placement, Quota, ReadFacts};

use super::diff::{Change, Kind};
use super::rules::OnRemove;
use super::template::{self, Blanks};
use super::{Plan, Reason, contact, identify, link};

pub use super::matching::{Match, Pattern, Subject};

/// One `[[route]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Which entries.
    pub matches: Match,
    /// Where they go.
    pub to: Vec<RouteTarget>,
    /// An entry that several feeds carry goes once to a destination.
    pub dedup: bool,
    /// How many nodes each of its templates may make, of all feeds together.
    pub limit: usize,
}

/// A destination of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// Gives each change its destinations, oldest first; what goes nowhere is counted and left out.
pub fn route(changes: Vec<Change>, plan: &Plan<'_>, read: &mut ReadFacts) -> Vec<(Change, Vec<Placement>)> {
    let newcomers: Vec<(&Destination, usize)> = contact::newcomers(plan, read).collect();
    let if_newer = contact::is_known_to_nodes(plan, read);
    let router = Router { plan };
    let mut newer = changes.iter().filter(|change| !change.is_gone()).count();
    let mut routed = Vec::with_capacity(changes.len());
    for change in changes {
        let subject = Subject { feed: plan.feed, tags: plan.tags, meta: &read.meta, entry: &change.entry };
        let mut places = router.places(&change, &subject);
        if !change.is_gone() {
            newer -= 1;
            let due = newcomers.iter().filter(|(_, backfill)| newer < *backfill);
            due.for_each(|(own, _)| places.add(own, Action::Publish, None, None));
            if if_newer && matches!(change.kind, Kind::Held(_)) {
                places.0.iter_mut().for_each(|placement| placement.if_newer = true);
            }
        }
        if places.0.is_empty()
            && let Some(reason) = why_nowhere(change.kind)
        {
            reason.count(1, read);
        }
        if !places.0.is_empty() {
            routed.push((change, places.0));
        }
    }
    routed
}

/// Why a change goes nowhere, if it is one that could have.
fn why_nowhere(kind: Kind) -> Option<Reason> {
    match kind {
        Kind::Held(reason) => Some(reason),
        Kind::New => Some(Reason::NoDestination),
        Kind::Updated { .. } => Some(Reason::IgnoredUpdate),
        Kind::Same | Kind::Gone => None,
    }
}

/// Where the changes of a feed go.
struct Router<'a> {
    plan: &'a Plan<'a>,
}

impl Router<'_> {
    fn places(&self, change: &Change, subject: &Subject<'_>) -> Places {
        let mut places = Places::default();
        match change.kind {
            Kind::New => self.publish(&mut places, change, subject),
            Kind::Updated { not_before } => {
                self.publish(&mut places, change, subject);
                places.keep_editable();
                places.0.iter_mut().for_each(|placement| placement.not_before = not_before);
            }
            Kind::Gone if self.plan.rules.on_remove == OnRemove::Retract => {
                self.retract(&mut places, subject);
                places.keep_editable();
            }
            Kind::Same | Kind::Held(_) | Kind::Gone => {}
        }
        places
    }

    /// The feed's own destinations, and those of every route that the entry matches.
    fn publish(&self, places: &mut Places, change: &Change, subject: &Subject<'_>) {
        self.plan.to.iter().for_each(|(own, _)| places.add(own, Action::Publish, None, None));
        for route in self.plan.routes.iter().filter(|route| route.matches.holds(subject)) {
            let dedup = change.shared_name.filter(|_| route.dedup);
            for target in &route.to {
                for destination in target.destinations(subject) {
                    places.add(&destination, Action::Publish, dedup, target.quota(route.limit));
                }
            }
        }
    }

    /// Everywhere that a withdrawn entry is known to be, though nothing is left of it to match: the feed's own
    /// destinations, and those of routes that ask for feed and tags only.
    fn retract(&self, places: &mut Places, subject: &Subject<'_>) {
        self.plan.to.iter().for_each(|(own, _)| places.add(own, Action::Retract, None, None));
        let is_sure = |route: &&Route| route.matches.is_about_feed() && route.matches.holds(subject);
        for target in self.plan.routes.iter().filter(is_sure).flat_map(|route| &route.to) {
            if target.is_about_feed() {
                let destinations = target.destinations(subject).into_iter();
                destinations.for_each(|destination| places.add(&destination, Action::Retract, None, None));
            }
        }
    }
}

impl RouteTarget {
    /// The destinations that it stands for.
    fn destinations(&self, subject: &Subject<'_>) -> Vec<Destination> {
        match self {
            Self::Fixed(destination) => vec![destination.clone()],
            Self::Template { service, node } => template::nodes(node, &blanks(subject))
                .into_iter()
                .map(|name| Destination::Node { service: service.clone(), node: name })
                .collect(),
        }
    }

    /// Whether entries may go to this destination by it.
    pub fn may_be(&self, destination: &Destination) -> bool {
        match (self, destination) {
            (Self::Fixed(fixed), _) => fixed == destination,
            (Self::Template { service, node }, Destination::Node { service: there, node: name }) => {
                // Long names are cut at their end.
                service == there && name.starts_with(node.split('{').next().unwrap_or_default())
            }
            (Self::Template { .. }, _) => false,
        }
    }

    /// What holds for the destinations that a template makes; others are as many as the configuration names.
    fn quota(&self, limit: usize) -> Option<Quota> {
        match self {
            Self::Fixed(_) => None,
            Self::Template { service, node } => {
                Some(Quota { template: format!("{}/{node}", service.as_deref().unwrap_or_default()), limit })
            }
        }
    }

    /// Whether it is the same for all entries of a feed.
    fn is_about_feed(&self) -> bool {
        match self {
            Self::Fixed(_) => true,
            Self::Template { node, .. } => !template::needs_entry(node),
        }
    }
}

/// Placements, each destination once: the first one named stays.
#[derive(Default)]
struct Places(Vec<Placement>);

impl Places {
    fn add(&mut self, destination: &Destination, action: Action, dedup: Option<[u8; 8]>, quota: Option<Quota>) {
        if self.0.iter().all(|placement| placement.destination != *destination) {
            self.0.push(Placement {
                destination: destination.clone(),
                action,
                not_before: None,
                dedup,
                if_newer: false,
                quota,
            });
        }
    }

    /// Items of nodes can be overwritten and retracted; a chat line cannot, and a second one would tell the same again.
    fn keep_editable(&mut self) {
        self.0.retain(|placement| placement.destination.holds_items());
    }
}

/// What fills the blanks of a template for an entry.
fn blanks(subject: &Subject<'_>) -> Blanks {
    let Subject { feed, tags, meta, entry } = *subject;
    let term = |category: &Category| match &category.label {
        Some(label) if category.term.trim().is_empty() => label.clone(),
        _ => category.term.clone(),
    };
    Blanks {
        feed: feed.as_str().to_owned(),
        tags: tags.to_vec(),
        categories: entry.categories.iter().map(term).collect(),
        host: identify::canonical_link(entry).and_then(|link| link::host(&link)),
        lang: entry.lang.clone().or_else(|| meta.lang.clone()),
    }
}
