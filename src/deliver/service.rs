//! The pubsub service that stands in where the configuration names none: found by disco once, kept in the state.

use tokio::sync::OnceCell;
use tracing::{info, warn};
use xmpp_parsers::jid::{BareJid, Jid};

use crate::store::Store;
use crate::xmpp::{Wire, disco};

use super::halt::Halt;
use super::verdict::{Verdict, verdict};

/// Finds the default service, once a process.
#[derive(Debug, Default)]
pub(crate) struct DefaultService(OnceCell<Option<Jid>>);

impl DefaultService {
    /// The service; `None` when the account's server has none. What was found first stays: a difference later is a warning.
    pub(crate) async fn find(
        &self,
        wire: &dyn Wire,
        store: &dyn Store,
        account: &BareJid,
    ) -> Result<Option<Jid>, Halt> {
        self.0.get_or_try_init(|| look(wire, store, account)).await.cloned()
    }
}

async fn look(wire: &dyn Wire, store: &dyn Store, account: &BareJid) -> Result<Option<Jid>, Halt> {
    let found = match disco::pubsub_service(wire, account).await {
        Ok(found) => found,
        Err(error) => match verdict(&Err(error)) {
            lost @ (Verdict::Lost(_) | Verdict::InDoubt(_)) => return Err(lost.into()),
            _ => None,
        },
    };
    let mut meta = store.meta().await?;
    let kept = meta.service.as_deref().and_then(|service| Jid::new(service).ok());
    match (&kept, &found) {
        (Some(kept), Some(found)) if kept != found => {
            warn!(%kept, %found, "the server now names another pubsub service; staying with the one used so far");
        }
        (None, Some(found)) => {
            info!(service = %found, "found the pubsub service");
            meta.service = Some(found.to_string());
            store.set_meta(meta).await?;
        }
        _ => {}
    }
    Ok(kept.or(found))
}
