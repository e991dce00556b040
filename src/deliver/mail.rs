//! Messages that were sent, and what came back for them.
//!
//! A room acknowledges a message by sending it back. A person's is acknowledged by the answer to a ping of our own server that
//! was sent after it: then the server has it. What the person's server says within half a minute is heard nevertheless.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use minidom::Element;
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};
use xmpp_parsers::jid::BareJid;
use xmpp_parsers::ns;

use crate::xmpp::{Request, RequestError, Wire};

use super::destination::{Place, Stanza, meaning};
use super::message::Message;
use super::verdict::{Verdict, verdict};
use super::{Until, lock};

/// How long a room may take to send a message back.
const REFLECTION: Duration = Duration::from_secs(60);
/// How long an error of another server is waited for.
const FAR_ERROR: Duration = Duration::from_secs(30);
/// The same of our own, which answers in order.
const NEAR_ERROR: Duration = Duration::from_millis(500);

/// The messages that something may still come back for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mail {
    sent: Arc<Mutex<HashMap<String, Sent>>>,
}

#[derive(Debug)]
struct Sent {
    place: Place,
    answer: oneshot::Sender<Verdict>,
}

/// Brings stanzas to their places.
#[derive(Clone, Copy)]
pub(crate) struct Courier<'a> {
    pub(crate) wire: &'a dyn Wire,
    pub(crate) mail: &'a Mail,
    pub(crate) account: &'a BareJid,
    /// Once this says that all comes to its end, nothing is waited for that our own server does not owe.
    pub(crate) until: &'a watch::Receiver<Until>,
}

impl Courier<'_> {
    /// Sends before it returns; the future is what became of it.
    pub(crate) fn send(&self, place: &Place, stanza: Stanza) -> BoxFuture<'static, Verdict> {
        match stanza {
            Stanza::Request(request) => self.wire.request(request).map(|answer| verdict(&answer)).boxed(),
            Stanza::Message(message) => self.post(place, message),
        }
    }

    fn post(&self, place: &Place, message: Message) -> BoxFuture<'static, Verdict> {
        let (answer, answered) = oneshot::channel();
        let Message { id, stanza } = message;
        lock(&self.mail.sent).insert(id.clone(), Sent { place: place.clone(), answer });
        let is_sent = self.wire.send(stanza);
        let taken = match place {
            Place::Person(person) => self.taken_by_server(person).boxed(),
            Place::Node(_) | Place::Room(_) => not_reflected().boxed(),
        };
        let sent = self.mail.sent.clone();
        async move {
            let verdict = match is_sent {
                Err(error) => verdict(&Err(error)),
                Ok(()) => tokio::select! {
                    biased;
                    Ok(verdict) = answered => verdict,
                    verdict = taken => verdict,
                },
            };
            lock(&sent).remove(&id);
            verdict
        }
        .boxed()
    }

    /// Waits until our server has taken what was sent before, and a while for an error of the person's.
    fn taken_by_server(&self, person: &BareJid) -> impl Future<Output = Verdict> + Send + use<> {
        let server = BareJid::from_parts(None, self.account.domain());
        let ping = Request { to: Some(server.into()), set: false, payload: Element::bare("ping", ns::PING) };
        let pong = self.wire.request(ping);
        let grace = if person.domain() == self.account.domain() { NEAR_ERROR } else { FAR_ERROR };
        let mut until = self.until.clone();
        async move {
            match pong.await {
                // An error is an answer, too.
                Ok(_) | Err(RequestError::Refused(_)) => {}
                Err(lost) => return verdict(&Err(lost)),
            }
            let _ = timeout(grace, until.wait_for(|until| *until == Until::Now)).await;
            Verdict::Delivered
        }
    }
}

impl Mail {
    /// Looks whether a stanza is the answer to a message.
    pub(crate) fn take(&self, stanza: &Element) {
        let mut sent = lock(&self.sent);
        let found = sent.iter().find_map(|(id, sent)| Some((id.clone(), meaning(&sent.place, id, stanza)?)));
        if let Some((id, verdict)) = found
            && let Some(Sent { answer, .. }) = sent.remove(&id)
        {
            // Nobody waits for it: the lane was ended.
            let _ = answer.send(verdict);
        }
    }

    /// Nothing will come back for what was sent to a room that one is not in any more, or, with `None`, on a stream that is over.
    pub(crate) fn lose(&self, room: Option<&BareJid>, verdict: &Verdict) {
        let is_lost =
            |sent: &Sent| room.is_none_or(|lost| matches!(&sent.place, Place::Room(room) if room.jid == *lost));
        for (_, sent) in lock(&self.sent).extract_if(|_, sent| is_lost(sent)) {
            let _ = sent.answer.send(verdict.clone());
        }
    }
}

async fn not_reflected() -> Verdict {
    sleep(REFLECTION).await;
    Verdict::InDoubt("the room does not send the message back".to_owned())
}
