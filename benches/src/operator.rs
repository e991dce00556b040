//! What an operator waits for, with ten thousand feeds in files of their own: `check`, the start, `status`, `reload`.

use std::fs;
use std::process::Command;
use std::time::Duration;

use chrono::TimeDelta;
use tidings::control::{self, Question};
use tidings::store::{FeedRow, PollFacts};
use tokio::time::{Instant, sleep};

use crate::fleet::Fleet;
use crate::gateway::{Gateway, NOBODY, program};
use crate::measured::{Cost, cpu_seconds, median, peak_bytes, run};
use crate::process::Process;
use crate::report::Row;
use crate::scale::{now, template};
use crate::site::Site;

const FEEDS: usize = 10_000;
/// Nothing is due while it is measured.
const SETTINGS: &str = "every = \"6h\"";
const DUE_HOURS: i64 = 5;
/// A start or an end takes no longer.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) async fn operator(rounds: usize) -> Vec<Row> {
    let site = Site::start(FEEDS, 1, 0).await;
    let gateway = filled(&site).await;
    let (mut checks, mut starts, mut asked, mut reloads) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        checks.push(verb(&gateway, "check").await);
        let (process, start) = started(&gateway).await;
        starts.push(start);
        asked.push(verb(&gateway, "status").await);
        reloads.push(verb(&gateway, "reload").await);
        end(process).await;
    }
    assert!(!site.has_been_asked());
    let row = |what: &str, costs: &[Cost], goal: f64| {
        let what = format!("{what} with 10,000 feeds, a file each");
        let row = Row::figure("operator", what, median(costs, |cost| cost.wall_seconds), "s").goal(goal);
        row.process(median(costs, |cost| cost.cpu_seconds), median(costs, |cost| cost.peak_mib))
    };
    vec![
        row("`check`", &checks, 1.0),
        row("from the start of `run` to its first answer", &starts, 2.0),
        row("`status` of a running gateway", &asked, 0.2),
        row("`reload` without a change", &reloads, 1.0),
    ]
}

/// A gateway whose feeds were all polled lately.
async fn filled(site: &Site) -> Gateway {
    let template = template(site, SETTINGS).await;
    let gateway = Gateway::new(NOBODY, SETTINGS, 0, |feed| site.url(feed));
    for feed in 0..FEEDS {
        let text = format!("[feed-{feed}]\nurl = \"{}\"\n", site.url(feed));
        fs::write(gateway.path(&format!("feeds.d/feed-{feed}.toml")), text).unwrap();
    }
    let clock = now();
    let row = |n: usize, row: FeedRow| FeedRow {
        next_due: clock + TimeDelta::hours(DUE_HOURS),
        poll: PollFacts { url: site.url(n), ..template.clone() },
        ..row
    };
    drop(Fleet::fill(&gateway.path("state.redb"), FEEDS, 1, clock, row).await);
    gateway
}

async fn verb(gateway: &Gateway, verb: &str) -> Cost {
    run(gateway.folder(), program().to_str().unwrap(), &[verb]).await
}

/// A running gateway, and what it took until it answered.
async fn started(gateway: &Gateway) -> (Process, Cost) {
    let mut command = Command::new(program());
    command.arg("run").current_dir(gateway.folder()).env("HOME", gateway.folder());
    let (log, state, began) = (gateway.path("run.log"), gateway.path("state.redb"), Instant::now());
    let mut process = Process::start(&command, "tidings", Some(&log));
    while !matches!(control::ask(&state, &Question::Who).await, Ok(Some(_))) {
        let is_up = process.ended().is_none() && began.elapsed() < LIMIT;
        assert!(is_up, "{}", fs::read_to_string(log).unwrap());
        sleep(Duration::from_millis(5)).await;
    }
    let wall_seconds = began.elapsed().as_secs_f64();
    let (cpu_seconds, peak_mib) = (cpu_seconds(Some(process.id())), peak_bytes(process.id()) / f64::from(1 << 20));
    (process, Cost { wall_seconds, cpu_seconds, peak_mib })
}

async fn end(mut process: Process) {
    process.signal("TERM");
    let began = Instant::now();
    while process.ended().is_none() {
        assert!(began.elapsed() < LIMIT, "it does not end");
        sleep(Duration::from_millis(20)).await;
    }
}
