//! What taking in a clean feed costs, as a ratio to feed-rs alone: both in one run, in turns, so that a loaded machine slows both.
#![expect(clippy::unwrap_used, reason = "a bench that fails has nothing to print")]

#[path = "support/document.rs"]
mod document;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tidings::ingest::{ingest, parse::parse};
use tidings::store::{ReadFacts, Seen};

use document::{Subscription, at, rss};

/// What everything but feed-rs may cost beside it: charset, survey, mapping, identity, the comparison with what is known.
const LIMIT: f64 = 1.3;
const ROUNDS: usize = 300;

fn main() -> ExitCode {
    let feed = Subscription::new("example.org");
    let plan = feed.plan();
    // Everything is known but the newest entry.
    let before = feed.arrival(rss(0..49), at(0));
    let known = ingest(&before, &plan, &ReadFacts::default(), &Seen::default(), at(0)).unwrap();
    let now = feed.arrival(rss(0..50), at(3600));
    let news = ingest(&now, &plan, &known.read, &known.seen, at(3600)).unwrap();
    assert_eq!((news.editions.len(), news.read.read_by.as_str()), (1, "fast"));
    assert_eq!(news.hints.update_seconds, Some(3600));

    let [mut theirs, mut reading, mut ours] = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        theirs.push(time(|| feed_rs::parser::parse(now.body.as_slice()).is_ok()));
        reading.push(time(|| parse(&now.body, &now.base, None).is_ok()));
        ours.push(time(|| ingest(&now, &plan, &known.read, &known.seen, at(3600)).is_ok()));
    }
    let [theirs, reading, ours] = [theirs, reading, ours].map(median);
    let ratio = |time: Duration| time.as_secs_f64() / theirs.as_secs_f64();
    println!("{} bytes: feed-rs alone {theirs:?}", now.body.len());
    println!("{:.2} reading, {reading:?}", ratio(reading));
    println!("{:.2} reading and comparing with what is known, {ours:?} (limit {LIMIT})", ratio(ours));
    if ratio(ours) <= LIMIT || cfg!(debug_assertions) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn time(work: impl FnOnce() -> bool) -> Duration {
    let start = Instant::now();
    assert!(black_box(work()));
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
