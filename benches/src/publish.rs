//! The first pass over feeds that nobody knew, into Prosody with its memory storage: beside a raw client that sends the very
//! stanzas that we sent, all at once; and over TLS.

use crate::gateway::{Gateway, NOBODY};
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

    let (mut ours, mut raw, mut server) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let prosody = Prosody::start().await;
        let before = prosody.cpu_seconds();
        ours.push(pass(&site, &prosody, &prosody.address(), "none").await);
        server.push(prosody.cpu_seconds() - before);
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
    let server = median(&server, |seconds| *seconds);
    vec![
        wall,
        Row::figure("first-pass", "own CPU of it", cpu, "s").goal(0.5),
        Row::figure("first-pass", "Prosody's CPU an item meanwhile, nodes included", server / ITEMS * 1e3, "ms"),
        Row::figure("first-pass", "what is sent to the server an item", recording.bytes() as f64 / ITEMS / 1e3, "KB"),
    ]
}

/// Own CPU of publishing over TLS: what a first pass takes beyond one that reads as much and publishes nothing.
pub(crate) async fn tls(rounds: usize) -> Vec<Row> {
    let site = Site::start(FEEDS, ENTRIES, 0).await;
    let (mut ours, mut reading) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let prosody = Prosody::start().await;
        ours.push(pass(&site, &prosody, &prosody.address(), "starttls").await);
        let silent = Gateway::new(NOBODY, "backfill = 0", FEEDS, |feed| site.url(feed));
        reading.push(silent.once(&[]).await);
    }
    let [cpu, without] = [&ours, &reading].map(|runs| median(runs, |cost| cost.cpu_seconds));
    let peak = median(&ours, |cost| cost.peak_mib);
    let what = "own CPU an item that is published over TLS, nodes and session included, start and polls not";
    vec![Row::figure("tls", what, (cpu - without) / ITEMS * 1e6, "µs").goal(150.0).process(cpu, peak)]
}

async fn pass(site: &Site, prosody: &Prosody, address: &str, tls: &str) -> Cost {
    let gateway = Gateway::new(&prosody.account(address, tls), "", FEEDS, |feed| site.url(feed));
    gateway.once(&[]).await
}
