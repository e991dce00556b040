//! One feed: its own keys, and those of `[defaults]` that it says otherwise.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

use crate::feed::FeedId;
use crate::ingest::Rules;
use crate::ingest::filter::Rule;
use crate::source::{BasicPassword, PollRules};

use super::destination::Ground;
use super::feeds::{Common, Feeds};
use super::fields::Fields;
use super::headers::Headers;
use super::matching::Folded;
use super::settings::{self, Nodes};
use super::timing::When;
use super::value::Value;
use super::{Feed, Target};

impl Feeds<'_> {
    /// Reads a feed's table.
    pub(super) fn read_feed(&mut self, id: FeedId, mut fields: Fields<'_>) {
        let Common { defaults, account, .. } = self.common;
        let url = self.url(&mut fields);
        let name = fields.get("name").map(String::into_boxed_str);
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
        let to = self.to(&mut fields, &nodes, &rules);
        refuse_misplaced(&mut fields);
        self.merged.add(format!("[{id}]"), fields.finish());
        let Some(url) = url else { return };
        let feed = self.kept(Feed { id, url, name, enabled, tags, was, poll, rules, to, style });
        self.feeds.insert(feed.id.clone(), feed);
    }

    /// A feed as it is kept: as before, when nothing about it changed.
    fn kept(&self, feed: Feed) -> Arc<Feed> {
        let former = self.common.former.and_then(|former| former.feeds.get(&feed.id));
        former.filter(|former| ***former == feed).cloned().unwrap_or_else(|| Arc::new(feed))
    }

    fn url(&self, fields: &mut Fields<'_>) -> Option<Url> {
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

    fn tags(&mut self, fields: &mut Fields<'_>) -> Arc<Vec<String>> {
        let mut tags = Vec::new();
        for Folded(tag) in fields.get::<Vec<Folded>>("tags").unwrap_or_default() {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        self.tags.entry(tags).or_insert_with_key(|tags| Arc::new(tags.clone())).clone()
    }

    fn was(&mut self, fields: &mut Fields<'_>) -> Vec<FeedId> {
        let was: Vec<FeedId> = fields.get("was").unwrap_or_default();
        if let (false, Some(raw)) = (was.is_empty(), fields.raw("was")) {
            self.former_ids.extend(was.iter().map(|id| (id.clone(), raw.place())));
        }
        was
    }

    fn to(&mut self, fields: &mut Fields<'_>, nodes: &Arc<Nodes>, rules: &Rules) -> Arc<[Target]> {
        let ground = Ground { base: nodes, backfill: Some(rules.backfill), gaps: &["feed"] };
        let mut to = self.destinations.list(fields, ground);
        if !fields.has("to") {
            to = vec![self.destinations.node(fields, ground, self.common.defaults.node.clone())];
        }
        shared(&mut self.to, to)
    }
}

/// One list for all feeds that go to the same destinations.
fn shared(known: &mut HashSet<Arc<[Target]>>, to: Vec<Target>) -> Arc<[Target]> {
    if let Some(known) = known.get(&*to) {
        return known.clone();
    }
    let to: Arc<[Target]> = to.into();
    known.insert(to.clone());
    to
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
        fields.wrong("user", "no user's name holds a `:` (RFC 7617 §2)".to_owned(), "leave it out");
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

fn filter(fields: &mut Fields<'_>, known: &mut HashMap<String, Vec<Rule>>) -> Vec<Rule> {
    let Some(raw) = fields.raw("filter") else { return Vec::new() };
    if !known.contains_key(raw.text()) {
        let Some(rules) = Value::read(raw) else { return Vec::new() };
        known.insert(raw.text().to_owned(), rules);
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
