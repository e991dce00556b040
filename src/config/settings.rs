//! What `[defaults]` and every feed may say: each group is read over the one below it, feed over defaults over built-in.

use std::sync::Arc;
use std::time::Duration;

use crate::atom::Style;
use crate::deliver::NodeSettings;
use crate::ingest::{Backfill, ItemIdScheme, OnRemove, OnUpdate, Rules};
use crate::source::PollRules;
use crate::source::schedule::Timing;

use super::address::Service;
use super::fields::Fields;
use super::template;
use super::timing::{Timings, When};
use super::value::{AuthorUri, MaxItems, Summary, Value};

/// Below it a feed must be the operator's own.
const SHORTEST: Duration = Duration::from_secs(5 * 60);
const DAY: Duration = Duration::from_secs(86_400);

/// `[defaults]`, resolved.
pub(super) struct Defaults {
    pub(super) when: When,
    pub(super) poll: Arc<PollRules>,
    pub(super) rules: Arc<Rules>,
    pub(super) nodes: Arc<Nodes>,
    pub(super) style: Arc<Style>,
    /// Template of a default node's name.
    pub(super) node: String,
}

impl Defaults {
    /// Reads `[defaults]`. `account` is what `author-uri = "publisher"` puts in.
    pub(super) fn read(fields: &mut Fields<'_>, account: &str) -> Self {
        let when = When::read(fields, &When::built_in());
        let node = fields.or("node", &"{feed}".to_owned());
        template::check(fields, "node", &node, &["feed"]);
        Self {
            poll: Arc::new(poll(fields, &built_in_poll(), &when, &mut Timings::default())),
            rules: Arc::new(rules(fields, &built_in_rules())),
            nodes: Arc::new(nodes(fields, &built_in_nodes())),
            style: Arc::new(style(fields, &Style::default(), account)),
            when,
            node,
        }
    }
}

fn built_in_poll() -> PollRules {
    PollRules {
        timing: Timing::Every(When::built_in().every),
        max_every: None,
        own: false,
        full_poll_interval: DAY,
        allow_private: false,
        basic: None,
        headers: Vec::new(),
    }
}

/// When and how a feed is polled.
pub(super) fn poll(fields: &mut Fields<'_>, base: &PollRules, when: &When, timings: &mut Timings) -> PollRules {
    let timing = timings.of(when).unwrap_or_else(|why| {
        let hint = "minute, hour, day, month, weekday, such as cron = \"30 8 * * mon\"";
        fields.wrong(if fields.has("cron") { "cron" } else { "timezone" }, why, hint);
        base.timing.clone()
    });
    let own = fields.or("own", &base.own);
    if matches!(timing, Timing::Every(every) if every < SHORTEST) && !own {
        let key = if fields.has("every") { "every" } else { "own" };
        let hint = "own = true allows it for a host of your own";
        fields.wrong(key, "the feed is polled more than once in 5 minutes".to_owned(), hint);
    }
    PollRules {
        timing,
        own,
        max_every: fields.or("max-every", &base.max_every),
        full_poll_interval: fields.or("full-poll-interval", &base.full_poll_interval),
        allow_private: fields.or("allow-private", &base.allow_private),
        basic: base.basic.clone(),
        headers: base.headers.clone(),
    }
}

fn built_in_rules() -> Rules {
    Rules {
        backfill: Backfill::Newest(20),
        old_after: 30 * DAY,
        cool_down: Duration::from_secs(3600),
        on_update: OnUpdate::Publish,
        on_remove: OnRemove::Keep,
        item_id: ItemIdScheme::Tidings,
        filter: Vec::new(),
    }
}

/// How a feed's entries are judged.
pub(super) fn rules(fields: &mut Fields<'_>, base: &Rules) -> Rules {
    Rules {
        backfill: fields.or("backfill", &base.backfill),
        old_after: fields.or("old-after", &base.old_after),
        cool_down: fields.or("cool-down", &base.cool_down),
        on_update: fields.or("on-update", &base.on_update),
        on_remove: fields.or("on-remove", &base.on_remove),
        item_id: base.item_id,
        filter: base.filter.clone(),
    }
}

/// The pubsub service and how nodes are kept there.
#[derive(Clone)]
pub(super) struct Nodes {
    /// `None`: the discovered one.
    pub(super) service: Option<Service>,
    /// `None`: on the default service only.
    pub(super) create: Option<bool>,
    /// All else; its `create` means nothing.
    pub(super) settings: NodeSettings,
}

impl Nodes {
    /// Settings of a node: it is created on the default service only, unless the operator says otherwise.
    pub(super) fn settled(&self, is_on_default_service: bool) -> NodeSettings {
        NodeSettings { create: self.create.unwrap_or(is_on_default_service), ..self.settings.clone() }
    }
}

fn built_in_nodes() -> Nodes {
    let settings = NodeSettings::default();
    Nodes { service: None, create: None, settings }
}

/// Where a feed's nodes are, and how they are kept.
pub(super) fn nodes(fields: &mut Fields<'_>, base: &Nodes) -> Nodes {
    let service = fields.or("service", &base.service);
    let on_doubt = fields.or("on-doubt", &base.settings.on_doubt);
    let nodes = own(fields, base, &["create", "type", "max-items", "access", "strict-0472"]);
    Nodes { service, settings: NodeSettings { on_doubt, ..nodes.settings }, ..nodes }
}

/// The settings under these keys, which are those that a kind of destination has.
pub(super) fn own(fields: &mut Fields<'_>, base: &Nodes, keys: &[&str]) -> Nodes {
    let below = &base.settings;
    let mut known = Known { fields, keys };
    Nodes {
        service: base.service.clone(),
        create: known.or("create", &base.create),
        settings: NodeSettings {
            kind: known.or("type", &below.kind),
            max_items: known.or("max-items", &MaxItems(below.max_items)).0,
            access: known.or("access", &below.access),
            strict_0472: known.or("strict-0472", &below.strict_0472),
            require_subscription: known.or("require-subscription", &below.require_subscription),
            nick: known.or("nick", &below.nick),
            ..below.clone()
        },
    }
}

/// A table of which only some keys are looked at.
struct Known<'k, 'f> {
    fields: &'k mut Fields<'f>,
    keys: &'k [&'k str],
}

impl Known<'_, '_> {
    fn or<T: Value + Clone>(&mut self, key: &'static str, base: &T) -> T {
        if self.keys.contains(&key) { self.fields.or(key, base) } else { base.clone() }
    }
}

/// How entries are rendered.
pub(super) fn style(fields: &mut Fields<'_>, base: &Style, account: &str) -> Style {
    let author = if base.author_uri.is_some() { AuthorUri::Publisher } else { AuthorUri::None };
    let summary = if base.has_summary { Summary::Text } else { Summary::None };
    let title = fields.or("title", &base.title);
    template::check(fields, "title", &title, &["title", "feed"]);
    Style {
        author_uri: match fields.or("author-uri", &author) {
            AuthorUri::None => None,
            AuthorUri::Publisher => Some(account.to_owned()),
        },
        has_summary: matches!(fields.or("summary", &summary), Summary::Text),
        title,
    }
}
