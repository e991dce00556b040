//! `to`: where entries go, each destination with settings of its own.

use std::collections::HashMap;
use std::sync::Arc;

use xmpp_parsers::jid::BareJid;

use crate::deliver::NodeSettings;
use crate::feed::{Destination, KINDS, Kind, Name};
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

/// Reads destinations; those with equal settings share them.
#[derive(Default)]
pub(super) struct Destinations {
    /// The service that nodes are created on without being told.
    default_service: Option<String>,
    /// The account's.
    domain: String,
    /// Settings by kind, and by whether what is missing is created.
    memos: HashMap<(&'static str, bool), Memo<NodeSettings>>,
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
    pub(super) fn new(default_service: Option<&Service>, account: &str) -> Self {
        let domain = account.rsplit('@').next().unwrap_or_default().to_owned();
        Self { default_service: default_service.map(|service| service.0.clone()), domain, ..Self::default() }
    }

    /// The node of a feed that has no `to`.
    pub(super) fn node(&mut self, fields: &mut Fields<'_>, ground: Ground<'_>, node: String) -> Target {
        let Ground { base, backfill, .. } = ground;
        fields.note_derived("to", "node", || format!("[{{ node = {} }}]", node.show()));
        let service = base.service.as_ref().map(|service| service.0.clone());
        let destination = Destination::Node { service, node };
        let is_ours = destination.is_ours(self.default_service.as_deref(), &self.domain);
        let memo = self.memos.entry(("", is_ours)).or_default();
        let settings = memo.share(fields, base, |_, base| base.settled(is_ours));
        Target { destination, backfill, settings }
    }

    /// The destinations of a `to`.
    pub(super) fn list(&mut self, fields: &mut Fields<'_>, ground: Ground<'_>) -> Vec<Target> {
        let Some(list) = fields.raw("to") else { return Vec::new() };
        let (mut targets, mut shown) = (Vec::<Target>::new(), Vec::new());
        let below = fields.layer();
        for raw in list.elements().into_iter().flatten() {
            let Some(kind) = kind_of(raw) else { continue };
            let Some(table) = Fields::of(format!("a `{}` destination", kind.key), raw) else { continue };
            let mut table = table.over(&below).traced(fields.is_traced());
            let target = self.target(kind, &mut table, ground);
            shown.push(inline(&table.finish()));
            let Some(target) = target else { continue };
            if targets.iter().any(|other| other.destination == target.destination) {
                raw.wrong::<()>(format!("{} stands twice in this `to`", target.destination), "keep one of them");
            }
            targets.push(target);
        }
        if list.value.get_ref().as_array().is_some_and(|list| list.is_empty()) {
            list.wrong::<()>("`to` is empty", "leave it out for the default node; enabled = false stops a feed");
        }
        fields.note("to", || format!("[\n  {},\n]", shown.join(",\n  ")));
        targets
    }

    fn target(&mut self, kind: &Kind, fields: &mut Fields<'_>, ground: Ground<'_>) -> Option<Target> {
        let base = ground.base;
        let named = match kind.named {
            Name::Node => fields.get(kind.key).map(Some),
            Name::Address => fields.get(kind.key).map(|jid: BareJid| Some(jid.to_string())),
            Name::AddressOrOwn => fields.get(kind.key).map(|OrOwn(jid)| jid.map(|jid| jid.to_string())),
        };
        let mut destination = (kind.make)(named.clone().flatten());
        if let Destination::Node { node, service } = &mut destination {
            template::check(fields, kind.key, node, ground.gaps);
            *service = fields.or("service", &base.service).map(|service| service.0);
        }
        let is_ours = destination.is_ours(self.default_service.as_deref(), &self.domain);
        let memo = self.memos.entry((kind.key, is_ours)).or_default();
        let settings =
            memo.share(fields, base, |fields, base| settings::own(fields, base, kind.settings).settled(is_ours));
        let backfill = fields.or("backfill", &ground.backfill.filter(|_| kind.named == Name::Node));
        named.map(|_| Target { destination, backfill, settings })
    }
}

fn kind_of(raw: Raw<'_>) -> Option<&'static Kind> {
    let table = raw.table()?;
    let kinds = KINDS.iter().filter(|kind| table.contains_key(kind.key)).collect::<Vec<_>>();
    let keys = KINDS.map(|kind| format!("`{}`", kind.key)).join(", ");
    match kinds[..] {
        [kind] => Some(kind),
        _ => raw.wrong(format!("a destination is one of {keys}"), "such as { node = \"my-node\" }"),
    }
}

/// `true` for the account itself, or another account.
struct OrOwn(Option<BareJid>);

impl Value for OrOwn {
    fn read(raw: Raw<'_>) -> Option<Self> {
        match (raw.value.get_ref().as_bool(), raw.value.get_ref().as_str()) {
            (Some(true), _) => Some(Self(None)),
            (_, Some(_)) => BareJid::read(raw).map(|jid| Self(Some(jid))),
            _ => raw.wrong(
                format!("`{}` is true or an account", raw.key),
                format!("such as {{ {0} = true }} or {{ {0} = \"juliet@example.org\" }}", raw.key),
            ),
        }
    }

    fn show(&self) -> String {
        self.0.as_ref().map_or_else(|| "true".to_owned(), BareJid::show)
    }
}
