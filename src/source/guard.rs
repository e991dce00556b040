//! Which addresses may be connected to: nobody's feed may reach into the operator's own network.
//!
//! Checked on every hop, on the very addresses that are connected to: literal ones in the address itself, resolved ones
//! inside the resolver, so that there is no second look-up for a name to change its mind in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

/// An address of the local network, and no `allow-private`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host} is {address}, an address of the local network; `allow-private = true` on the feed permits it")]
pub struct LocalAddress {
    /// The host as asked for.
    pub host: String,
    /// The address that was refused.
    pub address: IpAddr,
}

/// Refuses a literal address of the local network; names are the resolver's to judge.
pub fn check_literal(url: &Url) -> Result<(), LocalAddress> {
    // The url crate has already read 0x7f000001, 0177.1, 2130706433 and the like as the addresses that they are.
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(_)) | None => return Ok(()),
    };
    if is_public(address) {
        return Ok(());
    }
    Err(LocalAddress { host: url.host_str().unwrap_or_default().to_owned(), address })
}

/// Leaves the public addresses; refuses when that leaves none.
pub fn keep_public(host: &str, found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, LocalAddress> {
    let (public, local): (Vec<_>, Vec<_>) = found.partition(|socket| is_public(socket.ip()));
    match local.first() {
        Some(socket) if public.is_empty() => Err(LocalAddress { host: host.to_owned(), address: socket.ip() }),
        _ => Ok(public),
    }
}

/// Whether an address belongs to the internet at large.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// By the IANA special-purpose registry for IPv4 (RFC 6890).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match (a, b, c) {
        (0 | 10 | 127, ..) => true,                // this network, private, loopback
        (100, 64..=127, _) => true,                // shared by carriers (CGNAT)
        (169, 254, _) => true,                     // link-local, the metadata services of clouds among them
        (172, 16..=31, _) | (192, 168, _) => true, // private
        (192, 0, 0 | 2) => true,                   // protocol assignments, documentation
        (192, 88, 99) => true,                     // relays of 6to4
        (198, 18..=19, _) => true,                 // benchmarks
        (198, 51, 100) | (203, 0, 113) => true,    // documentation
        (224..=255, ..) => true,                   // multicast, reserved, broadcast
        _ => false,
    };
    !is_special
}

/// Global unicast only (2000::/3), and the IPv4 address inside a transition address counts too.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let last_v4 = || v4(segments[6], segments[7]);
    match segments {
        // mapped, and NAT64's well-known prefix (RFC 6052)
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => is_public_v4(last_v4()),
        // 6to4 (RFC 3056) and Teredo (RFC 4380), which carries the client's address inverted
        [0x2002, high, low, ..] => is_public_v4(v4(high, low)),
        [0x2001, 0, ..] => is_public_v4(v4(!segments[6], !segments[7])) && is_public_v4(v4(segments[2], segments[3])),
        // the rest of 2001::/23 is for protocols, 2001:db8::/32 and 3fff::/20 for documentation
        [0x2001, 1..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // ISATAP (RFC 5214): the interface id holds an IPv4 address
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] if !is_public_v4(last_v4()) => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

fn v4(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}
