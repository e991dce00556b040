//! The rooms that the account is in (XEP-0045): it enters under a fixed name, stays, and leaves.
//!
//! Pure but for the presences that it sends: what comes in is told to it.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;

use minidom::Element;
use minidom::rxml::xml_ncname;
use tokio::sync::watch;
use tokio::time::timeout;
use xmpp_parsers::jid::{BareJid, Jid};
use xmpp_parsers::ns;

use crate::feed::Destination;
use crate::xmpp::{Wire, describe};

use super::destination::Room;
use super::lock;
use super::verdict::{Refusal, Verdict, verdict};

/// How long a room may take to let one in.
const ENTERING: Duration = Duration::from_secs(60);
/// How long it may take to tell what was said before.
const HISTORY: Duration = Duration::from_secs(10);
/// How much of what was said before is looked at.
const MOST_HISTORY: &str = "50";

/// The rooms of a session.
#[derive(Debug, Default)]
pub(crate) struct Rooms(Mutex<HashMap<BareJid, Stay>>);

#[derive(Debug)]
struct Stay {
    nick: String,
    state: watch::Sender<State>,
}

/// How far one is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct State {
    inside: Option<Inside>,
    /// The subject came, which is the last thing that one is told on entering.
    is_up_to_date: bool,
    /// Ids of the own messages that were said before.
    history: HashSet<String>,
    refused: Option<Verdict>,
}

/// How one came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inside {
    /// Whether the room was made by entering it.
    pub(crate) is_new: bool,
}

/// A room that the account was turned out of.
#[derive(Debug)]
pub(crate) struct Expulsion {
    pub(crate) room: BareJid,
    pub(crate) verdict: Verdict,
}

impl Rooms {
    pub(crate) fn is_inside(&self, room: &BareJid) -> bool {
        lock(&self.0).get(room).is_some_and(|stay| stay.state.borrow().inside.is_some())
    }

    /// Enters a room.
    pub(crate) async fn enter(&self, wire: &dyn Wire, room: &Room) -> Result<Inside, Verdict> {
        let mut state = self.ask_in(wire, room)?;
        let is_decided = |state: &State| state.inside.is_some() || state.refused.is_some();
        let decided = match timeout(ENTERING, state.wait_for(is_decided)).await {
            Ok(Ok(state)) => state.clone(),
            Ok(Err(_)) => return Err(Verdict::Lost("the stream ended".to_owned())),
            Err(_) => {
                State { refused: Some(Verdict::Retry("the room does not answer".to_owned())), ..State::default() }
            }
        };
        match (decided.inside, decided.refused) {
            (Some(inside), None) => Ok(inside),
            (_, refused) => {
                lock(&self.0).remove(&room.jid);
                Err(refused.unwrap_or_else(|| Verdict::Retry("the room does not answer".to_owned())))
            }
        }
    }

    /// Ids of the own messages that a room remembers of the time before it was entered.
    pub(crate) async fn history(&self, room: &BareJid) -> HashSet<String> {
        let Some(mut state) = lock(&self.0).get(room).map(|stay| stay.state.subscribe()) else { return HashSet::new() };
        let _ = timeout(HISTORY, state.wait_for(|state| state.is_up_to_date)).await;
        state.borrow().history.clone()
    }

    fn ask_in(&self, wire: &dyn Wire, room: &Room) -> Result<watch::Receiver<State>, Verdict> {
        let state = watch::Sender::new(State::default());
        let changes = state.subscribe();
        lock(&self.0).insert(room.jid.clone(), Stay { nick: room.nick.clone(), state });
        let history = Element::builder("history", ns::MUC).attr(xml_ncname!("maxstanzas").to_owned(), MOST_HISTORY);
        let wish = Element::builder("x", ns::MUC).append(history).build();
        wire.send(presence(&room.jid, &room.nick, None, Some(wish))).map_err(|error| verdict(&Err(error)))?;
        Ok(changes)
    }

    /// Leaves a room.
    pub(crate) fn leave(&self, wire: &dyn Wire, room: &BareJid) {
        if let Some(stay) = lock(&self.0).remove(room) {
            // A stream that is over has left it already.
            let _ = wire.send(presence(room, &stay.nick, Some("unavailable"), None));
        }
    }

    /// Leaves the rooms that are not among these, under these names.
    pub(crate) fn leave_others(&self, wire: &dyn Wire, kept: impl Fn(&BareJid, &str) -> bool) {
        let rooms = lock(&self.0);
        let left: Vec<BareJid> =
            rooms.iter().filter(|(room, stay)| !kept(room, &stay.nick)).map(|(room, _)| room.clone()).collect();
        drop(rooms);
        left.iter().for_each(|room| self.leave(wire, room));
    }

    /// The room says that one is not in it.
    pub(crate) fn forget_one(&self, destination: &Destination) {
        if let Destination::Room { jid } = destination {
            lock(&self.0).retain(|room, _| room.as_str() != jid);
        }
    }

    /// The stream is over, and with it every stay.
    pub(crate) fn forget(&self) {
        lock(&self.0).clear();
    }

    /// Takes notice of a stanza. Whom a room turns out is told so.
    pub(crate) fn take(&self, stanza: &Element) -> Option<Expulsion> {
        let from = Jid::new(stanza.attr("from")?).ok()?;
        let mut stays = lock(&self.0);
        let Stay { nick, state } = stays.get(&from.to_bare())?;
        let is_own = from.resource().is_some_and(|resource| resource.as_str() == nick);
        match (stanza.name(), stanza.attr("type")) {
            ("presence", Some("error")) => {
                let refused = refusal(stanza, nick);
                state.send_modify(|state| state.refused = Some(refused));
            }
            ("presence", None) if is_own => {
                let is_new = has_status(stanza, "201");
                state.send_modify(|state| state.inside = Some(Inside { is_new }));
            }
            // Before one is inside it is the end of a former stay that comes in: one left, and asks to be let in again.
            ("presence", Some("unavailable")) if is_own && state.borrow().inside.is_some() => {
                stays.remove(&from.to_bare());
                return Some(Expulsion { room: from.to_bare(), verdict: expulsion(stanza) });
            }
            ("message", Some("groupchat")) if stanza.has_child("subject", ns::JABBER_CLIENT) => {
                state.send_modify(|state| state.is_up_to_date = true);
            }
            ("message", Some("groupchat")) if is_own && !state.borrow().is_up_to_date => {
                let origin = stanza.get_child("origin-id", ns::SID).and_then(|origin| origin.attr("id"));
                let ids = [stanza.attr("id"), origin].into_iter().flatten().map(str::to_owned);
                state.send_modify(|state| state.history.extend(ids));
            }
            _ => {}
        }
        None
    }
}

fn presence(room: &BareJid, nick: &str, kind: Option<&str>, child: Option<Element>) -> Element {
    let mut presence =
        Element::builder("presence", ns::JABBER_CLIENT).attr(xml_ncname!("to").to_owned(), format!("{room}/{nick}"));
    if let Some(kind) = kind {
        presence = presence.attr(xml_ncname!("type").to_owned(), kind);
    }
    presence.append_all(child).build()
}

fn has_status(stanza: &Element, code: &str) -> bool {
    let x = stanza.get_child("x", ns::MUC_USER);
    x.is_some_and(|x| x.children().any(|child| child.name() == "status" && child.attr("code") == Some(code)))
}

/// Why a room does not let one in (XEP-0045 §7.2), in words for the operator.
fn refusal(stanza: &Element, nick: &str) -> Verdict {
    let error = stanza.children().find(|child| child.name() == "error").cloned();
    let error = error.unwrap_or_else(|| Element::bare("error", ns::JABBER_CLIENT));
    let said = describe(&error);
    match Refusal::read(&error).condition.as_str() {
        "conflict" => {
            Verdict::Pause(format!("somebody else is called {nick} in the room ({said}): set another `nick`"))
        }
        "registration-required" => {
            Verdict::Pause(format!("only members may enter the room ({said}): make this account a member"))
        }
        "forbidden" => Verdict::Pause(format!("this account is banned from the room ({said}): lift the ban")),
        "not-authorized" => Verdict::Pause(format!("the room asks for a password ({said}), which is not supported")),
        "not-allowed" | "item-not-found" => {
            Verdict::Pause(format!("the room does not exist, and this account may not make it ({said}): make it there"))
        }
        "gone" | "jid-malformed" | "feature-not-implemented" => Verdict::Pause(said),
        _ => Verdict::Retry(said),
    }
}

/// What it means to be turned out (XEP-0045 §8.2, §9.1, §10.9, §14).
fn expulsion(stanza: &Element) -> Verdict {
    let x = stanza.get_child("x", ns::MUC_USER);
    let words = |element: &Element| element.get_child("reason", ns::MUC_USER).map(Element::text);
    let reason = x.and_then(|x| x.children().find_map(words)).unwrap_or_default();
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let because = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    if x.is_some_and(|x| x.has_child("destroy", ns::MUC_USER)) {
        return Verdict::Pause(format!("the room was destroyed{because}: take it out of `to`, or make it again"));
    }
    match () {
        () if has_status(stanza, "301") => {
            Verdict::Pause(format!("this account was banned from the room{because}: lift the ban"))
        }
        () if has_status(stanza, "321") || has_status(stanza, "322") => {
            Verdict::Pause(format!("only members may be in the room{because}: make this account a member"))
        }
        () if has_status(stanza, "307") => Verdict::Retry(format!("kicked from the room{because}")),
        () => Verdict::Retry(format!("the account is not in the room any more{because}")),
    }
}
