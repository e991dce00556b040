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
use crate::ingest::decode::clean;
use crate::xmpp::{self, Follower, Options, Password, Session, Sight, Status, Tls, Wire};

use super::exit::{Exit, Failure};
use super::signal::Signals;
use super::terminal::shown_time;

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
            for shown in last {
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
}

impl Shown {
    fn of(sight: &Sight) -> Self {
        let (id, payload) = match sight {
            Sight::Item { id, payload } => (id, payload.as_ref()),
            Sight::Retracted { id } => return Self { id: printable(id), retracted: true, ..Self::default() },
        };
        let Some(entry) = payload.map(Received::read) else {
            return Self { id: printable(id), ..Self::default() };
        };
        let Received { title, author, link, published, updated, text, .. } = entry;
        let text = Some(text).filter(|text| !text.is_empty());
        Self { id: printable(id), retracted: false, title, author, link, published, updated, text }
    }

    fn lines(&self) -> String {
        if self.retracted {
            return format!("{}  retracted\n", self.id);
        }
        let date = self.published.or(self.updated).map_or_else(|| "no date".to_owned(), shown_time);
        let link = self.link.iter().map(|link| format!("  {link}\n")).collect::<String>();
        format!("{}  {date}  {}\n{link}", self.id, self.title.as_deref().unwrap_or("no title"))
    }
}

/// Text of others on one line, without what would move a terminal.
fn printable(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
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
    fn an_entry_is_shown_with_its_page() {
        assert_snapshot!(shown(
            "<entry xmlns='http://www.w3.org/2005/Atom'><title>Repairing\n the tide\u{202e} clock</title>\
             <updated>2026-11-02T07:15:00Z</updated><link rel='enclosure' href='https://harbour.example/clock.jpg'/>\
             <link rel='alternate' href='https://harbour.example/tide-clock'/></entry>"
        ), @r"
        k3v9  2026-11-02 07:15:00 UTC  Repairing the tide clock
          https://harbour.example/tide-clock
        ");
    }

    #[test]
    fn what_is_no_entry_is_shown_as_an_item() {
        assert_snapshot!(shown("<mood xmlns='urn:example'/>"), @"k3v9  no date  no title");
        assert_snapshot!(Shown::of(&Sight::Retracted { id: "k3v9".to_owned() }).lines(), @"k3v9  retracted");
    }
}
