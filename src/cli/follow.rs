//! `tidings follow`: a node, as a subscriber sees it.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tokio::sync::watch;
use xmpp_parsers::jid::{BareJid, Jid};

use crate::atom::read::Received;
use crate::config::Config;
use crate::feed::Time;
use crate::xmpp::{self, Follower, Options, Password, Session, Sight, Status, Tls, Wire};

use super::exit::{Exit, Failure};
use super::signal::Signals;
use super::terminal::{printable, shown_time};

/// Subscribes to a node and prints items as they arrive
///
/// Under a resource of its own, beside a running gateway. What it subscribed it unsubscribes at the end.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidings follow pubsub.example.org planet-jabber
  tidings follow pubsub.example.org planet-jabber --last 5 --count 0
  tidings follow pubsub.example.org planet-jabber \\
      --jid romeo@example.net --password-file romeo.password

Exit codes: 0 --count is reached, 1 the service refused, 69 not connected,
77 the login was refused, 78 the configuration, 130 interrupted.")]
pub struct Follow {
    /// Address of the pubsub service
    service: Jid,
    /// Name of the node
    node: String,
    /// Follow as this account, not as the configured one
    #[arg(long, requires = "password_file")]
    jid: Option<BareJid>,
    /// The file that holds its password
    #[arg(long, value_name = "FILE", requires = "jid")]
    password_file: Option<PathBuf>,
    /// Stop after so many new items
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// Show so many old items first
    #[arg(long, value_name = "N", default_value_t = 0)]
    last: usize,
    /// Print a JSON object for each item
    #[arg(long)]
    json: bool,
}

impl Follow {
    /// Follows until the count is reached, or until it is stopped.
    pub async fn run(self, config: Option<&Path>, out: &mut impl Write) -> Result<Exit, Failure> {
        let account = self.account(config)?;
        let signals = Signals::take_over()?;
        let session = Session::start(account, Options::new(format!("follow-{:08x}", fastrand::u32(..))))?;
        let mut stop = signals.stop.clone();
        let followed = tokio::select! {
            followed = self.follow(&session, out, signals.stop.clone()) => followed,
            // Only before there is a subscription that would have to be ended.
            () = stopped_while_connecting(&session, &mut stop) => Ok(()),
        };
        session.close().await;
        followed.map(|()| signals.exit())
    }

    /// The configured account, or another one. On the same server the latter is reached as the former is.
    fn account(&self, config: Option<&Path>) -> Result<xmpp::Config, Failure> {
        let configured = Config::load(config).map(|config| config.xmpp);
        let (Some(jid), Some(file)) = (&self.jid, &self.password_file) else { return Ok(configured?) };
        let own = xmpp::Config {
            jid: jid.clone(),
            password: Password::File(file.clone()),
            server: None,
            tls: Tls::StartTls,
            ca_file: None,
            allow_plain: false,
            settle: None,
        };
        Ok(match configured {
            Ok(configured) if configured.jid.domain() == jid.domain() => {
                xmpp::Config { jid: own.jid, password: own.password, ..configured }
            }
            Ok(_) => own,
            Err(errors) if errors.is_absence() => own,
            Err(errors) => return Err(errors.into()),
        })
    }

    async fn follow(
        &self,
        session: &Session,
        out: &mut impl Write,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        let mut follower = Follower::subscribe(session, self.service.clone(), &self.node).await?;
        let shown = self.show_until(&mut follower, out, &mut stop).await;
        let ended = follower.unsubscribe().await;
        shown?;
        Ok(ended?)
    }

    async fn show_until(
        &self,
        follower: &mut Follower<'_>,
        out: &mut impl Write,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        // What arrives between subscribing and asking for the last items is in both.
        let mut old = HashSet::new();
        if self.last > 0 {
            let mut last = follower.last(self.last).await?.iter().map(Shown::of).collect::<Vec<_>>();
            // Servers do not agree on the order.
            last.sort_by_key(|shown| shown.published.or(shown.updated));
            let surplus = last.len().saturating_sub(self.last);
            for shown in last.into_iter().skip(surplus) {
                self.print(&shown, out)?;
                old.insert(shown.id);
            }
        }
        let mut left = self.count.unwrap_or(usize::MAX);
        while left > 0 {
            let sights = tokio::select! {
                sights = follower.next() => sights,
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
            };
            let Some(sights) = sights else {
                return Err(Failure::new(Exit::Unreachable, "the session ended", ""));
            };
            for shown in sights.iter().map(Shown::of).filter(|shown| shown.retracted || !old.remove(&shown.id)) {
                self.print(&shown, out)?;
                left = if shown.retracted { left } else { left.saturating_sub(1) };
            }
        }
        Ok(())
    }

    fn print(&self, shown: &Shown, out: &mut impl Write) -> Result<(), Failure> {
        if self.json {
            writeln!(out, "{}", serde_json::to_string(shown).map_err(io::Error::from)?)?;
        } else {
            write!(out, "{}", shown.lines())?;
        }
        Ok(out.flush()?)
    }
}

async fn stopped_while_connecting(session: &Session, stop: &mut watch::Receiver<bool>) {
    let mut status = session.status();
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => {}
        _ = status.wait_for(|status| matches!(status, Status::Online { .. })) => std::future::pending().await,
    }
}

/// How much of an entry's text is printed for people; `--json` has all of it.
const MOST_LINES: usize = 5;
const MOST_CHARS: usize = 200;

/// An item as it is shown.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Shown {
    id: String,
    retracted: bool,
    title: Option<String>,
    author: Option<String>,
    link: Option<String>,
    published: Option<Time>,
    updated: Option<Time>,
    text: Option<String>,
    files: Vec<String>,
    /// Why it is not a valid Atom entry; empty when it is.
    problems: Vec<String>,
}

impl Shown {
    fn of(sight: &Sight) -> Self {
        let (id, payload) = match sight {
            Sight::Item { id, payload } => (id, payload.as_ref()),
            Sight::Retracted { id } => return Self { id: printable(id), retracted: true, ..Self::default() },
        };
        let Some(entry) = payload.map(Received::read) else {
            let problems = vec!["it is empty, as the node sends no payloads (pubsub#deliver_payloads)".to_owned()];
            return Self { id: printable(id), problems, ..Self::default() };
        };
        let problems = entry.problems().to_vec();
        let Received { title, author, link, published, updated, text, enclosures, .. } = entry;
        let text = Some(text).filter(|text| !text.is_empty());
        let files = enclosures.into_iter().map(|file| file.href).collect();
        Self { id: printable(id), retracted: false, title, author, link, published, updated, text, files, problems }
    }

    fn lines(&self) -> String {
        if self.retracted {
            return format!("{}  retracted\n", self.id);
        }
        let date = self.published.or(self.updated).map_or_else(|| "no date".to_owned(), shown_time);
        let mut lines = format!("{}  {date}  {}\n", self.id, self.title.as_deref().unwrap_or("no title"));
        let author = self.author.iter().map(|author| format!("by {author}"));
        let text = self.text.as_deref().map(excerpt).unwrap_or_default();
        let files = self.files.iter().map(|file| format!("file: {file}"));
        let problems = self.problems.iter().map(|problem| format!("not valid Atom: {problem}"));
        for line in author.chain(self.link.clone()).chain(text).chain(files).chain(problems) {
            lines += &format!("  {line}\n");
        }
        lines
    }
}

/// The first lines of a text, each of bearable length.
fn excerpt(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let mut shown: Vec<String> = lines.clone().take(MOST_LINES).map(|line| shortened(line, MOST_CHARS)).collect();
    if lines.count() > MOST_LINES {
        shown.push("…".to_owned());
    }
    shown
}

fn shortened(line: &str, most_chars: usize) -> String {
    match line.char_indices().nth(most_chars) {
        Some((at, _)) => format!("{}…", line[..at].trim_end()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn shown(payload: &str) -> String {
        let payload = Some(payload.parse().unwrap());
        Shown::of(&Sight::Item { id: "k3v9".to_owned(), payload }).lines()
    }

    #[test]
    fn an_entry_is_shown_so_that_it_can_be_read() {
        assert_snapshot!(shown(
            "<entry xmlns='http://www.w3.org/2005/Atom'><title>Repairing\n the tide\u{202e} clock</title><id>urn:x:1</id>\
             <updated>2026-11-02T07:15:00Z</updated><author><name>Ada</name></author>\
             <link rel='enclosure' href='https://harbour.example/clock.jpg'/>\
             <link rel='alternate' href='https://harbour.example/tide-clock'/>\
             <content>The spring had rusted badly.\n\n1\n2\n3\n4\n5</content></entry>"
        ), @r"
        k3v9  2026-11-02 07:15:00 UTC  Repairing the tide clock
          by Ada
          https://harbour.example/tide-clock
          The spring had rusted badly.
          1
          2
          3
          4
          …
          file: https://harbour.example/clock.jpg
        ");
    }

    #[test]
    fn what_is_wrong_with_an_item_is_said() {
        assert_snapshot!(shown("<mood xmlns='urn:example'/>"), @r"
        k3v9  no date  no title
          not valid Atom: it is <mood xmlns='urn:example'>, not an Atom entry
        ");
        assert_snapshot!(shown("<entry xmlns='http://www.w3.org/2005/Atom'><title>T</title><updated>today</updated></entry>"), @r#"
        k3v9  no date  T
          not valid Atom: it has no <id>
          not valid Atom: its <updated> is no RFC 3339 date: "today"
          not valid Atom: it has no <author>
          not valid Atom: it has neither <content> nor an alternate <link>
        "#);
        let bare = Sight::Item { id: "k3v9".to_owned(), payload: None };
        assert_snapshot!(Shown::of(&bare).lines(), @r"
        k3v9  no date  no title
          not valid Atom: it is empty, as the node sends no payloads (pubsub#deliver_payloads)
        ");
        assert_snapshot!(Shown::of(&Sight::Retracted { id: "k3v9".to_owned() }).lines(), @"k3v9  retracted");
    }
}
