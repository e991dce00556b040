//! `tidings import`: the feeds of another program's list become a file of feeds.d; what is wrong with a row costs that row.

mod literal;
mod opml;
mod python;

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use url::Url;

use crate::config::{Config, NewFeed};
use crate::feed::FeedId;
use crate::ingest::decode::decode;

use super::exit::{Exit, Failure};
use super::feeds::free_id;
use super::input::read;
use super::take_over::take_over;
use super::terminal::{bar, counted, say};

/// Adds the feeds of an OPML file, or of an atomtopubsub config.py
///
/// Folders and categories become tags. Feeds that are there already are passed over. Rows that cannot be read are named
/// with their lines, and the others are added.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidings import subscriptions.opml
  tidings import config.py   of atomtopubsub: read, never run

Exit codes: 0 imported, 65 there is no feed in the file, 78 the configuration.")]
pub struct Import {
    /// The file; - is standard input
    file: PathBuf,
}

/// A row of a list, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    line: usize,
    id: Option<String>,
    url: String,
    name: Option<String>,
    tags: Vec<String>,
    is_enabled: bool,
    /// Further keys of the feed, with their values as TOML.
    further: Vec<(&'static str, String)>,
}

/// What is read in a file.
#[derive(Debug, Default, PartialEq, Eq)]
struct List {
    rows: Vec<Row>,
    /// Lines, and what is wrong there.
    faults: Vec<(usize, String)>,
}

impl Import {
    /// Imports.
    pub async fn run(self, path: Option<&Path>, out: &mut impl Write) -> Result<Exit, Failure> {
        let config = Config::load(path)?;
        let name = self.file.display();
        let body = read(&self.file)?;
        let text = decode(&body, None).text;
        let is_python = self.file.extension().is_some_and(|extension| extension == "py") || python::is_meant(&text);
        let mut list = if is_python { python::read(&text) } else { opml::read(&text) };
        let rows = std::mem::take(&mut list.rows);
        let (feeds, known) = take(rows, &config, &mut list.faults);
        list.faults.sort();
        list.faults.iter().for_each(|(line, why)| say(&format!("{name}:{line}: {why}")));
        if feeds.is_empty() && known == 0 {
            return Err(Failure::new(Exit::BadInput, format!("{name}: there is no feed in it"), ""));
        }
        if !feeds.is_empty() {
            let file = self.write(&config, path, &feeds)?;
            writeln!(out, "{} written to {}", counted(feeds.len(), "feed"), file.display())?;
        }
        if known > 0 {
            writeln!(out, "{known} there already")?;
        }
        if !list.faults.is_empty() {
            writeln!(out, "{} left out, see above", counted(list.faults.len(), "row"))?;
        }
        if !feeds.is_empty() {
            take_over(&config).await?;
        }
        Ok(Exit::Ok)
    }

    fn write(&self, config: &Config, path: Option<&Path>, feeds: &[NewFeed]) -> Result<PathBuf, Failure> {
        let stem = self.file.file_stem().unwrap_or_default().to_string_lossy();
        let words = stem.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let stem = words.collect::<Vec<_>>().join("-").to_lowercase();
        let stem = if stem.is_empty() { "imported".to_owned() } else { stem };
        let tables = feeds.iter().map(|feed| format!("\n{feed}")).collect::<String>();
        let text =
            format!("# Imported from {}.\n{tables}", self.file.display().to_string().replace(char::is_control, "?"));
        // What is about to be written must load.
        Config::with_guest(path, &config.feeds_folder().join(format!("{stem}.toml")), text.clone())?;
        config.add_file(&stem, &text).map_err(|error| {
            let message = format!("{}: {error}", config.feeds_folder().display());
            Failure::new(Exit::Io, message, "whoever adds feeds must be able to write there")
        })
    }
}

/// The feeds that are new, and how many are there already.
fn take(rows: Vec<Row>, config: &Config, faults: &mut Vec<(usize, String)>) -> (Vec<NewFeed>, usize) {
    let mut addresses: HashMap<Url, FeedId> =
        config.feeds.values().map(|feed| (feed.url.clone(), feed.id.clone())).collect();
    let mut ids: HashSet<FeedId> = config.feeds.keys().cloned().collect();
    // An id that a row names is not free for one that names none.
    ids.extend(rows.iter().filter_map(|row| FeedId::new(row.id.as_ref()?).ok()));
    let bar = bar("{bar:24} {pos}/{len} rows, {eta} left", rows.len());
    let (mut feeds, mut known, mut named) = (Vec::with_capacity(rows.len()), 0, HashSet::new());
    for row in rows {
        bar.inc(1);
        let line = row.line;
        let url = match address(&row.url) {
            Ok(url) => url,
            Err(why) => {
                faults.push((line, why));
                continue;
            }
        };
        if addresses.contains_key(&url) {
            known += 1;
            continue;
        }
        let id = match &row.id {
            Some(id) => named_id(id, config, &mut named),
            None => free_id(&url, |id| ids.contains(id)).map_err(|_| "no id can be made of its address".to_owned()),
        };
        match id {
            Ok(id) => {
                ids.insert(id.clone());
                addresses.insert(url.clone(), id.clone());
                let Row { name, tags, is_enabled, further, .. } = row;
                feeds.push(NewFeed { id, url: url.into(), name, tags, is_enabled, further });
            }
            Err(why) => faults.push((line, why)),
        }
    }
    bar.finish_and_clear();
    (feeds, known)
}

fn named_id(id: &str, config: &Config, named: &mut HashSet<FeedId>) -> Result<FeedId, String> {
    let id = FeedId::new(id).map_err(|error| error.to_string())?;
    if let Some(other) = config.feeds.get(&id) {
        return Err(format!("there is a feed `{id}` already, {}", other.url));
    }
    if !named.insert(id.clone()) {
        return Err(format!("the feed `{id}` is there twice"));
    }
    Ok(id)
}

/// An address that can be polled.
fn address(text: &str) -> Result<Url, String> {
    // As some browsers hand it over.
    let text = match text.strip_prefix("feed:") {
        Some(rest) if rest.starts_with("//") => format!("http:{rest}"),
        Some(rest) => rest.to_owned(),
        None => text.to_owned(),
    };
    let url = Url::parse(&text).map_err(|error| format!("{} is not an address: {error}", shown(&text)))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "the address holds a user's name or password; add it by hand, with `user` and `password-file`".to_owned()
        );
    }
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(format!("`{scheme}:` is no scheme to poll")),
    }
}

/// Words of a file on one line.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(80).collect::<String>())
}
