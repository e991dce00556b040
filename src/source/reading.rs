//! A fetched document, read by intake on a thread of its own, where a panic is this poll's failure and nothing else.

use std::sync::Arc;

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
use super::roster::{Roster, Subscription};
use super::visit::Visit;

/// What the documents of a feed are read with.
pub(super) struct Reader {
    pub(super) claim: Claim,
    pub(super) seen: Seen,
    pub(super) now: Time,
    subscription: Subscription,
    roster: Arc<Roster>,
}

/// A document after the first look at it.
enum Read {
    Whole(Box<Harvest>),
    /// Nothing in it is known, and an archive may hold what came before it.
    Gap(Box<Document>),
}

impl Reader {
    pub(super) fn new(claim: &Claim, subscription: &Subscription, visit: &Visit, seen: Seen) -> Self {
        let (claim, subscription, roster) = (claim.clone(), subscription.clone(), Arc::clone(&visit.roster));
        Self { claim, seen, now: visit.began, subscription, roster }
    }

    pub(super) fn plan(&self) -> Plan<'_> {
        self.subscription.plan(&self.claim, &self.roster)
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

    fn read(&self, arrival: &Arrival) -> Result<Read, ParseError> {
        let document = ingest::read(arrival)?;
        if is_gap(&document, arrival.has_moved, &self.plan(), &self.claim.row.read, &self.seen, self.now) {
            return Ok(Read::Gap(Box::new(document)));
        }
        Ok(Read::Whole(Box::new(self.take_in(document, arrival.has_moved))))
    }

    fn take_in(&self, document: Document, has_moved: bool) -> Harvest {
        ingest::take_in(document, has_moved, &self.plan(), &self.claim.row.read, &self.seen, self.now)
    }
}

impl Poller {
    /// Has intake read a document, with what the archive holds before it when there is a gap.
    pub(super) async fn take_in(
        &self,
        reader: &Arc<Reader>,
        answer: &Answer,
        body: &Body,
        archive: Option<&mut Archive>,
    ) -> (Outcome, Option<Harvest>) {
        match self.harvest(reader, answer, body, archive).await {
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

    async fn harvest(
        &self,
        reader: &Arc<Reader>,
        answer: &Answer,
        body: &Body,
        archive: Option<&mut Archive>,
    ) -> Result<Harvest, String> {
        let arrival = reader.arrival(answer, body);
        let mut document = match aside(reader, move |reader| reader.read(&arrival)).await? {
            Ok(Read::Whole(harvest)) => return Ok(*harvest),
            Ok(Read::Gap(document)) => *document,
            Err(error) => return Err(error.to_string()),
        };
        if let Some(archive) = archive {
            document = self.catch_up(document, reader, answer, archive).await;
        }
        aside(reader, |reader| reader.take_in(document, false)).await
    }
}

/// Does a piece of reading on a thread of its own.
pub(super) async fn aside<T: Send + 'static>(
    reader: &Arc<Reader>,
    read: impl FnOnce(&Reader) -> T + Send + 'static,
) -> Result<T, String> {
    let reader = Arc::clone(reader);
    let reading = tokio::task::spawn_blocking(move || read(&reader));
    reading.await.map_err(|_| "reading the document crashed; please report it with the address".to_owned())
}
