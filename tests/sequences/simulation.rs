//! A feed and its memory, and small words to build documents with.
//!
//! Post `n` is dated `n` hours after the year began; the first fetch is at hour 100, and each one comes an hour after the
//! one before. What is published reads as `P7` (new), `P7 edit 1`, `P7 edit 1 at +30m` (deferred) or `P7 gone`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tidings::feed::{Destination, Edition, Entry, FeedId, ItemId, Text, Time};
use tidings::ingest::parse::{Document, Tombstone};
use tidings::ingest::route::Route;
use tidings::ingest::{self, Backfill, Harvest, ItemIdScheme, OnRemove, OnUpdate, Plan, Rules};
use tidings::store::{Action, Placement, ReadFacts, Seen};

/// The point in time that hours count from.
pub(crate) fn hour(hour: i64) -> Time {
    "2026-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(hour)
}

/// A node of the default service.
pub(crate) fn node(name: &str) -> Destination {
    Destination::Node { service: None, node: name.to_owned() }
}

/// Post `n`: with id, link, title, content and date.
pub(crate) fn post(n: i64) -> Entry {
    Entry {
        id: Some(format!("id-{n}")),
        title: Some(Text::Plain(format!("P{n}"))),
        link: Some(format!("https://blog.example/posts/{n}")),
        published: Some(hour(n)),
        content: Some(Text::Html(format!("<p>This is what post {n} tells.</p>"))),
        ..Entry::default()
    }
}

/// Posts in a feed's usual order.
pub(crate) fn posts(numbers: impl DoubleEndedIterator<Item = i64>) -> Vec<Entry> {
    numbers.rev().map(post).collect()
}

/// Changes to a post, to be chained.
pub(crate) trait Edit {
    /// With another id.
    fn id(self, id: &str) -> Self;
    /// Without id.
    fn no_id(self) -> Self;
    /// With another link.
    fn link(self, link: &str) -> Self;
    /// Without link.
    fn no_link(self) -> Self;
    /// With another title.
    fn title(self, title: &str) -> Self;
    /// With another content.
    fn content(self, content: &str) -> Self;
    /// Published at another hour.
    fn dated(self, at: i64) -> Self;
    /// Updated at this hour.
    fn updated(self, at: i64) -> Self;
    /// Without any date.
    fn undated(self) -> Self;
}

impl Edit for Entry {
    fn id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    fn no_id(mut self) -> Self {
        self.id = None;
        self
    }

    fn link(mut self, link: &str) -> Self {
        self.link = Some(link.to_owned());
        self
    }

    fn no_link(mut self) -> Self {
        self.link = None;
        self
    }

    fn title(mut self, title: &str) -> Self {
        self.title = Some(Text::Plain(title.to_owned()));
        self
    }

    fn content(mut self, content: &str) -> Self {
        self.content = Some(Text::Html(content.to_owned()));
        self
    }

    fn dated(mut self, at: i64) -> Self {
        self.published = Some(hour(at));
        self
    }

    fn updated(mut self, at: i64) -> Self {
        self.updated = Some(hour(at));
        self
    }

    fn undated(mut self) -> Self {
        (self.published, self.updated) = (None, None);
        self
    }
}

/// Rules as the configuration has them by default.
pub(crate) fn default_rules() -> Rules {
    Rules {
        backfill: Backfill::Newest(20),
        old_after: Duration::from_secs(30 * 24 * 3600),
        cool_down: Duration::from_secs(3600),
        on_update: OnUpdate::Publish,
        on_remove: OnRemove::Keep,
        item_id: ItemIdScheme::Tidings,
        filter: Vec::new(),
    }
}

/// A feed with all that is remembered of it.
pub(crate) struct Feed {
    pub(crate) id: FeedId,
    pub(crate) tags: Vec<String>,
    pub(crate) rules: Rules,
    pub(crate) to: Vec<(Destination, Option<Backfill>)>,
    pub(crate) routes: Vec<Route>,
    pub(crate) is_rebuilt: bool,
    pub(crate) read: ReadFacts,
    pub(crate) seen: Seen,
    pub(crate) now: Time,
    /// What the next document is said to be.
    pub(crate) next: Document,
    pub(crate) has_moved: bool,
    /// What the last harvest held, and everything that was ever published, by item.
    pub(crate) last: Vec<(Edition, Vec<Placement>)>,
    pub(crate) notices: Vec<String>,
    titles: BTreeMap<ItemId, String>,
}

impl Feed {
    /// A feed with one node, never polled.
    pub(crate) fn new() -> Self {
        Self {
            id: FeedId::new("blog").unwrap(),
            tags: Vec::new(),
            rules: default_rules(),
            to: vec![(node("blog"), Some(Backfill::Newest(20)))],
            routes: Vec::new(),
            is_rebuilt: false,
            read: ReadFacts::default(),
            seen: Seen::default(),
            now: hour(99),
            next: Document::default(),
            has_moved: false,
            last: Vec::new(),
            notices: Vec::new(),
            titles: BTreeMap::new(),
        }
    }

    /// A feed whose first contact saw these entries.
    pub(crate) fn after(entries: Vec<Entry>) -> Self {
        let mut feed = Self::new();
        feed.get(entries);
        feed
    }

    /// Lets more hours pass before the next fetch than the one that each takes.
    pub(crate) fn wait(&mut self, hours: i64) -> &mut Self {
        self.now += TimeDelta::hours(hours);
        self
    }

    /// Fetches a document an hour after the last one; gives what was published, in order.
    pub(crate) fn get(&mut self, entries: Vec<Entry>) -> Vec<String> {
        self.now += TimeDelta::hours(1);
        self.get_now(entries)
    }

    /// Fetches a document at once.
    pub(crate) fn get_now(&mut self, entries: Vec<Entry>) -> Vec<String> {
        let document = Document { entries, ..std::mem::take(&mut self.next) };
        let has_moved = std::mem::take(&mut self.has_moved);
        let harvest = ingest::take_in(document.clone(), has_moved, &self.plan(), &self.read, &self.seen, self.now);
        self.check_that_nothing_is_lost(&document, &harvest);
        self.keep(harvest)
    }

    /// The next document says that these ids are deleted.
    pub(crate) fn tombstones(&mut self, ids: &[&str]) -> &mut Self {
        self.next.tombstones = ids.iter().map(|id| Tombstone { id: (*id).to_owned(), at: None }).collect();
        self
    }

    /// Fetches, an hour after the last time, what has not changed.
    pub(crate) fn get_unchanged(&mut self) -> Vec<String> {
        self.now += TimeDelta::hours(1);
        match ingest::unchanged(&self.plan(), &self.read, &self.seen, self.now) {
            Some(harvest) => self.keep(harvest),
            None => Vec::new(),
        }
    }

    /// How many entries were not published for this reason so far.
    pub(crate) fn suppressed(&self, reason: &str) -> u64 {
        self.read.suppressed.get(reason).copied().unwrap_or_default()
    }

    /// What the last fetch published at a destination, by title.
    pub(crate) fn at(&self, destination: &Destination) -> Vec<String> {
        let goes = |places: &[Placement]| places.iter().any(|place| place.destination == *destination);
        self.last
            .iter()
            .filter(|(_, places)| goes(places))
            .map(|(edition, _)| self.titles[&edition.item].clone())
            .collect()
    }

    pub(crate) fn plan(&self) -> Plan<'_> {
        Plan {
            feed: &self.id,
            key_id: "blog",
            tags: &self.tags,
            rules: &self.rules,
            to: &self.to,
            is_rebuilt: self.is_rebuilt,
            routes: &self.routes,
        }
    }

    fn keep(&mut self, harvest: Harvest) -> Vec<String> {
        // Through the bytes of the store, as a restart would.
        self.seen = Seen::from_bytes(&harvest.seen.to_bytes()).unwrap();
        assert_eq!(self.seen, harvest.seen);
        self.read = serde_json::from_str(&serde_json::to_string(&harvest.read).unwrap()).unwrap();
        self.notices = harvest.notices.iter().map(ToString::to_string).collect();
        self.last = harvest.editions;
        for (edition, places) in &self.last {
            let title = edition.entry.title.as_ref().or(edition.entry.content.as_ref());
            if places[0].action == Action::Publish {
                let title = title.map_or("untitled", Text::as_str).to_owned();
                self.titles.insert(edition.item.clone(), title);
            }
        }
        self.last.iter().map(|(edition, places)| self.line(edition, &places[0])).collect()
    }

    fn line(&self, edition: &Edition, place: &Placement) -> String {
        let title = &self.titles[&edition.item];
        let what = match (place.action, edition.revision) {
            (Action::Retract, _) => " gone".to_owned(),
            (Action::Publish, 0) => String::new(),
            (Action::Publish, revision) => format!(" edit {revision}"),
        };
        let when =
            place.not_before.map(|time| format!(" at +{}m", (time - self.now).num_minutes())).unwrap_or_default();
        format!("{title}{what}{when}")
    }

    /// Every entry of the document is known afterwards, and what is new to the seen-set is published or counted.
    fn check_that_nothing_is_lost(&self, document: &Document, harvest: &Harvest) {
        let before: BTreeSet<_> = self.seen.entries.iter().map(|entry| entry.key).collect();
        let new = harvest.seen.entries.iter().filter(|entry| !before.contains(&entry.key)).count() as u64;
        let published = harvest.editions.iter().filter(|(edition, _)| !before.contains(&edition.key)).count() as u64;
        let count = |read: &ReadFacts| read.suppressed.values().sum::<u64>();
        let counted = count(&harvest.read) - count(&self.read);
        assert!(new <= published + counted, "{new} new, {published} published, {counted} counted");
        assert!(document.entries.is_empty() || !harvest.seen.entries.is_empty());
    }
}
