//! Publishes what is ready, a window at a time, and settles the answers.

use tokio::sync::watch;

use crate::feed::{Destination, FeedId};
use crate::store::{Delivery, NodeFacts, Outcome, Settlement};

use super::destination::Wording;
use super::halt::Halt;
use super::mail::Courier;
use super::ready::Prepared;
use super::window::Window;
use super::{Deliverer, Until, lock};

impl Deliverer {
    /// Keeps a window of publishes in flight, in order. What was answered is settled and what is free is claimed at the
    /// same time, so that both go into one commit; that happens when half of the window is free.
    pub(super) async fn publish(
        &self,
        destination: &Destination,
        prepared: &Prepared,
        mut facts: NodeFacts,
        until: &watch::Receiver<Until>,
    ) -> Result<(), Halt> {
        let config = self.config();
        let mut window = self.window(destination, prepared);
        let courier = Courier { wire: &*self.wire, mail: &self.mail, account: &config.account, until };
        let names_feed = config.is_shared(destination);
        let largest_payload = self.credit.largest_payload(facts.max_payload);
        let (mut halt, mut is_stopped) = (None, false);
        let mut answered: Vec<Settlement> = Vec::new();
        let mut published = 0;
        loop {
            is_stopped |= halt.is_some() || *until.borrow() == Until::Now;
            let room = if is_stopped { 0 } else { window.reserve().await };
            let now = (self.clock)();
            let has_delivered = answered.iter().any(|settlement| settlement.outcome == Outcome::Delivered);
            let (settled, claimed) = tokio::join!(
                self.store.settle(std::mem::take(&mut answered), now),
                self.store.claim_outbox(vec![(destination.clone(), room)], now),
            );
            settled?;
            if has_delivered {
                self.note_that_the_store_works();
            }
            let claimed = claimed?;
            if claimed.iter().any(|delivery| self.is_newcomer(destination, &facts, &delivery.row.feed)) {
                // The next lane of the destination begins with its first contact.
                answered = claimed.iter().map(put_back).collect();
                is_stopped = true;
                continue;
            }
            let is_last = claimed.is_empty();
            for delivery in claimed {
                let style = config.style(&delivery.edition.feed);
                let wording = Wording { style: &style, names_feed, largest_payload };
                window.send(courier, &prepared.place, delivery, wording);
            }
            if window.is_empty() {
                if published > 0 {
                    tracing::info!(%destination, entries = published, "published");
                }
                return halt.map_or(Ok(()), Err);
            }
            while !window.is_empty() && (is_last || halt.is_some() || window.is_more_than_half_full()) {
                let (settlement, trouble) = window.next_answer(&self.clock).await;
                answered.extend(settlement);
                halt = Halt::worse(halt, trouble);
            }
            let taken = answered.iter().filter(|settlement| settlement.outcome == Outcome::Delivered).count();
            if taken > 0 {
                published += taken;
                lock(&self.taken).insert(destination.clone(), now);
                if halt.is_none() && facts.is_troubled() {
                    tracing::info!(%destination, "takes entries again");
                    facts = facts.without_trouble();
                    self.learn(destination, facts.clone()).await?;
                }
            }
        }
    }

    fn window(&self, destination: &Destination, prepared: &Prepared) -> Window {
        let credit = self.credit.of(destination.addressee());
        let now = (self.clock)();
        let took_lately = |at: &crate::feed::Time| (now - *at).num_hours() < 3;
        let takes_others = lock(&self.taken).get(destination).is_some_and(took_lately);
        let counting = self.flights.begin(destination, prepared.window);
        Window::new(prepared.window, credit, takes_others, counting)
    }

    /// Whether the feed has the destination as its own, and was never in contact with it.
    pub(super) fn is_newcomer(&self, destination: &Destination, facts: &NodeFacts, feed: &FeedId) -> bool {
        !facts.contacts.contains(feed) && self.config().is_own(destination, feed)
    }
}

fn put_back(delivery: &Delivery) -> Settlement {
    Settlement { row: delivery.row.id, outcome: Outcome::Ready }
}
