//! `tidings feeds add`: from an address that somebody typed to a feed in feeds.d.

use std::io::Write;
use std::path::Path;

use clap::Args;
use url::Url;

use crate::config::{Config, NewFeed, quoted_toml, slug};
use crate::feed::FeedId;
use crate::gateway;
use crate::ingest::Harvest;
use crate::ingest::discover::Found;
use crate::ingest::parse::ParseError;

use super::super::exit::{Exit, Failure};
use super::super::subject::{Subject, address};
use super::super::take_over::take_over;
use super::super::terminal::{counted, entries, printable, shown_time};

/// Finds the feed behind an address and writes feeds.d/ID.toml
///
/// The document is read first; of a web page that links to one feed, that feed is taken.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidings feeds add https://planet.jabber.org/
  tidings feeds add planet.jabber.org/atom.xml --id planet-jabber --tag xmpp

Exit codes: 0 added, 1 not reached, 64 it is there already, 65 it is no feed, or
a page with several; 78 the configuration.")]
pub(in super::super) struct Add {
    /// Address of a feed, or of a web page that links to one
    url: String,
    /// Its id, which is the name of its node too; else one is made of the address
    #[arg(long)]
    id: Option<FeedId>,
    /// A tag; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// How often it is polled
    #[arg(long, value_name = "TIME")]
    every: Option<String>,
    /// Of a page that links to several feeds, take the first
    #[arg(long)]
    first: bool,
    /// Its host has an address of the local network
    #[arg(long)]
    allow_private: bool,
    /// Add it though it cannot be read now
    #[arg(long)]
    force: bool,
}

impl Add {
    /// An address, and nothing more is said but where it may be.
    pub(in super::super) fn of(url: String, allow_private: bool) -> Self {
        Self { url, id: None, tags: Vec::new(), every: None, first: true, allow_private, force: false }
    }

    pub(in super::super) async fn run(self, path: Option<&Path>, out: &mut impl Write) -> Result<Exit, Failure> {
        let config = Config::load(path)?;
        let mut url = address(&self.url)?;
        let mut found = self.look(path, &config, &url).await;
        if let Ok(Looked::Page(feeds)) = &found {
            let feed = self.choose(feeds)?;
            writeln!(out, "{url} links to {feed}")?;
            url = feed;
            found = self.look(path, &config, &url).await;
        }
        let mut feed = self.table(&config, &url)?;
        match found {
            Ok(Looked::Feed(harvest)) => {
                writeln!(out, "{url} is {}", told(&harvest))?;
                feed.name = harvest.read.meta.title.as_deref().map(printable).filter(|title| !title.is_empty());
            }
            Ok(Looked::Page(_)) => return Err(no_feed(&url, "it links to a web page, not to a feed")),
            Err(failure) if !self.force => return Err(failure),
            Err(_) => writeln!(out, "{url} could not be read; added all the same")?,
        }
        // What is about to be written must load.
        Config::with_guest(path, &config.feeds_folder().join(format!("{}.toml", feed.id)), feed.to_string())?;
        let file = config.add_feed(&feed.id, &feed.to_string());
        let file = file.map_err(|error| {
            let message = format!("{}: {error}", config.feeds_folder().display());
            Failure::new(Exit::Io, message, "whoever adds feeds must be able to write there")
        })?;
        writeln!(out, "{}: written to {}", feed.id, file.display())?;
        take_over(&config).await?;
        Ok(Exit::Ok)
    }

    async fn look(&self, path: Option<&Path>, config: &Config, url: &Url) -> Result<Looked, Failure> {
        let subject = Subject::guest(path, &self.table(config, url)?)?;
        match subject.harvest((gateway::clock())()).await? {
            Ok(harvest) => Ok(Looked::Feed(Box::new(harvest))),
            Err(ParseError::NotAFeed { feeds, .. }) if !feeds.is_empty() => Ok(Looked::Page(feeds)),
            Err(error) => Err(no_feed(url, &error.to_string())),
        }
    }

    /// The feed as it is to be written, its name left out.
    fn table(&self, config: &Config, url: &Url) -> Result<NewFeed, Failure> {
        if let Some(known) = config.feeds.values().find(|feed| feed.url == *url) {
            let message = format!("the feed `{}` has the address {url} already", known.id);
            return Err(Failure::new(Exit::Usage, message, "`tidings feeds list` lists all feeds"));
        }
        let id = match &self.id {
            Some(id) if config.feeds.contains_key(id) => {
                let message = format!("there is a feed `{id}` already, {}", config.feeds[id].url);
                return Err(Failure::new(Exit::Usage, message, "give it another id with --id"));
            }
            Some(id) => id.clone(),
            None => free_id(url, |id| config.feeds.contains_key(id))?,
        };
        let mut further = Vec::new();
        further.extend(self.every.as_ref().map(|every| ("every", quoted_toml(every))));
        further.extend(self.allow_private.then(|| ("allow-private", "true".to_owned())));
        Ok(NewFeed { tags: self.tags.clone(), further, ..NewFeed::new(id, url.as_str()) })
    }

    fn choose(&self, feeds: &[Found]) -> Result<Url, Failure> {
        let [only] = feeds else {
            if let Some(first) = feeds.first().filter(|_| self.first) {
                return address(&first.url);
            }
            let lines = feeds.iter().map(|feed| {
                format!("\n  tidings feeds add {}   {}", feed.url, feed.title.as_deref().unwrap_or(&feed.media_type))
            });
            let message = format!("{} links to {}", self.url, counted(feeds.len(), "feed"));
            let hint = format!("add the one that you want, or the first with --first:{}", lines.collect::<String>());
            return Err(Failure::new(Exit::BadInput, message, hint));
        };
        address(&only.url)
    }
}

/// What stands at an address.
enum Looked {
    Feed(Box<Harvest>),
    Page(Vec<Found>),
}

fn no_feed(url: &Url, why: &str) -> Failure {
    Failure::new(Exit::BadInput, format!("{url}: {why}"), "`tidings preview` shows what is read in a document")
}

/// An id made of an address that nobody has yet.
pub(in super::super) fn free_id(url: &Url, is_taken: impl Fn(&FeedId) -> bool) -> Result<FeedId, Failure> {
    let made = slug(url).map_err(|error| Failure::new(Exit::Usage, error, "give it an id with --id"))?;
    if !is_taken(&made) {
        return Ok(made);
    }
    let stem = &made.as_str()[..made.as_str().len().min(56)];
    let others = (2..10_000).filter_map(|number| FeedId::new(&format!("{stem}-{number}")).ok());
    others.into_iter().find(|id| !is_taken(id)).ok_or_else(|| Failure::new(Exit::Usage, "no id is free", ""))
}

fn told(harvest: &Harvest) -> String {
    let title = harvest.read.meta.title.as_deref().map_or_else(|| "a feed without a title".to_owned(), printable);
    let newest = harvest.editions.iter().map(|(edition, _)| edition.published).max();
    let newest = newest.map(|newest| format!(", the newest of {}", shown_time(newest))).unwrap_or_default();
    format!("“{title}”, {}{newest}", entries(harvest.editions.len()))
}
