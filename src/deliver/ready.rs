//! Finds a destination and makes it ready to be published to, at start and daily.

use std::collections::HashSet;
use std::time::Duration;

use crate::feed::{Destination, Time};
use crate::store::{NodeFacts, Outcome, Settlement};

use super::destination::Address;
use super::halt::Halt;
use super::verdict::{self, Verdict};
use super::{Deliverer, node};

/// A node is audited again after this time.
const AUDIT: Duration = Duration::from_secs(24 * 60 * 60);
/// Most unanswered publishes of one node; fewer when the node keeps fewer items.
const WIDEST_WINDOW: u32 = 16;

/// A destination that was created or audited by this process.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) at: Time,
    pub(crate) address: Address,
    pub(crate) window: usize,
}

impl Deliverer {
    /// Where the destination is.
    pub(crate) async fn locate(&self, destination: &Destination) -> Result<Prepared, Halt> {
        let known = self.prepared().get(destination).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let config = self.config();
        let service = match destination {
            Destination::Node { service: None, .. } => {
                self.service.find(&*self.wire, &*self.store, &config.account).await?
            }
            _ => None,
        };
        let address = Address::of(destination, service.as_ref()).map_err(Verdict::Pause)?;
        Ok(Prepared { at: Time::UNIX_EPOCH, address, window: 1 })
    }

    /// Creates or audits the node, at start and daily, and on first contact counts what is there already as published.
    pub(crate) async fn prepare(
        &self,
        destination: &Destination,
        known: Prepared,
        facts: NodeFacts,
    ) -> Result<(Prepared, NodeFacts), Halt> {
        let now = (self.clock)();
        if now < known.at + AUDIT {
            return Ok((known, facts));
        }
        let settings = self.config().settings(destination);
        let followed = match &settings.follows {
            Some(feed) => self.store.feed(feed).await?.map(|row| row.read.meta),
            None => None,
        };
        let ready = node::prepare(&*self.wire, &known.address, &settings, followed.as_ref()).await?;
        if facts.configured.is_none() && !ready.is_new {
            self.count_what_is_there(destination, &known.address).await?;
        }
        let facts = NodeFacts {
            configured: Some(now),
            max_items: ready.max_items,
            owner: ready.owner,
            persists: Some(ready.persists),
            max_payload: ready.max_payload,
            ..facts
        };
        self.store.set_node(destination.clone(), facts.clone()).await?;
        let prepared = Prepared { at: now, window: window_of(ready.max_items), ..known };
        self.prepared().insert(destination.clone(), prepared.clone());
        Ok((prepared, facts))
    }

    /// First contact with a node that was there before us: rows whose item it holds are published already.
    async fn count_what_is_there(&self, destination: &Destination, address: &Address) -> Result<(), Halt> {
        let answer = verdict::absence_or_answer(self.wire.request(address.listing()).await)?;
        let there: HashSet<&str> =
            answer.iter().flat_map(|query| query.children()).filter_map(|item| item.attr("name")).collect();
        let rows = self.store.rows(destination).await?;
        let known = rows.iter().filter(|row| there.contains(row.item.0.as_str()));
        let settlements: Vec<_> = known.map(|row| Settlement { row: row.id, outcome: Outcome::Drop }).collect();
        if !settlements.is_empty() {
            tracing::info!(%destination, entries = settlements.len(), "the node holds these already; not published again");
            self.store.settle(settlements, (self.clock)()).await?;
        }
        Ok(())
    }
}

/// As many as the node keeps, so that an accepted item cannot have been evicted before recovery looks; one when that is
/// unknown.
pub(crate) fn window_of(max_items: Option<u32>) -> usize {
    max_items.unwrap_or(1).clamp(1, WIDEST_WINDOW) as usize
}
