//! The feeds of feeds.d: what each file holds, and what can only be said when all are known.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::atom::Style;
use crate::feed::{Destination, FeedId};
use crate::ingest::Rules;
use crate::ingest::filter::Rule;
use crate::source::PollRules;

use super::destination::Destinations;
use super::fields::{Fields, Layer};
use super::file::{File, Place};
use super::memo::Memo;
use super::pieces::{self, Entry};
use super::places::Places;
use super::print::Merged;
use super::settings::{Defaults, Nodes};
use super::slug::like;
use super::timing::Timings;
use super::value::quoted;
use super::{Config, Feed, Target, find, opml};

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
    /// The configuration of before.
    pub(super) former: Option<&'a Config>,
}

/// The feeds read so far.
pub(super) struct Feeds<'a> {
    pub(super) common: Common<'a>,
    pub(super) feeds: BTreeMap<FeedId, Arc<Feed>>,
    pub(super) destinations: Destinations,
    pub(super) merged: Merged,
    pub(super) poll: Memo<PollRules>,
    pub(super) rules: Memo<Rules>,
    pub(super) nodes: Memo<Nodes>,
    pub(super) style: Memo<Style>,
    pub(super) tags: HashMap<Vec<String>, Arc<Vec<String>>>,
    pub(super) to: HashSet<Arc<[Target]>>,
    pub(super) timings: Timings,
    /// Filters by how they are written: each regular expression is built once.
    pub(super) filters: HashMap<String, Vec<Rule>>,
    /// Where ids, and former ids, stand.
    pub(super) ids: HashMap<FeedId, Place>,
    pub(super) former_ids: Vec<(FeedId, Place)>,
}

impl<'a> Feeds<'a> {
    pub(super) fn new(common: Common<'a>, merged: Merged) -> Self {
        Self {
            common,
            merged,
            feeds: BTreeMap::new(),
            destinations: Destinations::new(common.defaults.nodes.service.as_ref(), common.account),
            poll: Memo::default(),
            rules: Memo::default(),
            nodes: Memo::default(),
            style: Memo::default(),
            tags: HashMap::new(),
            to: HashSet::new(),
            timings: Timings::default(),
            filters: HashMap::new(),
            ids: HashMap::new(),
            former_ids: Vec::new(),
        }
    }

    /// Reads a file of feeds, a table each. Each table is gone before the next one is looked at.
    pub(super) fn read_file(&mut self, file: &Rc<File>) {
        let is_opml = find::is_opml(&file.path);
        let tables: Box<dyn Iterator<Item = Entry<'_>>> =
            if is_opml { Box::new(opml::tables(file)) } else { Box::new(pieces::entries(file)) };
        for (key, value) in tables {
            let Some(table) = feed_table(file, &key, value.get_ref()) else { continue };
            let id = match FeedId::new(key.get_ref()) {
                Ok(id) => id,
                Err(bad) => {
                    let like = like(&bad.0);
                    let hint =
                        if is_opml { format!("such as tidings-id=\"{like}\"") } else { format!("such as [{like}]") };
                    file.complain(Some(key.span()), bad.to_string(), Some(hint));
                    continue;
                }
            };
            if let Some(other) = self.ids.insert(id.clone(), file.place(key.span())) {
                let rename =
                    if is_opml { "give one of them another id: tidings-id=\"…\"" } else { "rename one of them" };
                let hint = format!("the other one stands at {other}; {rename}");
                file.complain(Some(key.span()), format!("feed `{id}` is there twice"), Some(hint));
            }
            let fields = Fields::new(format!("feed `{id}`"), file, Some(key.span()), table);
            self.read_feed(id, fields.over(self.common.layer).traced(self.common.is_traced));
        }
    }

    /// Ends with what can only be said when all feeds are known. `routed` are the destinations of routes.
    pub(super) fn finish(mut self, routed: &[(Target, Place)]) -> (Arc<BTreeMap<FeedId, Arc<Feed>>>, Merged) {
        self.check_former_ids();
        let feeds = Arc::new(std::mem::take(&mut self.feeds));
        self.check_settings(&Places::new(feeds.clone()), routed);
        (feeds, self.merged)
    }

    fn check_former_ids(&self) {
        let mut heirs = HashMap::new();
        for (former, place) in &self.former_ids {
            if let Some(today) = self.ids.get(former) {
                place.complain(format!("`was` names `{former}`, a feed of today"), format!("it stands at {today}"));
            }
            if let Some(heir) = heirs.insert(former, place) {
                place.complain(format!("two feeds were `{former}`"), format!("the other one stands at {heir}"));
            }
        }
    }

    /// A destination must have the same settings wherever it stands.
    fn check_settings(&self, places: &Places, routed: &[(Target, Place)]) {
        let differs = |target: &Target, place: &Place, other: &Target, at: &Place, destination: &Destination| {
            if target.settings != other.settings {
                let message = format!("{destination} has two different settings");
                place.complain(message, format!("the other ones are those of {at}; say the same in both places"));
            }
        };
        let mut known = HashMap::new();
        let of_feeds = places.fixed().filter_map(|(feed, target)| Some((target, self.ids.get(&feed.id)?)));
        for (target, place) in routed.iter().map(|(target, place)| (target, place)).chain(of_feeds) {
            let (other, at) = *known.entry(&target.destination).or_insert((target, place));
            differs(target, place, other, at, &target.destination);
        }
        for (destination, (other, at)) in known {
            for (feed, target) in places.called_after_feeds(destination) {
                self.ids.get(&feed.id).into_iter().for_each(|place| differs(target, place, other, at, destination));
            }
        }
        for (feed, target) in places.ambiguous() {
            let destination = target.destination_of(&feed.id);
            let before =
                places.called_after_feeds(&destination).into_iter().take_while(|(other, _)| other.id < feed.id);
            for (other, same) in before {
                if let (Some(place), Some(at)) = (self.ids.get(&feed.id), self.ids.get(&other.id)) {
                    differs(target, place, same, at, &destination);
                }
            }
        }
    }
}

/// The table of a feed; complains of what else stands there.
fn feed_table<'t>(file: &File, key: &Spanned<DeString<'_>>, value: &'t DeValue<'t>) -> Option<&'t DeTable<'t>> {
    let is_feed = |value: &DeValue<'_>| value.as_table().is_some_and(|table| table.contains_key("url"));
    let name = quoted(key.get_ref());
    let (message, hint) = match value {
        DeValue::Table(table) => match table.iter().find(|(_, value)| is_feed(value.get_ref())) {
            None => return Some(table),
            Some((inner, _)) => (
                format!("feed {} stands within {name}", quoted(inner.get_ref())),
                "a dot makes a table within a table: write the name in quotes, [\"my.blog\"]",
            ),
        },
        DeValue::Array(list) if list.first().is_some_and(|first| first.get_ref().is_table()) => (
            format!("{name} is a list of tables, not a feed"),
            "a feed's name stands in single square brackets: [my-blog]",
        ),
        _ => (
            format!("{name} stands outside a feed's table"),
            "a feed begins with its name in square brackets: [my-blog]",
        ),
    };
    file.complain(Some(key.span()), message, Some(hint.to_owned()));
    None
}
