//! From a domain to an open TCP connection: fixed address or SRV records (RFC 6120 §3.2, RFC 2782), then a race of addresses.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures::FutureExt;
use futures::future::select_ok;
use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::{RData, RecordType};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::connect::LoginError;
use super::{Config, Tls};

/// How much later the next address of the same host is tried (RFC 8305 §5).
const STAGGER: Duration = Duration::from_millis(250);

/// A host to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Opens a connection to the account's server; `limit` is for one host.
pub(super) async fn open(config: &Config, limit: Duration) -> Result<TcpStream, LoginError> {
    let mut last = LoginError::Address(format!("{} has no XMPP server", config.jid.domain()));
    for target in targets(config, limit).await? {
        match connect(&target, config.tls, limit).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The hosts to try, in this order.
pub(super) async fn targets(config: &Config, limit: Duration) -> Result<Vec<Target>, LoginError> {
    match &config.server {
        Some(server) => Ok(vec![fixed(server, default_port(config.tls))?]),
        None => look_up(&ascii_domain(config)?, config.tls, limit).await,
    }
}

/// The account's domain as certificates and DNS write it.
pub(super) fn ascii_domain(config: &Config) -> Result<String, LoginError> {
    let domain = config.jid.domain().as_str();
    let host = url::Host::parse(domain).map_err(|error| LoginError::Address(format!("{domain}: {error}")))?;
    Ok(host.to_string())
}

fn default_port(tls: Tls) -> u16 {
    match tls {
        Tls::StartTls | Tls::None => 5222,
        Tls::Direct => 5223,
    }
}

/// Whether a text can name a server: `host`, `host:port`, `[v6]`, `[v6]:port`.
pub fn is_server(text: &str) -> bool {
    fixed(text, 0).is_ok()
}

/// Reads `host`, `host:port`, `[v6]`, `[v6]:port`.
fn fixed(server: &str, default_port: u16) -> Result<Target, LoginError> {
    let wrong = || LoginError::Address(format!("`server = \"{server}\"` is not host or host:port"));
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
        _ => (server, default_port),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_v6 = || host.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    if host.is_empty()
        || host.contains(|c: char| c.is_whitespace() || "/@".contains(c))
        || (host.contains(':') && !is_v6())
    {
        return Err(wrong());
    }
    Ok(Target { host: host.to_owned(), port })
}

async fn look_up(domain: &str, tls: Tls, limit: Duration) -> Result<Vec<Target>, LoginError> {
    let fallback = vec![Target { host: domain.to_owned(), port: default_port(tls) }];
    if domain == "localhost" || domain.parse::<std::net::IpAddr>().is_ok() || tls == Tls::None {
        return Ok(fallback);
    }
    let service = if tls == Tls::Direct { "_xmpps-client._tcp" } else { "_xmpp-client._tcp" };
    let failed = |reason: String| LoginError::Address(format!("SRV records of {service}.{domain}: {reason}"));
    let resolver = TokioResolver::builder_tokio()
        .and_then(|builder| builder.build())
        .map_err(|error| failed(error.to_string()))?;
    let lookup = timeout(limit, resolver.lookup(format!("{service}.{domain}."), RecordType::SRV)).await;
    let records = match lookup {
        Ok(Ok(lookup)) => srv_records(lookup.answers().iter().map(|record| &record.data)),
        // No record, or a resolver that does not know SRV or nothing at all: the domain itself may do (RFC 6120 §3.2.2).
        _ => Vec::new(),
    };
    match records.as_slice() {
        [] => Ok(fallback),
        [only] if only.target.host.is_empty() => Err(failed("the domain declares that it offers no XMPP".to_owned())),
        _ => Ok(in_order(records, |sum| fastrand::u32(0..=sum))),
    }
}

#[derive(Debug, Clone)]
struct Srv {
    priority: u16,
    weight: u16,
    target: Target,
}

fn srv_records<'a>(answers: impl Iterator<Item = &'a RData>) -> Vec<Srv> {
    let record = |data: &RData| match data {
        RData::SRV(srv) => {
            let host = srv.target.to_ascii().trim_end_matches('.').to_owned();
            Some(Srv { priority: srv.priority, weight: srv.weight, target: Target { host, port: srv.port } })
        }
        _ => None,
    };
    answers.filter_map(record).collect()
}

/// RFC 2782: by priority, and within one at random by weight. `random` gives a number up to and including its argument.
fn in_order(mut records: Vec<Srv>, mut random: impl FnMut(u32) -> u32) -> Vec<Target> {
    let mut targets = Vec::new();
    while let Some(priority) = records.iter().map(|record| record.priority).min() {
        let same = |record: &&Srv| record.priority == priority;
        let mut draw = random(records.iter().filter(same).map(|record| u32::from(record.weight)).sum());
        let chosen = records.iter().position(|record| {
            let is_chosen = record.priority == priority && u32::from(record.weight) >= draw;
            if record.priority == priority && !is_chosen {
                draw -= u32::from(record.weight);
            }
            is_chosen
        });
        targets.push(records.remove(chosen.unwrap_or_default()).target);
    }
    targets
}

async fn connect(target: &Target, tls: Tls, limit: Duration) -> Result<TcpStream, LoginError> {
    let name = format!("{}:{}", target.host, target.port);
    let failed = |source: io::Error| LoginError::Tcp { address: name.clone(), source };
    let attempt = async {
        let addresses: Vec<SocketAddr> =
            tokio::net::lookup_host((target.host.as_str(), target.port)).await.map_err(failed)?.collect();
        if tls == Tls::None && addresses.iter().any(|address| !address.ip().is_loopback()) {
            return Err(LoginError::NotLoopback(name.clone()));
        }
        if addresses.is_empty() {
            return Err(LoginError::Address(format!("{name} has no address")));
        }
        let race = addresses.into_iter().zip(0u32..).map(|(address, place)| {
            async move {
                sleep(STAGGER * place).await;
                TcpStream::connect(address).await
            }
            .boxed()
        });
        let (stream, _) = select_ok(race).await.map_err(failed)?;
        // Requests are small and pipelined by ourselves: holding them back only adds latency.
        stream.set_nodelay(true).map_err(failed)?;
        Ok(stream)
    };
    timeout(limit, attempt).await.unwrap_or_else(|_| Err(failed(io::ErrorKind::TimedOut.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_address_may_leave_the_port_away() {
        let read = |server: &str| match fixed(server, 5222) {
            Ok(Target { host, port }) => format!("{host} {port}"),
            Err(error) => error.to_string(),
        };
        for (server, expected) in [
            ("xmpp.example.org", "xmpp.example.org 5222"),
            ("xmpp.example.org:5269", "xmpp.example.org 5269"),
            ("192.0.2.1:1", "192.0.2.1 1"),
            ("[::1]", "::1 5222"),
            ("[::1]:15222", "::1 15222"),
            ("::1", "::1 5222"),
            ("host:http", "`server = \"host:http\"` is not host or host:port"),
            ("a:b:c", "`server = \"a:b:c\"` is not host or host:port"),
            (":5222", "`server = \":5222\"` is not host or host:port"),
            ("", "`server = \"\"` is not host or host:port"),
        ] {
            assert_eq!(read(server), expected);
        }
    }

    #[test]
    fn hosts_are_tried_by_priority_and_then_by_weight() {
        let record =
            |priority, weight, host: &str| Srv { priority, weight, target: Target { host: host.into(), port: 1 } };
        let records =
            vec![record(20, 0, "last"), record(10, 0, "never"), record(10, 30, "light"), record(10, 70, "heavy")];
        let order = |random: fn(u32) -> u32| {
            in_order(records.clone(), random).into_iter().map(|target| target.host).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(order(|_| 0), "never light heavy last");
        assert_eq!(order(|sum| sum), "heavy light never last");
        assert_eq!(order(|sum| sum.min(30)), "light heavy never last");
        assert_eq!(in_order(Vec::new(), |_| 0), []);
    }
}
