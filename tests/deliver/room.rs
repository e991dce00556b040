//! A room in memory: it lets one in, sends back what is said, tells newcomers what was said before.

use minidom::Element;
use xmpp_parsers::ns;

pub(crate) const ROOM: &str = "news@muc.a.test";

#[derive(Default)]
pub(crate) struct Room {
    /// How often it was entered.
    pub(crate) entered: usize,
    /// Ids of the messages that were said, in order.
    pub(crate) said: Vec<String>,
    /// Whether it takes the next message and says that it does not know.
    pub(crate) loses_next: bool,
    /// Whether whoever comes next makes it.
    pub(crate) is_missing: bool,
}

impl Room {
    /// What comes back for a stanza.
    pub(crate) fn hear(&mut self, stanza: &Element) -> Vec<Element> {
        let own = stanza.attr("to").filter(|to| to.starts_with(ROOM));
        match (stanza.name(), stanza.attr("type"), own) {
            ("presence", Some("unavailable"), Some(own)) => {
                vec![xml(&format!("<presence from='{own}' type='unavailable'"), "")]
            }
            ("presence", None, Some(own)) => self.let_in(own),
            ("message", Some("groupchat"), Some(_)) => vec![self.take(stanza.attr("id").unwrap())],
            _ => Vec::new(),
        }
    }

    fn let_in(&mut self, own: &str) -> Vec<Element> {
        self.entered += 1;
        let status = if std::mem::take(&mut self.is_missing) { "<status code='201'/>" } else { "" };
        let presence = xml(&format!("<presence from='{own}'"), &format!("<x xmlns='{}'>{status}</x>", ns::MUC_USER));
        let said =
            self.said.iter().map(|id| xml(&format!("<message from='{own}' type='groupchat' id='{id}'"), "<body/>"));
        let subject = xml(&format!("<message from='{ROOM}' type='groupchat'"), "<subject/>");
        [presence].into_iter().chain(said).chain([subject]).collect()
    }

    fn take(&mut self, id: &str) -> Element {
        self.said.push(id.to_owned());
        if std::mem::take(&mut self.loses_next) {
            let condition = format!("<error type='wait'><remote-server-timeout xmlns='{}'/></error>", ns::XMPP_STANZAS);
            return xml(&format!("<message from='{ROOM}' type='error' id='{id}'"), &condition);
        }
        xml(&format!("<message from='{ROOM}/bot' type='groupchat' id='{id}'"), "<body/>")
    }
}

fn xml(start: &str, children: &str) -> Element {
    let name = start[1..].split(' ').next().unwrap();
    format!("{start} xmlns='jabber:client'>{children}</{name}>").parse().unwrap()
}
