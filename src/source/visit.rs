//! One poll of one address, for all feeds that have it: ask, read, judge, commit.

use std::collections::HashSet;
use std::sync::Arc;

use tracing::{error, info, warn};
use url::Url;

use crate::feed::{FeedId, Time};
use crate::ingest::parse::ParseError;
use crate::ingest::{self, Arrival, Harvest, Plan};
use crate::store::{Claim, Completion, FeedRow, HostRow, Seen, StoreError, Validators};

use super::answer::{Answer, Body, FetchError, Fetched, Retry};
use super::fetch::Request;
use super::gate::{Place, host_of};
use super::notice::notice;
use super::policy::{self, Failure, FailureKind, Outcome, TakenIn};
use super::poll::{Polled, Poller, locked};
use super::roster::{Roster, Subscription};
use super::schedule::{DAY, MINUTE, later};
use super::validators;

/// Host rows that a poll changed.
type Hosts = Vec<(String, Option<HostRow>)>;

/// What was asked for a group of feeds, and what came back.
struct Visit {
    roster: Arc<Roster>,
    began: Time,
    is_forced: bool,
    fetched: Result<Fetched, FetchError>,
}

impl Poller {
    /// Polls one address for the feeds that share it, the first of which sets the pace.
    pub(super) async fn visit(&self, mut group: Vec<Claim>, is_forced: bool) -> Vec<(FeedId, Polled)> {
        let roster = self.roster();
        let began = (self.clock)();
        let Some(subscription) = group.first().and_then(|claim| roster.find(&claim.feed)) else {
            // It left the configuration a moment ago.
            group.into_iter().for_each(|claim| self.store.release(claim, later(began, DAY)));
            return Vec::new();
        };
        group.iter_mut().for_each(|claim| policy::before_poll(&mut claim.row, &subscription.url, began));

        let mut place = Place::new(&self.gate, group.iter().all(|claim| claim.row.poll.failures > 0));
        let fetched = match request(&group, &subscription, is_forced, began).await {
            Ok(request) => self.fetcher.fetch(&request, &mut place, began).await,
            Err(error) => Err(error),
        };
        let mut hosts = self.note_host(&fetched, &group);
        place.leave_host();

        let visit = Visit { roster, began, is_forced, fetched };
        let mut pace = None;
        let mut ended = Vec::new();
        for claim in group {
            let (feed, back) = (claim.feed.clone(), claim.clone());
            match self.finish(claim, &visit, std::mem::take(&mut hosts), &mut pace).await {
                Ok(polled) => ended.push((feed, polled)),
                Err(error) => {
                    error!(%feed, %error, "the poll cannot be written down and will be made again");
                    self.store.release(back, later((self.clock)(), MINUTE));
                    ended.push((feed, Polled::Failed(error.to_string())));
                }
            }
        }
        ended
    }

    /// What the answer says of its host; told to those who wait for it before it is free.
    fn note_host(&self, fetched: &Result<Fetched, FetchError>, group: &[Claim]) -> Hosts {
        let now = (self.clock)();
        let (host, row) = match fetched {
            Ok(fetched) => (host_of(&fetched.answer.url), None),
            Err(FetchError::Status { host, retry_after, .. }) => {
                let is_refusal = fetched.as_ref().is_err_and(|error| matches!(error.retry(), Retry::Host(_)));
                (host.clone(), is_refusal.then(|| policy::after_refusal(self.gate.row(host), *retry_after, now)))
            }
            Err(FetchError::Network { host, .. }) => {
                // One that has been out of reach for long says nothing of the network.
                if group.iter().all(|claim| claim.row.poll.failures == 0) {
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
        mut claim: Claim,
        visit: &Visit,
        hosts: Hosts,
        pace: &mut Option<FeedRow>,
    ) -> Result<Polled, StoreError> {
        let Some(subscription) = visit.roster.find(&claim.feed) else {
            self.store.release(claim, later(visit.began, DAY));
            return Ok(Polled::Failed("it left the configuration".to_owned()));
        };
        let (outcome, harvest) = self.judge(&claim, &subscription, visit).await?;
        let mut row = policy::after_poll(&claim.row, &outcome, &subscription.poll, (self.clock)());
        if let Some(pace) = pace.as_ref() {
            (row.next_due, row.poll.once_due) = (pace.next_due, pace.poll.once_due);
            row.poll.why.clone_from(&pace.poll.why);
        }
        pace.get_or_insert_with(|| row.clone());
        let polled = polled(outcome, harvest.as_ref());
        let news = notice(&claim.row.poll, &row.poll);
        let (mut seen, mut editions) = (None, Vec::new());
        if let Some(harvest) = harvest {
            row.read = harvest.read;
            (seen, editions) = (Some(harvest.seen), harvest.editions);
        }
        let feed = claim.feed.clone();
        claim.row = row;
        self.store.complete(Completion { claim, seen, editions, hosts }, (self.clock)()).await?;
        if matches!(polled, Polled::TakenIn { editions: 1.. }) {
            self.news.notify_one();
        }
        if let Some(news) = news {
            news.log(&feed);
        }
        Ok(polled)
    }

    async fn judge(
        &self,
        claim: &Claim,
        subscription: &Subscription,
        visit: &Visit,
    ) -> Result<(Outcome, Option<Harvest>), StoreError> {
        let is_last = |body: &Body| !visit.is_forced && claim.row.poll.body_hash.as_ref() == Some(&body.hash);
        match &visit.fetched {
            Err(error) => Ok((self.failure(error), None)),
            Ok(Fetched { answer, document: None }) => Ok((Outcome::Unchanged(answer.clone()), None)),
            Ok(Fetched { answer, document: Some(body) }) if is_last(body) => {
                Ok((Outcome::Unchanged(answer.clone()), None))
            }
            Ok(Fetched { answer, document: Some(body) }) => {
                let seen = self.store.load_seen(&claim.feed).await?;
                Ok(take_in(claim, subscription, visit, answer, body, seen).await)
            }
        }
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
        Outcome::Failed(Failure { why: error.to_string(), status: error.status(), kind })
    }
}

/// What to send. Without validators when the feeds of the group do not agree on them, when a whole document is due, or
/// when something else said that there is news.
async fn request(
    group: &[Claim],
    subscription: &Subscription,
    is_forced: bool,
    now: Time,
) -> Result<Request, FetchError> {
    let rules = &subscription.poll;
    let mut kept = group.iter().map(|claim| validators::to_send(&claim.row.poll, rules, &claim.row.key_id, now));
    let first = kept.next().filter(|_| !is_forced).unwrap_or_default();
    let validators = if kept.all(|other| other == first) { first } else { Validators::default() };

    let mut configured = subscription.url.clone();
    let mut basic = None;
    if !configured.username().is_empty() || configured.password().is_some() {
        basic = Some((configured.username().to_owned(), configured.password().unwrap_or_default().to_owned()));
        let _ = configured.set_username("").and_then(|()| configured.set_password(None));
    }
    if let Some((user, super::BasicPassword(path))) = &rules.basic {
        let failed = |error: std::io::Error| FetchError::File { path: path.clone(), why: error.to_string() };
        let text = tokio::fs::read_to_string(path).await.map_err(failed)?;
        basic = Some((user.clone(), text.lines().next().unwrap_or_default().to_owned()));
    }
    let moved_to = group.first().and_then(|claim| claim.row.poll.moved_to.as_deref());
    Ok(Request {
        origin: configured.origin(),
        url: moved_to.and_then(|moved| Url::parse(moved).ok()).unwrap_or(configured),
        validators,
        basic,
        headers: rules.headers.clone(),
        allow_private: rules.allow_private,
    })
}

/// Has intake read a document, where its panic is this poll's failure and nothing else.
async fn take_in(
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
    let (subscription, routes) = (subscription.clone(), Arc::clone(&visit.roster.routes));
    let (read, key_id, now) = (claim.row.read.clone(), claim.row.key_id.clone(), visit.began);
    let reading = tokio::task::spawn_blocking(move || {
        let plan = Plan {
            feed: &arrival.feed,
            key_id: &key_id,
            tags: &subscription.tags,
            rules: &subscription.rules,
            to: &subscription.to,
            routes: &routes,
        };
        let harvest = ingest::ingest(&arrival, &plan, &read, &seen, now)?;
        let has_known = has_known(&seen, &harvest.seen, now);
        Ok((harvest, has_known))
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
        Ok(Err(error)) => unreadable(&error),
        Err(_) => "reading the document crashed; please report it with the address".to_owned(),
    };
    (Outcome::Failed(Failure { why, status: Some(answer.status), kind: FailureKind::Backoff }), None)
}

/// Whether the document held an entry that was known before.
fn has_known(before: &Seen, after: &Seen, now: Time) -> bool {
    let known: HashSet<_> = before.entries.iter().map(|entry| entry.key).collect();
    // A store may keep whole seconds.
    after.entries.iter().any(|entry| entry.last_seen.timestamp() >= now.timestamp() && known.contains(&entry.key))
}

/// What is wrong with a document; for a page, the feeds that it links to.
fn unreadable(error: &ParseError) -> String {
    match error {
        ParseError::NotAFeed { feeds, .. } if !feeds.is_empty() => {
            let links: Vec<_> = feeds.iter().take(5).map(|found| found.url.as_str()).collect();
            format!("{error}; the page links to {}", links.join(", "))
        }
        _ => error.to_string(),
    }
}

fn polled(outcome: Outcome, harvest: Option<&Harvest>) -> Polled {
    match outcome {
        Outcome::Unchanged(_) => Polled::Unchanged,
        Outcome::TakenIn(..) => {
            let to_send = |(_, places): &&(_, Vec<_>)| !places.is_empty();
            Polled::TakenIn { editions: harvest.map_or(0, |harvest| harvest.editions.iter().filter(to_send).count()) }
        }
        Outcome::Failed(failure) => Polled::Failed(failure.why),
        Outcome::Rested(until) => Polled::Rested(until),
    }
}
