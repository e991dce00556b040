//! Listens to what comes in unasked: answers to messages, what happens to the account in rooms, what persons say of their
//! subscriptions.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use minidom::Element;
use tokio::sync::mpsc;
use xmpp_parsers::jid::{BareJid, Jid};

use crate::feed::Destination;
use crate::store::{NodeFacts, Pause, Waiting};

use super::consent;
use super::halt::Halt;
use super::rooms::Expulsion;
use super::verdict::Verdict;
use super::{Deliverer, lock};

impl Deliverer {
    /// Until the session ends.
    pub(super) async fn listen(self: Arc<Self>, mut incoming: mpsc::Receiver<Element>) {
        while let Some(stanza) = incoming.recv().await {
            self.mail.take(&stanza);
            if let Some(Expulsion { room, verdict }) = self.rooms.take(&stanza) {
                self.mail.lose(Some(&room), &Verdict::InDoubt("the account is not in the room any more".to_owned()));
                self.stay_away(room, verdict).await;
            }
            self.hear_of_subscription(&stanza).await;
        }
    }

    /// Writes down why one was turned out of a room; it is entered again after a while.
    async fn stay_away(&self, room: BareJid, verdict: Verdict) {
        let destination = Destination::Room { jid: room.to_string() };
        let known = self.waiting_at(&destination);
        self.write_down(Halt::from(verdict), &known).await;
        self.wake.notify_one();
    }

    /// Whoever is a destination may subscribe, and has then said yes; whoever says yes or no is looked at again at once.
    async fn hear_of_subscription(&self, stanza: &Element) {
        let kind = stanza.attr("type").unwrap_or_default();
        let is_about_it = matches!(kind, "subscribe" | "subscribed" | "unsubscribe" | "unsubscribed");
        let from = stanza.attr("from").and_then(|from| Jid::new(from).ok());
        let (true, Some(person)) = (stanza.name() == "presence" && is_about_it, from.map(|from| from.to_bare())) else {
            return;
        };
        let destination = Destination::Chat { jid: person.to_string() };
        if self.config().find(&destination).is_none() {
            return;
        }
        if kind == "subscribe" {
            let _ = self.wire.send(consent::to_person(&person, "subscribed"));
        }
        tracing::info!(%destination, kind, "the person has decided");
        self.prepared().remove(&destination);
        lock(&self.decided).insert(destination.clone());
        self.end_pause(&destination).await;
    }

    /// Looks at a paused destination now.
    pub(super) async fn end_pause(&self, destination: &Destination) {
        let Waiting { facts, .. } = self.waiting_at(destination);
        if let Some(pause) = facts.pause.clone() {
            let facts = NodeFacts { pause: Some(Pause { until: (self.clock)(), ..pause }), ..facts };
            if let Err(error) = self.learn(destination, facts).await {
                tracing::error!(%destination, %error, "the state cannot be written");
            }
        }
        self.wake.notify_one();
    }

    /// Shows a presence once a bind, without which no answer to a request comes in.
    pub(super) fn be_present(&self) {
        if !self.is_present.swap(true, Relaxed) {
            let _ = self.wire.send(consent::present());
        }
    }

    /// What waits for a destination, which may be nothing.
    fn waiting_at(&self, destination: &Destination) -> Waiting {
        let waiting = self.store.waiting().into_iter().find(|waiting| waiting.destination == *destination);
        let known = || lock(&self.stays).get(destination).cloned().unwrap_or_default();
        waiting.unwrap_or_else(|| Waiting::nothing(destination.clone(), known()))
    }
}
