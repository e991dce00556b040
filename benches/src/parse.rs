//! What taking in a clean feed costs beside feed-rs alone, with all that feed-rs drops: charset, survey, mapping, identity, and
//! the comparison with what is known.

use std::hint::black_box;
use std::time::Duration;

use tidings::ingest::{ingest, parse};
use tidings::store::{ReadFacts, Seen};
use tokio::time::Instant;

use crate::document::{Subscription, at, rss};
use crate::measured::median;
use crate::report::Row;

/// Measured so often a round.
const EACH: usize = 60;

pub(crate) async fn parse(rounds: usize) -> Vec<Row> {
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
    for _ in 0..rounds * EACH {
        theirs.push(time(|| feed_rs::parser::parse(&now.body[..]).is_ok()));
        reading.push(time(|| parse::parse(&now.body, &now.base, None).is_ok()));
        ours.push(time(|| ingest(&now, &plan, &known.read, &known.seen, at(3600)).is_ok()));
    }
    let [theirs, reading, ours] = [theirs, reading, ours].map(|times| median(&times, |time| *time));
    let what =
        format!("a clean feed of 50 entries, {} KB: read, and compared with what is known", now.body.len() / 1000);
    vec![
        Row::figure("parse", what, ours, "ms").beside("feed-rs alone", theirs).goal(1.3),
        Row::figure("parse", "reading alone", reading, "ms").beside("feed-rs alone", theirs),
    ]
}

/// Milliseconds. It starts rested: on a busy machine who has worked for long is interrupted, and that would always be the same
/// one of those that take turns.
fn time(work: impl FnOnce() -> bool) -> f64 {
    std::thread::sleep(Duration::from_millis(2));
    let began = Instant::now();
    assert!(black_box(work()));
    began.elapsed().as_secs_f64() * 1e3
}
