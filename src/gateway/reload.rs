//! Takes over an edited configuration while everything runs: all of it, or nothing.
//!
//! Only the feeds that changed are touched; the session stays unless `[xmpp]` changed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::config::{Config, ConfigErrors, Feed};
use crate::control::{Answer, Reloaded};
use crate::feed::FeedId;
use crate::store::StoreError;
use crate::xmpp::Session;

use super::GatewayError;
use super::engine::{Engine, Publisher};
use super::parts::{self, Parts};
use super::reroute::reroute;
use super::supervisor;

/// Asks for a reload; the answer comes back when it is done.
pub(super) type Requests = mpsc::Sender<oneshot::Sender<Answer>>;

/// Why a configuration was not taken over.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Broken(#[from] ConfigErrors),
    #[error("error: {0}\n")]
    Failed(#[from] GatewayError),
    /// In the middle of it, and what was done could not be undone.
    #[error("error: {0}\n")]
    Torn(GatewayError),
}

impl Refusal {
    /// As a log tells it.
    fn brief(&self) -> String {
        match self {
            Self::Broken(errors) => errors.brief(),
            other => other.to_string(),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// Reads the configuration anew and takes it over; tells the log what came of it. An error is the end of the gateway.
pub(super) async fn reload(parts: &mut Parts, engine: &mut Engine) -> Result<Answer, GatewayError> {
    supervisor::reloading();
    let outcome = take_over(parts, engine).await;
    parts.vitals.note_reload(outcome.is_ok());
    match &outcome {
        Ok(reloaded) if reloaded.is_same() => tracing::info!("read the configuration again: nothing changed"),
        Ok(reloaded) => tracing::info!("took over the configuration: {reloaded}"),
        Err(why @ Refusal::Torn(_)) => tracing::error!("took over only a part of the configuration:\n{why}"),
        Err(why) => {
            let why = why.brief();
            tracing::error!("cannot take over the configuration, the one of before holds on:\n{why}");
        }
    }
    if engine.publisher.is_stopped() {
        engine.publisher = Publisher::start(parts).await?;
    }
    supervisor::ready();
    Ok(match outcome {
        Ok(reloaded) => Answer::Reloaded(reloaded),
        Err(Refusal::Torn(why)) => Answer::error(format!(
            "{why}; only a part of the configuration was taken over: reload again when the state can be written"
        )),
        Err(Refusal::Failed(GatewayError::Store(why))) => {
            Answer::error(format!("{why}; nothing was changed: reload again when the state can be written"))
        }
        Err(why) => Answer::Kept { why: why.to_string() },
    })
}

async fn take_over(parts: &mut Parts, engine: &mut Engine) -> Result<Reloaded, Refusal> {
    let former = parts.config.clone();
    // Always on the thread that read it at the start: what an allocator keeps for a thread it uses again for that one only.
    let read = tokio::task::block_in_place(|| catch_unwind(AssertUnwindSafe(|| former.load_again())));
    let mut next = parts::unified(&*parts.store, read.map_err(|_| GatewayError::Bug)??).await?;
    let reloaded = compare(&former, &next);
    // Whatever the file says, these hold until the restart.
    (next.store, next.web) = (former.store.clone(), former.web.clone());
    let next = Arc::new(next);
    if next.xmpp != former.xmpp {
        Session::check(&next.xmpp).map_err(GatewayError::from)?;
    }
    if let Err(why) = change(parts, engine, &former, &next).await {
        let undone = change(parts, engine, &next, &former).await;
        return Err(if undone.is_ok() { Refusal::Failed(why) } else { Refusal::Torn(why) });
    }
    parts.config = next;
    Ok(reloaded)
}

/// Has all parts go by one configuration instead of another.
async fn change(parts: &Parts, engine: &mut Engine, from: &Config, to: &Arc<Config>) -> Result<(), GatewayError> {
    if to.xmpp != from.xmpp {
        // What is in flight is answered before its account may be another one.
        engine.publisher.stop().await;
        parts::check_account(&*parts.store, to).await?;
    }
    if to.http != from.http {
        parts.poller.ask_by(&to.http).map_err(|error| GatewayError::Http(error.to_string()))?;
    }
    let now = (parts.clock)();
    let rerouted = reroute(&*parts.store, to, now);
    parts.poller.adopt(parts::roster(to), parts::feeds(to), rerouted, now).await?;
    engine.publisher.deliverer.reconfigure(to.deliver());
    Ok(())
}

/// What is other about the next configuration.
fn compare(former: &Config, next: &Config) -> Reloaded {
    let ids = |these: &Config, is_meant: &dyn Fn(&FeedId) -> bool| {
        these.feeds.keys().filter(|id| is_meant(id)).cloned().collect::<Vec<_>>()
    };
    let changed = |sections: &[(&str, bool)]| {
        let changed = sections.iter().filter(|(_, is_same)| !is_same);
        changed.map(|(section, _)| (*section).to_owned()).collect::<Vec<_>>()
    };
    Reloaded {
        feeds: next.feeds.len(),
        added: ids(next, &|id| !former.feeds.contains_key(id)),
        changed: ids(next, &|id| former.feeds.get(id).is_some_and(|feed| is_changed(feed, &next.feeds[id]))),
        removed: ids(former, &|id| !next.feeds.contains_key(id)),
        sections: changed(&[
            ("[xmpp]", former.xmpp == next.xmpp),
            ("[http]", former.http == next.http),
            ("[reload]", former.is_watched == next.is_watched),
            ("[log]", former.health == next.health),
            ("[[route]]", former.routes == next.routes && former.route_targets == next.route_targets),
        ]),
        needs_restart: changed(&[("[store]", former.store == next.store), ("[web]", former.web == next.web)]),
    }
}

/// What did not change at all is mostly kept from before.
fn is_changed(former: &Arc<Feed>, next: &Arc<Feed>) -> bool {
    !Arc::ptr_eq(former, next) && former != next
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The configuration of these settings and feeds.
    fn config(folder: &tempfile::TempDir, settings: &str, feeds: &str) -> Config {
        let path = folder.path().join("tidings.toml");
        std::fs::create_dir_all(folder.path().join("feeds.d")).unwrap();
        std::fs::write(&path, format!("[xmpp]\njid = \"bot@example.org\"\n{settings}")).unwrap();
        std::fs::write(folder.path().join("feeds.d/feeds.toml"), feeds).unwrap();
        Config::load(Some(&path)).unwrap()
    }

    /// What changes from one to the other, in a line.
    fn told(former: (&str, &str), next: (&str, &str)) -> String {
        let folder = tempfile::tempdir().unwrap();
        let former = config(&folder, former.0, former.1);
        compare(&former, &config(&folder, next.0, next.1)).to_string()
    }

    const PLAIN: &str = "[store]\npath = \"state.redb\"\n";
    const FEEDS: &str = "[a]\nurl = \"https://a.example/\"\nfilter = [{ drop = { title = \"x\" } }]\n[b]\nurl = \"https://b.example/\"\n";

    #[test]
    fn the_same_files_are_no_change() {
        assert_eq!(told((PLAIN, FEEDS), (PLAIN, FEEDS)), "nothing else than before");
        assert_eq!(told((PLAIN, FEEDS), (PLAIN, &format!("# a remark\n{FEEDS}"))), "nothing else than before");
    }

    #[test]
    fn each_feed_is_compared_by_what_it_comes_to() {
        assert_eq!(told((PLAIN, FEEDS), (PLAIN, &FEEDS.replace("[b]", "[c]"))), "1 feed added, 1 feed removed");
        assert_eq!(told((PLAIN, FEEDS), (PLAIN, &FEEDS.replace("\"x\"", "\"y\""))), "1 feed changed");
        let hourly = format!("{PLAIN}[defaults]\nevery = \"1h\"\n");
        assert_eq!(told((PLAIN, FEEDS), (&hourly, FEEDS)), "2 feeds changed");
    }

    #[test]
    fn sections_are_told_and_which_of_them_wait_for_a_restart() {
        let next = "[store]\npath = \"other.redb\"\n[http]\nper-host = 2\n[[route]]\nto = [{ node = \"all\" }]\n";
        assert_eq!(
            told((PLAIN, FEEDS), (next, FEEDS)),
            "[http] changed, [[route]] changed; [store] changed, which holds after a restart only"
        );
    }
}
