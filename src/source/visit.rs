//! One poll of one address, for all feeds that have it: ask, read, judge, commit.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tracing::{info, warn};

use crate::feed::{FeedId, Time};
use crate::ingest::{self, Harvest, needs_backfill};
use crate::store::{Claim, Completion, FeedRow, HostRow, StoreError};

use super::answer::{Answer, Body, FetchError, Fetched, Retry};
use super::catchup::Archive;
use super::gate::{Place, TurnedAway, host_of};
use super::notice::{log_failure, notice};
use super::outcome::{Failure, FailureKind, Outcome};
use super::policy;
use super::poll::{Poller, locked};
use super::reading::{Gathered, Reader, take_in};
use super::request::request;
use super::roster::{Roster, Subscription, Terms};
use super::schedule::{HOUR, later};
use super::sweep::Polled;

/// Host rows that a poll changed.
pub(super) type Hosts = Vec<(String, Option<HostRow>)>;

/// What was asked for a group of feeds, and what came back.
struct Visit {
    began: Time,
    is_forced: bool,
    fetched: Result<Fetched, FetchError>,
}

/// What that is to one feed.
enum Found<'a> {
    Nothing(&'a FetchError),
    /// The document of last time.
    Same(&'a Answer),
    Document(&'a Answer, &'a Body, Result<Box<Gathered>, String>),
}

/// Why a poll left nothing behind in the store.
#[derive(Debug, thiserror::Error)]
enum Unpolled {
    /// It had not begun when polling ended; after the next start the feed is as due as before.
    #[error("polling ends; it is polled after the next start")]
    Ending,
    /// What it brought could not be kept.
    #[error("{0}")]
    Lost(String),
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
        place.leave_host();
        let mut archive = request.ok().map(|request| Archive::new(request, place));

        let visit = Visit { began, is_forced, fetched };
        let mut pace = None;
        let mut outcomes = Vec::new();
        for claim in group {
            let hosts = std::mem::take(&mut hosts);
            outcomes.push(self.finish(claim, &visit, archive.as_mut(), hosts, &mut pace).await);
        }
        outcomes
    }

    /// What the answer says of its host, and when `is_telling` its absence of the network; told to those who wait for the
    /// host before it is free.
    pub(super) fn note_host(&self, fetched: &Result<Fetched, FetchError>, is_telling: bool) -> Hosts {
        let now = (self.clock)();
        let (host, row) = match fetched {
            Ok(fetched) => (host_of(&fetched.answer.url), None),
            Err(error @ FetchError::Status { host, retry_after, .. }) => {
                let is_refusal = matches!(error.retry(), Retry::Host(_));
                (host.clone(), is_refusal.then(|| policy::after_refusal(self.gate.row(host), *retry_after, now)))
            }
            Err(FetchError::Network { host, .. }) => {
                if is_telling {
                    self.note_reached(host, false, now);
                }
                return Hosts::new();
            }
            Err(_) => return Hosts::new(),
        };
        self.note_reached(&host, true, now);
        if row.is_none() && self.gate.row(&host).is_none() {
            return Hosts::new();
        }
        self.gate.set_row(&host, row.clone());
        vec![(host, row)]
    }

    fn note_reached(&self, host: &str, is_reached: bool, now: Time) {
        let mut outage = locked(&self.outage);
        let was_on = outage.is_on();
        outage.note(host, is_reached, now);
        match (was_on, outage.is_on()) {
            (false, true) => warn!("most hosts are out of reach: the network seems to be down, failures do not count"),
            (true, false) => info!("the network is back"),
            _ => {}
        }
    }

    /// Ends the poll of one feed. `pace` is the row of the group's first feed, which the others keep step with.
    async fn finish(
        &self,
        claim: &Claim,
        visit: &Visit,
        mut archive: Option<&mut Archive>,
        mut hosts: Hosts,
        pace: &mut Option<FeedRow>,
    ) -> Result<Polled, Unpolled> {
        let found = self.find(claim, visit, archive.as_deref_mut()).await?;
        hosts.extend(archive.into_iter().flat_map(|archive| std::mem::take(&mut archive.hosts)));
        // What was read goes where the configuration says now: it may have been edited while hosts were waited for.
        let _ending = self.endings.read().await;
        let terms = self.terms(&claim.feed).ok_or_else(left)?;
        let (outcome, harvest) = self.judge(claim, &terms, visit, found).await.map_err(unwritten)?;
        let ended = (self.clock)();
        let mut row = policy::after_poll(&claim.row, &outcome, &terms.subscription.poll, ended);
        if let Some(pace) = pace.as_ref() {
            (row.next_due, row.poll.once_due) = (pace.next_due, pace.poll.once_due);
            row.poll.why.clone_from(&pace.poll.why);
        }
        pace.get_or_insert_with(|| row.clone());
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
        let written = self.store.complete(Completion { claim, seen, editions, hosts }, ended).await;
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

    /// All that hosts have to be waited for.
    async fn find<'a>(
        &self,
        claim: &Claim,
        visit: &'a Visit,
        archive: Option<&mut Archive>,
    ) -> Result<Found<'a>, Unpolled> {
        let (answer, body) = match &visit.fetched {
            Err(error) => return Ok(Found::Nothing(error)),
            Ok(Fetched { answer, document: Some(body) })
                if visit.is_forced || claim.row.poll.body_hash.as_ref() != Some(&body.hash) =>
            {
                (answer, body)
            }
            Ok(Fetched { answer, .. }) => return Ok(Found::Same(answer)),
        };
        let seen = self.store.load_seen(&claim.feed).await.map_err(unwritten)?;
        let terms = self.terms(&claim.feed).ok_or_else(left)?;
        let reader = Reader { claim: claim.clone(), seen, now: visit.began, terms };
        Ok(Found::Document(answer, body, self.gather(reader, answer, body, archive).await))
    }

    async fn judge(
        &self,
        claim: &Claim,
        terms: &Terms,
        visit: &Visit,
        found: Found<'_>,
    ) -> Result<(Outcome, Option<Harvest>), StoreError> {
        let answer = match found {
            Found::Nothing(error) => return Ok((self.failure(error), None)),
            Found::Document(answer, body, gathered) => return Ok(take_in(gathered, terms.clone(), answer, body).await),
            Found::Same(answer) => answer,
        };
        // The same document is the second one without what was absent from the first.
        let mut harvest = None;
        if claim.row.read.absent > 0 {
            let seen = self.store.load_seen(&claim.feed).await?;
            harvest = ingest::unchanged(&terms.plan(claim), &claim.row.read, &seen, visit.began);
        }
        Ok((Outcome::Unchanged(answer.clone()), harvest))
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

fn unwritten(error: StoreError) -> Unpolled {
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
