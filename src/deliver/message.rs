//! Pure: chat messages.
//!
//! The id is a function of entry and addressee, in `id` and as origin-id (XEP-0359): a message that has to be sent again is the
//! same one, and who remembers ids folds the two.

use minidom::Element;
use minidom::rxml::xml_ncname;
use sha2::{Digest, Sha256};
use xmpp_parsers::jid::BareJid;
use xmpp_parsers::ns;

use crate::feed::ItemId;

/// A message to send.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) stanza: Element,
}

impl Message {
    pub(crate) fn new(to: &BareJid, kind: &str, item: &ItemId, text: &str) -> Self {
        let id = id(item, to);
        let origin = Element::builder("origin-id", ns::SID).attr(xml_ncname!("id").to_owned(), id.as_str());
        let body = Element::builder("body", ns::JABBER_CLIENT).append(text);
        let stanza = Element::builder("message", ns::JABBER_CLIENT)
            .attr(xml_ncname!("to").to_owned(), to.as_str())
            .attr(xml_ncname!("type").to_owned(), kind)
            .attr(xml_ncname!("id").to_owned(), id.as_str())
            .append(body)
            .append(origin);
        Self { id, stanza: stanza.build() }
    }
}

/// The id of the message that tells an addressee of an entry.
pub(crate) fn id(item: &ItemId, to: &BareJid) -> String {
    let mut hash = Sha256::new();
    for part in [item.0.as_str(), "\0", to.as_str()] {
        hash.update(part);
    }
    data_encoding::BASE32_NOPAD.encode(&hash.finalize()[..10]).to_ascii_lowercase()
}

/// Whether a message bears this id; services that give ids of their own keep the origin-id.
pub(crate) fn has_id(message: &Element, id: &str) -> bool {
    let origin = message.get_child("origin-id", ns::SID).and_then(|origin| origin.attr("id"));
    message.attr("id") == Some(id) || origin == Some(id)
}
