//! The feeds of feeds.d: each file's tables, read over `[defaults]`.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use url::Url;

use crate::atom::Style;
use crate::deliver::NodeSettings;
use crate::feed::{Destination, FeedId};
use crate::ingest::Rules;
use crate::ingest::filter::Rule;
use crate::source::{BasicPassword, PollRules};

use super::destination::{Destinations, Ground};
use super::file::{File, Place};
use super::headers::Headers;
use super::matching::Folded;
use super::memo::Memo;
use super::print::Merged;
use super::raw::{Fields, Layer, Raw};
use super::settings::{self, Defaults, Nodes};
use super::timing::{Timings, When};
use super::value::Value;
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
    common: Common<'a>,
    pub(super) feeds: BTreeMap<FeedId, Feed>,
    pub(super) destinations: Destinations,
    pub(super) merged: Merged,
    poll: Memo<PollRules>,
    rules: Memo<Rules>,
    nodes: Memo<Nodes>,
    style: Memo<Style>,
    tags: HashMap<Vec<String>, Arc<Vec<String>>>,
    timings: Timings,
    /// Filters by how they are written: each regular expression is built once.
    filters: HashMap<&'a str, Vec<Rule>>,
    /// Where ids, and former ids, stand.
    ids: HashMap<FeedId, Place<'a>>,
    former_ids: Vec<(FeedId, Raw<'a>)>,
    /// The settings of every destination, where they stand, and of how many feeds it is one.
    known: HashMap<Destination, (Arc<NodeSettings>, Place<'a>, usize)>,
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

    fn read_feed(&mut self, id: FeedId, mut fields: Fields<'a>) {
        let Common { defaults, account, .. } = self.common;
        let url = self.url(&mut fields);
        let enabled = fields.or("enabled", &true);
        let tags = self.tags(&mut fields);
        let was = self.was(&mut fields);
        let timings = &mut self.timings;
        let poll = self.poll.share(&mut fields, &defaults.poll, |fields, base| {
            let when = When::read(fields, &defaults.when);
            let poll = settings::poll(fields, base, &when, timings);
            let basic = basic(fields);
            PollRules { headers: headers(fields, basic.is_some()), basic, ..poll }
        });
        let filters = &mut self.filters;
        let rules = self.rules.share(&mut fields, &defaults.rules, |fields, base| Rules {
            item_id: fields.or("item-id", &base.item_id),
            filter: filter(fields, filters),
            ..settings::rules(fields, base)
        });
        let style =
            self.style.share(&mut fields, &defaults.style, |fields, base| settings::style(fields, base, account));
        let nodes = self.nodes.share(&mut fields, &defaults.nodes, settings::nodes);
        let to = self.to(&id, &mut fields, &nodes, &rules);
        refuse_misplaced(&mut fields);
        self.merged.add(format!("[{id}]"), fields.finish());
        let Some(url) = url else { return };
        self.feeds.insert(id.clone(), Feed { id, url, enabled, tags, was, poll, rules, to, style });
    }

    fn url(&self, fields: &mut Fields<'a>) -> Option<Url> {
        let url: Url = fields.need("url", "url = \"https://…\"")?;
        let raw = fields.raw("url")?;
        if !url.username().is_empty() || url.password().is_some() {
            raw.file.hide(raw.value.span());
            return raw.wrong(
                "the address holds a user's name or password",
                "take it out, and set `user` and `password-file`",
            );
        }
        match url.scheme() {
            "http" | "https" => Some(url),
            "file" if self.common.allow_file => Some(url),
            "file" => raw.wrong("files are not read", "allow-file = true in [http] of tidings.toml allows it"),
            "feed" => {
                let address = raw.string()?.trim_start_matches("feed:").trim_start_matches("//");
                let address = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
                raw.wrong("`feed:` is no scheme to poll", format!("write \"{address}\""))
            }
            scheme => raw.wrong(format!("`{scheme}:` is no scheme to poll"), "http and https are"),
        }
    }

    fn tags(&mut self, fields: &mut Fields<'a>) -> Arc<Vec<String>> {
        let mut tags = Vec::new();
        for Folded(tag) in fields.get::<Vec<Folded>>("tags").unwrap_or_default() {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        self.tags.entry(tags).or_insert_with_key(|tags| Arc::new(tags.clone())).clone()
    }

    fn was(&mut self, fields: &mut Fields<'a>) -> Vec<FeedId> {
        let was: Vec<FeedId> = fields.get("was").unwrap_or_default();
        if let (false, Some(raw)) = (was.is_empty(), fields.raw("was")) {
            self.former_ids.extend(was.iter().map(|id| (id.clone(), raw)));
        }
        was
    }

    fn to(&mut self, id: &FeedId, fields: &mut Fields<'a>, nodes: &Arc<Nodes>, rules: &Rules) -> Vec<Target> {
        let ground = Ground { base: nodes, backfill: Some(rules.backfill), gaps: &["feed"] };
        let mut to = self.destinations.list(fields, ground);
        if !fields.has("to") {
            to = vec![self.destinations.node(fields, ground, self.common.defaults.node.clone())];
        }
        to.shrink_to_fit();
        for target in &mut to {
            if let Destination::Node { node, .. } = &mut target.destination {
                *node = node.replace("{feed}", id.as_str());
            }
            self.register(target, fields, 1);
        }
        to
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

fn basic(fields: &mut Fields<'_>) -> Option<(String, BasicPassword)> {
    let (user, file): (Option<String>, Option<PathBuf>) = (fields.get("user"), fields.get("password-file"));
    fields.refuse("password", "is not kept in a feed", "name a file that holds it: password-file");
    match (fields.has("user"), fields.has("password-file")) {
        (true, false) => {
            fields.wrong("user", "`user` without `password-file`".to_owned(), "name the file that holds the password")
        }
        (false, true) => fields.wrong("password-file", "`password-file` without `user`".to_owned(), "set `user` too"),
        _ => {}
    }
    if user.as_ref().is_some_and(|user| user.contains(':')) {
        fields.wrong("user", "no user's name holds a `:` (RFC 7617 §2)".to_owned(), "");
    }
    Some((user?, BasicPassword(file?)))
}

fn headers(fields: &mut Fields<'_>, has_user: bool) -> Vec<(String, String)> {
    let Headers(headers) = fields.get("headers").unwrap_or_default();
    if has_user && headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
        fields.wrong("user", "both `user` and an `Authorization` header are set".to_owned(), "keep one of them");
    }
    headers
}

fn filter<'a>(fields: &mut Fields<'a>, known: &mut HashMap<&'a str, Vec<Rule>>) -> Vec<Rule> {
    let Some(raw) = fields.raw("filter") else { return Vec::new() };
    if !known.contains_key(raw.text()) {
        let Some(rules) = Value::read(raw) else { return Vec::new() };
        known.insert(raw.text(), rules);
    }
    let rules = known.get(raw.text()).cloned().unwrap_or_default();
    fields.note("filter", || rules.show());
    rules
}

/// Keys that are known elsewhere.
fn refuse_misplaced(fields: &mut Fields<'_>) {
    fields.refuse("node", "is a key of [defaults] and of destinations", "to = [{ node = \"…\" }]");
    for kind in ["pep", "room", "chat"] {
        fields.refuse(kind, "is a key of destinations", &format!("to = [{{ {kind} = … }}]"));
    }
    fields.refuse("match", "is a key of routes", "a feed has a `filter`");
}
