//! The handle on the account's session, one [`Wire`] for all who use it, and what it shares with the stream of the moment.
//!
//! Nothing queued survives a stream: each bind starts empty, under the next number.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use minidom::Element;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tracing::debug;
use xmpp_parsers::stanza_error::{DefinedCondition, ErrorType, StanzaError};

use super::connect::Bound;
use super::keeper::Keeper;
use super::password::{PasswordError, Secret};
use super::stanza::unsendable;
use super::stream::Outgoing;
use super::tls::Security;
use super::{Config, Options, Request, RequestError, Status, Wire};

/// How many stanzas may wait to be written.
const QUEUE: usize = 2048;
/// How many messages and presences may wait for a subscriber: entering a room brings one of each occupant.
const INBOX: usize = 2048;
/// The reasons that [`Session::endings`] counts.
pub const ENDINGS: [&str; 4] = ["login", "connection", "stream-error", "silence"];

/// Why a session cannot even start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No password.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The account is only a domain.
    #[error("`jid = \"{0}\"` names no account: it must look like feeds@example.org")]
    NoAccount(String),
    /// The extra trust roots cannot be used.
    #[error("`ca-file` {}: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// TLS cannot be set up at all.
    #[error("TLS: {0}")]
    Tls(String),
}

/// A handle on the account's session; the session ends when the last one is dropped.
#[derive(Clone)]
pub struct Session {
    hub: Arc<Hub>,
    closing: Arc<watch::Sender<bool>>,
    patience: Duration,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Session").field(&*self.hub.status.borrow()).finish()
    }
}

impl Session {
    /// Starts connecting in the background. Must be called within a tokio runtime.
    pub fn start(config: Config, options: Options) -> Result<Self, StartError> {
        let (password, security) = prepare(&config)?;
        let hub = Arc::new(Hub::default());
        let (closing, is_closing) = watch::channel(false);
        let patience = options.timing.close * 2;
        tokio::spawn(Keeper { config, password, security, options, hub: hub.clone() }.run(is_closing));
        Ok(Self { hub, closing: Arc::new(closing), patience })
    }

    /// Whether a session could start with this configuration.
    pub fn check(config: &Config) -> Result<(), StartError> {
        prepare(config).map(|_| ())
    }

    /// Sends what is queued, closes the stream, waits for both, though not for long.
    pub async fn close(&self) {
        self.closing.send_replace(true);
        let mut status = self.status();
        let is_over = |status: &Status| matches!(status, Status::Closed | Status::Refused { .. });
        let _ = timeout(self.patience, status.wait_for(is_over)).await;
    }

    /// How many bytes the server lets a stanza take (XEP-0478), if it tells.
    pub fn stanza_limit_bytes(&self) -> Option<u32> {
        Some(self.hub.stanza_limit_bytes.load(Relaxed)).filter(|limit| *limit > 0)
    }

    /// How many requests are unanswered.
    pub fn in_flight(&self) -> usize {
        self.hub.in_flight.load(Relaxed)
    }

    /// How often there was no stream, by the reason: a login that failed, a stream that ended.
    pub fn endings(&self) -> BTreeMap<&'static str, u64> {
        self.hub.endings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many answers came in that answered nothing: late, or forged.
    pub fn stray_answers(&self) -> u64 {
        self.hub.stray_answers.load(Relaxed)
    }
}

impl Wire for Session {
    fn status(&self) -> watch::Receiver<Status> {
        self.hub.status.subscribe()
    }

    fn request(&self, request: Request) -> BoxFuture<'static, Result<Option<Element>, RequestError>> {
        if let Some(fault) = unsendable(&request.payload) {
            let refused = RequestError::Refused(bad_request(fault));
            return Box::pin(async move { Err(refused) });
        }
        let (answer, answered) = oneshot::channel();
        let queued = match unguessable_id() {
            Some(id) => self.hub.queue(Outgoing::Request { id, request, answer }),
            None => Err(RequestError::Offline),
        };
        Box::pin(async move {
            queued?;
            answered.await.unwrap_or(Err(RequestError::Offline))
        })
    }

    fn send(&self, stanza: Element) -> Result<(), RequestError> {
        match unsendable(&stanza) {
            Some(fault) => Err(RequestError::Refused(bad_request(fault))),
            None => self.hub.queue(Outgoing::Stanza(stanza)),
        }
    }

    fn incoming(&self) -> mpsc::Receiver<Element> {
        self.hub.subscribe()
    }
}

/// What must be known before the first connection.
fn prepare(config: &Config) -> Result<(Secret, Security), StartError> {
    if config.jid.node().is_none() {
        return Err(StartError::NoAccount(config.jid.to_string()));
    }
    Ok((config.password.resolve()?, Security::new(config)?))
}

/// What a server would say to it, if it did not close the stream at once.
fn bad_request(fault: &str) -> Element {
    let text = format!("not sent: the stanza {fault}");
    StanzaError::new(ErrorType::Modify, DefinedCondition::BadRequest, "en", text).into()
}

/// 128 random bits; `None` when the system has none to give.
pub(super) fn unguessable_id() -> Option<String> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).ok()?;
    Some(data_encoding::HEXLOWER.encode(&bits))
}

/// What the handles share with the keeper and with the stream of the moment.
pub(super) struct Hub {
    status: watch::Sender<Status>,
    link: Mutex<Option<mpsc::Sender<Outgoing>>>,
    subscribers: Mutex<Vec<mpsc::Sender<Element>>>,
    stanza_limit_bytes: AtomicU32,
    stray_answers: AtomicU64,
    in_flight: AtomicUsize,
    endings: Mutex<BTreeMap<&'static str, u64>>,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            status: watch::Sender::new(Status::Offline { reason: None }),
            link: Mutex::default(),
            subscribers: Mutex::default(),
            stanza_limit_bytes: AtomicU32::new(0),
            stray_answers: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            endings: Mutex::default(),
        }
    }
}

impl Hub {
    fn queue(&self, outgoing: Outgoing) -> Result<(), RequestError> {
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let link = link.as_ref().ok_or(RequestError::Offline)?;
        link.try_send(outgoing).map_err(|_| RequestError::Offline)
    }

    /// Opens the queue of a new stream.
    pub(super) fn connect(&self, bound: &Bound, bind: u64) -> mpsc::Receiver<Outgoing> {
        let (link, outgoing) = mpsc::channel(QUEUE);
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(link);
        self.stanza_limit_bytes.store(bound.stanza_limit_bytes.unwrap_or(0), Relaxed);
        self.status.send_replace(Status::Online { bind, jid: bound.jid.clone() });
        outgoing
    }

    /// Notes that there is no stream, and why. Says whether that is news.
    pub(super) fn disconnect(&self, status: Status) -> bool {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.status.send_if_modified(|known| std::mem::replace(known, status.clone()) != status)
    }

    fn subscribe(&self) -> mpsc::Receiver<Element> {
        let (subscriber, inbox) = mpsc::channel(INBOX);
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner).push(subscriber);
        inbox
    }

    /// Hands a message or presence to all who read.
    pub(super) fn publish(&self, stanza: &Element) {
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        subscribers.retain(|subscriber| {
            let full = subscriber.try_send(stanza.clone());
            !matches!(full, Err(mpsc::error::TrySendError::Closed(_)))
        });
    }

    /// Notes how many requests are unanswered.
    pub(super) fn note_in_flight(&self, requests: usize) {
        self.in_flight.store(requests, Relaxed);
    }

    /// Counts that there is no stream, for this reason.
    pub(super) fn count_ending(&self, reason: &'static str) {
        *self.endings.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }

    /// Counts answers that answer nothing.
    pub(super) fn count_answer(&self, is_answer: bool) {
        if !is_answer {
            self.stray_answers.fetch_add(1, Relaxed);
            debug!("an answer came in that answers nothing");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_long_and_never_the_same() {
        let ids: std::collections::HashSet<String> = (0..1000).filter_map(|_| unguessable_id()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 32));
    }

    #[test]
    fn what_cannot_be_sent_is_refused_as_a_server_would() {
        insta::assert_snapshot!(crate::xmpp::describe(&bad_request("nests too deeply")),
            @"bad-request (not sent: the stanza nests too deeply)");
    }
}
