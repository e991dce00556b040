//! The first pass over feeds that nobody knew, into Prosody with its memory storage: beside a raw client that sends the very
//! stanzas that we sent, all at once; and over TLS.

use crate::gateway::Gateway;
use crate::measured::{Cost, median};
use crate::prosody::Prosody;
use crate::replay::{Recorder, replay};
use crate::report::Row;
use crate::site::Site;

const FEEDS: usize = 100;
const ENTRIES: u64 = 20;
const ITEMS: f64 = (FEEDS as u64 * ENTRIES) as f64;

/// Wall time beside the replay, and own CPU.
pub(crate) async fn first_pass(rounds: usize) -> Vec<Row> {
    let site = Site::start(FEEDS, ENTRIES, 0).await;
    let prosody = Prosody::start().await;
    let recorder = Recorder::start(&prosody.address()).await;
    pass(&site, &prosody, recorder.address(), "none").await;
    let recording = recorder.recording();
    assert!(recording.publishes() >= ITEMS as usize, "{} publishes were recorded", recording.publishes());
    drop(prosody);

    let (mut ours, mut raw) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let prosody = Prosody::start().await;
        ours.push(pass(&site, &prosody, &prosody.address(), "none").await);
        drop(prosody);
        let prosody = Prosody::start().await;
        raw.push(replay(&prosody, &recording).await.as_secs_f64());
    }
    let cpu = median(&ours, |cost| cost.cpu_seconds);
    let wall = Row::figure(
        "first-pass",
        "100 new feeds × 20 entries to their nodes",
        median(&ours, |run| run.wall_seconds),
        "s",
    )
    .beside("raw replay of our stanzas", median(&raw, |run| *run))
    .goal(1.15)
    .process(cpu, median(&ours, |cost| cost.peak_mib));
    vec![wall, Row::figure("first-pass", "own CPU of it", cpu, "s").goal(0.5)]
}

/// Own CPU over TLS, polls, start and exit included.
pub(crate) async fn tls(rounds: usize) -> Vec<Row> {
    let site = Site::start(FEEDS, ENTRIES, 0).await;
    let mut ours = Vec::new();
    for _ in 0..rounds {
        let prosody = Prosody::start().await;
        ours.push(pass(&site, &prosody, &prosody.address(), "starttls").await);
    }
    let cpu = median(&ours, |cost| cost.cpu_seconds);
    let peak = median(&ours, |cost| cost.peak_mib);
    let what = "own CPU an item over TLS, start, polls, nodes and exit included";
    vec![Row::figure("tls", what, cpu / ITEMS * 1e6, "µs").goal(150.0).process(cpu, peak)]
}

async fn pass(site: &Site, prosody: &Prosody, address: &str, tls: &str) -> Cost {
    let gateway = Gateway::new(&prosody.account(address, tls), "", FEEDS, |feed| site.url(feed));
    gateway.once(&[]).await
}
