//! Pure: which entries are kept.

use crate::store::ReadFacts;

use super::diff::{Change, Kind};
use super::matching::{Match, Subject};
use super::{Plan, Reason};

/// One rule of `filter = [{ keep = … }, { drop = … }]`; the first one whose match holds decides, none: kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Kept when it matches.
    Keep(Match),
    /// Dropped when it matches.
    Drop(Match),
}

/// Drops the changes that the feed's filter drops, and counts them. What is gone needs no keeping.
pub fn keep(mut changes: Vec<Change>, plan: &Plan<'_>, read: &mut ReadFacts) -> Vec<Change> {
    let rules = &plan.rules.filter;
    let mut dropped = 0;
    changes.retain(|change| {
        let subject = Subject { feed: plan.feed, tags: plan.tags, meta: &read.meta, entry: &change.entry };
        let is_kept = change.is_gone() || is_kept(rules, &subject);
        dropped += usize::from(!is_kept && change.kind != Kind::Same);
        is_kept
    });
    Reason::Filtered.count(dropped, read);
    changes
}

fn is_kept(rules: &[Rule], subject: &Subject<'_>) -> bool {
    let verdict = rules.iter().find_map(|rule| match rule {
        Rule::Keep(matches) => matches.holds(subject).then_some(true),
        Rule::Drop(matches) => matches.holds(subject).then_some(false),
    });
    verdict.unwrap_or(true)
}
