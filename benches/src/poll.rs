//! Polling feeds that have not changed: beside curl with fifty requests at a time, beside rss2email, and by itself.

use std::fmt::Write as _;
use std::fs;

use crate::ask::ASK;
use crate::gateway::{Gateway, NOBODY};
use crate::measured::{self, Cost, median};
use crate::report::Row;
use crate::site::{Site, etag};

const FEEDS: usize = 500;
/// Enough that start and exit are a small part.
const MANY: usize = 5_000;

/// `once --all`, start and exit included.
pub(crate) async fn unchanged(rounds: usize) -> Vec<Row> {
    let site = Site::start(FEEDS, 20, 0).await;
    let gateway = known(&site, FEEDS).await;
    let config: String =
        (0..FEEDS).map(|feed| format!("url = \"{}\"\noutput = \"/dev/null\"\n", site.url(feed))).collect();
    fs::write(gateway.path("curl.cfg"), config).unwrap();
    let known = format!("If-None-Match: {}", etag(0));
    let curl_arguments =
        ["--silent", "--fail", "--parallel", "--parallel-max", "50", "--header", &known, "--config", "curl.cfg"];
    let rss2email = Rss2Email::new(&gateway, &site).await;

    let own = std::env::current_exe().unwrap();
    let (root, feeds) = (site.root(), FEEDS.to_string());

    let [mut ours, mut idle, mut bare, mut curl, mut peer] = [const { Vec::new() }; 5];
    for round in 0..rounds {
        ours.push(gateway.once(&["--all"]).await);
        idle.push(gateway.once(&[]).await);
        curl.push(measured::run(gateway.folder(), "curl", &curl_arguments).await);
        bare.push(measured::run(gateway.folder(), own.to_str().unwrap(), &[ASK, root, &feeds]).await);
        if round < 3 {
            peer.push(rss2email.run(&gateway).await);
        }
    }
    let wall = |runs: &[Cost]| median(runs, |cost| cost.wall_seconds);
    let row = |what: &str, runs: &[Cost]| {
        let (cpu, peak) = (median(runs, |cost| cost.cpu_seconds), median(runs, |cost| cost.peak_mib));
        Row::figure("unchanged", what, wall(runs), "s").process(cpu, peak)
    };
    vec![
        row("500 unchanged feeds by `once --all`, start and exit included", &ours)
            .beside("curl, 50 at a time", wall(&curl))
            .goal(1.3),
        row("start and end of it alone: `once` when no feed is due", &idle),
        row("the HTTP client alone, a program that only asks", &bare).beside("curl", wall(&curl)),
        row("the peer rss2email on the same feeds", &peer).beside("`once --all`", wall(&ours)),
        row("curl itself", &curl),
    ]
}

/// Own CPU a poll, store included: what each further feed of a pass costs.
pub(crate) async fn polls(rounds: usize) -> Vec<Row> {
    let site = Site::start(MANY, 20, 0).await;
    let (few, many) = (known(&site, FEEDS).await, known(&site, MANY).await);
    let (mut small, mut large) = (Vec::new(), Vec::new());
    let (before, polls) = (site.traffic(), rounds * (FEEDS + MANY));
    for _ in 0..rounds {
        small.push(few.once(&["--all"]).await);
        large.push(many.once(&["--all"]).await);
    }
    let cpu = |runs: &[Cost]| median(runs, |cost| cost.cpu_seconds);
    let each = (cpu(&large) - cpu(&small)) / (MANY - FEEDS) as f64 * 1e6;
    let what = "own CPU a poll of an unchanged feed, store included";
    let row = Row::figure("polls", what, each, "µs").goal(100.0);
    let bytes = (site.traffic() - before) as f64 / polls as f64;
    vec![
        row.process(cpu(&large), median(&large, |cost| cost.peak_mib)),
        Row::figure("polls", "request and answer of it, TLS and TCP not counted", bytes, "B"),
    ]
}

/// A gateway that has met the feeds; nothing is published, as `backfill` is 0.
async fn known(site: &Site, feeds: usize) -> Gateway {
    let gateway = Gateway::new(NOBODY, "backfill = 0", feeds, |feed| site.url(feed));
    gateway.once(&["--all"]).await;
    gateway
}

/// Debian's rss2email with the same feeds, known to it; it would hand mails to a program that does nothing.
struct Rss2Email;

impl Rss2Email {
    async fn new(gateway: &Gateway, site: &Site) -> Self {
        let mut config =
            "[DEFAULT]\nfrom = bot@a.test\nto = bot@a.test\nemail-protocol = sendmail\nsendmail = /bin/true\n"
                .to_owned();
        (0..FEEDS).for_each(|feed| writeln!(config, "[feed.feed-{feed}]\nurl = {}", site.url(feed)).unwrap());
        fs::write(gateway.path("rss2email.cfg"), config).unwrap();
        measured::run(
            gateway.folder(),
            "r2e",
            &["--config", "rss2email.cfg", "--data", "rss2email.json", "run", "--no-send"],
        )
        .await;
        Self
    }

    async fn run(&self, gateway: &Gateway) -> Cost {
        measured::run(gateway.folder(), "r2e", &["--config", "rss2email.cfg", "--data", "rss2email.json", "run"]).await
    }
}
