//! After a gap the archive is walked back to what is known (RFC 5005 §4): politely, and nothing of it is lost or told twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use tidings::ingest::identify::key_of;
use tidings::source::schedule::MINUTE;
use tidings::source::{Bounds, Polled, Which};
use tidings::store::{RedbStore, Store};

use super::polls::{ARCHIVE_PAUSE, Gateway, id, subscription};
use super::requests::{config, noon};
use super::server::{Asked, Reply, Server};

/// An Atom entry, one an hour.
fn entry(number: i32, title: &str, updated: &str) -> String {
    format!(
        "<entry><id>tag:planet.example,2025:{number}</id><title>{title}</title><updated>{updated}</updated>\
         <link href=\"https://planet.example/{number}\"/></entry>"
    )
}

fn date(number: i32) -> String {
    (noon() + TimeDelta::hours(i64::from(number) - 200)).to_rfc3339()
}

/// Entries, newest first.
fn entries(numbers: std::ops::RangeInclusive<i32>) -> String {
    numbers.rev().map(|number| entry(number, &format!("Entry {number}"), &date(number))).collect()
}

fn atom(prev_archive: Option<&str>, entries: &str) -> Reply {
    let link = prev_archive.map(|to| format!("<link rel=\"prev-archive\" href=\"{to}\"/>")).unwrap_or_default();
    Reply::ok(
        &[("ETag", "\"e\""), ("Content-Type", "application/atom+xml")],
        format!(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>tag:planet.example,2025:feed</id><title>Planet</title>\
             <updated>{}</updated>{link}{entries}</feed>",
            date(0)
        ),
    )
}

/// A site whose pages can be changed.
#[derive(Clone, Default)]
struct Site(Arc<Mutex<BTreeMap<String, Reply>>>);

impl Site {
    fn set(&self, path: &str, reply: Reply) {
        self.0.lock().unwrap().insert(path.to_owned(), reply);
    }

    async fn serve(&self) -> Server {
        let site = self.clone();
        Server::start(move |asked| {
            let pages = site.0.lock().unwrap();
            pages.get(asked.path()).cloned().unwrap_or_else(|| Reply::bare(404, &[]))
        })
        .await
    }

    /// Entries 1 to 10 are known; since then came so many that the document holds 41 to 50 only.
    async fn with_gap(feeds: &[&str]) -> (Self, Server, Gateway) {
        let site = Self::default();
        let server = site.serve().await;
        site.set("/feed", atom(Some("/0"), &entries(1..=10)));
        let feeds: Vec<_> = feeds.iter().map(|name| (*name, server.url("/feed"))).collect();
        let gateway = Gateway::with(&feeds).await;
        gateway.poll_all(Which::All).await;
        site.set("/feed", atom(Some("/3"), &entries(41..=50)));
        site.set("/3", atom(Some("/2"), &entries(31..=40)));
        site.set("/2", atom(Some("/1"), &entries(21..=30)));
        site.set("/1", atom(Some("/0"), &entries(1..=20)));
        gateway.pass(TimeDelta::hours(1));
        (site, server, gateway)
    }
}

fn paths(server: &Server) -> Vec<String> {
    server.asked().iter().map(|asked| asked.path().to_owned()).collect()
}

/// Numbers of the entries that wait to be published, in their order.
async fn told(gateway: &Gateway, feed: &str) -> Vec<i32> {
    let key_id = gateway.row(feed).await.key_id;
    let number_of = |key| (-1000..1000).find(|n| key_of(&key_id, &format!("tag:planet.example,2025:{n}")) == key);
    let rows = gateway.store.outbox().await.unwrap();
    rows.iter().filter(|row| row.feed == id(feed)).map(|row| number_of(row.key).unwrap()).collect()
}

fn numbers(range: std::ops::RangeInclusive<i32>) -> Vec<i32> {
    range.collect()
}

#[tokio::test]
async fn after_a_gap_every_entry_between_is_published_once_and_in_order() {
    let (_, server, gateway) = Site::with_gap(&["planet"]).await;
    assert_eq!(paths(&server), ["/feed"], "no archive is read at first contact");
    let polled = gateway.poll_all(Which::All).await;
    assert_eq!(polled["planet"], Polled::TakenIn { editions: 40 });
    assert_eq!(paths(&server), ["/feed", "/feed", "/3", "/2", "/1"]);
    assert_eq!(told(&gateway, "planet").await, numbers(1..=50));
    let row = gateway.row("planet").await;
    assert!(row.read.oddities.is_empty() && row.read.suppressed.is_empty(), "{:?}", row.read);

    let asked = server.asked();
    assert!(asked[2..].iter().all(|page| page.header("if-none-match").is_none()));
    let pauses = asked[1..].windows(2).map(|pair| pair[1].at - pair[0].at);
    assert!(pauses.clone().all(|pause| pause >= ARCHIVE_PAUSE), "{:?}", pauses.collect::<Vec<_>>());
    assert_eq!(Bounds::default().archive_pause.as_secs(), 5);
}

#[tokio::test]
async fn the_poll_after_the_gap_asks_for_the_document_alone() {
    let (site, server, gateway) = Site::with_gap(&["planet"]).await;
    gateway.poll_all(Which::All).await;
    site.set("/feed", atom(Some("/3"), &entries(42..=51)));
    gateway.pass(TimeDelta::hours(1));
    gateway.poll_all(Which::All).await;
    assert_eq!(paths(&server)[5..], ["/feed"]);
    assert_eq!(server.asked()[5].header("if-none-match"), Some("\"e\""), "the validators are the document's");
    assert_eq!(told(&gateway, "planet").await, numbers(1..=51));
    gateway.pass(TimeDelta::hours(1));
    assert_eq!(gateway.poll_all(Which::All).await["planet"], Polled::Unchanged);
    assert_eq!(paths(&server)[5..], ["/feed", "/feed"]);
}

#[tokio::test]
async fn without_a_gap_no_archive_is_asked() {
    let (site, server, gateway) = Site::with_gap(&["planet"]).await;
    site.set("/feed", atom(Some("/3"), &entries(10..=19)));
    gateway.poll_all(Which::All).await;
    assert_eq!(paths(&server), ["/feed", "/feed"]);
    assert_eq!(told(&gateway, "planet").await, numbers(1..=19));
}

#[tokio::test]
async fn earlier_texts_and_deleted_entries_of_an_archive_are_not_told() {
    let (site, _, gateway) = Site::with_gap(&["planet"]).await;
    let deleted = "<at:deleted-entry xmlns:at=\"http://purl.org/atompub/tombstones/1.0\" \
                   ref=\"tag:planet.example,2025:35\" when=\"2025-11-23T11:00:00Z\"/>";
    site.set("/feed", atom(Some("/3"), &format!("{deleted}{}", entries(41..=50))));
    let earlier = |number| entry(number, "An earlier text", &date(number - 5));
    site.set("/3", atom(Some("/2"), &format!("{}{}", earlier(45), entries(31..=40))));
    // Entry 0 is older than all that first contact saw.
    site.set("/1", atom(Some("/0"), &format!("{}{}{}", entries(11..=20), earlier(9), entries(0..=8))));
    gateway.poll_all(Which::All).await;
    let expected: Vec<_> = numbers(1..=50).into_iter().filter(|number| *number != 35).collect();
    assert_eq!(told(&gateway, "planet").await, expected);
    let rows = gateway.store.outbox().await.unwrap();
    assert!(rows.iter().all(|row| row.revision == 0), "an earlier text is no edit");
    assert_eq!(gateway.row("planet").await.read.suppressed, [("old".to_owned(), 1)].into());
}

#[tokio::test]
async fn the_flood_brake_lets_pass_what_is_newer_than_all_that_is_known() {
    let (site, _, gateway) = Site::with_gap(&["planet"]).await;
    // Below what is known stand more unknown entries than above it, dated like the known ones.
    let unknown: String = (100..=160).map(|number| entry(number, &format!("Entry {number}"), &date(5))).collect();
    site.set("/1", atom(None, &format!("{}{unknown}", entries(1..=20))));
    gateway.poll_all(Which::All).await;
    assert_eq!(told(&gateway, "planet").await, numbers(1..=50));
    assert_eq!(gateway.row("planet").await.read.suppressed, [("flood-brake".to_owned(), 61)].into());
}

#[tokio::test]
async fn archives_that_lead_nowhere_are_left_and_what_they_gave_counts() {
    let nowhere = [
        ("in a circle", atom(Some("/3"), &entries(21..=30)), 21),
        ("to the document", atom(Some("/feed#top"), &entries(21..=30)), 21),
        ("to its beginning", atom(None, &entries(21..=30)), 21),
        ("into a file", atom(Some("file:///etc/hostname"), &entries(21..=30)), 21),
        ("to a page that is gone", Reply::bare(404, &[]), 31),
        ("to a page that is no feed", Reply::ok(&[], "<html><body>Archive</body></html>"), 31),
        ("away by a redirect in a circle", Reply::bare(302, &[("Location", "/2")]), 31),
    ];
    for (what, page, oldest) in nowhere {
        let (site, server, gateway) = Site::with_gap(&["planet"]).await;
        site.set("/2", page);
        gateway.poll_all(Which::All).await;
        assert_eq!(paths(&server), ["/feed", "/feed", "/3", "/2"], "{what}");
        let expected = [numbers(1..=10), numbers(oldest..=50)].concat();
        assert_eq!(told(&gateway, "planet").await, expected, "{what}");
        assert_eq!(gateway.row("planet").await.poll.failures, 0, "{what}");
    }
}

#[tokio::test]
async fn ten_pages_are_asked_and_no_more() {
    let (site, server, gateway) = Site::with_gap(&["planet"]).await;
    site.set("/feed", atom(Some("/39"), &entries(40..=50)));
    for number in 11..=39 {
        site.set(&format!("/{number}"), atom(Some(&format!("/{}", number - 1)), &entries(number..=number)));
    }
    gateway.poll_all(Which::All).await;
    assert_eq!(paths(&server).len(), 2 + 10);
    assert_eq!(told(&gateway, "planet").await, [numbers(1..=10), numbers(30..=50)].concat());
}

#[tokio::test]
async fn feeds_that_share_an_address_share_the_walk() {
    let (_, server, gateway) = Site::with_gap(&["a", "b"]).await;
    gateway.poll_all(Which::All).await;
    assert_eq!(paths(&server), ["/feed", "/feed", "/3", "/2", "/1"]);
    for feed in ["a", "b"] {
        assert_eq!(told(&gateway, feed).await, numbers(1..=50));
    }
}

#[tokio::test]
async fn one_request_at_a_time_is_enough_for_a_walk() {
    let site = Site::default();
    let server = site.serve().await;
    site.set("/feed", atom(None, &entries(1..=10)));
    let feeds = vec![(id("planet"), subscription(&server.url("/feed"), 30 * MINUTE))];
    let config = tidings::source::Config { concurrency: 1, ..config() };
    let gateway = Gateway::on(Arc::new(RedbStore::in_memory().unwrap()), feeds, &config, noon()).await;
    gateway.poll_all(Which::All).await;
    site.set("/feed", atom(Some("/1"), &entries(21..=30)));
    site.set("/1", atom(None, &entries(5..=20)));
    gateway.poll_all(Which::All).await;
    assert_eq!(told(&gateway, "planet").await, numbers(1..=30));
}

#[tokio::test]
async fn credentials_stay_at_the_configured_origin_and_a_refusal_rests_the_host_of_the_archive() {
    let site = Site::default();
    let server = site.serve().await;
    let elsewhere = server.url("/2").replace("127.0.0.1", "user:word@127.0.0.2");
    site.set("/feed", atom(None, &entries(1..=10)));
    let mut keyed = subscription(&server.url("/feed"), 30 * MINUTE);
    let mut rules = (*keyed.poll).clone();
    rules.headers.push(("X-Key".to_owned(), "k".to_owned()));
    keyed.poll = Arc::new(rules);
    let store = Arc::new(RedbStore::in_memory().unwrap());
    let gateway = Gateway::on(store, vec![(id("planet"), keyed)], &config(), noon()).await;
    gateway.poll_all(Which::All).await;
    site.set("/feed", atom(Some("/3"), &entries(41..=50)));
    site.set("/3", atom(Some(&elsewhere), &entries(31..=40)));
    site.set("/2", Reply::bare(429, &[("Retry-After", "7200")]));
    gateway.poll_all(Which::All).await;

    let has = |name: &str| server.asked().iter().map(|asked: &Asked| asked.header(name).is_some()).collect::<Vec<_>>();
    assert_eq!(paths(&server), ["/feed", "/feed", "/3", "/2"]);
    assert_eq!(has("x-key"), [true, true, true, false]);
    assert_eq!(has("authorization"), [false; 4]);
    let hosts = gateway.store.hosts().await.unwrap();
    let resting: Vec<_> = hosts.iter().map(|(host, row)| (host.as_str(), row.not_before)).collect();
    let other = server.host().replace("127.0.0.1", "127.0.0.2");
    assert_eq!(resting, [(other.as_str(), Some(noon() + TimeDelta::hours(2)))]);
}
