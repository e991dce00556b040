//! One poll of one address, for all feeds that have it: ask, read, judge, commit.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tokio::sync::RwLockReadGuard;
use tracing::warn;

use crate::feed::{FeedId, Time};
use crate::ingest::{self, Harvest, needs_backfill};
use crate::store::{Claim, Completion, StoreError};

use super::answer::{Answer, Body, FetchError, Fetched, Retry};
use super::catchup::Archive;
use super::gate::{Place, TurnedAway};
use super::hosts::Hosts;
use super::notice::{log_failure, notice};
use super::outcome::{Failure, FailureKind, Outcome};
use super::policy;
use super::poll::{Poller, locked};
use super::request::request;
use super::roster::{Roster, Subscription, Terms};
use super::schedule::{HOUR, later};
use super::sweep::Polled;

/// What was asked for a group of feeds, and what came back.
struct Visit {
    began: Time,
    is_forced: bool,
    fetched: Result<Fetched, FetchError>,
    /// Whether one feed alone has the address.
    is_alone: bool,
}

/// What that is to one feed.
enum Found<'a> {
    Nothing(&'a FetchError),
    /// The document of last time.
    Same(&'a Answer),
    Document(&'a Answer, &'a Body),
}

/// The end of a poll: while it lasts, the configuration stays as it is.
pub(super) struct Ending<'a> {
    _lock: RwLockReadGuard<'a, ()>,
    /// What it says of the feed.
    pub(super) terms: Terms,
}

/// When the first feed of a group is polled next, which the others keep step with.
struct Pace {
    next_due: Time,
    once_due: Option<Time>,
    why: String,
}

/// Why a poll left nothing behind in the store.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unpolled {
    /// It had not begun when polling ended; after the next start the feed is as due as before.
    #[error("polling ends; it is polled after the next start")]
    Ending,
    /// What it brought could not be kept.
    #[error("{0}")]
    Lost(String),
}

impl Visit {
    fn found(&self, claim: &Claim) -> Found<'_> {
        match &self.fetched {
            Err(error) => Found::Nothing(error),
            Ok(Fetched { answer, document: Some(body) })
                if self.is_forced || claim.row.poll.body_hash.as_ref() != Some(&body.hash) =>
            {
                Found::Document(answer, body)
            }
            Ok(Fetched { answer, .. }) => Found::Same(answer),
        }
    }
}

impl Poller {
    /// Polls one address for the feeds that share it. What goes wrong, a panic included, ends nothing but this poll; claims
    /// that did not end in a completion are given back.
    pub(super) async fn poll(&self, mut group: Vec<Claim>, is_forced: bool) -> Vec<(FeedId, Polled)> {
        let visited = AssertUnwindSafe(self.visit(&mut group, is_forced)).catch_unwind().await;
        let mut outcomes = visited.unwrap_or_default().into_iter();
        let mut ended = Vec::new();
        for claim in group {
            let feed = claim.feed.clone();
            let crashed = || Err(Unpolled::Lost("the poll crashed; please report it with the address".to_owned()));
            let polled = outcomes.next().unwrap_or_else(crashed).unwrap_or_else(|unpolled| {
                let mut due = (self.clock)();
                if let Unpolled::Lost(why) = &unpolled {
                    warn!(%feed, why, "the poll was not written down");
                    due = later(due, HOUR);
                }
                self.store.release(claim, due);
                Polled::Failed(unpolled.to_string())
            });
            ended.push((feed, polled));
        }
        ended
    }

    /// The outcome for each feed of the group, the first of which sets the pace; an error is a poll that was not written
    /// down.
    async fn visit(&self, group: &mut [Claim], is_forced: bool) -> Vec<Result<Polled, Unpolled>> {
        let roster = self.roster();
        let began = (self.clock)();
        let Some(first) = group.first().and_then(|claim| roster.find(&claim.feed)) else {
            return group.iter().map(|_| Err(left())).collect();
        };
        group.iter_mut().for_each(|claim| policy::before_poll(&mut claim.row, &first.url, began));
        let calls_for_all =
            |claim: &Claim| roster.find(&claim.feed).is_some_and(|feed| calls_for_all(claim, &feed, &roster));
        let is_forced = is_forced || group.iter().any(calls_for_all);

        let mut place = Place::new(&self.gate, group.iter().all(|claim| claim.row.poll.failures > 0));
        let request = request(group, &first, is_forced, began).await;
        let fetched = match &request {
            Ok(request) => self.fetcher().fetch(request, &mut place, began).await,
            Err(error) => Err(error.clone()),
        };
        if matches!(fetched, Err(FetchError::TurnedAway(TurnedAway::Closed))) {
            return group.iter().map(|_| Err(Unpolled::Ending)).collect();
        }
        // A host that has been out of reach for long says nothing of the network.
        let is_telling = group.iter().all(|claim| claim.row.poll.failures == 0);
        let mut hosts = self.note_host(&fetched, is_telling);
        let visit = Visit { began, is_forced, fetched, is_alone: group.len() == 1 };
        // The slot is kept until the document is taken in, so that few are in memory at a time.
        match group.iter().any(|claim| matches!(visit.found(claim), Found::Document(..))) {
            true => place.leave_host(),
            false => place.leave(),
        }
        let mut archive = request.ok().map(|request| Archive::new(request, place));
        let mut pace = None;
        let mut outcomes = Vec::new();
        for claim in group {
            let hosts = std::mem::take(&mut hosts);
            outcomes.push(self.finish(claim, &visit, archive.as_mut(), hosts, &mut pace).await);
        }
        outcomes
    }

    /// Ends the poll of one feed.
    async fn finish(
        &self,
        claim: &Claim,
        visit: &Visit,
        mut archive: Option<&mut Archive>,
        mut hosts: Hosts,
        pace: &mut Option<Pace>,
    ) -> Result<Polled, Unpolled> {
        // What was read goes where the configuration says now: it may have been edited while hosts were waited for.
        let ending = self.ending(&claim.feed).await?;
        let (ending, outcome, harvest) = match visit.found(claim) {
            Found::Nothing(error) => (ending, self.failure(error), None),
            Found::Same(answer) => {
                let harvest = self.look_for_absences(claim, &ending.terms, visit.began).await.map_err(unwritten)?;
                (ending, Outcome::Unchanged(answer.clone()), harvest)
            }
            Found::Document(answer, body) => {
                self.take_in(claim, visit.began, (answer, body), archive.as_deref_mut(), ending).await?
            }
        };
        hosts.extend(archive.into_iter().flat_map(|archive| std::mem::take(&mut archive.hosts)));
        let terms = &ending.terms;
        let ended = (self.clock)();
        let mut row = policy::after_poll(&claim.row, &outcome, &terms.subscription.poll, ended);
        match pace {
            Some(Pace { next_due, once_due, why }) => {
                (row.next_due, row.poll.once_due) = (*next_due, *once_due);
                row.poll.why.clone_from(why);
            }
            None => {
                let why = row.poll.why.clone();
                *pace = Some(Pace { next_due: row.next_due, once_due: row.poll.once_due, why });
            }
        }
        let news = notice(&claim.row.poll, &row.poll);
        let (mut seen, mut editions, mut notices) = (None, Vec::new(), Vec::new());
        if let Some(harvest) = harvest {
            self.counter.note_harvest(&harvest, &claim.row.read);
            row.read = harvest.read;
            (seen, editions, notices) = (Some(harvest.seen), harvest.editions, harvest.notices);
        }
        let to_send = editions.iter().filter(|(_, places)| !places.is_empty()).count();
        let report = news
            .as_ref()
            .and_then(|news| news.report(&claim.feed, (&claim.row.poll, &row.poll), &terms.roster.health, ended));
        let has_rows = to_send > 0 || report.is_some();
        editions.extend(report);

        let failures = row.poll.failures;
        let lag = (visit.began - claim.row.next_due).to_std().unwrap_or_default();
        let claim = Claim { feed: claim.feed.clone(), epoch: claim.epoch, row };
        let feed = claim.feed.clone();
        // One after the other would wait, and what a host asked for must outlast us.
        let can_wait = visit.is_alone && seen.is_none() && editions.is_empty() && hosts.is_empty();
        let written = self.store.complete(Completion { claim, seen, editions, hosts, can_wait }, ended).await;
        self.note_written(written, ended).map_err(Unpolled::Lost)?;
        self.counter.note_poll(&outcome, lag, (ended - visit.began).to_std().unwrap_or_default());
        if has_rows {
            self.news.notify_one();
        }
        if let Some(news) = news {
            news.log(&feed);
            // Nobody need listen.
            let _ = self.notices.send((feed.clone(), news));
        } else if let Outcome::Failed(failure) = &outcome {
            log_failure(&feed, &failure.why, failures);
        }
        notices.iter().for_each(|notice| warn!(%feed, "{notice}"));
        Ok(polled(outcome, to_send))
    }

    /// Begins the end of a feed's poll.
    pub(super) async fn ending(&self, feed: &FeedId) -> Result<Ending<'_>, Unpolled> {
        let lock = self.endings.read().await;
        Ok(Ending { _lock: lock, terms: self.terms(feed).ok_or_else(left)? })
    }

    /// The same document is the second one without what was absent from the first.
    async fn look_for_absences(
        &self,
        claim: &Claim,
        terms: &Terms,
        began: Time,
    ) -> Result<Option<Harvest>, StoreError> {
        if claim.row.read.absent == 0 {
            return Ok(None);
        }
        let seen = self.store.load_seen(&claim.feed).await?;
        Ok(ingest::unchanged(&terms.plan(claim), &claim.row.read, &seen, began))
    }

    fn failure(&self, error: &FetchError) -> Outcome {
        let kind = match error.retry() {
            Retry::At(until) => return Outcome::Rested(until),
            Retry::Network if locked(&self.outage).is_on() => FailureKind::Offline,
            Retry::Network | Retry::Backoff => FailureKind::Backoff,
            Retry::Gone => FailureKind::Gone,
            Retry::Host(_) => match error {
                FetchError::Status { host, .. } => self.gate.row(host).and_then(|row| row.not_before),
                _ => None,
            }
            .map_or(FailureKind::Backoff, FailureKind::Rest),
        };
        Outcome::Failed(Failure::new(&error.to_string(), error.status(), kind))
    }
}

fn left() -> Unpolled {
    Unpolled::Lost("it left the configuration".to_owned())
}

pub(super) fn unwritten(error: StoreError) -> Unpolled {
    Unpolled::Lost(error.to_string())
}

/// Whether the whole document is wanted, read again though it be the same: a destination came that gets older entries.
fn calls_for_all(claim: &Claim, subscription: &Subscription, roster: &Roster) -> bool {
    needs_backfill(&claim.row.read, &subscription.plan(claim, roster))
}

fn polled(outcome: Outcome, editions: usize) -> Polled {
    match outcome {
        Outcome::Unchanged(_) if editions == 0 => Polled::Unchanged,
        Outcome::Unchanged(_) | Outcome::TakenIn(..) => Polled::TakenIn { editions },
        Outcome::Failed(failure) => Polled::Failed(failure.why),
        Outcome::Rested(until) => Polled::Rested(until),
    }
}
