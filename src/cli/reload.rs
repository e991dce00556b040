//! `tidings reload`: has the running gateway take over an edited configuration.

use std::io::{self, Write};
use std::path::Path;

use clap::Args;

use crate::control::{Answer, Question, Reloaded};
use crate::feed::FeedId;

use super::ask::{ask_gateway, misunderstood, state};
use super::exit::{Exit, Failure};
use super::terminal::{counted, say};

/// Has the running gateway read its configuration again
///
/// The same as SIGHUP, and says what changed. A configuration with an error changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidings reload
  tidings check && tidings reload

Exit codes: 0 taken over, 1 no gateway runs, 78 the configuration is wrong: the
one of before holds on.")]
pub struct Reload {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Reload {
    /// Asks, and tells what came of it.
    pub async fn run(self, config: Option<&Path>, out: &mut impl Write) -> Result<Exit, Failure> {
        let state = state(config)?;
        match ask_gateway(&state, &Question::Reload).await? {
            Some(Answer::Reloaded(reloaded)) if self.json => {
                writeln!(out, "{}", serde_json::to_string(&reloaded).map_err(io::Error::from)?)?;
            }
            Some(Answer::Reloaded(reloaded)) => write!(out, "{}", told(&reloaded))?,
            Some(Answer::Kept { why }) => {
                say(&why);
                let hint = "correct it and reload again; `tidings check` says the same without a gateway";
                return Err(Failure::new(Exit::Config, "nothing was changed: the gateway goes on as before", hint));
            }
            Some(_) => return Err(misunderstood()),
            None => {
                let message = format!("no gateway runs on the state {}", state.display());
                return Err(Failure::new(
                    Exit::Failed,
                    message,
                    "`tidings run` reads the configuration when it starts",
                ));
            }
        }
        Ok(Exit::Ok)
    }
}

/// Most names of feeds in a list.
const MOST_NAMES: usize = 20;

/// What changed, a line each.
fn told(reloaded: &Reloaded) -> String {
    let Reloaded { feeds, added, changed, removed, sections, needs_restart } = reloaded;
    let mut lines = Vec::new();
    for (what, ids) in [("added", added), ("changed", changed), ("removed", removed)] {
        if !ids.is_empty() {
            lines.push(format!("{what}: {}", names(ids)));
        }
    }
    lines.extend(sections.iter().map(|section| match section.as_str() {
        "[xmpp]" => "[xmpp] changed: the gateway logs in anew".to_owned(),
        _ => format!("{section} changed"),
    }));
    lines.extend(needs_restart.iter().map(|section| format!("{section} changed: this takes a restart")));
    if lines.is_empty() {
        lines.push("nothing changed".to_owned());
    }
    lines.push(format!("{} in all", counted(*feeds, "feed")));
    lines.join("\n") + "\n"
}

/// The ids, or how many there are when it takes more than a few lines to read them.
fn names(ids: &[FeedId]) -> String {
    match ids.len() {
        many if many > MOST_NAMES => counted(many, "feed"),
        _ => ids.iter().map(FeedId::as_str).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn ids(names: &[&str]) -> Vec<FeedId> {
        names.iter().map(|name| FeedId::new(name).unwrap()).collect()
    }

    #[test]
    fn a_reload_tells_each_change() {
        let reloaded = Reloaded {
            feeds: 40,
            added: (0..30).map(|number| FeedId::new(&format!("feed-{number}")).unwrap()).collect(),
            changed: ids(&["blog", "planet"]),
            removed: ids(&["old"]),
            sections: vec!["[xmpp]".to_owned(), "[http]".to_owned()],
            needs_restart: vec!["[web]".to_owned()],
        };
        assert_snapshot!(told(&reloaded), @r"
        added: 30 feeds
        changed: blog, planet
        removed: old
        [xmpp] changed: the gateway logs in anew
        [http] changed
        [web] changed: this takes a restart
        40 feeds in all
        ");
        assert_snapshot!(told(&Reloaded { feeds: 1, ..Reloaded::default() }), @r"
        nothing changed
        1 feed in all
        ");
    }
}
