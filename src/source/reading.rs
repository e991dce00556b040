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
use super::roster::Terms;

/// What the documents of a feed are read with.
pub(super) struct Reader {
    pub(super) claim: Claim,
    pub(super) seen: Seen,
    pub(super) now: Time,
    /// The configuration when the document came.
    pub(super) terms: Terms,
}

/// What there is to take in of a feed: the document, and what its archive holds between it and what is known.
pub(super) struct Gathered {
    reader: Arc<Reader>,
    document: Document,
    has_moved: bool,
}

impl Reader {
    pub(super) fn plan(&self) -> Plan<'_> {
        self.terms.plan(&self.claim)
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

    /// The document, and whether nothing in it is known while an archive may hold what came before it.
    fn read(&self, arrival: &Arrival) -> Result<(Document, bool), ParseError> {
        let document = ingest::read(arrival)?;
        let is_gap = is_gap(&document, arrival.has_moved, &self.plan(), &self.claim.row.read, &self.seen, self.now);
        Ok((document, is_gap))
    }
}

impl Poller {
    /// Has intake read a document, and what the archive holds before it when there is a gap.
    pub(super) async fn gather(
        &self,
        reader: Reader,
        answer: &Answer,
        body: &Body,
        archive: Option<&mut Archive>,
    ) -> Result<Box<Gathered>, String> {
        let reader = Arc::new(reader);
        let arrival = reader.arrival(answer, body);
        let has_moved = arrival.has_moved;
        let read = aside(&reader, move |reader| reader.read(&arrival)).await?;
        let (document, is_gap) = read.map_err(|error| error.to_string())?;
        let document = match archive {
            Some(archive) if is_gap => self.catch_up(document, &reader, answer, archive).await,
            _ => document,
        };
        Ok(Box::new(Gathered { reader, document, has_moved }))
    }
}

/// Has intake judge what was gathered, by the configuration of now.
pub(super) async fn take_in(
    gathered: Result<Box<Gathered>, String>,
    terms: Terms,
    answer: &Answer,
    body: &Body,
) -> (Outcome, Option<Harvest>) {
    match harvest(gathered, terms).await {
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

async fn harvest(gathered: Result<Box<Gathered>, String>, terms: Terms) -> Result<Harvest, String> {
    let Gathered { reader, document, has_moved } = *gathered?;
    let take_in = move |reader: &Reader| {
        let (plan, read) = (terms.plan(&reader.claim), &reader.claim.row.read);
        ingest::take_in(document, has_moved, &plan, read, &reader.seen, reader.now)
    };
    aside(&reader, take_in).await
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
