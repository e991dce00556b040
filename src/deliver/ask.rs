//! Asks a node about what may have been sent to it, before anything else is sent there.
//!
//! Whatever is in doubt when a lane starts is in nobody's hands: the lane that sent it has ended.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering::Relaxed;

use tokio::time::{sleep, sleep_until};

use crate::feed::ItemId;
use crate::store::{OutboxRow, Outcome, RowState, Waiting};

use super::Deliverer;
use super::address::Address;
use super::bind::Bind;
use super::destination::Place;
use super::halt::Halt;
use super::ready::{Prepared, kept_by};
use super::recover::{self, Held};
use super::settings::NodeSettings;
use super::verdict::{self, Verdict};

impl Deliverer {
    /// Asks the node about everything that is in doubt, when nothing of a dead session can be executed any more, and once
    /// more about what is not there.
    pub(super) async fn recover(&self, waiting: &Waiting, prepared: &Prepared, bind: &Bind) -> Result<(), Halt> {
        let Waiting { destination, facts, .. } = waiting;
        if bind.is_recovered(destination) && waiting.doubt == 0 {
            return Ok(());
        }
        let rows = self.store.rows(destination).await?;
        // Only a node can be asked about what it acknowledged.
        let kept = if destination.holds_items() { kept_by(facts) } else { 0 };
        let asked = recover::questions(&rows, kept);
        if !asked.is_empty() {
            let config = self.config();
            let settings = config.settings(destination);
            let settle = config.settle(prepared.place.host());
            let doubtful = asked.iter().filter(|row| row.state == RowState::Doubt).count();
            if doubtful > 0 {
                sleep_until(bind.quiet_since(destination) + settle).await;
            }
            let mut held = self.ask_place(&prepared.place, &settings, &asked).await?;
            let absent: Vec<_> = asked.iter().filter(|row| !recover::is_done(row, held.of(row))).cloned().collect();
            if !absent.is_empty() && held.is_told {
                sleep(settle).await;
                held.items.extend(self.ask_place(&prepared.place, &settings, &absent).await?.items);
            }
            let persists = held.is_told && facts.persists.unwrap_or(true);
            let settlements = recover::judge(&asked, &held.items, settings.on_doubt, persists);
            let again = settlements.iter().filter(|settlement| settlement.outcome == Outcome::Ready).count();
            let acknowledged = asked.len() - doubtful;
            // While the store fails, each try begins so.
            if self.store_failures.load(Relaxed) == 0 {
                tracing::info!(%destination, doubtful, acknowledged, again, "asked what has arrived");
            }
            self.store.settle(settlements, (self.clock)()).await?;
        }
        bind.remember(destination);
        Ok(())
    }

    /// What a place can tell: a node what it holds, a room what was said in it lately, a person nothing.
    async fn ask_place(&self, place: &Place, settings: &NodeSettings, rows: &[OutboxRow]) -> Result<Holdings, Halt> {
        let said = match place {
            Place::Node(address) => return self.ask(address, rows).await,
            Place::Room(room) => self.said_in(room, settings).await?,
            Place::Person(_) => HashSet::new(),
        };
        let is_said = |row: &&OutboxRow| place.message_id(&row.item).is_some_and(|id| said.contains(&id));
        // A room that does not remember a message may have been told it all the same.
        let items = rows.iter().filter(is_said).map(|row| (row.item.clone(), Some(None))).collect();
        Ok(Holdings { items, is_told: false })
    }

    /// What the node holds of each row's item; one id a question, all questions at once.
    async fn ask(&self, address: &Address, rows: &[OutboxRow]) -> Result<Holdings, Halt> {
        let questions: Vec<_> = rows.iter().map(|row| self.wire.request(address.question(&row.item.0))).collect();
        let mut holdings = Holdings { items: HashMap::new(), is_told: true };
        for (row, question) in rows.iter().zip(questions) {
            let held = match verdict::absence_or_answer(question.await) {
                Ok(answer) => recover::held(answer.as_ref(), &row.item),
                Err(Verdict::Pause(said)) if said.starts_with("feature-not-implemented") => {
                    holdings.is_told = false;
                    None
                }
                Err(Verdict::Pause(said)) => {
                    let why = "the node does not tell this account what it holds";
                    return Err(Verdict::Pause(format!("{why} ({said}): allow it to read the node's items")).into());
                }
                Err(verdict) => return Err(verdict.into()),
            };
            holdings.items.insert(row.item.clone(), held);
        }
        Ok(holdings)
    }
}

/// What a node said.
struct Holdings {
    items: HashMap<ItemId, Held>,
    /// Whether it can say at all what it holds.
    is_told: bool,
}

impl Holdings {
    fn of(&self, row: &OutboxRow) -> Held {
        self.items.get(&row.item).copied().flatten()
    }
}
