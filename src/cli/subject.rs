//! A feed that is looked at before it is one: of the configuration, or taken as if the configuration had it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use url::Url;

use crate::config::{Config, Feed, NewFeed, slug};
use crate::deliver;
use crate::feed::{FeedId, Time};
use crate::gateway;
use crate::ingest::parse::ParseError;
use crate::ingest::{self, Arrival, Harvest, Plan};
use crate::source::answer::FetchError;
use crate::source::fetch::{Fetcher, Request};
use crate::source::gate::{Gate, Place};
use crate::source::{BasicPassword, Limits};
use crate::store::{ReadFacts, Seen, Validators};

use super::exit::{Exit, Failure};

/// A feed, and its document when that is a file.
pub(super) struct Subject {
    config: Config,
    pub(super) feed: Arc<Feed>,
    file: Option<Bytes>,
}

impl Subject {
    /// A feed of the configuration, by its id or its address, else a file, else an address.
    pub(super) fn find(what: &str, path: Option<&Path>) -> Result<Self, Failure> {
        let configured = match Config::load(path) {
            Ok(config) => Some(config),
            Err(errors) if errors.is_absence() => None,
            Err(errors) => return Err(errors.into()),
        };
        if let Some(config) = &configured {
            let is_meant = |feed: &&Arc<Feed>| feed.id.as_str() == what || feed.url.as_str() == what;
            if let Some(feed) = config.feeds.values().find(is_meant).cloned() {
                return Ok(Self { config: config.clone(), feed, file: None });
            }
        }
        let file = Path::new(what);
        let (url, file) = if file.is_file() {
            let body = fs::read(file).map_err(|error| Failure::new(Exit::BadInput, format!("{what}: {error}"), ""))?;
            let name = file.file_stem().unwrap_or_default().to_string_lossy();
            // Nobody asks there: it gives the feed its id.
            let host = format!("https://{}/", name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
            (address(&host).or_else(|_| address("https://file/"))?, Some(body))
        } else if what.contains(['.', ':']) {
            (address(what)?, None)
        } else {
            let message = format!("`{what}` is neither a feed of the configuration nor a file nor an address");
            return Err(Failure::new(Exit::Usage, message, ""));
        };
        let bug = |error| Failure::new(Exit::Bug, error, "");
        let mut id = slug(&url).map_err(bug)?;
        if configured.is_some_and(|config| config.feeds.contains_key(&id)) {
            id = FeedId::new("preview").map_err(bug)?;
        }
        // Whoever types an address may connect to it.
        let further = vec![("allow-private", "true".to_owned())];
        let subject = Self::guest(path, &NewFeed { further, ..NewFeed::new(id, url) })?;
        Ok(Self { file: file.map(Bytes::from), ..subject })
    }

    /// A feed as if the configuration had it, too.
    pub(super) fn guest(path: Option<&Path>, feed: &NewFeed) -> Result<Self, Failure> {
        let config = Config::with_guest(path, Path::new("the command line"), feed.to_string())?;
        let feed = config.feeds.get(&feed.id).cloned();
        let feed = feed.ok_or_else(|| Failure::new(Exit::Bug, "the feed was taken in and is not there", ""))?;
        Ok(Self { config, feed, file: None })
    }

    /// How its destinations are kept.
    pub(super) fn deliver(&self) -> deliver::Config {
        self.config.deliver()
    }

    /// Fetches and reads; every entry is new.
    pub(super) async fn harvest(&self, now: Time) -> Result<Result<Harvest, ParseError>, Failure> {
        let arrival = self.arrival(now).await?;
        let (feed, routes) = (self.feed.clone(), self.config.routes.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let to = feed.destinations().map(|(at, target)| (at, target.backfill)).collect::<Vec<_>>();
            let plan = Plan {
                feed: &feed.id,
                key_id: feed.id.as_str(),
                tags: &feed.tags,
                rules: &feed.rules,
                to: &to,
                is_rebuilt: false,
                routes: &routes,
            };
            // First contact is over, with nothing in it.
            let contacts = to.iter().map(|(destination, _)| destination.clone()).collect();
            let read = ReadFacts { first_contact: Some(now), contacts, ..ReadFacts::default() };
            ingest::ingest(&arrival, &plan, &read, &Seen::default(), now)
        });
        reading.await.map_err(|_| Failure::new(Exit::Bug, "reading the document crashed", "please report its address"))
    }

    async fn arrival(&self, now: Time) -> Result<Arrival, Failure> {
        let arrival = |base: String, content_type: Option<String>, body: Bytes| Arrival {
            feed: self.feed.id.clone(),
            at: now,
            base,
            content_type,
            body,
            is_truncated: false,
            has_moved: false,
        };
        if let Some(body) = &self.file {
            return Ok(arrival(String::new(), None, body.clone()));
        }
        let not_reached = |why: String| Failure::new(Exit::Failed, why, "");
        let unfetched = |error: FetchError| match error {
            FetchError::Local(error) => Failure::new(Exit::Failed, error, "--allow-private, if it is meant to be one"),
            error => not_reached(error.to_string()),
        };
        let fetcher =
            Fetcher::new(&self.config.http, Limits::default()).map_err(|error| not_reached(error.to_string()))?;
        let gate = Arc::new(Gate::new(1, 1, self.config.http.host_interval, gateway::clock()));
        let fetched = fetcher.fetch(&self.request()?, &mut Place::new(&gate, false), now).await;
        let fetched = fetched.map_err(unfetched)?;
        let body = fetched.document.ok_or_else(|| not_reached("the server sent no document".to_owned()))?;
        Ok(arrival(fetched.answer.url.to_string(), body.content_type, body.bytes))
    }

    fn request(&self) -> Result<Request, Failure> {
        let rules = &self.feed.poll;
        let mut basic = None;
        if let Some((user, BasicPassword(path))) = &rules.basic {
            let text = fs::read_to_string(path)
                .map_err(|error| Failure::new(Exit::Config, format!("{}: {error}", path.display()), ""))?;
            basic = Some((user.clone(), text.lines().next().unwrap_or_default().to_owned()));
        }
        Ok(Request {
            origin: self.feed.url.origin(),
            url: self.feed.url.clone(),
            validators: Validators::default(),
            basic,
            headers: rules.headers.clone(),
            allow_private: rules.allow_private,
        })
    }
}

/// An address as people type it.
pub(super) fn address(text: &str) -> Result<Url, Failure> {
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&whole).map_err(|error| Failure::new(Exit::Usage, format!("`{text}`: {error}"), ""))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(Failure::new(Exit::Usage, format!("`{scheme}:` is no scheme to poll"), "")),
    }
}
