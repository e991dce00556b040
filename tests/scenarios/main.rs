//! What the program does for its users, on real servers: one behaviour a file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a scenario fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod changed_configuration;
mod chats;
mod clocks;
mod crash;
mod cut_connection;
mod durable_steps;
mod edited_entry;
mod ejabberd;
mod federation;
mod feeds;
mod first_contact;
mod health;
mod kill_storm;
mod lasting;
mod lost_state;
mod monitoring;
mod new_entry;
mod new_feed;
mod outage;
mod outbox;
mod places;
mod refusals;
mod reload;
mod restart;
mod retract;
mod rooms;
mod routes;
mod second_instance;
mod server_killed;
mod service_manager;
mod signals;
mod state_faults;
mod status;
mod strangers;
mod unchanged;

use support::feeds::{FeedServer, Page, atom};
use support::gateway::{Exit, Gateway};
use support::prosody::{Options, Prosody};
use support::subscriber::{Event, Subscriber};
use tidings::xmpp::Tls;

/// Loopback feeds, polled as often as a test asks.
const QUICK: &str = "[http]\nhost-interval = \"0s\"\n\n[defaults]\nallow-private = true\nown = true\nevery = \"1s\"\n";

/// A server with a publisher, a scripted feed server, a gateway that is not running yet.
struct Scene {
    server: Prosody,
    feeds: FeedServer,
    gateway: Gateway,
}

impl Scene {
    async fn new() -> Self {
        Self::with(Options::default(), "").await
    }

    /// `settings` are further tables of tidings.toml.
    async fn with(options: Options, settings: &str) -> Self {
        let server = Prosody::start(options).await;
        let gateway = Gateway::new(&server.xmpp(Tls::StartTls), &format!("{QUICK}{settings}"));
        Self { server, feeds: FeedServer::start().await, gateway }
    }

    /// Serves an Atom feed of `(id, title)` pairs, oldest first, and configures it.
    fn feed(&self, id: &str, entries: &[(&str, &str)]) {
        self.feed_with(id, "", entries);
    }

    /// The same with more keys in its table.
    fn feed_with(&self, id: &str, keys: &str, entries: &[(&str, &str)]) {
        let url = self.serve(id, entries);
        self.gateway.feed(id, &format!("url = {url:?}\n{keys}"));
    }

    /// Serves another document of a configured feed.
    fn serve(&self, id: &str, entries: &[(&str, &str)]) -> String {
        self.feeds.serve(&format!("/{id}.xml"), Page::atom(atom(&format!("Feed {id}"), entries)))
    }

    async fn once(&self) -> Exit {
        let exit = self.gateway.call(&["once", "--all"]).await;
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
        exit
    }

    /// A follower on the publisher's own server.
    async fn juliet(&self) -> Subscriber {
        Subscriber::connect(&self.server.address(), "juliet@a.test").await
    }

    /// The account of the gateway, under another resource.
    async fn owner(&self) -> Subscriber {
        Subscriber::connect(&self.server.address(), "bot@a.test").await
    }

    fn pubsub(&self) -> String {
        self.server.pubsub()
    }

    /// Titles of a node's items, in the node's order.
    async fn titles(&self, node: &str) -> Vec<String> {
        let items = self.owner().await.items(&self.pubsub(), node).await.unwrap_or_default();
        items.iter().map(|(_, entry)| title(entry)).collect()
    }
}

fn title(entry: &minidom::Element) -> String {
    entry.get_child("title", "http://www.w3.org/2005/Atom").map(minidom::Element::text).unwrap_or_default()
}

/// Titles that a subscriber was told of, in order, repetitions included.
fn told(events: &[Event]) -> Vec<String> {
    let item = |event: &Event| match event {
        Event::Item { payload: Some(entry), .. } => Some(title(entry)),
        _ => None,
    };
    events.iter().filter_map(item).collect()
}

/// `(id, title)` pairs numbered from 1.
fn numbered(count: usize) -> Vec<(String, String)> {
    (1..=count).map(|number| (format!("n{number:05}"), format!("Entry {number}"))).collect()
}

fn pairs(entries: &[(String, String)]) -> Vec<(&str, &str)> {
    entries.iter().map(|(id, title)| (id.as_str(), title.as_str())).collect()
}
