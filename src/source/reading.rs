//! A fetched document, read by intake; a panic there is this poll's failure and nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

use crate::feed::Time;
use crate::ingest::archive::is_gap;
use crate::ingest::parse::{Document, ParseError};
use crate::ingest::{self, Arrival, Harvest, Plan};
use crate::store::{Claim, Seen};

use super::answer::{Answer, Body};
use super::catchup::Archive;
use super::outcome::{Failure, FailureKind, Outcome, TakenIn};
use super::policy::has_moved;
use super::poll::Poller;
use super::roster::Terms;
use super::visit::{Ending, Unpolled, unwritten};

/// What the documents of a feed are read with.
pub(super) struct Reader<'a> {
    pub(super) claim: &'a Claim,
    pub(super) seen: Seen,
    pub(super) now: Time,
    /// The configuration when the document came.
    pub(super) terms: Terms,
}

/// A document that was read.
enum Read {
    Judged(Box<Harvest>),
    /// An archive may hold what came before it.
    Gap(Box<Document>),
}

impl Reader<'_> {
    pub(super) fn plan(&self) -> Plan<'_> {
        self.terms.plan(self.claim)
    }

    pub(super) fn arrival(&self, answer: &Answer, body: &Body) -> Arrival {
        Arrival {
            feed: self.claim.feed.clone(),
            at: self.now,
            base: answer.url.to_string(),
            content_type: body.content_type.clone(),
            body: body.bytes.clone(),
            is_truncated: false,
            has_moved: has_moved(&self.claim.row.poll, answer),
        }
    }

    /// Reads a document, and judges it at once unless an archive is to be walked first.
    fn read(&self, arrival: &Arrival, has_archive: bool) -> Result<Read, ParseError> {
        let document = ingest::read(arrival)?;
        let (plan, row) = (self.plan(), &self.claim.row);
        let is_gap = |document| is_gap(document, arrival.has_moved, &plan, &row.read, &self.seen, self.now);
        if has_archive && is_gap(&document) {
            return Ok(Read::Gap(Box::new(document)));
        }
        Ok(Read::Judged(Box::new(self.judge(document, arrival.has_moved, &self.terms))))
    }

    fn judge(&self, document: Document, has_moved: bool, terms: &Terms) -> Harvest {
        let plan = terms.plan(self.claim);
        ingest::take_in(document, has_moved, &plan, &self.claim.row.read, &self.seen, self.now)
    }
}

impl Poller {
    /// Has intake read a document and judge it by the configuration of now; when there is a gap, with what the archive holds
    /// before it. Hosts are waited for then, and the configuration may be another one afterwards.
    pub(super) async fn take_in<'a>(
        &'a self,
        claim: &Claim,
        now: Time,
        (answer, body): (&Answer, &Body),
        archive: Option<&mut Archive>,
        mut ending: Ending<'a>,
    ) -> Result<(Ending<'a>, Outcome, Option<Harvest>), Unpolled> {
        let seen = self.store.load_seen(&claim.feed).await.map_err(unwritten)?;
        let reader = Reader { claim, seen, now, terms: ending.terms.clone() };
        let arrival = reader.arrival(answer, body);
        let read = aside(|| reader.read(&arrival, archive.is_some()));
        let harvest = match read.and_then(|read| read.map_err(|error| error.to_string())) {
            Ok(Read::Judged(harvest)) => Ok(*harvest),
            Ok(Read::Gap(document)) => {
                drop(ending);
                let document = match archive {
                    Some(archive) => self.catch_up(*document, &reader, answer, archive).await,
                    None => *document,
                };
                ending = self.ending(&claim.feed).await?;
                aside(|| reader.judge(document, arrival.has_moved, &ending.terms))
            }
            Err(why) => Err(why),
        };
        let (outcome, harvest) = told(harvest, answer, body);
        Ok((ending, outcome, harvest))
    }
}

fn told(harvest: Result<Harvest, String>, answer: &Answer, body: &Body) -> (Outcome, Option<Harvest>) {
    match harvest {
        Ok(harvest) => {
            let taken = TakenIn {
                body_hash: body.hash.clone(),
                hints: harvest.hints.clone(),
                keeps_validators: harvest.keeps_validators,
                has_news: harvest.has_news,
                has_known: harvest.has_known,
            };
            (Outcome::TakenIn(answer.clone(), taken), Some(harvest))
        }
        Err(why) => (Outcome::Failed(Failure::new(&why, Some(answer.status), FailureKind::Backoff)), None),
    }
}

/// Does a piece of reading, which may take long, while other threads see to the other polls.
pub(super) fn aside<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    let read = || {
        let crashed = |_| "reading the document crashed; please report it with the address".to_owned();
        catch_unwind(AssertUnwindSafe(read)).map_err(crashed)
    };
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => block_in_place(read),
        _ => read(),
    }
}
