//! The parts of a gateway, put together for one run.

use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tracing::warn;
use xmpp_parsers::jid::BareJid;

use crate::config::Config;
use crate::control::{self, Answerer, Holder};
use crate::deliver::Deliverer;
use crate::feed::{Clock, FeedId};
use crate::source::{Poller, Roster, Subscription};
use crate::store::{FeedSync, Outbox, Store, StoreError};
use crate::xmpp::{Options, Session, Wire};

use super::answers::Answers;
use super::open::open;
use super::presence::Presence;
use super::reload::Requests;
use super::reroute::reroute;
use super::vitals::Vitals;
use super::{GatewayError, clock};

/// The parts.
pub(crate) struct Parts {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) poller: Arc<Poller>,
    pub(crate) clock: Clock,
    /// Tells of new rows.
    pub(crate) wake: Arc<Notify>,
    /// Whether all is well, for those who watch.
    pub(super) vitals: Arc<Vitals>,
    presence: Arc<Presence>,
    socket: Option<JoinHandle<()>>,
}

impl Drop for Parts {
    fn drop(&mut self) {
        if let Some(socket) = &self.socket {
            socket.abort();
        }
    }
}

impl Parts {
    /// Opens the state, tells it the feeds of the configuration, and answers other verbs from now on.
    /// `reloads`: whom to ask when another verb wants the configuration to be read anew.
    pub(crate) async fn open(config: Config, verb: &str, reloads: Option<Requests>) -> Result<Self, GatewayError> {
        let clock = clock();
        let store: Arc<dyn Store> = Arc::new(open(&config.store.path).await?);
        let config = Arc::new(unified(&*store, config).await?);
        check_account(&*store, &config).await?;
        store.sync_feeds(feeds(&config), clock()).await?;
        reroute(&*store, &config, clock()).await?;
        let wake = Arc::new(Notify::new());
        let poller = Poller::new(store.clone(), &config.http, roster(&config), clock.clone(), wake.clone())
            .map_err(|error| GatewayError::Http(error.to_string()))?;
        let presence = Arc::default();
        let vitals = Arc::new(Vitals::new(store.clone(), poller.clone(), Arc::clone(&presence), clock.clone()));
        let holder = Holder { pid: std::process::id(), verb: verb.to_owned(), since: clock() };
        let answers = Answers {
            holder,
            store: store.clone(),
            poller: poller.clone(),
            presence: Arc::clone(&presence),
            clock: clock.clone(),
            reloads,
            wake: wake.clone(),
        };
        let socket = listen(&config, answers.answerer());
        Ok(Self { config, store, poller, clock, wake, vitals, presence, socket })
    }

    /// Starts the session; its state is told to those who ask for the status.
    pub(crate) async fn start_session(&self) -> Result<Session, GatewayError> {
        let resource = format!("tidings-{}", self.store.meta().await?.id);
        // A password that worked once is not the operator's mistake: somebody is at work on the server.
        let was_online = self.presence.session().is_some_and(|session| session.binds > 0);
        let options = Options { is_refusal_final: !was_online, ..Options::new(resource) };
        let session = Session::start(self.config.xmpp.clone(), options)?;
        let (presence, status, clock) = (self.presence.clone(), session.status(), self.clock.clone());
        tokio::spawn(async move { presence.keep_watch(status, clock).await });
        Ok(session)
    }

    /// A deliverer over this session.
    pub(crate) fn deliverer(&self, session: &Session) -> Arc<Deliverer> {
        let wire = Arc::new(session.clone());
        let deliverer =
            Deliverer::new(self.store.clone(), wire, self.config.deliver(), self.clock.clone(), self.wake.clone());
        self.presence.take_up(session.clone(), &deliverer);
        Arc::new(deliverer)
    }

    /// Polls what is due, whenever it is due.
    pub(crate) fn poll_until(&self, stop: watch::Receiver<bool>) -> impl Future<Output = ()> + Send + use<> {
        let poller = self.poller.clone();
        async move { poller.run(&Notify::new(), stop).await }
    }

    /// Counts the rows that are not acknowledged.
    pub(crate) fn backlog(&self) -> Backlog {
        let Outbox { ready, deferred, doubt, dead, .. } = self.store.outbox_sums();
        Backlog { waiting: ready + deferred + doubt, in_doubt: doubt, dead }
    }
}

/// How many rows are left, by what becomes of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backlog {
    /// Rows that are still to be sent, those in doubt included.
    pub(crate) waiting: usize,
    /// Rows that may have been sent.
    pub(crate) in_doubt: usize,
    /// Rows that were given up.
    pub(crate) dead: usize,
}

/// The configuration in which the service that was discovered goes by no name, so that a node is one destination however it is
/// named.
pub(super) async fn unified(store: &dyn Store, config: Config) -> Result<Config, StoreError> {
    let meta = store.meta().await?;
    Ok(match meta.service.filter(|_| is_of_same_server(meta.account.as_deref(), &config)) {
        Some(service) => config.with_default_service(&service),
        None => config,
    })
}

/// Refuses another account while deliveries of the former one are in doubt: nobody else could ask what became of them.
pub(super) async fn check_account(store: &dyn Store, config: &Config) -> Result<(), GatewayError> {
    let mut meta = store.meta().await?;
    let now = config.xmpp.jid.to_string();
    if meta.account.as_deref() == Some(now.as_str()) {
        return Ok(());
    }
    if let Some(former) = &meta.account
        && store.waiting().iter().any(|waiting| waiting.doubt > 0)
    {
        return Err(GatewayError::AccountChanged { former: former.clone(), now });
    }
    // The service that was found is that of the former account's server.
    meta.service = meta.service.filter(|_| is_of_same_server(meta.account.as_deref(), config));
    meta.account = Some(now);
    Ok(store.set_meta(meta).await?)
}

fn is_of_same_server(former: Option<&str>, config: &Config) -> bool {
    let domain = config.xmpp.jid.domain();
    former.is_none_or(|former| BareJid::new(former).is_ok_and(|former| former.domain() == domain))
}

/// The feeds, as the store takes them.
pub(super) fn feeds(config: &Config) -> Vec<FeedSync> {
    let sync = |(id, feed): (&FeedId, &Arc<crate::config::Feed>)| FeedSync {
        id: id.clone(),
        was: feed.was.clone(),
        enabled: feed.enabled,
    };
    config.feeds.iter().map(sync).collect()
}

/// The feeds, as the poller takes them.
pub(super) fn roster(config: &Arc<Config>) -> Roster {
    let feeds = config.clone();
    let find = move |id: &FeedId| {
        let feed = feeds.feeds.get(id).filter(|feed| feed.enabled)?;
        Some(Subscription {
            url: feed.url.clone(),
            poll: feed.poll.clone(),
            tags: feed.tags.clone(),
            rules: feed.rules.clone(),
            to: feed.destinations().map(|(destination, target)| (destination, target.backfill)).collect(),
        })
    };
    let health = config.health.iter().map(|target| target.destination.clone()).collect();
    Roster::new(config.feeds.keys().cloned(), find, config.routes.clone()).reporting_to(health)
}

/// Serves the control socket. A folder where none can be made is no reason not to publish.
fn listen(config: &Config, answerer: Answerer) -> Option<JoinHandle<()>> {
    match control::Server::bind(&config.store.path) {
        Ok(server) => Some(tokio::spawn(async move { server.serve(answerer).await })),
        Err(error) => {
            let path = control::socket_path(&config.store.path);
            warn!(path = %path.display(), %error, "no control socket: other verbs cannot reach this process");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Meta, RedbStore};

    #[tokio::test]
    async fn the_service_that_was_found_goes_with_its_server() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tidings.toml");
        for (jid, expected) in [("other@a.test", Some("pubsub.a.test")), ("bot@b.test", None)] {
            std::fs::write(&path, format!("[xmpp]\njid = \"{jid}\"\n[store]\npath = \"state\"\n")).unwrap();
            let config = Config::load(Some(&path)).unwrap();
            let store = RedbStore::in_memory().unwrap();
            let (account, service) = (Some("bot@a.test".to_owned()), Some("pubsub.a.test".to_owned()));
            store.set_meta(Meta { account, service, ..store.meta().await.unwrap() }).await.unwrap();
            check_account(&store, &config).await.unwrap();
            let meta = store.meta().await.unwrap();
            assert_eq!((meta.account.as_deref(), meta.service.as_deref()), (Some(jid), expected));
        }
    }
}
