//! Makes those ready who are told by messages: enters rooms and stays there, asks persons whether they want to hear.

use std::collections::HashSet;

use minidom::Element;
use minidom::rxml::xml_ncname;
use xmpp_parsers::jid::{BareJid, Jid};
use xmpp_parsers::ns;

use crate::feed::Destination;
use crate::store::{NodeFacts, Waiting};
use crate::xmpp::Request;

use super::consent::{self, Standing};
use super::destination::{Place, Room};
use super::halt::Halt;
use super::settings::NodeSettings;
use super::verdict::{Verdict, verdict};
use super::{Deliverer, lock};

/// XEP-0045 §10.
const MUC_OWNER: &str = "http://jabber.org/protocol/muc#owner";

impl Deliverer {
    /// Whether nothing has to be done before something is sent there: one is in the room.
    pub(super) fn is_there(&self, place: &Place) -> bool {
        match place {
            Place::Room(room) => self.rooms.is_inside(&room.jid),
            Place::Node(_) | Place::Person(_) => true,
        }
    }

    /// Enters a room, unless one is in it.
    pub(super) async fn attend(
        &self,
        room: &Room,
        settings: &NodeSettings,
        facts: NodeFacts,
    ) -> Result<NodeFacts, Halt> {
        if !self.rooms.is_inside(&room.jid) {
            self.enter(room, settings).await?;
        }
        Ok(NodeFacts { configured: Some((self.clock)()), persists: Some(false), ..facts })
    }

    async fn enter(&self, room: &Room, settings: &NodeSettings) -> Result<(), Halt> {
        let inside = self.rooms.enter(&*self.wire, room).await?;
        if inside.is_new {
            self.found(room, settings).await?;
        }
        tracing::info!(room = %room.jid, nick = room.nick, "entered the room");
        Ok(())
    }

    /// The room was not there, and was made by entering it: it is made a lasting one, or it goes away with us.
    async fn found(&self, room: &Room, settings: &NodeSettings) -> Result<(), Halt> {
        if !settings.create {
            self.rooms.leave(&*self.wire, &room.jid);
            return Err(
                Verdict::Pause("the room does not exist: make it there, or set create = true".to_owned()).into()
            );
        }
        let submitted = self.wire.request(lasting(room)).await;
        if let Err(error) = submitted {
            let refused = verdict(&Err(error));
            if matches!(refused, Verdict::Lost(_) | Verdict::InDoubt(_)) {
                return Err(refused.into());
            }
            tracing::warn!(room = %room.jid, ?refused, "the new room cannot be made a lasting one; it goes when the last one leaves");
        }
        tracing::info!(room = %room.jid, "made the room");
        Ok(())
    }

    /// What was said in a room under the account's name lately, by id. Enters it anew, as a room tells that to newcomers only.
    pub(super) async fn said_in(&self, room: &Room, settings: &NodeSettings) -> Result<HashSet<String>, Halt> {
        self.rooms.leave(&*self.wire, &room.jid);
        self.enter(room, settings).await?;
        Ok(self.rooms.history(&room.jid).await)
    }

    /// Whether the person lets the account write; who was never asked is asked.
    pub(super) async fn seek_consent(
        &self,
        waiting: &Waiting,
        person: &BareJid,
        settings: &NodeSettings,
        facts: NodeFacts,
    ) -> Result<NodeFacts, Halt> {
        let now = (self.clock)();
        if settings.require_subscription {
            lock(&self.decided).remove(&waiting.destination);
            let standing = consent::standing(&*self.wire, person).await.map_err(|error| verdict(&Err(error)))?;
            self.be_present();
            if standing != Standing::Allowed {
                let is_asked_now = standing == Standing::Unknown && facts.asked.is_none();
                if is_asked_now {
                    self.learn(&waiting.destination, NodeFacts { asked: Some(now), ..facts }).await?;
                    let _ = self.wire.send(consent::to_person(person, "subscribe"));
                }
                return Err(consent::missing(person, &self.config().account, is_asked_now).into());
            }
        }
        Ok(NodeFacts { configured: Some(now), persists: Some(false), ..facts })
    }

    /// Rooms of the configuration that one is not in, as if something waited for each.
    pub(super) fn rooms_to_enter(&self, waiting: &[Waiting]) -> Vec<Waiting> {
        let busy: HashSet<&Destination> = waiting.iter().map(|waiting| &waiting.destination).collect();
        let rooms = lock(&self.stays).clone();
        let idle = rooms.into_iter().filter(|(room, _)| !busy.contains(room));
        idle.map(|(room, facts)| Waiting::nothing(room, facts)).filter(|row| self.is_awaited(row)).collect()
    }

    /// Whether it is a room of the configuration that one is not in.
    pub(super) fn is_awaited(&self, row: &Waiting) -> bool {
        let Destination::Room { jid } = &row.destination else { return false };
        lock(&self.stays).contains_key(&row.destination)
            && BareJid::new(jid).is_ok_and(|room| !self.rooms.is_inside(&room))
    }

    /// Remembers what was learnt of the rooms of the configuration, but for what keeps one out of them.
    pub(super) async fn recall_rooms(&self) {
        if lock(&self.stays).is_empty() {
            return;
        }
        match self.store.nodes().await {
            Ok(nodes) => {
                nodes.into_iter().for_each(|(place, facts)| self.remember_room(&place, facts.without_trouble()))
            }
            Err(error) => tracing::error!(%error, "the state cannot be read"),
        }
    }

    /// Remembers what was learnt of a room of the configuration.
    pub(super) fn remember_room(&self, destination: &Destination, facts: NodeFacts) {
        if let Some(known) = lock(&self.stays).get_mut(destination) {
            *known = facts;
        }
    }

    /// Takes over which rooms one is to be in, and leaves all others.
    pub(super) fn keep_to_rooms(&self) {
        let config = self.config();
        let rooms = config.named.keys().filter(|destination| matches!(destination, Destination::Room { .. }));
        *lock(&self.stays) = rooms.map(|room| (room.clone(), NodeFacts::default())).collect();
        let kept = |room: &BareJid, nick: &str| {
            let destination = Destination::Room { jid: room.to_string() };
            config.named.contains_key(&destination) && config.nick(&destination) == nick
        };
        self.rooms.leave_others(&*self.wire, kept);
    }
}

/// Makes a new room a lasting one (XEP-0045 §10.1.3); all else stays as the service has it.
fn lasting(room: &Room) -> Request {
    let field = |name: &str, value: &str| {
        let value = Element::builder("value", ns::DATA_FORMS).append(value);
        Element::builder("field", ns::DATA_FORMS).attr(xml_ncname!("var").to_owned(), name).append(value).build()
    };
    let form = Element::builder("x", ns::DATA_FORMS)
        .attr(xml_ncname!("type").to_owned(), "submit")
        .append(field("FORM_TYPE", "http://jabber.org/protocol/muc#roomconfig"))
        .append(field("muc#roomconfig_persistentroom", "1"));
    let payload = Element::builder("query", MUC_OWNER).append(form).build();
    Request { to: Some(Jid::from(room.jid.clone())), set: true, payload }
}
