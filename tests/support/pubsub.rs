//! What a subscriber does at a pubsub service (XEP-0060): subscribe, look, and be its owner.

use std::collections::BTreeMap;

use minidom::Element;
use xmpp_parsers::ns;

use super::eventually;
use super::subscriber::{Event, Subscriber};

impl Subscriber {
    /// Subscribes to a node.
    pub async fn subscribe(&self, service: &str, node: &str) {
        self.ask(service, "set", &format!("<subscribe node='{node}' jid='{}'/>", self.jid())).await;
    }

    /// The items of a node, ids and payloads, as the service lists them: Prosody oldest first, ejabberd newest first. `None`: there is
    /// no such node.
    pub async fn items(&self, service: &str, node: &str) -> Option<Vec<(String, Element)>> {
        let payload = format!("<pubsub xmlns='{}'><items node='{node}'/></pubsub>", ns::PUBSUB);
        let answer = self.request(service, "get", &payload).await.ok()??;
        let items = answer.get_child("items", ns::PUBSUB)?.children();
        Some(
            items
                .map(|item| (item.attr("id").unwrap_or_default().to_owned(), item.children().next().cloned().unwrap()))
                .collect(),
        )
    }

    /// A node's configuration, by field; for its owner.
    pub async fn configuration(&self, service: &str, node: &str) -> BTreeMap<String, Vec<String>> {
        let answer = self.own(service, "get", &format!("<configure node='{node}'/>")).await.unwrap();
        let form = answer.get_child("configure", ns::PUBSUB_OWNER).and_then(|form| form.get_child("x", ns::DATA_FORMS));
        let value = |field: &Element| {
            let values = field.children().filter(|child| child.name() == "value").map(Element::text).collect();
            Some((field.attr("var")?.to_owned(), values))
        };
        form.unwrap().children().filter(|field| field.name() == "field").filter_map(value).collect()
    }

    /// Creates a node.
    pub async fn create(&self, service: &str, node: &str, fields: &[(&str, &str)]) {
        let form = form("node_config", fields);
        self.ask(service, "set", &format!("<create node='{node}'/><configure>{form}</configure>")).await;
    }

    /// Changes fields of a node's configuration.
    pub async fn configure(&self, service: &str, node: &str, fields: &[(&str, &str)]) {
        let form = form("node_config", fields);
        self.own(service, "set", &format!("<configure node='{node}'>{form}</configure>")).await;
    }

    /// Gives an account an affiliation with a node, as in `publisher`.
    pub async fn affiliate(&self, service: &str, node: &str, jid: &str, affiliation: &str) {
        let entry = format!("<affiliation jid='{jid}' affiliation='{affiliation}'/>");
        self.own(service, "set", &format!("<affiliations node='{node}'>{entry}</affiliations>")).await;
    }

    /// Publishes an item.
    pub async fn publish(&self, service: &str, node: &str, id: &str, payload: &str) {
        self.ask(service, "set", &format!("<publish node='{node}'><item id='{id}'>{payload}</item></publish>")).await;
    }

    /// Retracts an item, and tells the subscribers.
    pub async fn retract(&self, service: &str, node: &str, id: &str) {
        self.ask(service, "set", &format!("<retract node='{node}' notify='true'><item id='{id}'/></retract>")).await;
    }

    /// Deletes a node.
    pub async fn delete(&self, service: &str, node: &str) {
        self.own(service, "set", &format!("<delete node='{node}'/>")).await;
    }

    /// Enters a room, and waits until it is in (XEP-0045 §7.2.2).
    pub async fn enter(&self, room: &str, nick: &str) {
        self.send(&format!(
            "<presence xmlns='jabber:client' to='{room}/{nick}'>\
             <x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>"
        ));
        let is_own = |event: &Event| match event {
            Event::Other(stanza) => stanza.get_child("x", ns::MUC_USER).is_some_and(|x| {
                stanza.name() == "presence" && x.children().any(|status| status.attr("code") == Some("110"))
            }),
            _ => false,
        };
        eventually(&format!("{nick} in {room}"), async || self.events().iter().any(is_own).then_some(())).await;
    }

    async fn ask(&self, service: &str, kind: &str, children: &str) -> Option<Element> {
        self.expect(service, kind, &format!("<pubsub xmlns='{}'>{children}</pubsub>", ns::PUBSUB)).await
    }

    async fn own(&self, service: &str, kind: &str, children: &str) -> Option<Element> {
        self.expect(service, kind, &format!("<pubsub xmlns='{}'>{children}</pubsub>", ns::PUBSUB_OWNER)).await
    }

    async fn expect(&self, service: &str, kind: &str, payload: &str) -> Option<Element> {
        let answer = self.request(service, kind, payload).await;
        answer.unwrap_or_else(|error| panic!("{service} refuses {payload}: {}", String::from(&error)))
    }
}

fn form(kind: &str, fields: &[(&str, &str)]) -> String {
    let field = |(var, value): &(&str, &str)| format!("<field var='pubsub#{var}'><value>{value}</value></field>");
    let fields: String = fields.iter().map(field).collect();
    format!(
        "<x xmlns='{}' type='submit'><field var='FORM_TYPE'><value>{}#{kind}</value></field>{fields}</x>",
        ns::DATA_FORMS,
        ns::PUBSUB
    )
}
