//! What was seen of a destination, in words.

use xmpp_parsers::jid::BareJid;

use crate::deliver::{Consent, NodeSight, PersonSight, RoomSight, Sight};
use crate::feed::Destination;
use crate::xmpp::RequestError;

use super::report::Check;

/// The line on a destination.
pub(super) fn of(destination: &Destination, sight: Result<Sight, RequestError>, account: &BareJid) -> Check {
    let kind = match destination {
        Destination::Node { .. } | Destination::Pep { .. } => "node",
        Destination::Room { .. } => "room",
        Destination::Chat { .. } => "person",
    };
    match sight {
        Err(error) => Check::fail(kind, format!("{destination}: {error}"), "look at the log of the server that has it"),
        Ok(Sight::Node(sight)) => of_node(destination, sight, account),
        Ok(Sight::Room(sight)) => of_room(destination, sight, account),
        Ok(Sight::Person(sight)) => of_person(destination, sight, account),
    }
}

fn of_node(destination: &Destination, sight: NodeSight, account: &BareJid) -> Check {
    match sight {
        NodeSight::ToBeMade => Check::ok(
            "node",
            format!(
                "{destination} is not there yet, and is made with its first entry; whether {account} may is unknown until then"
            ),
        ),
        NodeSight::Missing => Check::fail(
            "node",
            format!("{destination} is not there"),
            format!("create it there and make {account} a publisher, or set create = true"),
        ),
        NodeSight::Hidden(why) => Check::warn(
            "node",
            format!("{destination}: the service does not say what it is ({why})"),
            format!("nothing, if {account} is a publisher there: the first publish will tell"),
        ),
        NodeSight::There { may_publish: Some(false), affiliation, .. } => Check::fail(
            "node",
            format!(
                "{destination}: {account} is {} there, and may not publish",
                affiliation.as_deref().unwrap_or("nobody")
            ),
            format!("make {account} a publisher of the node"),
        ),
        NodeSight::There { differences, affiliation, may_publish } if differences.is_empty() => {
            let rights = match (affiliation, may_publish) {
                (Some(affiliation), _) => format!("{account} is {affiliation}"),
                (None, Some(_)) => format!("{account} may publish"),
                (None, None) => format!("whether {account} may publish is unknown until the first publish"),
            };
            Check::ok("node", format!("{destination} is there; {rights}"))
        }
        NodeSight::There { differences, .. } => Check::warn(
            "node",
            format!("{destination} is there, and is otherwise configured: {}", differences.join(", ")),
            "nothing: it is repaired at the next start, and daily; a service that keeps other values says so in the log",
        ),
    }
}

fn of_room(destination: &Destination, sight: RoomSight, account: &BareJid) -> Check {
    let ok = |said: &str| Check::ok("room", format!("{destination} {said}"));
    let warn = |said: &str, fix: String| Check::warn("room", format!("{destination} {said}"), fix);
    let fail = |said: &str, fix: String| Check::fail("room", format!("{destination} {said}"), fix);
    match sight {
        RoomSight::ToBeMade => {
            ok("is not there yet, and is made when it is entered; whether the account may is unknown until then")
        }
        RoomSight::Missing => fail("is not there", "make it there, or set create = true".to_owned()),
        RoomSight::NoRoom => fail("is no room: another address answers", "look at `room` in `to`".to_owned()),
        RoomSight::Unreachable(why) => {
            fail(&format!("cannot be reached: {why}"), "look at `room` in `to`, and whether its server runs".to_owned())
        }
        RoomSight::Hidden(why) => {
            warn(&format!("does not say what it is ({why})"), format!("nothing, if {account} may enter it"))
        }
        RoomSight::There { has_password: true, .. } => fail(
            "asks for a password, which is not supported",
            format!("take the password away; the room can be for members, and {account} one of them"),
        ),
        RoomSight::There { is_for_members: true, .. } => warn(
            "is there, for members only",
            format!("nothing, if {account} is a member of the room; else make it one"),
        ),
        // ejabberd's rooms are moderated, and give voice to all, unless somebody changes that.
        RoomSight::There { is_moderated: true, .. } => ok("is there; it is moderated, and may give no voice to some"),
        RoomSight::There { .. } => ok("is there"),
    }
}

fn of_person(destination: &Destination, sight: PersonSight, account: &BareJid) -> Check {
    let ok = |said: &str| Check::ok("person", format!("{destination}: the server answers; {said}"));
    match sight {
        PersonSight::Unreachable(why) => {
            let message = format!("{destination}: the server cannot be reached: {why}");
            Check::fail("person", message, "look at the address, and whether that server runs")
        }
        PersonSight::Reached(Consent::Given) => ok("they have allowed messages"),
        PersonSight::Reached(Consent::NotNeeded) => ok("they are not asked whether they want messages"),
        PersonSight::Reached(Consent::ToBeAsked) => {
            ok("they are asked when the first entry comes whether they want messages")
        }
        PersonSight::Reached(Consent::Awaited) => {
            let message = format!("{destination}: they were asked whether they want messages, and have not answered");
            Check::warn("person", message, format!("they accept, or add {account} to their contacts"))
        }
    }
}
