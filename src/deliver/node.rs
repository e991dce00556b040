//! Makes sure that a node is there and is configured as it should be: create, audit, repair.
//!
//! Runs before the first publish to a node, because ejabberd creates a missing one silently and with defaults.

use minidom::Element;
use tracing::{info, warn};

use crate::feed::FeedMeta;
use crate::xmpp::{Request, RequestError, Wire, describe};

use super::address::Address;
use super::form::{self, Fields};
use super::settings::NodeSettings;
use super::verdict::{Refusal, Verdict, verdict};

/// What is known of a node that is ready to be published to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ready {
    /// Whether the account owns it, when known.
    pub(crate) owner: Option<bool>,
    /// Its `max_items`; `None` when unknown.
    pub(crate) max_items: Option<u32>,
    /// Whether it keeps items.
    pub(crate) persists: bool,
    /// The largest payload that it takes, in bytes, when it says so.
    pub(crate) max_payload: Option<u64>,
}

/// Creates the node with its whole configuration, or audits the one that is there.
pub(crate) async fn prepare(
    wire: &dyn Wire,
    address: &Address,
    settings: &NodeSettings,
    meta: Option<&FeedMeta>,
) -> Result<Ready, Verdict> {
    let wanted = form::wanted(settings, &address.node, meta);
    if !settings.create {
        return somebody_elses(wire, address).await;
    }
    match create(wire, address, &wanted).await {
        Ok(()) => {
            info!(node = address.node, "created the node");
            audit(wire, address, &wanted, true).await
        }
        Err(Refused::Exists) => audit(wire, address, &wanted, false).await,
        // COMPAT(Prosody 0.12): who may not create nodes is told so even of a node that exists.
        Err(Refused::Other(Verdict::Pause(_))) if wire.request(address.info()).await.is_ok() => {
            audit(wire, address, &wanted, false).await
        }
        Err(Refused::Other(verdict)) => Err(verdict),
    }
}

enum Refused {
    Exists,
    Other(Verdict),
}

async fn create(wire: &dyn Wire, address: &Address, wanted: &Fields) -> Result<(), Refused> {
    let create = |fields: &Fields| {
        let mut request = address.pubsub(true, "create", Vec::new());
        let configure = Element::builder("configure", xmpp_parsers::ns::PUBSUB)
            .append(form::submit(fields, xmpp_parsers::ns::PUBSUB_CONFIGURE));
        request.payload.append_child(configure.build());
        request
    };
    submit(wire, address, wanted.clone(), create).await
}

/// Submits a form, leaving out one field after the other while the server refuses it for what is in it.
async fn submit(
    wire: &dyn Wire,
    address: &Address,
    mut fields: Fields,
    request: impl Fn(&Fields) -> Request + Send,
) -> Result<(), Refused> {
    loop {
        let error = match wire.request(request(&fields)).await {
            Ok(_) => return Ok(()),
            Err(RequestError::Refused(error)) => error,
            Err(other) => return Err(Refused::Other(verdict(&Err(other)))),
        };
        let refusal = Refusal::read(&error);
        if refusal.condition == "conflict" && refusal.pubsub.is_empty() {
            return Err(Refused::Exists);
        }
        // COMPAT(ejabberd 23.01): an unknown or refused field is called wait + resource-constraint with a text, as if it passed.
        let is_about_fields =
            matches!(refusal.condition.as_str(), "bad-request" | "not-acceptable" | "feature-not-implemented")
                || (refusal.kind == "wait" && !refusal.text.is_empty());
        let dropped = form::least_needed(&fields, &refusal.text).map(str::to_owned).filter(|_| is_about_fields);
        let Some(dropped) = dropped else {
            return Err(Refused::Other(for_the_operator(verdict(&Err(RequestError::Refused(error))), address)));
        };
        warn!(
            node = address.node,
            field = dropped,
            said = describe(&error),
            "the service refused a field; going on without it"
        );
        fields.remove(&dropped);
    }
}

/// Says what to grant.
fn for_the_operator(verdict: Verdict, address: &Address) -> Verdict {
    let service = address.service.as_ref().map_or_else(|| "the own account".to_owned(), ToString::to_string);
    match verdict {
        Verdict::Pause(said) => Verdict::Pause(format!(
            "{service} does not let this account create node {} ({said}): allow it to create nodes there, or create the node and make it owner or publisher",
            address.node
        )),
        Verdict::Shrink(said) => {
            Verdict::Pause(format!("{service} refuses the configuration of node {} ({said})", address.node))
        }
        other => other,
    }
}

/// Reads back what the node is, and repairs what differs where the account is owner.
async fn audit(wire: &dyn Wire, address: &Address, wanted: &Fields, is_new: bool) -> Result<Ready, Verdict> {
    let (options, told) =
        tokio::join!(wire.request(address.owner(false, "configure", Vec::new())), wire.request(address.info()),);
    let mut has = told.ok().flatten().map(|info| form::read(&info)).unwrap_or_default();
    let mut owner = match options {
        Ok(answer) => {
            has.extend(answer.map(|form| form::read(&form)).unwrap_or_default());
            true
        }
        Err(RequestError::Refused(error)) => {
            let refusal = Refusal::read(&error);
            if is_new || !matches!(refusal.condition.as_str(), "forbidden" | "not-allowed" | "not-authorized") {
                return Err(for_the_operator(verdict(&Err(RequestError::Refused(error))), address));
            }
            warn!(node = address.node, "the account is not the owner of the node; its configuration is left as it is");
            false
        }
        Err(other) => return Err(verdict(&Err(other))),
    };
    let differences = if owner { form::differences(wanted, &has) } else { Fields::new() };
    if is_new {
        for name in differences.keys() {
            let (wanted, has) = (&wanted[name], &has[name]);
            warn!(
                node = address.node,
                field = name,
                wanted,
                has,
                "the service keeps another value than the one it was given"
            );
        }
    } else if !differences.is_empty() {
        match repair(wire, address, differences, &mut has).await {
            // COMPAT(Prosody 0.12): a publisher may read the configuration, and only the owner may change it.
            Err(Verdict::Pause(said)) => {
                warn!(node = address.node, said, "the node's configuration is left as it is");
                owner = false;
            }
            repaired => repaired?,
        }
    }
    let persists = has.get("persist_items").is_none_or(|value| value != "0" && value != "false");
    let max_items = match has.get("max_items").map(String::as_str) {
        Some("max") => Some(u32::MAX),
        Some(number) => number.parse().ok(),
        None => None,
    };
    let max_payload = has.get("max_payload_size").and_then(|bytes| bytes.parse().ok());
    Ok(Ready { owner: Some(owner), max_items, persists, max_payload })
}

async fn repair(wire: &dyn Wire, address: &Address, differences: Fields, has: &mut Fields) -> Result<(), Verdict> {
    let names = differences.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    info!(node = address.node, fields = names, "repairing the node's configuration");
    let request = |fields: &Fields| {
        address.owner(true, "configure", vec![form::submit(fields, xmpp_parsers::ns::PUBSUB_CONFIGURE)])
    };
    match submit(wire, address, differences.clone(), request).await {
        Ok(()) => {
            has.extend(differences);
            Ok(())
        }
        Err(Refused::Exists) => Err(Verdict::Retry("conflict".to_owned())),
        Err(Refused::Other(verdict)) => Err(verdict),
    }
}

/// A node that is not ours to create: it only has to be there. No owner's question is asked.
async fn somebody_elses(wire: &dyn Wire, address: &Address) -> Result<Ready, Verdict> {
    let unknown = Ready { owner: None, max_items: None, persists: true, max_payload: None };
    match wire.request(address.info()).await {
        Ok(_) => Ok(unknown),
        Err(RequestError::Refused(error)) if Refusal::read(&error).condition == "item-not-found" => {
            Err(Verdict::Pause(format!(
                "node {} does not exist: create it there and make this account a publisher, or set create = true",
                address.node
            )))
        }
        // Some services keep disco#info from strangers; the publish itself will tell.
        Err(RequestError::Refused(_)) => Ok(unknown),
        Err(other) => Err(verdict(&Err(other))),
    }
}
