//! Which addresses may be connected to: nobody's feed may reach into the operator's own network.
//!
//! Checked on every hop, on the very addresses that are connected to: literal ones in the address itself, resolved ones
//! inside the resolver, so that there is no second look-up for a name to change its mind in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

/// An address of the local network, and no `allow-private`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} is {}an address of the local network; `allow-private = true` on the feed permits it",
    resolved(.host, *.address)
)]
pub struct LocalAddress {
    /// The host as asked for.
    pub host: String,
    /// The address that was refused.
    pub address: IpAddr,
}

/// What a name resolved to; an address speaks for itself.
fn resolved(host: &str, address: IpAddr) -> String {
    let address = address.to_string();
    if host.trim_matches(['[', ']']) == address { String::new() } else { format!("{address}, ") }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Spellings of addresses that nobody's feed may name, and what is to be learnt from each.
    const LOCAL: &[&str] = &[
        // loopback, as inet_aton reads it
        "http://127.0.0.1/",
        "http://127.0.0.1:80/",
        "http://127.1/",
        "http://127.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0x7f.1/",
        "http://0X7F.0X0.0X0.0X1/",
        "http://0177.0.0.1/",
        "http://0177.1/",
        "http://00000177.0.0.1/",
        "http://017700000001/",
        "http://127.0.0.1./",
        "http://127.255.255.254/",
        "http://①②⑦.⓪.⓪.①/",
        "http://127。0。0。1/",
        "http://%31%32%37.0.0.1/",
        "http://user:pass@127.0.0.1/",
        "http://public.example@127.0.0.1/",
        "http:\\\\127.0.0.1\\feed",
        "http:127.0.0.1/feed",
        "http:/\u{9}/127.0.0.1/",
        // this host
        "http://0.0.0.0/",
        "http://0/",
        "http://0x0/",
        "http://0.1.2.3/",
        // private, shared, link-local
        "http://10.0.0.1/",
        "http://10.1/",
        "http://167772161/",
        "http://012.0.0.1/",
        "http://172.16.0.1/",
        "http://172.31.255.255/",
        "http://192.168.0.1/",
        "http://3232235521/",
        "http://0xc0a80001/",
        "http://100.64.0.1/",
        "http://100.127.255.255/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0251.0376.0251.0376/",
        // reserved, multicast, broadcast
        "http://192.0.0.1/",
        "http://192.0.2.1/",
        "http://198.18.0.1/",
        "http://198.51.100.1/",
        "http://203.0.113.1/",
        "http://224.0.0.1/",
        "http://240.0.0.1/",
        "http://255.255.255.255/",
        // IPv6
        "http://[::1]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[::]/",
        "http://[fe80::1]/",
        "http://[febf::1]/",
        "http://[fec0::1]/",
        "http://[fc00::1]/",
        "http://[fd12:3456:789a::1]/",
        "http://[ff02::1]/",
        "http://[2001:db8::1]/",
        "http://[100::1]/",
        // IPv4 inside IPv6
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::FFFF:10.0.0.1]/",
        "http://[0:0:0:0:0:ffff:c0a8:1]/",
        "http://[::127.0.0.1]/",
        "http://[::ffff:0:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b::169.254.169.254]/",
        "http://[64:ff9b:1::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[2002:c0a8:1::1]/",
        "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
        "http://[2a00::5efe:10.0.0.1]/",
    ];

    const PUBLIC: &[&str] = &[
        "http://1.1.1.1/",
        "http://9.255.255.255/",
        "http://11.0.0.0/",
        "http://100.63.255.255/",
        "http://100.128.0.0/",
        "http://172.15.255.255/",
        "http://172.32.0.0/",
        "http://192.167.0.1/",
        "http://223.255.255.255/",
        "http://[2606:4700::1111]/",
        "http://[::ffff:1.1.1.1]/",
        "http://[64:ff9b::1.1.1.1]/",
        "http://[2002:101:101::1]/",
        "http://feeds.example.org/",
        // Names are judged when they are resolved.
        "http://localhost/",
    ];

    #[test]
    fn the_refusal_names_the_address_once() {
        let refused = |url: &str| check_literal(&Url::parse(url).unwrap()).unwrap_err().to_string();
        assert!(refused("http://127.1/").starts_with("127.0.0.1 is an address of the local network"));
        assert!(refused("http://[::1]/").starts_with("[::1] is an address of the local network"));
    }

    #[test]
    fn rule_21_each_spelling_of_a_local_address_is_refused() {
        assert!(LOCAL.len() >= 60);
        for spelling in LOCAL {
            let url = Url::parse(spelling).unwrap();
            assert!(check_literal(&url).is_err(), "{spelling}, read as {url}");
        }
    }

    #[test]
    fn rule_21_public_addresses_and_names_pass() {
        for spelling in PUBLIC {
            assert_eq!(check_literal(&Url::parse(spelling).unwrap()), Ok(()), "{spelling}");
        }
    }

    #[test]
    fn rule_21_of_what_a_name_resolves_to_only_public_addresses_are_left() {
        let sockets = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let found = sockets(&["10.0.0.1:0", "1.1.1.1:0", "[::1]:0", "[2606:4700::1111]:0"]);
        let kept = keep_public("mixed.example", found.into_iter()).unwrap();
        assert_eq!(kept, sockets(&["1.1.1.1:0", "[2606:4700::1111]:0"]));
        let refused = keep_public("inside.example", sockets(&["10.0.0.1:0", "[::1]:0"]).into_iter()).unwrap_err();
        assert_eq!(refused.address, "10.0.0.1".parse::<IpAddr>().unwrap());
    }
}
