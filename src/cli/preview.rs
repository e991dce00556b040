//! `tidings preview`: what would be published, without a state and without a server.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use clap::Args;
use minidom::{Element, Node};
use serde::Serialize;

use crate::atom;
use crate::atom::lint::{CLIENTS, Client, lint};
use crate::config;
use crate::deliver;
use crate::feed::{Edition, Time};
use crate::gateway;
use crate::ingest::Harvest;
use crate::ingest::discover::Found;
use crate::ingest::parse::ParseError;
use crate::store::Placement;

use super::exit::{Exit, Failure};
use super::subject::Subject;
use super::terminal::{self, counted, shown_time};

/// Shows what would be published as if every entry were new
///
/// Opens no state and connects to no XMPP server. Of a web page the feeds that it links to are listed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidings preview https://planet.jabber.org/atom.xml
  tidings preview https://planet.jabber.org/   which feeds does the page have?
  tidings preview planet-jabber                a feed of the configuration
  tidings preview feed.xml --entries 1

Exit codes: 0 shown, 1 not reached, 65 it is no feed, 78 the configuration.")]
pub struct Preview {
    /// Address of a feed or of a web page, a file, or the id of a feed
    what: String,
    /// Show the newest so many entries
    #[arg(long, value_name = "N", default_value_t = 3)]
    entries: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Preview {
    /// Fetches, reads and shows.
    pub async fn run(self, config: Option<&Path>, out: &mut impl Write) -> Result<Exit, Failure> {
        let subject = Subject::find(&self.what, config)?;
        let now = (gateway::clock())();
        let text = match subject.harvest(now).await? {
            Ok(harvest) => {
                let shown = Shown::of(harvest, &subject, self.entries);
                if self.json { json(&shown)? } else { shown.text() }
            }
            Err(ParseError::NotAFeed { feeds, .. }) if !feeds.is_empty() => {
                if self.json {
                    json(&Page { feeds })?
                } else {
                    page(&feeds)
                }
            }
            Err(error) => return Err(Failure::new(Exit::BadInput, error, "")),
        };
        out.write_all(text.as_bytes())?;
        Ok(Exit::Ok)
    }
}

fn json(shown: &impl Serialize) -> io::Result<String> {
    Ok(serde_json::to_string(shown)? + "\n")
}

/// What is shown of a web page.
#[derive(Serialize)]
struct Page {
    feeds: Vec<Found>,
}

fn page(feeds: &[Found]) -> String {
    let line = |feed: &Found| format!("{feed}\n");
    format!(
        "A web page, which links to {}:\n{}",
        counted(feeds.len(), "feed"),
        feeds.iter().map(line).collect::<String>()
    )
}

/// What is shown of a feed.
#[derive(Serialize)]
struct Shown {
    feed: String,
    title: Option<String>,
    read_by: String,
    entries: usize,
    not_published: BTreeMap<String, u64>,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    id: String,
    title: String,
    published: Time,
    link: Option<String>,
    to: Vec<String>,
    stanza: String,
    clients: Vec<String>,
    /// What is told to rooms and persons among `to`, by destination.
    messages: BTreeMap<String, String>,
}

impl Shown {
    fn of(harvest: Harvest, subject: &Subject, most: usize) -> Self {
        let (feed, deliver) = (&*subject.feed, subject.deliver());
        let newest = harvest.editions.len().saturating_sub(most);
        let items =
            harvest.editions[newest..].iter().map(|(edition, places)| Item::of(edition, places, feed, &deliver));
        Self {
            feed: feed.id.to_string(),
            title: harvest.read.meta.title.clone(),
            read_by: harvest.read.read_by.clone(),
            entries: harvest.editions.len(),
            not_published: harvest.read.suppressed.clone(),
            items: items.collect(),
        }
    }

    fn text(&self) -> String {
        let Self { feed, title, entries, items, .. } = self;
        let title = title.as_deref().unwrap_or("no title");
        let mut text = format!("{feed}: {title}, {}\n", terminal::entries(*entries));
        for (reason, count) in &self.not_published {
            let _ = writeln!(text, "not published: {count} {reason}");
        }
        for Item { id, title, published, link, to, stanza, clients, messages } in items {
            let _ = writeln!(text, "\n{id}  {}  {title}", shown_time(*published));
            link.iter().for_each(|link| text += &format!("  {link}\n"));
            to.iter().for_each(|to| text += &format!("  to {to}\n"));
            text += &format!("\n{stanza}\n\n");
            clients.iter().for_each(|finding| text += &format!("  {finding}\n"));
            for (destination, message) in messages {
                text += &format!("\n  {destination} is told:\n");
                for line in message.lines() {
                    text += &format!("{}\n", format!("    {line}").trim_end());
                }
            }
        }
        let hidden = entries - items.len();
        if hidden > 0 {
            let _ = writeln!(text, "\nolder entries: {hidden}; --entries {entries} shows all");
        }
        text
    }
}

impl Item {
    fn of(edition: &Edition, places: &[Placement], feed: &config::Feed, deliver: &deliver::Config) -> Self {
        let stanza = atom::item(edition, &feed.style, 0);
        Self {
            id: edition.item.to_string(),
            title: atom::title(edition, &feed.style),
            published: edition.published,
            link: atom::web_link(edition),
            to: places.iter().map(|place| place.destination.to_string()).collect(),
            clients: clients(&stanza, places, deliver),
            stanza: spaced(&stanza),
            messages: messages(edition, places, feed, deliver),
        }
    }
}

/// How the item shows in the known clients. What holds for nodes of some types only names those nodes.
fn clients(stanza: &Element, places: &[Placement], deliver: &deliver::Config) -> Vec<String> {
    let mut nodes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Placement { destination, .. } in places.iter().filter(|place| place.destination.holds_items()) {
        nodes.entry(deliver.settings(destination).kind.clone()).or_default().push(destination.to_string());
    }
    let mut lines: Vec<(Client, String, Vec<String>)> = Vec::new();
    for (node_type, here) in &nodes {
        for finding in lint(stanza, node_type) {
            let line = finding.to_string();
            match lines.iter_mut().find(|(_, known, _)| *known == line) {
                Some((_, _, places)) => places.extend_from_slice(here),
                None => lines.push((finding.client, line, here.clone())),
            }
        }
    }
    lines.sort_by_key(|(client, ..)| CLIENTS.iter().position(|known| known == client));
    let everywhere: usize = nodes.values().map(Vec::len).sum();
    let told = |(_, line, places): (Client, String, Vec<String>)| match places.len() {
        many if many == everywhere => line,
        _ => format!("{line} ({})", places.join(", ")),
    };
    lines.into_iter().map(told).collect()
}

/// What is told where no items are held.
fn messages(
    edition: &Edition,
    places: &[Placement],
    feed: &config::Feed,
    deliver: &deliver::Config,
) -> BTreeMap<String, String> {
    let told = |place: &Placement| {
        let text = atom::message(edition, &feed.style, deliver.is_shared(&place.destination));
        (place.destination.to_string(), text)
    };
    places.iter().filter(|place| !place.destination.holds_items()).map(told).collect()
}

/// The item with a line for each part of the entry. Between those white space means nothing, within it may.
fn spaced(item: &Element) -> String {
    let mut spaced = item.clone();
    for mut entry in spaced.take_nodes().into_iter().filter_map(Node::into_element) {
        for child in entry.take_nodes() {
            entry.append_text_node("\n    ");
            entry.append_node(child);
        }
        entry.append_text_node("\n  ");
        spaced.append_text_node("\n  ");
        spaced.append_child(entry);
    }
    spaced.append_text_node("\n");
    String::from(&spaced)
}
