//! The gateway is killed with -9 at random moments, again and again: a subscriber misses nothing, is told nothing twice, and
//! nothing out of order.

use std::time::Duration;

use super::*;
use crate::support::ejabberd::{self, Ejabberd};

/// Kills in one storm; a storm has a feed and a node of its own.
const KILLS: usize = 12;
/// Entries that come with each run of the gateway: under a thousand in a storm, as a document that is longer is cut.
const ENTRIES: usize = 60;

fn storms() -> usize {
    if support::is_nightly() { 9 } else { 1 }
}

/// Where a storm takes place.
struct Place {
    gateway: Gateway,
    feeds: FeedServer,
    address: String,
    domain: String,
    pubsub: String,
}

impl Place {
    fn serve(&self, id: &str, entries: &[(String, String)]) -> String {
        self.feeds.serve(&format!("/{id}.xml"), Page::atom(atom(id, &pairs(entries))))
    }

    async fn once(&self) {
        let exit = self.gateway.call(&["once", "--all"]).await;
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    }

    /// Kills the gateway `kills` times; every sixth run comes to its end instead.
    async fn storm(&mut self, id: &str, keys: &str, kills: usize) {
        let rounds = kills + kills / 5 + 1;
        let entries = numbered(1 + rounds * ENTRIES);
        let url = self.serve(id, &entries[..1]);
        self.gateway.feed(id, &format!("url = {url:?}\n{keys}"));
        self.once().await;
        let juliet = Subscriber::connect(&self.address, &format!("juliet@{}", self.domain)).await;
        juliet.subscribe(&self.pubsub, id).await;
        let (mut killed, mut doubtful) = (0, 0);
        for round in 1..=rounds {
            self.serve(id, &entries[..=round * ENTRIES]);
            if round % 6 == 0 || round == rounds {
                self.once().await;
                continue;
            }
            let (asked, before) = (self.recoveries(), juliet.events().len());
            self.gateway.start(&["run"]);
            match fastrand::u8(..4) {
                // The moments are what the test draws by lot: soon after the start, soon after recovery ended, …
                0 => tokio::time::sleep(Duration::from_millis(fastrand::u64(0..900))).await,
                1 => {
                    let is_over = async || (self.recoveries() > asked || !self.gateway.is_running()).then_some(());
                    support::eventually("recovery", is_over).await;
                    assert!(self.gateway.is_running(), "the gateway ended by itself");
                    tokio::time::sleep(Duration::from_millis(fastrand::u64(0..30).pow(2))).await;
                }
                // … and in the middle of what is sent.
                _ => drop(juliet.wait_for(before + fastrand::usize(1..ENTRIES)).await),
            }
            self.gateway.kill();
            killed += 1;
            doubtful += usize::from(self.has_doubt().await);
        }
        let told = told(&juliet.catch_up(&self.pubsub).await);
        let expected: Vec<String> = entries[1..].iter().map(|(_, title)| title.clone()).collect();
        assert_exactly(&told, &expected, &format!("{killed} kills"));
        println!("{id}: {killed} kills, {doubtful} of them with something in doubt, 0 missing, 0 repeated");
        assert!(killed >= kills && doubtful > 0, "{killed} kills, {doubtful} in the middle of a window");
    }

    /// Whether the gateway that was killed left something in doubt.
    async fn has_doubt(&self) -> bool {
        let status = self.gateway.call(&["status", "--json"]).await;
        let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
        status["outbox"].as_array().unwrap().iter().any(|row| row["doubt"].as_u64() > Some(0))
    }

    fn recoveries(&self) -> usize {
        self.gateway.output().matches("asked what has arrived").count()
    }
}

/// Each of these, once, in this order.
pub(super) fn assert_exactly(told: &[String], expected: &[String], what: &str) {
    if told == expected {
        return;
    }
    let missing: Vec<_> = expected.iter().filter(|title| !told.contains(title)).collect();
    let repeated: Vec<_> = told.iter().enumerate().filter(|(at, title)| told[..*at].contains(title)).collect();
    assert!(
        missing.is_empty() && repeated.is_empty(),
        "{what}: {} missing: {missing:?}, {} repeated: {repeated:?}",
        missing.len(),
        repeated.len()
    );
    panic!("{what}: out of order: {told:?}");
}

async fn prosody() -> (Prosody, Place) {
    let server = Prosody::start(Options { max_items: 2000, ..Options::default() }).await;
    let place = Place {
        gateway: Gateway::new(&server.xmpp(Tls::StartTls), QUICK),
        feeds: FeedServer::start().await,
        address: server.address(),
        domain: server.domain().to_owned(),
        pubsub: server.pubsub(),
    };
    (server, place)
}

#[tokio::test]
async fn on_prosody_nothing_is_missing_repeated_or_out_of_order() {
    let (_server, mut place) = prosody().await;
    for storm in 0..storms() {
        place.storm(&format!("storm{storm}"), "", KILLS).await;
        place.gateway.feed(&format!("storm{storm}"), "url = \"http://127.0.0.1:9/\"\nenabled = false");
    }
}

#[tokio::test]
async fn on_ejabberd_nothing_is_missing_repeated_or_out_of_order() {
    let server = Ejabberd::start(ejabberd::Options { max_items: 2000, ..ejabberd::Options::default() }).await;
    let mut place = Place {
        gateway: Gateway::new(&server.xmpp(Tls::StartTls), QUICK),
        feeds: FeedServer::start().await,
        address: server.address(),
        domain: server.domain().to_owned(),
        pubsub: server.pubsub(),
    };
    for storm in 0..storms() {
        place.storm(&format!("storm{storm}"), "", KILLS).await;
        place.gateway.feed(&format!("storm{storm}"), "url = \"http://127.0.0.1:9/\"\nenabled = false");
    }
}

#[tokio::test]
async fn a_node_that_keeps_five_items_is_told_everything_once() {
    let (_server, mut place) = prosody().await;
    for storm in 0..storms() {
        place.storm(&format!("small{storm}"), "max-items = 5", 4).await;
        place.gateway.feed(&format!("small{storm}"), "url = \"http://127.0.0.1:9/\"\nenabled = false");
    }
}
