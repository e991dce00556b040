//! `[[route]]`: more destinations for the entries that match.

use std::sync::Arc;

use crate::deliver::NodeSettings;
use crate::feed::Destination;
use crate::ingest::route::{Match, Route, RouteTarget};

use super::Target;
use super::destination::Ground;
use super::feeds::Feeds;
use super::fields::Fields;
use super::file::Place;
use super::raw::Raw;
use super::settings::Nodes;
use super::template;

/// What a route's node may be named after.
const GAPS: [&str; 5] = ["feed", "tag", "category", "host", "lang"];

/// Reads the routes, and the destinations of theirs that no template makes, each with the place of its route's `to`.
pub(super) fn routes(
    list: Raw<'_>,
    nodes: &Arc<Nodes>,
    made: &NodeSettings,
    feeds: &mut Feeds<'_>,
    is_traced: bool,
) -> (Vec<Route>, Vec<(Target, Place)>) {
    let (mut routes, mut fixed) = (Vec::new(), Vec::new());
    if list.value.get_ref().as_array().is_none() {
        list.wrong::<()>("a route is written with two brackets", "[[route]]");
        return (routes, fixed);
    }
    for raw in list.elements().into_iter().flatten() {
        let Some(fields) = Fields::of("a route".to_owned(), raw) else { continue };
        let mut fields = fields.traced(is_traced);
        let matches = fields.or("match", &Match::All(Vec::new()));
        let targets = feeds.destinations.list(&mut fields, Ground { base: nodes, backfill: None, gaps: &GAPS });
        let to = targets.iter().map(|target| route_target(target, made, &fields)).collect::<Vec<_>>();
        if let Some(place) = fields.raw("to").map(|raw| raw.place()) {
            let with_kind = targets.into_iter().zip(&to);
            let alone = with_kind.filter(|(_, kind)| matches!(kind, RouteTarget::Fixed(_)));
            fixed.extend(alone.map(|(target, _)| (target, place.clone())));
        }
        if !fields.has("to") {
            fields.complain("the route has no `to`".to_owned(), "to = [{ node = \"my-node\" }]");
        }
        let (dedup, limit) = (fields.or("dedup", &true), fields.or("limit", &200));
        feeds.merged.add("[[route]]".to_owned(), fields.finish());
        routes.push(Route { matches, to, dedup, limit });
    }
    (routes, fixed)
}

fn route_target(target: &Target, made: &NodeSettings, fields: &Fields<'_>) -> RouteTarget {
    if target.backfill.is_some() {
        let hint =
            "a route takes what comes from now on; put the node into the `to` of its feeds for their older entries";
        fields.wrong("to", "`backfill` in a route is not in this release".to_owned(), hint);
    }
    match &target.destination {
        Destination::Node { service, node } if template::gaps(node).is_ok_and(|gaps| !gaps.is_empty()) => {
            if *target.settings != *made {
                let hint = "take them out; on a service that is not the default one create = true is needed";
                fields.wrong("to", "nodes that a template makes have the settings of [defaults]".to_owned(), hint);
            }
            RouteTarget::Template { service: service.clone(), node: node.clone() }
        }
        destination => RouteTarget::Fixed(destination.clone()),
    }
}
