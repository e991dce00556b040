//! Finds a destination and makes it ready to be published to, at start and daily.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::feed::{Destination, FeedId, Time};
use crate::store::{Action, NodeFacts, OutboxRow, Outcome, RowState, Settlement, Waiting};

use super::address::Address;
use super::destination::Place;
use super::halt::Halt;
use super::settings::NodeSettings;
use super::verdict::{self, Verdict};
use super::{Deliverer, due, form, lock, node};

/// A node is audited again after this time.
const AUDIT: Duration = Duration::from_secs(24 * 60 * 60);
/// Most unanswered publishes of one node; fewer when the node keeps fewer items.
const WIDEST_WINDOW: usize = 16;

/// A destination that was created or audited by this process.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) at: Time,
    pub(crate) place: Place,
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
                Some(self.service.find(&*self.wire, &*self.store, &config.account).await?)
            }
            _ => None,
        };
        let place = Place::of(destination, service.as_ref(), &config.nick(destination)).map_err(Verdict::Pause)?;
        Ok(Prepared { at: Time::UNIX_EPOCH, place, window: 1 })
    }

    /// Makes the destination ready: created or audited at start and daily, and known to every feed that publishes there.
    pub(crate) async fn prepare(&self, waiting: &Waiting, known: Prepared) -> Result<(Prepared, NodeFacts), Halt> {
        let now = (self.clock)();
        let facts = waiting.facts.clone();
        let facts = if due::is_held_in_error(&facts, now) { facts.without_trouble() } else { facts };
        let is_audited = now < known.at + AUDIT && self.is_there(&known.place);
        let newcomers = waiting.newcomers.iter().filter(|feed| self.is_newcomer(&waiting.destination, &facts, feed));
        let newcomers: Vec<FeedId> = newcomers.cloned().collect();
        if is_audited && newcomers.is_empty() && facts == waiting.facts {
            return Ok((known, facts));
        }
        let (prepared, facts) = if is_audited { (known, facts) } else { self.audit(waiting, known, facts).await? };
        if let (false, Place::Node(address)) = (newcomers.is_empty(), &prepared.place) {
            self.count_what_is_there(&waiting.destination, address, &newcomers).await?;
        }
        let contacts = facts.contacts.iter().cloned().chain(newcomers).collect();
        let facts = NodeFacts { contacts, ..facts };
        self.learn(&waiting.destination, facts.clone()).await?;
        self.prepared().insert(waiting.destination.clone(), prepared.clone());
        Ok((prepared, facts))
    }

    /// Creates the node, or audits the one that is there; enters a room; sees whether a person wants to hear.
    async fn audit(&self, waiting: &Waiting, known: Prepared, facts: NodeFacts) -> Result<(Prepared, NodeFacts), Halt> {
        let settings = self.config().settings(&waiting.destination);
        let facts = match &known.place {
            Place::Node(address) => self.audit_node(&waiting.destination, address, &settings, facts).await?,
            Place::Room(room) => self.attend(room, &settings, facts).await?,
            Place::Person(person) => self.seek_consent(waiting, person, &settings, facts).await?,
        };
        let window = match &known.place {
            Place::Node(_) => window_of(&facts),
            // A room shows them to all in this order.
            Place::Room(_) => 1,
            Place::Person(_) => WIDEST_WINDOW,
        };
        let place = self.with_preconditions(&waiting.destination, known.place, &settings);
        Ok((Prepared { at: (self.clock)(), place, window }, facts))
    }

    /// The own account makes a microblog that is missing as the first publish says, or else as it likes.
    fn with_preconditions(&self, destination: &Destination, place: Place, settings: &NodeSettings) -> Place {
        match place {
            Place::Node(address) if address.service.is_none() && !self.is_unconditional(destination) => {
                Place::Node(Address { preconditions: form::preconditions(settings), ..address })
            }
            place => place,
        }
    }

    /// Whether it refused a conditional publish, which is tried again daily: its server may have learnt it.
    fn is_unconditional(&self, destination: &Destination) -> bool {
        let now = (self.clock)();
        lock(&self.unconditional).get(destination).is_some_and(|since| now < *since + AUDIT)
    }

    async fn audit_node(
        &self,
        destination: &Destination,
        address: &Address,
        settings: &NodeSettings,
        facts: NodeFacts,
    ) -> Result<NodeFacts, Halt> {
        let followed = match self.config().followed_by(destination) {
            Some(feed) => self.store.feed(&feed).await?.map(|row| row.read.meta),
            None => None,
        };
        let ready = node::prepare(&*self.wire, address, settings, followed.as_ref()).await?;
        Ok(NodeFacts {
            configured: Some((self.clock)()),
            max_items: ready.max_items,
            owner: ready.owner,
            persists: Some(ready.persists),
            max_payload: ready.max_payload,
            ..facts
        })
    }

    /// First contact of feeds with a node: their entries that it holds were published in another life. An edit is news
    /// nevertheless.
    async fn count_what_is_there(
        &self,
        destination: &Destination,
        address: &Address,
        newcomers: &[FeedId],
    ) -> Result<(), Halt> {
        let answer = match verdict::absence_or_answer(self.wire.request(address.listing()).await) {
            Ok(answer) => answer,
            Err(lost @ (Verdict::Lost(_) | Verdict::InDoubt(_) | Verdict::Retry(_))) => return Err(lost.into()),
            Err(refused) => {
                tracing::warn!(%destination, ?refused, "the node does not list its items; nothing counts as published");
                None
            }
        };
        let there: HashSet<&str> =
            answer.iter().flat_map(|query| query.children()).filter_map(|item| item.attr("name")).collect();
        let is_first = |row: &OutboxRow| {
            let is_waiting = row.state == RowState::Ready && newcomers.contains(&row.feed);
            is_waiting && row.action == Action::Publish && row.revision == 0
        };
        let mut rows = self.store.rows(destination).await?;
        rows.retain(is_first);
        let (told_before, new): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.if_newer);
        let is_known = |row: &&OutboxRow| there.contains(row.item.0.as_str());
        let known = new.iter().filter(is_known).chain(not_newer(&told_before, &there));
        let settlements: Vec<_> = known.map(|row| Settlement { row: row.id, outcome: Outcome::Drop }).collect();
        if !settlements.is_empty() {
            tracing::info!(%destination, entries = settlements.len(), "counted as published before, by what the node holds");
            self.store.settle(settlements, (self.clock)()).await?;
        }
        Ok(())
    }
}

/// Of rows that are told only if they are newer than what the node holds of their feed, those that are not; all of a feed
/// of which it holds nothing.
fn not_newer<'a>(rows: &'a [OutboxRow], there: &HashSet<&str>) -> impl Iterator<Item = &'a OutboxRow> {
    let mut newest: HashMap<&FeedId, u64> = HashMap::new();
    for row in rows.iter().filter(|row| there.contains(row.item.0.as_str())) {
        let sequence = newest.entry(&row.feed).or_default();
        *sequence = row.id.sequence.max(*sequence);
    }
    rows.iter().filter(move |row| newest.get(&row.feed).is_none_or(|newest| row.id.sequence <= *newest))
}

/// As many as the node keeps, so that an accepted item cannot have been evicted before recovery looks; one when that is
/// unknown, and when others publish there, too.
pub(crate) fn window_of(facts: &NodeFacts) -> usize {
    kept_by(facts).min(WIDEST_WINDOW)
}

/// How many of our last items the node surely keeps.
pub(crate) fn kept_by(facts: &NodeFacts) -> usize {
    let keeps = facts.max_items.filter(|_| facts.owner == Some(true));
    keeps.unwrap_or(1).max(1) as usize
}
