//! The numbers of all parts as metrics. Their names are a contract (docs/metrics.md).
//!
//! Nothing is counted here, and nothing is scanned: each part keeps its own numbers.

use prometheus::TextEncoder;
use prometheus::proto::MetricFamily;

use crate::feed::Time;
use crate::ingest::Reason;
use crate::store::{Counters, Outbox};
use crate::{deliver, source, xmpp};

use super::family::{counters, gauge, gauges, histogram};
use super::vitals::Vitals;

impl Vitals {
    /// All metrics in Prometheus' text format.
    pub(super) fn text(&self, now: Time) -> String {
        let mut families = vec![gauges(
            ("tidings_build_info", "Version of the program; always 1."),
            "version",
            vec![(env!("CARGO_PKG_VERSION"), 1.0)],
        )];
        families.extend(self.of_feeds());
        families.extend(of_polls(&self.poller.tally()));
        families.extend(of_deliveries(&self.presence.tally()));
        families.extend(of_outbox(&self.store.outbox_sums(), now));
        families.extend(self.of_session());
        families.extend(of_store(&self.store.counters()));
        families.push(gauge(
            (
                "tidings_config_last_reload_successful",
                "Whether the configuration in force is that of the files: 1, or 0.",
            ),
            f64::from(u8::from(self.is_up_to_date())),
        ));
        TextEncoder::new().encode_to_string(&families).unwrap_or_else(|error| format!("# {error}\n"))
    }

    fn of_feeds(&self) -> Vec<MetricFamily> {
        let states = self.store.feed_states().into_iter();
        let states = states.map(|(state, count)| (state.as_str(), count as f64)).collect();
        vec![gauges(("tidings_feeds", "Feeds of the configuration, by their state."), "state", states)]
    }

    fn of_session(&self) -> Vec<MetricFamily> {
        let is_connected = self.presence.session().is_some_and(|session| session.is_connected);
        let endings = self.presence.endings();
        vec![
            gauge(
                ("tidings_xmpp_connected", "Whether the account is logged in: 1, or 0."),
                f64::from(u8::from(is_connected)),
            ),
            counters(
                (
                    "tidings_xmpp_reconnects_total",
                    "Times that a login failed or a stream ended, and another try followed.",
                ),
                "reason",
                xmpp::ENDINGS.map(|reason| (reason, endings.get(reason).copied().unwrap_or_default())),
            ),
        ]
    }
}

fn of_polls(tally: &source::Tally) -> Vec<MetricFamily> {
    let source::Tally { polls, durations, lags, bytes, entries, suppressed } = tally;
    vec![
        counters(("tidings_polls_total", "Polls of feeds, by how they ended."), "result", by(source::RESULTS, polls)),
        histogram(("tidings_poll_duration_seconds", "From the start of a poll to its commit."), durations),
        histogram(("tidings_poll_lag_seconds", "From the time that a feed was due to the start of its poll."), lags),
        counters(
            ("tidings_fetch_bytes_total", "Bytes of documents on the wire, by their compression."),
            "encoding",
            by(source::ENCODINGS, bytes),
        ),
        counters(
            ("tidings_entries_total", "Entries that feeds brought, edited or withdrew, and that are published."),
            "change",
            by(source::CHANGES, entries),
        ),
        counters(
            ("tidings_entries_suppressed_total", "Entries that were seen and are not published, by the reason."),
            "reason",
            Reason::ALL.map(|reason| (reason.name(), suppressed.get(reason.name()).copied().unwrap_or_default())),
        ),
    ]
}

fn of_deliveries(tally: &deliver::Tally) -> Vec<MetricFamily> {
    let deliver::Tally { results, publish, latency } = tally;
    vec![
        counters(
            ("tidings_publish_total", "Publishes and retractions, by what became of them."),
            "result",
            by(deliver::RESULTS, results),
        ),
        histogram(("tidings_publish_duration_seconds", "From a publish to its answer."), publish),
        histogram(
            (
                "tidings_entry_latency_seconds",
                "From the poll that found an entry to its acknowledgement by the server.",
            ),
            latency,
        ),
    ]
}

fn of_outbox(outbox: &Outbox, now: Time) -> Vec<MetricFamily> {
    let Outbox { ready, deferred, doubt, dead, oldest, .. } = *outbox;
    let states = [("ready", ready), ("deferred", deferred), ("doubt", doubt), ("dead", dead)];
    let waits = oldest.and_then(|oldest| (now - oldest).to_std().ok()).unwrap_or_default();
    vec![
        gauges(
            ("tidings_outbox_items", "Rows of the outbox that are not acknowledged, by their state."),
            "state",
            states.map(|(state, count)| (state, count as f64)).to_vec(),
        ),
        gauge(
            ("tidings_outbox_oldest_seconds", "How long the oldest row waits that may be sent."),
            waits.as_secs_f64(),
        ),
    ]
}

fn of_store(counted: &Counters) -> Vec<MetricFamily> {
    let Counters { failures, read_failures, commit_times, bytes, .. } = *counted;
    vec![
        histogram(
            ("tidings_store_commit_duration_seconds", "How long transactions took, fsync included."),
            &commit_times,
        ),
        counters(
            ("tidings_store_errors_total", "Operations of the state that failed."),
            "op",
            [("commit", failures), ("read", read_failures)],
        ),
        gauge(("tidings_store_bytes", "Size of the state on the disk."), bytes as f64),
    ]
}

fn by<'a, const N: usize>(names: [&'a str; N], counts: &'a [u64; N]) -> impl Iterator<Item = (&'a str, u64)> {
    names.into_iter().zip(counts.iter().copied())
}
