//! Looks at rooms and persons without entering a room or writing to anybody.

use xmpp_parsers::jid::{BareJid, Jid};

use crate::xmpp::disco::{self, Info};
use crate::xmpp::{RequestError, Wire, describe};

use super::consent::{Standing, standing};
use super::settings::NodeSettings;
use super::verdict::Refusal;

/// What is seen of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomSight {
    /// It is not there, and is made when it is entered, if the account may.
    ToBeMade,
    /// It is not there, and nobody will make it.
    Missing,
    /// The address is that of something else.
    NoRoom,
    /// It is there (XEP-0045 §6.4).
    There {
        /// Only members may enter.
        is_for_members: bool,
        /// Whoever enters needs a password.
        has_password: bool,
        /// Whoever is in it needs voice to speak.
        is_moderated: bool,
    },
    /// It is there, or its server is, and does not say more.
    Hidden(String),
    /// Its server cannot be reached.
    Unreachable(String),
}

/// Whether a person lets the account write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// They get what comes.
    Given,
    /// They were asked, and have not answered.
    Awaited,
    /// They are asked when something comes.
    ToBeAsked,
    /// The configuration says that they need not be asked.
    NotNeeded,
}

/// What is seen of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonSight {
    /// Their server answers.
    Reached(Consent),
    /// It does not.
    Unreachable(String),
}

/// Looks at a room.
pub(super) async fn room(wire: &dyn Wire, room: &BareJid, settings: &NodeSettings) -> Result<RoomSight, RequestError> {
    let error = match disco::info(wire, &Jid::from(room.clone()), None).await {
        Ok(info) => return Ok(seen(&info)),
        Err(RequestError::Refused(error)) => error,
        Err(lost) => return Err(lost),
    };
    Ok(match Refusal::read(&error).condition.as_str() {
        "item-not-found" if settings.create => RoomSight::ToBeMade,
        "item-not-found" => RoomSight::Missing,
        condition if is_out_of_reach(condition) => RoomSight::Unreachable(describe(&error)),
        _ => RoomSight::Hidden(describe(&error)),
    })
}

fn seen(info: &Info) -> RoomSight {
    if !info.identities.iter().any(|(category, _)| category == "conference") {
        return RoomSight::NoRoom;
    }
    let has = |feature: &str| info.features.contains(feature);
    RoomSight::There {
        is_for_members: has("muc_membersonly"),
        has_password: has("muc_passwordprotected") || has("muc_password_protected"),
        is_moderated: has("muc_moderated"),
    }
}

/// Looks at a person's server, and at what the roster says of them.
pub(super) async fn person(
    wire: &dyn Wire,
    person: &BareJid,
    settings: &NodeSettings,
) -> Result<PersonSight, RequestError> {
    let server = Jid::from(BareJid::from_parts(None, person.domain()));
    match disco::info(wire, &server, None).await {
        Ok(_) => {}
        Err(RequestError::Refused(error)) => {
            let condition = Refusal::read(&error).condition;
            // COMPAT(Prosody): not-allowed is what it says of every other server when it talks to none.
            if is_out_of_reach(&condition) || condition == "not-allowed" {
                return Ok(PersonSight::Unreachable(describe(&error)));
            }
            // A server that tells nothing of itself is there all the same.
        }
        Err(lost) => return Err(lost),
    }
    if !settings.require_subscription {
        return Ok(PersonSight::Reached(Consent::NotNeeded));
    }
    Ok(PersonSight::Reached(match standing(wire, person).await? {
        Standing::Allowed => Consent::Given,
        Standing::Asked => Consent::Awaited,
        Standing::Unknown => Consent::ToBeAsked,
    }))
}

/// RFC 6120 §8.3.3.16, .17 and .19: what the own server says of another that it cannot or may not reach.
fn is_out_of_reach(condition: &str) -> bool {
    ["remote-server-not-found", "remote-server-timeout", "service-unavailable"].contains(&condition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_known_by_what_it_says_of_itself() {
        let info = |category: &str, features: &[&str]| Info {
            identities: vec![(category.to_owned(), "text".to_owned())],
            features: features.iter().map(|&feature| feature.to_owned()).collect(),
            ..Info::default()
        };
        let open = RoomSight::There { is_for_members: false, has_password: false, is_moderated: false };
        assert_eq!(seen(&info("conference", &["http://jabber.org/protocol/muc", "muc_open", "muc_unmoderated"])), open);
        let closed = RoomSight::There { is_for_members: true, has_password: true, is_moderated: true };
        let features = ["muc_membersonly", "muc_passwordprotected", "muc_moderated"];
        assert_eq!(seen(&info("conference", &features)), closed);
        assert_eq!(seen(&info("account", &["muc_moderated"])), RoomSight::NoRoom);
        assert_eq!(seen(&Info::default()), RoomSight::NoRoom);
    }
}
