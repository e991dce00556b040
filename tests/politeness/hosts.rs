//! How many requests go out at once, and to whom.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tidings::source::Limits;
use tidings::source::answer::{FetchError, Fetched, Retry};
use tidings::source::fetch::Fetcher;
use tidings::source::gate::{Gate, Place, host_of};
use tidings::store::HostRow;
use tokio::task::JoinSet;

use super::requests::{config, noon, request};
use super::server::{Reply, Server};

const APART: Duration = Duration::from_millis(120);

fn gate(concurrency: usize, per_host: usize, interval: Duration) -> Arc<Gate> {
    Arc::new(Gate::new(concurrency, per_host, interval, Arc::new(noon)))
}

/// Fetches all at once.
async fn fetch_all(gate: &Arc<Gate>, urls: impl IntoIterator<Item = String>) -> Vec<Result<Fetched, FetchError>> {
    let fetcher = Arc::new(Fetcher::new(&config(), Limits::default()).unwrap());
    let mut polls = JoinSet::new();
    for url in urls {
        let (fetcher, gate) = (Arc::clone(&fetcher), Arc::clone(gate));
        polls.spawn(async move { fetcher.fetch(&request(&url), &mut Place::new(&gate, false), noon()).await });
    }
    polls.join_all().await
}

/// The time between one request and the next.
fn gaps(server: &Server) -> Vec<Duration> {
    let times: Vec<_> = server.asked().iter().map(|asked| asked.at).collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

async fn slow_server() -> Server {
    Server::start(|_| Reply::ok(&[], "<rss/>").after(Duration::from_millis(50))).await
}

#[test]
fn rule_12_a_host_is_a_lower_cased_name_and_port() {
    for (url, host) in [
        ("https://Feeds.Example.ORG/a", "feeds.example.org:443"),
        ("http://feeds.example.org./a", "feeds.example.org:80"),
        ("http://user@feeds.example.org:8080/b", "feeds.example.org:8080"),
        ("http://[2606:4700::1111]/", "[2606:4700::1111]:80"),
    ] {
        assert_eq!(host_of(&url.parse().unwrap()), host);
    }
}

#[tokio::test]
async fn rule_12_one_request_at_a_time_goes_to_a_host_and_they_are_apart() {
    let server = slow_server().await;
    let fetched = fetch_all(&gate(64, 1, APART), (0..4).map(|number| server.url(&format!("/{number}")))).await;
    assert!(fetched.iter().all(Result::is_ok));
    assert_eq!(server.most_at_once(), 1);
    assert!(gaps(&server).iter().all(|gap| *gap >= APART), "{:?}", gaps(&server));
}

#[tokio::test]
async fn rule_12_as_many_at_once_as_the_operator_says_go_to_a_host() {
    let server = slow_server().await;
    fetch_all(&gate(64, 3, Duration::ZERO), (0..9).map(|number| server.url(&format!("/{number}")))).await;
    assert!((2..=3).contains(&server.most_at_once()));
}

#[tokio::test]
async fn rule_12_at_most_so_many_go_out_in_all() {
    let server = slow_server().await;
    let hosts = (1..=12).map(|number| server.url("/feed").replace("127.0.0.1", &format!("127.0.3.{number}")));
    fetch_all(&gate(5, 1, APART), hosts).await;
    assert_eq!(server.asked().len(), 12);
    assert!((2..=5).contains(&server.most_at_once()));
}

#[tokio::test]
async fn rule_12_each_redirect_counts_at_its_own_host() {
    let target = slow_server().await;
    let location = target.url("/feed");
    let server = Server::start(move |_| Reply::bare(302, &[("Location", &location)])).await;
    // Three hosts that all lead to one.
    let hosts = (1..=3).map(|number| server.url("/feed").replace("127.0.0.1", &format!("127.0.4.{number}")));
    assert!(fetch_all(&gate(64, 1, APART), hosts).await.iter().all(Result::is_ok));
    assert_eq!(target.most_at_once(), 1);
    assert!(gaps(&target).iter().all(|gap| *gap >= APART), "{:?}", gaps(&target));
}

#[tokio::test]
async fn rule_12_many_feeds_of_a_host_take_no_slots_from_others() {
    let (busy, other) = (slow_server().await, slow_server().await);
    let gate = gate(2, 1, Duration::from_secs(20));
    let urls = (0..50).map(|number| busy.url(&format!("/{number}")));
    let crowd = tokio::spawn({
        let (gate, urls) = (Arc::clone(&gate), urls.collect::<Vec<_>>());
        async move { fetch_all(&gate, urls).await }
    });
    busy.hears(1).await;
    let fetched = tokio::time::timeout(Duration::from_secs(5), fetch_all(&gate, [other.url("/feed")])).await;
    assert!(fetched.expect("it waited")[0].is_ok());
    assert!(gate.wait_of(&busy.host(), 0) >= Duration::from_secs(20 * 48));
    assert_eq!(gate.wait_of(&other.host(), 0), Duration::ZERO);
    crowd.abort();
}

#[tokio::test]
async fn rule_14_nothing_goes_to_a_host_that_asked_for_rest_not_even_what_waits_already() {
    let server = slow_server().await;
    let until = noon() + TimeDelta::hours(1);
    let resting = HostRow { not_before: Some(until), refusals: 1 };
    let gate = gate(64, 1, APART);
    let mut first = Place::new(&gate, false);
    first.enter(&server.host()).await.unwrap();
    let waiting = tokio::spawn({
        let (gate, url) = (Arc::clone(&gate), server.url("/feed"));
        async move { fetch_all(&gate, [url]).await }
    });
    while gate.wait_of(&server.host(), 0) < 2 * APART {
        tokio::task::yield_now().await;
    }
    gate.set_row(&server.host(), Some(resting));
    drop(first);
    let late = fetch_all(&gate, [server.url("/feed")]).await;
    for fetched in waiting.await.unwrap().into_iter().chain(late) {
        assert_eq!(fetched.unwrap_err().retry(), Retry::At(until));
    }
    assert!(server.asked().is_empty());
    // A time that has passed keeps nobody.
    gate.set_row(&server.host(), Some(HostRow { not_before: Some(noon()), refusals: 1 }));
    assert!(fetch_all(&gate, [server.url("/feed")]).await[0].is_ok());
    // Nor does one further ahead than anybody may ask for: the clock was wrong.
    let wrong = HostRow { not_before: Some(noon() + TimeDelta::days(300)), refusals: 1 };
    gate.set_row(&server.host(), Some(wrong));
    assert!(fetch_all(&gate, [server.url("/feed")]).await[0].is_ok());
}
