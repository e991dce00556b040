//! What reading a clean feed costs, as a ratio to feed-rs alone: both in one run, in turns, so that a loaded machine slows both.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What decoding, the survey and the mapping may cost beside feed-rs.
const LIMIT: f64 = 1.3;
const ROUNDS: usize = 300;

fn main() -> ExitCode {
    let feed = feed(50);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(time(|| tidings::ingest::parse::parse(feed.as_bytes(), "https://example.org/feed", None).is_ok()));
        theirs.push(time(|| feed_rs::parser::parse(feed.as_bytes()).is_ok()));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!("{} bytes: {ours:?}, feed-rs alone {theirs:?}, ratio {ratio:.2} (limit {LIMIT})", feed.len());
    if ratio <= LIMIT || cfg!(debug_assertions) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A feed as blogs have it, a little over 2 KB an entry.
fn feed(entries: usize) -> String {
    let paragraph = "<p>The quick brown fox &amp; the lazy dog — <a href=\"https://example.org/dogs?a=1&amp;b=2\">both</a> of them.</p>\n";
    let items: String = (0..entries)
        .map(|n| {
            format!(
                "<item><title>Entry {n} &#8211; of many</title><link>https://example.org/{n}/</link><dc:creator><![CDATA[Jane]]></dc:creator>\
                <pubDate>Sat, 07 Sep 2002 {:02}:00:01 +0000</pubDate><category><![CDATA[cats]]></category>\
                <guid isPermaLink=\"false\">https://example.org/?p={n}</guid><description><![CDATA[{paragraph}]]></description>\
                <content:encoded><![CDATA[{}]]></content:encoded><slash:comments>3</slash:comments></item>\n",
                n % 24,
                paragraph.repeat(14)
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" \
        xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:atom=\"http://www.w3.org/2005/Atom\" \
        xmlns:sy=\"http://purl.org/rss/1.0/modules/syndication/\" xmlns:slash=\"http://purl.org/rss/1.0/modules/slash/\"><channel>\
        <title>A blog</title><link>https://example.org</link><description>Words</description>\
        <atom:link href=\"https://example.org/feed/\" rel=\"self\" type=\"application/rss+xml\"/>\
        <sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>1</sy:updateFrequency>{items}</channel></rss>"
    )
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
