//! A hundred thousand feeds in one process: memory, start, how late polls come and what they cost, while some bring news that
//! are published.

use std::fs;
use std::process::Command;
use std::time::Duration;

use chrono::TimeDelta;
use tidings::feed::{FeedId, Time};
use tidings::store::{FeedRow, PollFacts, RedbStore, Store};
use tokio::time::{Instant, sleep, sleep_until};

use crate::fleet::{Fleet, id};
use crate::gateway::{Gateway, NOBODY, program};
use crate::measured::{cpu_seconds, peak_bytes};
use crate::process::Process;
use crate::prosody::Prosody;
use crate::report::Row;
use crate::site::Site;

const FEEDS: usize = 100_000;
const ENTRIES: u64 = 10;
/// One poll in so many brings a new entry.
const NEWS: u64 = 20;
const SETTINGS: &str = "every = \"6m\"\nmax-every = \"6m\"";
/// All of them are due within this time once, which is 278 a second.
const EVERY: Duration = Duration::from_secs(360);
/// The state must be filled, and the program up, after this time.
const PREPARED: Duration = Duration::from_secs(150);
/// How long it is watched.
const WATCHED: Duration = Duration::from_secs(60);

pub(crate) async fn scale(_rounds: usize) -> Vec<Row> {
    let site = Site::start(FEEDS, ENTRIES, NEWS).await;
    let prosody = Prosody::start().await;
    let account = prosody.account(&prosody.address(), "none");
    let template = template(&site, SETTINGS).await;
    let gateway = Gateway::new(&account, SETTINGS, FEEDS, |feed| site.url(feed));
    let (began, clock) = (Instant::now(), now());
    let due = |n: usize| PREPARED + EVERY.mul_f64((n as u64 * 2_654_435_761 % FEEDS as u64) as f64 / FEEDS as f64);
    // The first one tells when the program is up.
    let due = |n: usize| if n == 0 { Duration::ZERO } else { due(n) };
    let row = |n: usize, row: FeedRow| FeedRow {
        next_due: clock + TimeDelta::from_std(due(n)).unwrap(),
        poll: PollFacts { url: site.url(n), ..template.clone() },
        ..row
    };
    drop(Fleet::fill(&gateway.path("state.redb"), FEEDS, ENTRIES, clock, row).await);

    let (log, started) = (gateway.path("run.log"), Instant::now());
    let mut command = Command::new(program());
    command.arg("run").current_dir(gateway.folder()).env("HOME", gateway.folder());
    let mut process = Process::start(&command, "tidings", Some(&log));
    while !site.has_been_asked() && began.elapsed() < PREPARED {
        sleep(Duration::from_millis(20)).await;
    }
    let start = started.elapsed().as_secs_f64();
    assert!(began.elapsed() < PREPARED, "this machine is too busy");
    sleep_until(began + PREPARED).await;
    site.take_asked();
    let before = cpu_seconds(Some(process.id()));
    sleep(WATCHED).await;
    assert!(process.ended().is_none(), "{}", fs::read_to_string(log).unwrap());
    let (asked, cpu, peak) =
        (site.take_asked(), cpu_seconds(Some(process.id())) - before, peak_bytes(process.id()) / 1e6);

    let end = PREPARED + WATCHED;
    let mut lags = vec![None; FEEDS];
    asked.iter().for_each(|(feed, at)| lags[*feed] = Some(at.duration_since(began).saturating_sub(due(*feed))));
    let expected = (1..FEEDS).filter(|feed| due(*feed) < end);
    let mut lags: Vec<f64> = expected.map(|feed| lags[feed].unwrap_or(end - due(feed)).as_secs_f64()).collect();
    lags.sort_by(f64::total_cmp);
    let rate = asked.len() as f64 / WATCHED.as_secs_f64();
    let lag = format!("lag of a poll at {rate:.0} polls/s, 5 % with news: 99th percentile");
    vec![
        Row::figure("scale", "peak memory of `run` with 100,000 feeds", peak, "MB").goal(150.0),
        Row::figure("scale", "from its start to its first poll", start, "s").goal(2.0),
        Row::figure("scale", lag, lags[lags.len() * 99 / 100], "s").goal(60.0),
        Row::figure(
            "scale",
            "own CPU a poll of it, news and publishing included",
            cpu / asked.len() as f64 * 1e6,
            "µs",
        ),
    ]
}

/// What polling remembers of a feed that the program polled.
pub(crate) async fn template(site: &Site, settings: &str) -> PollFacts {
    let gateway = Gateway::new(NOBODY, &format!("{settings}\nbackfill = 0"), 1, |feed| site.url(feed));
    gateway.once(&[]).await;
    let store = RedbStore::open(&gateway.path("state.redb")).unwrap();
    let row = store.feed(&FeedId::new(id(0).as_str()).unwrap()).await.unwrap().unwrap();
    site.take_asked();
    row.poll
}

/// The program that is measured goes by the clock.
#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
pub(crate) fn now() -> Time {
    chrono::Utc::now()
}
