//! What is sent to ask for an address, on behalf of all feeds that share it.

use url::Url;

use crate::feed::Time;
use crate::store::{Claim, Validators};

use super::answer::FetchError;
use super::fetch::Request;
use super::roster::Subscription;
use super::{BasicPassword, validators};

/// What to send. Without validators when the feeds of the group do not agree on them, when a whole document is due, or
/// when something else said that there is news.
pub(super) async fn request(
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
    if let Some((user, BasicPassword(path))) = &rules.basic {
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
