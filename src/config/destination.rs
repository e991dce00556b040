//! `to`: where entries go, each destination with settings of its own.

use std::sync::Arc;

use xmpp_parsers::jid::BareJid;

use crate::deliver::NodeSettings;
use crate::feed::Destination;
use crate::ingest::Backfill;

use super::Target;
use super::address::Service;
use super::fields::Fields;
use super::memo::Memo;
use super::print::inline;
use super::raw::Raw;
use super::settings::{self, Nodes};
use super::template;
use super::value::Value;

const KINDS: [&str; 4] = ["node", "pep", "room", "chat"];

/// Reads destinations; those with equal settings share them.
#[derive(Default)]
pub(super) struct Destinations {
    /// The service that nodes are created on without being told.
    default_service: Option<Service>,
    nodes: Memo<NodeSettings>,
    others: Memo<NodeSettings>,
}

/// What a list of destinations is read with.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    /// Settings of the feed, or the defaults.
    pub(super) base: &'a Arc<Nodes>,
    /// What first contact publishes to a node that does not say.
    pub(super) backfill: Option<Backfill>,
    /// What a node's name may hold in braces.
    pub(super) gaps: &'a [&'static str],
}

impl Destinations {
    pub(super) fn new(default_service: Option<Service>) -> Self {
        Self { default_service, ..Self::default() }
    }

    /// The node of a feed that has no `to`.
    pub(super) fn node(&mut self, fields: &mut Fields<'_>, ground: Ground<'_>, node: String) -> Target {
        let Ground { base, backfill, .. } = ground;
        fields.note_derived("to", "node", || format!("[{{ node = {} }}]", node.show()));
        let is_default = base.service == self.default_service;
        let settings = self.nodes.share(fields, base, |_, base| base.settled(is_default));
        let service = base.service.as_ref().map(|service| service.0.clone());
        Target { destination: Arc::new(Destination::Node { service, node }), backfill, settings }
    }

    /// The destinations of a `to`.
    pub(super) fn list(&mut self, fields: &mut Fields<'_>, ground: Ground<'_>) -> Vec<Target> {
        let Some(list) = fields.raw("to") else { return Vec::new() };
        let (mut targets, mut shown) = (Vec::<Target>::new(), Vec::new());
        let below = fields.layer();
        for raw in list.elements().into_iter().flatten() {
            let Some(kind) = kind_of(raw) else { continue };
            let Some(table) = Fields::of(format!("a `{kind}` destination"), raw) else { continue };
            let mut table = table.over(&below).traced(fields.is_traced());
            let target = self.target(kind, &mut table, ground);
            shown.push(inline(&table.finish()));
            let Some(target) = target else { continue };
            if targets.iter().any(|other| other.destination == target.destination) {
                raw.wrong::<()>(format!("{} stands twice in this `to`", target.destination), "");
            }
            targets.push(target);
        }
        if list.value.get_ref().as_array().is_some_and(|list| list.is_empty()) {
            list.wrong::<()>("`to` is empty", "leave it out for the default node; enabled = false stops a feed");
        }
        fields.note("to", || format!("[\n  {},\n]", shown.join(",\n  ")));
        targets
    }

    fn target(&mut self, kind: &'static str, fields: &mut Fields<'_>, ground: Ground<'_>) -> Option<Target> {
        let Self { default_service, nodes, others } = self;
        let base = ground.base;
        if matches!(kind, "room" | "chat") {
            fields.later(kind);
        }
        let mut service = None;
        let destination = match kind {
            "node" => fields.get("node").map(|node| Destination::Node { service: None, node }),
            "pep" => fields.get("pep").map(|Pep(jid)| Destination::Pep { jid: jid.map(|jid| jid.to_string()) }),
            "room" => fields.get("room").map(|jid: BareJid| Destination::Room { jid: jid.to_string() }),
            _ => fields.get("chat").map(|jid: BareJid| Destination::Chat { jid: jid.to_string() }),
        };
        let settings = match kind {
            "node" => nodes.share(fields, base, |fields, base| {
                service = fields.or("service", &base.service);
                settings::node(fields, base).settled(service == *default_service)
            }),
            "pep" => others.share(fields, base, |fields, base| settings::node(fields, base).settled(true)),
            "chat" => others.share(fields, base, |fields, base| NodeSettings {
                require_subscription: fields.or("require-subscription", &base.settings.require_subscription),
                ..base.settled(true)
            }),
            _ => others.share(fields, base, |_, base| base.settled(true)),
        };
        let backfill = fields.or("backfill", &ground.backfill.filter(|_| kind == "node"));
        let destination = match destination? {
            Destination::Node { node, .. } => {
                template::check(fields, "node", &node, ground.gaps);
                Destination::Node { service: service.map(|service| service.0), node }
            }
            other => other,
        };
        Some(Target { destination: Arc::new(destination), backfill, settings })
    }
}

fn kind_of(raw: Raw<'_>) -> Option<&'static str> {
    let table = raw.table()?;
    let kinds = KINDS.into_iter().filter(|kind| table.contains_key(*kind)).collect::<Vec<_>>();
    match kinds[..] {
        [kind] => Some(kind),
        _ => raw.wrong("a destination is one of `node`, `pep`, `room`, `chat`", "such as { node = \"my-node\" }"),
    }
}

/// `pep = true`, the account's own microblog, or another account's.
struct Pep(Option<BareJid>);

impl Value for Pep {
    fn read(raw: Raw<'_>) -> Option<Self> {
        match (raw.value.get_ref().as_bool(), raw.value.get_ref().as_str()) {
            (Some(true), _) => Some(Self(None)),
            (_, Some(_)) => BareJid::read(raw).map(|jid| Self(Some(jid))),
            _ => raw.wrong("`pep` is true or an account", "such as { pep = true } or { pep = \"juliet@example.org\" }"),
        }
    }

    fn show(&self) -> String {
        self.0.as_ref().map_or_else(|| "true".to_owned(), BareJid::show)
    }
}
