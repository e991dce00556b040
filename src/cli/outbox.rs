//! `tidings outbox`: what waits to be sent and what was given up; sends it again, or forgets it.

use std::io::{self, Write};
use std::path::Path;

use clap::{ArgGroup, Args, Subcommand};

use crate::control::{Answer, Done, Order, Outbox as Outcome, Question, Queue, QueuedRow, Selection};
use crate::feed::FeedId;
use crate::store::{Action, RowState};

use super::ask::{ask, misunderstood, state};
use super::exit::{Exit, Failure};
use super::terminal::{counted, printable, say, shown_time as shown};

/// Shows what waits and what was given up; retries or drops it
///
/// Lists it when nothing else is said. Asks the running gateway, or opens the state when none runs.
#[derive(Debug, Args)]
#[command(
    subcommand_value_name = "WHAT",
    subcommand_help_heading = "What",
    disable_help_subcommand = true,
    after_help = "Examples:
  tidings outbox
  tidings outbox list --feed planet  of one feed
  tidings outbox retry --all         what was in the way is gone
  tidings outbox retry --to planet   the same for one node
  tidings outbox drop --feed planet  what was given up stays unpublished

Exit codes: 0 done, 1 there is no state, or nothing that matches."
)]
pub struct Outbox {
    /// Print one JSON object, when listing
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    List(List),
    Retry(Retry),
    Drop(Forget),
}

/// Shows every row, by destination
#[derive(Debug, Default, Args)]
#[command(after_help = "Examples:
  tidings outbox list
  tidings outbox list --to planet --json | jq '.destinations[].rows[].title'

Exit codes: 0 listed, 1 there is no state, or nothing that matches.")]
struct List {
    #[command(flatten)]
    which: Which,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Sends again what was given up, and at once what waits after a refusal
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("rows").required(true).multiple(true).args(["to", "feed", "item", "all"]))]
#[command(after_help = "Examples:
  tidings outbox retry --all
  tidings outbox retry --to planet --feed blog   of this feed, on this node

Exit codes: 0 done, 1 there is no state, or nothing that matches.")]
struct Retry {
    #[command(flatten)]
    which: Which,
    /// Everything
    #[arg(long)]
    all: bool,
}

/// Forgets what was given up: it will not be published
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("rows").required(true).multiple(true).args(["to", "feed", "item", "all"]))]
#[command(after_help = "Examples:
  tidings outbox drop --feed planet
  tidings outbox drop --to planet --waiting   what is still to be sent there, too

Exit codes: 0 done, 1 there is no state, or nothing that matches.")]
struct Forget {
    #[command(flatten)]
    which: Which,
    /// Everything
    #[arg(long)]
    all: bool,
    /// Forget what waits to be sent, too
    #[arg(long)]
    waiting: bool,
}

#[derive(Debug, Default, Args)]
struct Which {
    /// Of one destination, as shown, or the name of its node
    #[arg(long, value_name = "DESTINATION")]
    to: Option<String>,
    /// Of one feed
    #[arg(long, value_name = "ID")]
    feed: Option<FeedId>,
    /// One item
    #[arg(long, value_name = "ID")]
    item: Option<String>,
}

impl Outbox {
    /// Asks or changes, and tells.
    pub async fn run(self, config: Option<&Path>, out: &mut impl Write) -> Result<Exit, Failure> {
        let (order, which, is_json) = match self.what.unwrap_or_else(|| What::List(List::default())) {
            What::List(List { which, json }) => (Order::List, which, json || self.json),
            What::Retry(Retry { which, .. }) => (Order::Retry, which, false),
            What::Drop(Forget { which, waiting, .. }) => (Order::Drop { waiting }, which, false),
        };
        let Which { to, feed, item } = which;
        let selection = Selection { to, feed, item };
        let is_narrow = selection != Selection::default();
        match ask(&state(config)?, &Question::Outbox { order, selection }).await? {
            Answer::Outbox { outcome: Outcome::Queues { queues } } if is_json => {
                let all = serde_json::json!({ "destinations": queues });
                writeln!(out, "{}", serde_json::to_string(&all).map_err(io::Error::from)?)?;
            }
            Answer::Outbox { outcome: Outcome::Queues { queues } } if queues.is_empty() && is_narrow => {
                return Err(no_match());
            }
            Answer::Outbox { outcome: Outcome::Queues { queues } } => write!(out, "{}", listed(&queues))?,
            Answer::Outbox { outcome: Outcome::Done(done) } => say(&told(order, done, is_narrow)?),
            _ => return Err(misunderstood()),
        }
        Ok(Exit::Ok)
    }
}

fn no_match() -> Failure {
    Failure::new(Exit::Failed, "no row of the outbox matches", "`tidings outbox list` shows what there is")
}

/// What was done, in words.
fn told(order: Order, done: Done, is_narrow: bool) -> Result<String, Failure> {
    let Done { selected, changed, freed } = done;
    Ok(match order {
        _ if selected == 0 && is_narrow => return Err(no_match()),
        Order::Drop { waiting: false } if changed == 0 && selected > 0 => {
            let message = format!("nothing was given up; {}", waits(selected));
            return Err(Failure::new(Exit::Failed, message, "--waiting forgets what waits, too"));
        }
        Order::Drop { .. } => format!("{} forgotten; the feeds' entries stay known", entries_are(changed)),
        _ if changed == 0 && freed == 0 => match selected {
            0 => "nothing was given up, and nothing waits".to_owned(),
            _ => format!("nothing was given up; {}", waits(selected)),
        },
        _ if freed == 0 => format!("{} sent again", entries_are(changed)),
        _ if changed == 0 => format!("{} tried again now", destinations_are(freed)),
        _ => format!("{} sent again; {} tried now", entries_are(changed), destinations_are(freed)),
    })
}

fn entries_are(count: usize) -> String {
    if count == 1 { "1 entry is".to_owned() } else { format!("{count} entries are") }
}

fn destinations_are(count: usize) -> String {
    format!("{} {}", counted(count, "destination"), if count == 1 { "is" } else { "are" })
}

fn waits(count: usize) -> String {
    if count == 1 { "1 entry waits to be sent".to_owned() } else { format!("{count} entries wait to be sent") }
}

/// Every row, two lines where there is something to say about it.
fn listed(queues: &[Queue]) -> String {
    if queues.is_empty() {
        return "nothing waits, and nothing was given up\n".to_owned();
    }
    let mut lines = Vec::new();
    for Queue { destination, held, rows } in queues {
        lines.push(destination.clone());
        if let Some(held) = held {
            let reason = held.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            lines.push(format!("  tried again {}{reason}", shown(held.until)));
        }
        lines.extend(rows.iter().flat_map(row_lines));
    }
    lines.join("\n") + "\n"
}

fn row_lines(row: &QueuedRow) -> Vec<String> {
    let state = match row.state {
        RowState::Ready => "to be sent",
        RowState::Doubt => "in doubt",
        RowState::Sent => "sent",
        RowState::Dead => "given up",
    };
    let action = match (row.action, row.revision) {
        (Action::Retract, _) => "retraction of ",
        (Action::Publish, 0) => "",
        (Action::Publish, _) => "edit of ",
    };
    let title = row.title.as_deref().map(printable).filter(|title| !title.is_empty());
    let title = title.map_or("an entry without a title".to_owned(), |title| format!("\"{title}\""));
    let first = format!("  {state:10}  {}  {}  {action}{title}", row.item, row.feed);
    let not_before = row.not_before.map(|time| format!("not before {}", shown(time)));
    let refused = (row.attempts > 0).then(|| format!("refused {}", counted(row.attempts as usize, "time")));
    let about = [Some(format!("since {}", shown(row.queued))), not_before, refused, row.reason.clone()];
    let about: Vec<String> = about.into_iter().flatten().collect();
    vec![first, format!("              {}", about.join("; "))]
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::control::Held;
    use crate::feed::Time;

    fn at(minute: u32) -> Time {
        format!("2026-11-02T07:{minute:02}:00Z").parse().unwrap()
    }

    fn row(state: RowState, title: Option<&str>) -> QueuedRow {
        QueuedRow {
            state,
            action: Action::Publish,
            feed: FeedId::new("planet").unwrap(),
            item: "mfrggzdfmztwq2lk".to_owned(),
            revision: 0,
            title: title.map(str::to_owned),
            queued: at(10),
            not_before: None,
            attempts: 0,
            reason: None,
        }
    }

    #[test]
    fn every_row_is_told_with_what_is_known_of_it() {
        let reason = Some("not-acceptable (too big)".to_owned());
        let refused = QueuedRow { attempts: 3, reason, ..row(RowState::Dead, Some("One,\n\u{9b}31m corrected")) };
        let edit = QueuedRow { revision: 2, not_before: Some(at(50)), ..row(RowState::Ready, None) };
        let retraction = QueuedRow { action: Action::Retract, ..row(RowState::Doubt, Some("Two")) };
        let held = Some(Held { reason: Some("forbidden: …".to_owned()), until: at(59) });
        let queues = [
            Queue { destination: "node blog".to_owned(), held, rows: vec![refused, edit] },
            Queue { destination: "pep".to_owned(), held: None, rows: vec![retraction] },
        ];
        assert_snapshot!(listed(&queues), @r#"
        node blog
          tried again 2026-11-02 07:59:00 UTC: forbidden: …
          given up    mfrggzdfmztwq2lk  planet  "One, ›31m corrected"
                      since 2026-11-02 07:10:00 UTC; refused 3 times; not-acceptable (too big)
          to be sent  mfrggzdfmztwq2lk  planet  edit of an entry without a title
                      since 2026-11-02 07:10:00 UTC; not before 2026-11-02 07:50:00 UTC
        pep
          in doubt    mfrggzdfmztwq2lk  planet  retraction of "Two"
                      since 2026-11-02 07:10:00 UTC
        "#);
        assert_snapshot!(listed(&[]), @"nothing waits, and nothing was given up");
    }

    #[test]
    fn what_was_done_is_told_in_words() {
        let say = |order, selected, changed, freed| match told(order, Done { selected, changed, freed }, true) {
            Ok(text) => text,
            Err(failure) => failure.render(false),
        };
        let drop = Order::Drop { waiting: false };
        let all = [
            say(Order::Retry, 1, 1, 0),
            say(Order::Retry, 5, 2, 1),
            say(Order::Retry, 5, 0, 2),
            say(Order::Retry, 1, 0, 0),
            say(Order::Retry, 0, 0, 0),
            say(drop, 3, 3, 0),
            say(drop, 2, 0, 0),
        ];
        assert_snapshot!(all.join("\n"), @r"
        1 entry is sent again
        2 entries are sent again; 1 destination is tried now
        2 destinations are tried again now
        nothing was given up; 1 entry waits to be sent
        error: no row of the outbox matches
        hint: `tidings outbox list` shows what there is

        3 entries are forgotten; the feeds' entries stay known
        error: nothing was given up; 2 entries wait to be sent
        hint: --waiting forgets what waits, too
        ");
        assert_eq!(told(Order::Retry, Done::default(), false).unwrap(), "nothing was given up, and nothing waits");
    }
}
