//! Service discovery (XEP-0030): what an address is and can do, and where the account's pubsub service is.

use std::collections::BTreeSet;

use futures::future::join_all;
use minidom::Element;
use xmpp_parsers::disco::{DiscoInfoQuery, DiscoItemsQuery};
use xmpp_parsers::jid::{BareJid, Jid};
use xmpp_parsers::ns;

use super::{Request, RequestError, Wire};

/// How many items of a server are asked what they are.
const MAX_SERVICES: usize = 50;

/// What an address says of itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Info {
    /// Category and type, as in `("pubsub", "service")`.
    pub identities: Vec<(String, String)>,
    /// Namespaces and other names of what it can do.
    pub features: BTreeSet<String>,
    /// Data forms (XEP-0128).
    pub forms: Vec<Element>,
}

impl Info {
    /// Whether it has an identity of this category and type.
    pub fn is(&self, category: &str, kind: &str) -> bool {
        self.identities.iter().any(|(own_category, own_kind)| own_category == category && own_kind == kind)
    }

    fn read(query: &Element) -> Self {
        let attr = |element: &Element, name: &str| element.attr(name).unwrap_or_default().to_owned();
        let children = |name: &'static str, ns: &'static str| query.children().filter(move |child| child.is(name, ns));
        Self {
            identities: children("identity", ns::DISCO_INFO)
                .map(|identity| (attr(identity, "category"), attr(identity, "type")))
                .collect(),
            features: children("feature", ns::DISCO_INFO).map(|feature| attr(feature, "var")).collect(),
            forms: children("x", ns::DATA_FORMS).cloned().collect(),
        }
    }
}

/// Asks an address, or one of its nodes, what it is.
pub async fn info(wire: &dyn Wire, to: &Jid, node: Option<&str>) -> Result<Info, RequestError> {
    let payload = DiscoInfoQuery { node: node.map(str::to_owned) }.into();
    let answer = wire.request(Request { to: Some(to.clone()), set: false, payload }).await?;
    Ok(answer.as_ref().map(Info::read).unwrap_or_default())
}

/// Asks an address what belongs to it.
pub async fn items(wire: &dyn Wire, to: &Jid) -> Result<Vec<Jid>, RequestError> {
    let payload = DiscoItemsQuery { node: None, rsm: None }.into();
    let answer = wire.request(Request { to: Some(to.clone()), set: false, payload }).await?;
    let items = answer.iter().flat_map(|query| query.children()).filter(|child| child.is("item", ns::DISCO_ITEMS));
    Ok(items.filter_map(|item| Jid::new(item.attr("jid")?).ok()).collect())
}

/// Finds the pubsub service of the account's server; `None`: it has none. An item that does not answer is passed over.
pub async fn pubsub_service(wire: &dyn Wire, account: &BareJid) -> Result<Option<Jid>, RequestError> {
    let server = Jid::from(BareJid::from_parts(None, account.domain()));
    let services = items(wire, &server).await?;
    let asked = services.iter().take(MAX_SERVICES).map(|service| info(wire, service, None));
    let infos = join_all(asked).await;
    let found = services.into_iter().zip(infos).find_map(|(service, info)| match info {
        Ok(info) if info.is("pubsub", "service") => Some(Ok(service)),
        Ok(_) | Err(RequestError::Refused(_)) => None,
        Err(lost) => Some(Err(lost)),
    });
    found.transpose()
}
