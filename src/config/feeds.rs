//! The feeds of feeds.d: what each file holds, and what can only be said when all are known.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::atom::Style;
use crate::deliver::NodeSettings;
use crate::feed::{Destination, FeedId};
use crate::ingest::Rules;
use crate::ingest::filter::Rule;
use crate::source::PollRules;

use super::destination::Destinations;
use super::fields::{Fields, Layer};
use super::file::{File, Place};
use super::memo::Memo;
use super::print::Merged;
use super::raw::Raw;
use super::settings::{Defaults, Nodes};
use super::timing::Timings;
use super::{Feed, Target};

/// What all feeds are read with.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) defaults: &'a Defaults,
    /// The table of `[defaults]`.
    pub(super) layer: &'a Layer<'a>,
    /// The account's bare JID.
    pub(super) account: &'a str,
    pub(super) allow_file: bool,
    pub(super) is_traced: bool,
}

/// The feeds read so far.
pub(super) struct Feeds<'a> {
    pub(super) common: Common<'a>,
    pub(super) feeds: BTreeMap<FeedId, Feed>,
    pub(super) destinations: Destinations,
    pub(super) merged: Merged,
    pub(super) poll: Memo<PollRules>,
    pub(super) rules: Memo<Rules>,
    pub(super) nodes: Memo<Nodes>,
    pub(super) style: Memo<Style>,
    pub(super) tags: HashMap<Vec<String>, Arc<Vec<String>>>,
    pub(super) timings: Timings,
    /// Filters by how they are written: each regular expression is built once.
    pub(super) filters: HashMap<&'a str, Vec<Rule>>,
    /// Where ids, and former ids, stand.
    pub(super) ids: HashMap<FeedId, Place<'a>>,
    pub(super) former_ids: Vec<(FeedId, Raw<'a>)>,
    /// The settings of every destination, where they stand, and of how many feeds it is one.
    pub(super) known: HashMap<Destination, (Arc<NodeSettings>, Place<'a>, usize)>,
}

impl<'a> Feeds<'a> {
    pub(super) fn new(common: Common<'a>, merged: Merged) -> Self {
        Self {
            common,
            merged,
            feeds: BTreeMap::new(),
            destinations: Destinations::new(common.defaults.nodes.service.clone()),
            poll: Memo::default(),
            rules: Memo::default(),
            nodes: Memo::default(),
            style: Memo::default(),
            tags: HashMap::new(),
            timings: Timings::default(),
            filters: HashMap::new(),
            ids: HashMap::new(),
            former_ids: Vec::new(),
            known: HashMap::new(),
        }
    }

    /// Reads a file of feeds, a table each.
    pub(super) fn read_file(&mut self, file: &'a File, tables: &'a Spanned<DeTable<'a>>) {
        for (key, value) in tables.get_ref() {
            let name: &str = key.get_ref();
            let DeValue::Table(table) = value.get_ref() else {
                let hint = "a feed begins with its name in square brackets: [my-blog]".to_owned();
                file.complain(Some(key.span()), format!("`{name}` stands outside a feed's table"), Some(hint));
                continue;
            };
            let id = match FeedId::new(name) {
                Ok(id) => id,
                Err(bad) => {
                    file.complain(Some(key.span()), bad.to_string(), None);
                    continue;
                }
            };
            let place = file.place(key.span().start);
            if let Some(other) = self.ids.insert(id.clone(), place) {
                let hint = format!("the other one stands at {other}; rename one of them");
                file.complain(Some(key.span()), format!("feed `{id}` is there twice"), Some(hint));
            }
            let fields = Fields::new(format!("feed `{id}`"), file, Some(key.span()), table);
            self.read_feed(id, fields.over(self.common.layer).traced(self.common.is_traced));
        }
    }

    /// Notes a destination, which must have the same settings wherever it stands.
    pub(super) fn register(&mut self, target: &Target, fields: &Fields<'a>, feeds: usize) {
        let place = fields.place();
        let (settings, other, count) =
            self.known.entry(target.destination.clone()).or_insert_with(|| (target.settings.clone(), place, 0));
        *count += feeds;
        if !Arc::ptr_eq(settings, &target.settings) && *settings != target.settings {
            let hint = format!("the other ones are those of {other}; say the same in both places");
            fields.wrong("to", format!("{} has two different settings", target.destination), &hint);
        }
    }

    /// Ends with what can only be said when all feeds are known.
    pub(super) fn finish(mut self) -> (BTreeMap<FeedId, Arc<Feed>>, Merged) {
        let mut heirs = HashMap::new();
        for (former, raw) in &self.former_ids {
            if let Some(place) = self.ids.get(former) {
                raw.wrong::<()>(format!("`was` names `{former}`, a feed of today"), format!("it stands at {place}"));
            }
            if let Some(heir) = heirs.insert(former, raw.place()) {
                raw.wrong::<()>(format!("two feeds were `{former}`"), format!("the other one stands at {heir}"));
            }
        }
        for feed in self.feeds.values_mut() {
            for target in &mut feed.to {
                let is_alone = self.known.get(&target.destination).is_some_and(|(_, _, feeds)| *feeds == 1);
                if is_alone && matches!(target.destination, Destination::Node { .. }) {
                    let follows = Some(feed.id.clone());
                    target.settings = Arc::new(NodeSettings { follows, ..NodeSettings::clone(&target.settings) });
                }
            }
        }
        let feeds = self.feeds.into_iter().map(|(id, feed)| (id, Arc::new(feed))).collect();
        (feeds, self.merged)
    }
}
