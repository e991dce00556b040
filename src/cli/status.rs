//! `tidings status`: what a running gateway tells, or what stands in the state when none runs.

use std::io::{self, Write};
use std::path::Path;

use clap::Args;

use crate::config::Config;
use crate::control::{Answer, DestinationStatus, FeedLine, FeedStatus, Question, Status};
use crate::feed::FeedId;
use crate::store::{FeedState, Moving};

use super::ask::{ask, misunderstood, state};
use super::exit::{Exit, Failure};
use super::terminal::{counted, shown_time as shown};

/// Shows feeds, what waits, and the session
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidings status
  tidings status planet-jabber   one feed, with its last errors
  tidings status --check         for monitoring

Exit codes: 0 told, 1 there is no state yet; 1 with --check: not connected for
5 minutes, an entry waits for 15, or entries were given up.")]
pub struct Show {
    /// One feed, by its id
    feed: Option<FeedId>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Exit with 1 when something is wrong
    #[arg(long)]
    check: bool,
}

impl Show {
    /// Asks and shows.
    pub async fn run(self, config: Option<&Path>, out: &mut impl Write) -> Result<Exit, Failure> {
        let question = Question::Status { feed: self.feed.clone(), is_brief: !self.json };
        let status = match ask(&state(config)?, &question).await? {
            Answer::Status(status) => *status,
            _ => return Err(misunderstood()),
        };
        if let Some(id) = self.feed.as_ref().filter(|_| status.feeds.is_empty()) {
            let hint = match Config::load(config)?.feeds.contains_key(id) {
                true => "it is in the configuration: `tidings reload` has the gateway take it over",
                false => "`tidings status` lists all feeds",
            };
            return Err(Failure::new(Exit::Usage, format!("there is no feed `{id}` in the state"), hint));
        }
        if self.json {
            writeln!(out, "{}", serde_json::to_string(&status).map_err(io::Error::from)?)?;
        } else {
            let detailed = self.feed.is_some();
            write!(out, "{}", if detailed { of_feed(&status) } else { overview(&status) })?;
        }
        let is_healthy = status.complaints().is_empty();
        Ok(if self.check && !is_healthy { Exit::Failed } else { Exit::Ok })
    }
}

/// Everything, a line each.
fn overview(status: &Status) -> String {
    let mut lines = vec![gateway_line(status)];
    lines.extend(session_line(status));
    let feeds = status.lines();
    let count = |state| feeds.iter().filter(|feed| feed.state == state).count();
    let counts = FeedState::ALL.map(|state| (count(state), state.as_str()));
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, state)| format!("{count} {state}"));
    lines.push(format!("feeds:    {}", or_none(counts.collect::<Vec<_>>().join(", "))));
    let width = feeds.iter().map(|feed| feed.id.as_str().len()).max().unwrap_or_default();
    lines.extend(feeds.iter().map(|feed| feed_line(feed, width)));
    lines.extend(outbox_lines(status));
    lines.extend(status.complaints().iter().map(|complaint| format!("wrong:    {complaint}")));
    lines.join("\n") + "\n"
}

fn gateway_line(status: &Status) -> String {
    match &status.gateway {
        Some(holder) => {
            format!("gateway:  `tidings {}`, process {}, since {}", holder.verb, holder.pid, shown(holder.since))
        }
        None => "gateway:  not running".to_owned(),
    }
}

fn session_line(status: &Status) -> Option<String> {
    let session = status.session.as_ref()?;
    Some(match (&session.jid, &session.reason) {
        (Some(jid), _) if session.is_connected => {
            let unanswered = match session.in_flight {
                0 => String::new(),
                count => format!(", {} unanswered", counted(count, "request")),
            };
            format!("session:  {jid}, since {}{unanswered}", shown(session.since))
        }
        (_, Some(reason)) => format!("session:  not connected since {}: {reason}", shown(session.since)),
        _ => "session:  connecting".to_owned(),
    })
}

fn feed_line(feed: &FeedLine, width: usize) -> String {
    let FeedLine { id, state, next_poll, why, .. } = feed;
    let next = next_poll.map(|due| format!("next poll {}", shown(due))).unwrap_or_default();
    let why = match state {
        _ if next.is_empty() || why.is_empty() => why.clone(),
        FeedState::Failing => format!(": {why}"),
        _ => format!(" ({why})"),
    };
    format!("  {:width$}  {:7}  {next}{why}", id.as_str(), state.as_str()).trim_end().to_owned()
}

fn outbox_lines(status: &Status) -> Vec<String> {
    let waiting = status.outbox.iter().map(|row| row.ready + row.doubt).sum::<usize>();
    let dead = status.outbox.iter().map(|row| row.dead).sum::<usize>();
    let given_up = if dead > 0 { format!(", {dead} given up") } else { String::new() };
    let oldest = status.oldest.map(|oldest| format!(", the oldest since {}", shown(oldest))).unwrap_or_default();
    let doubtful = if status.in_doubt > 0 { format!(", {} of them in doubt", status.in_doubt) } else { String::new() };
    let mut lines = vec![format!("outbox:   {waiting} waiting{doubtful}{given_up}{oldest}")];
    lines.extend(status.outbox.iter().map(|row| {
        let DestinationStatus { destination, ready, doubt, dead, window, in_flight, oldest, reason } = row;
        let parts = [(ready, "to be sent"), (doubt, "in doubt"), (dead, "given up")];
        let parts = parts.iter().filter(|(count, _)| **count > 0).map(|(count, what)| format!("{count} {what}"));
        let since = oldest.map(|oldest| format!(", the oldest since {}", shown(oldest))).unwrap_or_default();
        let flight = window.map(|window| format!(", {in_flight} on the way of at most {window}")).unwrap_or_default();
        let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("  {destination}  {}{flight}{since}{reason}", parts.collect::<Vec<_>>().join(", "))
    }));
    lines
}

/// One feed, with all that is known of it.
fn of_feed(status: &Status) -> String {
    let mut lines = Vec::new();
    for feed in &status.feeds {
        let FeedStatus { id, state, row, known_entries } = feed;
        lines.push(format!("{id}: {state}"));
        let mut fact = |name: &str, value: Option<String>| {
            lines.extend(value.filter(|value| !value.is_empty()).map(|value| format!("  {name:13} {value}")));
        };
        let poll = &row.poll;
        fact("title", row.read.meta.title.clone());
        fact("address", Some(poll.url.clone()));
        fact("left", row.removed.map(|since| format!("the configuration, {}", shown(since))));
        fact("next poll", row.next_poll().map(shown));
        fact("why then", row.next_poll().map(|_| poll.why.clone()));
        fact("no more polls", poll.stopped.clone());
        fact("last poll", poll.ended.map(shown));
        fact("last success", poll.succeeded.map(shown));
        fact("HTTP status", poll.status.map(|status| status.to_string()));
        fact("ETag", poll.validators.etag.clone());
        fact("Last-Modified", poll.validators.last_modified.clone());
        fact("moved to", poll.moved_to.clone());
        let watched = |moving: &Moving| format!("{}, since {}; not for good yet", moving.target, shown(moving.since));
        fact("redirects to", poll.moving.as_ref().map(watched));
        fact("failures", (poll.failures > 0).then(|| format!("{} in a row", poll.failures)));
        fact("read by", Some(row.read.read_by.clone()));
        fact("first contact", row.read.first_contact.map(shown));
        fact("entries", known_entries.map(|known| format!("{known} known")));
        for (reason, count) in &row.read.suppressed {
            fact("not published", Some(format!("{count} {reason}")));
        }
        for (at, error) in &poll.errors {
            fact("error", Some(format!("{}: {error}", shown(*at))));
        }
    }
    lines.extend(outbox_lines(status));
    lines.join("\n") + "\n"
}

fn or_none(text: String) -> String {
    if text.is_empty() { "none".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::control::{Holder, SessionStatus};
    use crate::feed::Time;
    use crate::store::FeedRow;

    fn at(minute: u32) -> Time {
        format!("2026-11-02T07:{minute:02}:00Z").parse().unwrap()
    }

    fn feed(id: &str, state: &str) -> FeedStatus {
        let mut row: FeedRow = serde_json::from_value(serde_json::json!({ "key_id": id, "next_due": at(45) })).unwrap();
        row.poll.url = format!("https://example.org/{id}");
        row.poll.why = "every 30m".to_owned();
        row.read.first_contact = (state == "ok").then(|| at(0));
        if state == "failing" {
            row.poll.failures = 2;
            row.poll.status = Some(404);
            row.poll.errors = vec![(at(15), "404 Not Found".to_owned())];
        }
        row.read.suppressed = [("filtered".to_owned(), 3)].into();
        FeedStatus { id: FeedId::new(id).unwrap(), state: state.to_owned(), row, known_entries: Some(25) }
    }

    fn status(feeds: Vec<FeedStatus>, outbox: Vec<DestinationStatus>) -> Status {
        let gateway = Some(Holder { pid: 4711, verb: "run".to_owned(), since: at(0) });
        let jid = Some("feeds@example.org/tidings-1a2b3c4d".to_owned());
        let session = Some(SessionStatus {
            is_connected: true,
            since: at(1),
            jid,
            binds: 1,
            in_flight: 3,
            ..SessionStatus::default()
        });
        let (in_doubt, oldest) =
            (outbox.iter().map(|row| row.doubt).sum(), outbox.iter().filter_map(|row| row.oldest).min());
        let (version, lines) = ("0.1.0".to_owned(), Vec::new());
        Status { version, at: at(30), gateway, session, feeds, lines, in_doubt, oldest, outbox }
    }

    fn blocked() -> DestinationStatus {
        let reason = Some("forbidden: the account may not publish there".to_owned());
        DestinationStatus {
            destination: "node blog".to_owned(),
            ready: 2,
            doubt: 1,
            dead: 1,
            window: Some(16),
            in_flight: 1,
            oldest: Some(at(10)),
            reason,
        }
    }

    #[test]
    fn the_overview_has_a_line_for_everything() {
        let busy = status(vec![feed("blog", "ok"), feed("planet-jabber", "failing")], vec![blocked()]);
        assert_snapshot!(overview(&busy), @r"
        gateway:  `tidings run`, process 4711, since 2026-11-02 07:00:00 UTC
        session:  feeds@example.org/tidings-1a2b3c4d, since 2026-11-02 07:01:00 UTC, 3 requests unanswered
        feeds:    1 ok, 1 failing
          blog           ok       next poll 2026-11-02 07:45:00 UTC (every 30m)
          planet-jabber  failing  next poll 2026-11-02 07:45:00 UTC: 404 Not Found
        outbox:   3 waiting, 1 of them in doubt, 1 given up, the oldest since 2026-11-02 07:10:00 UTC
          node blog  2 to be sent, 1 in doubt, 1 given up, 1 on the way of at most 16, the oldest since 2026-11-02 07:10:00 UTC: forbidden: the account may not publish there
        wrong:    node blog: entries wait for 20 min
        wrong:    node blog: 1 entry was given up: `tidings outbox list`
        ");
    }

    #[test]
    fn the_overview_of_a_state_that_nobody_uses_says_so() {
        let idle = Status { gateway: None, session: None, ..status(Vec::new(), Vec::new()) };
        assert_snapshot!(overview(&idle), @r"
        gateway:  not running
        feeds:    none
        outbox:   0 waiting
        ");
    }

    #[test]
    fn a_feed_that_is_gone_for_good_says_why_it_is_not_polled() {
        let mut gone = feed("blog", "stopped");
        gone.row.poll.failures = 2;
        gone.row.poll.stopped = Some("stopped: 410 Gone since 2026-11-01".to_owned());
        let gone = FeedLine::of(gone.id, gone.row);
        assert_eq!(feed_line(&gone, 4), "  blog  stopped  stopped: 410 Gone since 2026-11-01");
    }

    #[test]
    fn a_feed_that_left_the_configuration_has_no_next_poll() {
        let mut left = feed("blog", "removed");
        left.row.removed = Some(at(20));
        assert_snapshot!(of_feed(&status(vec![left], Vec::new())), @r"
        blog: removed
          address       https://example.org/blog
          left          the configuration, 2026-11-02 07:20:00 UTC
          entries       25 known
          not published 3 filtered
        outbox:   0 waiting
        ");
    }

    #[test]
    fn a_redirect_that_is_being_watched_is_told() {
        let mut moving = feed("blog", "ok");
        let target = "https://blog.example/feed".to_owned();
        moving.row.poll.moving = Some(Moving { target, since: at(20), sightings: 2 });
        let told = of_feed(&status(vec![moving], Vec::new()));
        let line = "  redirects to  https://blog.example/feed, since 2026-11-02 07:20:00 UTC; not for good yet\n";
        assert!(told.contains(line), "{told}");
    }

    #[test]
    fn a_feed_is_told_with_all_that_is_known_of_it() {
        assert_snapshot!(of_feed(&status(vec![feed("planet-jabber", "failing")], Vec::new())), @r"
        planet-jabber: failing
          address       https://example.org/planet-jabber
          next poll     2026-11-02 07:45:00 UTC
          why then      every 30m
          HTTP status   404
          failures      2 in a row
          entries       25 known
          not published 3 filtered
          error         2026-11-02 07:15:00 UTC: 404 Not Found
        outbox:   0 waiting
        ");
    }
}
