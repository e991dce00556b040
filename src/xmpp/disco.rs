//! stub
use super::*;
/// stub
pub async fn find_pubsub(_wire: &dyn Wire, _domain: &str) -> Result<Option<Jid>, RequestError> {
    Ok(None)
}
