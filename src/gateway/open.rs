//! Taking hold of a state: waits a little for another instance, then names it.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::config::Config;
use crate::control::{self, Answer, Question};
use crate::store::{RedbStore, Store, StoreError};

use super::parts::feeds;
use super::{GatewayError, clock};

/// How long another instance may take to let go.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);

/// Puts a new state in the place of a lost one, after reading it from end to end; whether it was lost. A state that somebody
/// holds is in use: whoever opens it next says so.
pub fn rebuild(path: &Path) -> Result<bool, StoreError> {
    match RedbStore::check(path) {
        Err(StoreError::Lost { .. }) => RedbStore::rebuild(path).map(|_| true),
        Ok(()) | Err(StoreError::Held { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the state hold the feeds of the configuration, while no gateway runs.
pub async fn sync(config: &Config) -> Result<(), GatewayError> {
    Ok(open(&config.store.path).await?.sync_feeds(feeds(config), clock()()).await?)
}

/// Opens the state, creating it when it never existed.
pub(crate) async fn open(path: &Path) -> Result<RedbStore, GatewayError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match RedbStore::open(path) {
            Err(StoreError::Held { .. }) if Instant::now() < deadline => sleep(PAUSE).await,
            Err(StoreError::Held { path }) => {
                let holder = match control::ask(&path, &Question::Who).await {
                    Ok(Some(Answer::Who(holder))) => Some(holder),
                    _ => None,
                };
                return Err(GatewayError::Held { path, holder });
            }
            other => return Ok(other?),
        }
    }
}
