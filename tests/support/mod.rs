//! The harness of the end-to-end scenarios: real servers, scripted feeds, an independent subscriber, the gateway itself.
//!
//! Everything runs unprivileged on 127.0.0.1 out of temporary folders, and dies with the test. A server that is not installed fails the
//! test by the name of its package. A scenario opens with `#![cfg(test)]`, so that it may unwrap.

#![allow(dead_code, unreachable_pub, reason = "each scenario uses a part of the harness")]

pub mod certs;
pub mod ejabberd;
pub mod feeds;
pub mod gateway;
pub mod lua;
pub mod process;
pub mod prosody;
pub mod proxy;
pub mod pubsub;
pub mod subscriber;

use std::time::Duration;

use tidings::xmpp::{Session, Status, Wire};

/// How long anything that must happen may take on a machine that is busy with much else.
pub const DEADLINE: Duration = Duration::from_secs(180);

/// Whether the long tests are run in their full length.
pub fn is_nightly() -> bool {
    std::env::var_os("TIDINGS_NIGHTLY").is_some()
}

/// Asks `found` again and again until it gives something; panics with `what` at the deadline.
pub async fn eventually<T>(what: &str, found: impl AsyncFnMut() -> Option<T>) -> T {
    within(DEADLINE, what, found).await
}

/// The same with a deadline of one's own.
pub async fn within<T>(limit: Duration, what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let polling = async {
        loop {
            if let Some(value) = found().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(limit, polling).await {
        Ok(value) => value,
        Err(_) => panic!("waited {limit:?} in vain: {what}"),
    }
}

/// Waits until a session is online, refused or offline for a reason.
pub async fn settled(session: &Session) -> Status {
    let mut status = session.status();
    let is_settled = |status: &Status| !matches!(status, Status::Offline { reason: None });
    let settled = tokio::time::timeout(DEADLINE, status.wait_for(is_settled)).await;
    settled.expect("the session neither connects nor fails").unwrap().clone()
}

/// Waits until a session is online under a bind number past `after`, and tells that number.
pub async fn online(session: &Session, after: u64) -> u64 {
    let mut status = session.status();
    let is_online = |status: &Status| matches!(status, Status::Online { bind, .. } if *bind > after);
    match tokio::time::timeout(DEADLINE, status.wait_for(is_online)).await {
        Ok(Ok(status)) => match &*status {
            Status::Online { bind, .. } => *bind,
            _ => unreachable!(),
        },
        _ => panic!("not online: {:?}", session.status().borrow().clone()),
    }
}
