//! A fetched document, read by intake on a thread of its own, where a panic is this poll's failure and nothing else.

use std::collections::HashSet;
use std::sync::Arc;

use crate::ingest::parse::ParseError;
use crate::ingest::{self, Arrival, Harvest};
use crate::store::{Claim, Seen};

use super::answer::{Answer, Body};
use super::outcome::{Failure, FailureKind, Outcome, TakenIn};
use super::roster::Subscription;
use super::visit::Visit;

/// Has intake read a document.
pub(super) async fn take_in(
    claim: &Claim,
    subscription: &Subscription,
    visit: &Visit,
    answer: &Answer,
    body: &Body,
    seen: Seen,
) -> (Outcome, Option<Harvest>) {
    let arrival = Arrival {
        feed: claim.feed.clone(),
        at: visit.began,
        base: answer.url.to_string(),
        content_type: body.content_type.clone(),
        body: body.bytes.clone(),
        is_truncated: false,
        has_moved: claim.row.poll.has_moved,
    };
    let (claim, subscription, roster, now) =
        (claim.clone(), subscription.clone(), Arc::clone(&visit.roster), visit.began);
    let reading = tokio::task::spawn_blocking(move || {
        let plan = subscription.plan(&claim, &roster);
        let harvest = ingest::ingest(&arrival, &plan, &claim.row.read, &seen, now)?;
        let has_known = has_known(&seen, &harvest.seen);
        Ok::<_, ParseError>((harvest, has_known))
    });
    let why = match reading.await {
        Ok(Ok((harvest, has_known))) => {
            let taken = TakenIn {
                body_hash: body.hash.clone(),
                hints: harvest.hints.clone(),
                keeps_validators: harvest.keeps_validators,
                has_news: harvest.has_news,
                has_known,
            };
            return (Outcome::TakenIn(answer.clone(), taken), Some(harvest));
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "reading the document crashed; please report it with the address".to_owned(),
    };
    (Outcome::Failed(Failure::new(&why, Some(answer.status), FailureKind::Backoff)), None)
}

/// Whether the document held an entry that was known before.
fn has_known(before: &Seen, after: &Seen) -> bool {
    let known: HashSet<_> = before.entries.iter().map(|entry| entry.key).collect();
    let present = after.entries.iter().filter(|entry| entry.place.is_some() && !entry.is_absent);
    present.into_iter().any(|entry| known.contains(&entry.key))
}
