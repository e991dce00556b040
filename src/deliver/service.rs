//! The pubsub service that stands in where the configuration names none: found by disco once, kept in the state.

use tokio::sync::OnceCell;
use tracing::{info, warn};
use xmpp_parsers::jid::{BareJid, Jid};

use crate::store::Store;
use crate::xmpp::{Wire, disco};

use super::halt::Halt;
use super::verdict::{Verdict, verdict};

/// Finds the default service, once a process; a server that names none yet is asked again.
#[derive(Debug, Default)]
pub(crate) struct DefaultService(OnceCell<Jid>);

impl DefaultService {
    /// The service. What was found first stays: a difference later is a warning.
    pub(crate) async fn find(&self, wire: &dyn Wire, store: &dyn Store, account: &BareJid) -> Result<Jid, Halt> {
        self.0.get_or_try_init(|| look(wire, store, account)).await.cloned()
    }
}

async fn look(wire: &dyn Wire, store: &dyn Store, account: &BareJid) -> Result<Jid, Halt> {
    let mut meta = store.meta().await?;
    let kept = meta.service.as_deref().and_then(|service| Jid::new(service).ok());
    let found = disco::pubsub_service(wire, account).await.map_err(|error| verdict(&Err(error)));
    match (kept, found) {
        (Some(kept), Ok(Some(found))) if kept != found => {
            warn!(%kept, %found, "the server now names another pubsub service; staying with the one used so far");
            Ok(kept)
        }
        (Some(kept), _) => Ok(kept),
        (None, Ok(Some(found))) => {
            info!(service = %found, "found the pubsub service");
            meta.service = Some(found.to_string());
            store.set_meta(meta).await?;
            Ok(found)
        }
        (None, Ok(None)) => {
            let none = "the account's server has no pubsub service; name one: [defaults] service = \"…\"";
            Err(Verdict::Pause(none.to_owned()).into())
        }
        (None, Err(verdict)) => Err(verdict.into()),
    }
}
