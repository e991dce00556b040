//! Addresses: XMPP accounts and services, web addresses, hosts.

use std::net::IpAddr;
use std::path::Path;

use url::Url;
use xmpp_parsers::jid::{BareJid, Jid};

use crate::web::Listen;

use super::raw::Raw;
use super::value::{Value, quoted_toml};

/// An account, a room or a person: `name@host`.
impl Value for BareJid {
    fn read(raw: Raw<'_>) -> Option<Self> {
        let jid = match Jid::new(raw.string()?) {
            Ok(jid) => jid,
            Err(error) => return raw.wrong(format!("`{}` is not an XMPP address: {error}", raw.key), EXAMPLE_JID),
        };
        if jid.resource().is_some() {
            let bare = jid.to_bare();
            return raw.wrong(format!("`{}` has a resource", raw.key), format!("write \"{bare}\""));
        }
        if jid.node().is_none() {
            return raw.wrong(format!("`{}` has no part before an `@`", raw.key), EXAMPLE_JID);
        }
        Some(jid.to_bare())
    }

    fn show(&self) -> String {
        quoted_toml(self.as_str())
    }
}

const EXAMPLE_JID: &str = "an address looks like \"feeds@example.org\"";

/// Where the program listens: `ADDRESS:PORT`, or `unix:PATH` with a path relative to the file.
impl Value for Listen {
    fn read(raw: Raw<'_>) -> Option<Self> {
        let text = raw.string()?;
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Some(Self::Unix(raw.file.path.parent().unwrap_or(Path::new("")).join(path)));
        }
        match text.parse() {
            Ok(address) => Some(Self::Tcp(address)),
            Err(_) => {
                let hint = "\"127.0.0.1:9117\", \"[::1]:9117\" or \"unix:/run/tidings/web.sock\"";
                raw.wrong(format!("`{}` is no address with a port, and no `unix:` with a path", raw.key), hint)
            }
        }
    }

    fn show(&self) -> String {
        quoted_toml(&self.to_string())
    }
}

/// A pubsub service: the address of a component, or a bare account.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Service(pub(super) String);

impl Value for Service {
    fn read(raw: Raw<'_>) -> Option<Self> {
        match Jid::new(raw.string()?) {
            Ok(jid) if jid.resource().is_none() => Some(Self(jid.to_string())),
            Ok(_) => raw.wrong(format!("`{}` has a resource", raw.key), "leave out the `/` and what follows"),
            Err(error) => raw.wrong(
                format!("`{}` is not an XMPP address: {error}", raw.key),
                "a service looks like \"pubsub.example.org\"",
            ),
        }
    }

    fn show(&self) -> String {
        quoted_toml(&self.0)
    }
}

impl Value for Url {
    fn read(raw: Raw<'_>) -> Option<Self> {
        let text = raw.string()?;
        match Url::parse(text.trim()) {
            Ok(url) => Some(url),
            Err(url::ParseError::RelativeUrlWithoutBase) => raw.wrong(
                format!("`{}` is not a whole address", raw.key),
                format!("write \"https://{}\"", text.trim_matches('/')),
            ),
            Err(error) => {
                raw.wrong(format!("`{}` is not an address: {error}", raw.key), "such as \"https://example.org/feed\"")
            }
        }
    }

    /// Values of a query may be secret tokens, as may a password.
    fn show(&self) -> String {
        let mut url = self.clone();
        if url.password().is_some() {
            let _ = url.set_password(Some("***"));
        }
        if url.query().is_some() {
            let names = self.query_pairs().map(|(name, _)| format!("{name}=***")).collect::<Vec<_>>();
            url.set_query(Some(&names.join("&")));
        }
        quoted_toml(url.as_str())
    }
}

/// Whether a `host`, `host:port`, `[ipv6]:port` is this machine and nothing else.
pub(super) fn is_loopback(server: &str) -> bool {
    let host = match server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None if server.matches(':').count() > 1 => server,
        None => server.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn this_machine_is_told_from_others() {
        for server in ["localhost", "LOCALHOST:5222", "127.0.0.1", "127.8.8.8:5222", "::1", "[::1]:5222", "[::1]"] {
            assert!(is_loopback(server), "{server}");
        }
        for server in
            ["", "example.org", "localhost.example.org", "127.0.0.1.example.org:5222", "10.0.0.1", "::2", "[::2]:1"]
        {
            assert!(!is_loopback(server), "{server}");
        }
    }
}
