//! What can be seen at the server: the way there, the pubsub services, every destination.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::time::Duration;

use chrono::TimeDelta;
use futures::StreamExt;
use minidom::Element;
use tokio::time::timeout;
use xmpp_parsers::jid::{BareJid, Jid};

use crate::config::Config;
use crate::deliver::{NodeSettings, affiliations, examine};
use crate::feed::{Destination, Time};
use crate::xmpp::{self, LoginError, Options, Probe, Request, Session, Status, Step, Wire, disco};

use super::super::terminal::shown_time;
use super::places;
use super::report::{Check, Report};

/// Destinations that are looked at at once.
const AT_ONCE: usize = 16;
/// A certificate that ends within this time should have been renewed.
const SOON: TimeDelta = TimeDelta::days(14);
/// So long may a second login take, after the first one worked.
const PATIENCE: Duration = Duration::from_secs(30);

/// Goes the way to the server, step by step, and stays logged in when it leads there.
pub(super) async fn way(
    config: &Config,
    now: Time,
    report: &mut Report<'_, impl Write>,
) -> io::Result<Option<Session>> {
    let resource = format!("doctor-{:08x}", fastrand::u32(..));
    let probe = match xmpp::probe(&config.xmpp, &resource, now + SOON).await {
        Ok(probe) => probe,
        Err(error) => {
            report.add(Check::fail("login", error, "see [xmpp] in tidings.toml"))?;
            return Ok(None);
        }
    };
    let Probe { done, failed, certificate_ends } = probe;
    for (step, found) in done {
        report.add(match certificate_ends.filter(|_| step == Step::Tls) {
            None => Check::ok(name(step), found),
            Some(end) => {
                let message = format!("{found}, and ends soon: {}", shown_time(end));
                Check::warn(name(step), message, "renew it on the server, and let the server read it again")
            }
        })?;
    }
    if let Some((step, error)) = failed {
        report.add(Check::fail(name(step), &error, fix(step, &error, config)))?;
        return Ok(None);
    }
    let Ok(session) = Session::start(config.xmpp.clone(), Options::new(resource)) else { return Ok(None) };
    let mut status = session.status();
    let is_settled = |status: &Status| !matches!(status, Status::Offline { .. });
    let online = timeout(PATIENCE, status.wait_for(is_settled)).await;
    if matches!(online, Ok(Ok(status)) if matches!(&*status, Status::Online { .. })) {
        return Ok(Some(session));
    }
    report.add(Check::fail("login", "the session ended at once", "look at the server's log"))?;
    Ok(None)
}

fn name(step: Step) -> &'static str {
    match step {
        Step::Dns => "dns",
        Step::Tcp => "tcp",
        Step::Tls => "tls",
        Step::Login => "login",
    }
}

fn fix(step: Step, error: &LoginError, config: &Config) -> String {
    let domain = config.xmpp.jid.domain();
    match (step, error) {
        (Step::Dns, _) => {
            format!("look at `jid`; or publish SRV records of {domain}; or name the host: server = \"…\" in [xmpp]")
        }
        (Step::Tcp, _) => {
            "start the server, or let a firewall pass its port; server = \"host:port\" in [xmpp] names another"
                .to_owned()
        }
        (Step::Tls, LoginError::NoStartTls) => {
            "let the server offer STARTTLS; or tls = \"direct\" in [xmpp]".to_owned()
        }
        (Step::Tls, _) => {
            format!("give the server a certificate for {domain}; a root of your own goes into `ca-file` in [xmpp]")
        }
        (Step::Login, LoginError::NoMechanism { .. }) => {
            "let the server offer SCRAM; or allow-plain = true in [xmpp]".to_owned()
        }
        (Step::Login, LoginError::Refused(_)) => {
            format!("look at `jid` and the password, and whether the server has the account: {}", config.xmpp.jid)
        }
        (Step::Login, _) => "look at the server's log".to_owned(),
    }
}

/// The server's time (XEP-0202), when it tells.
pub(super) async fn time(session: &Session, config: &Config) -> Option<Time> {
    const NS: &str = "urn:xmpp:time";
    let server = Jid::from(BareJid::from_parts(None, config.xmpp.jid.domain()));
    let request = Request { to: Some(server), set: false, payload: Element::bare("time", NS) };
    let answer = session.request(request).await.ok()??;
    answer.get_child("utc", NS)?.text().trim().parse().ok()
}

/// Every service that the configuration publishes to, and every destination.
pub(super) async fn destinations(
    session: &Session,
    config: &Config,
    report: &mut Report<'_, impl Write>,
) -> io::Result<()> {
    let of_feeds = config.feeds.values().flat_map(|feed| feed.destinations());
    let others = config.route_targets.iter().chain(&config.health).map(|target| (target.destination.clone(), target));
    let nodes: BTreeMap<Destination, &NodeSettings> =
        of_feeds.chain(others).map(|(destination, target)| (destination, &*target.settings)).collect();
    let named = nodes.keys().filter_map(|destination| match destination {
        Destination::Node { service, .. } => Some(service.clone()),
        _ => None,
    });
    let mut default = None;
    let mut known = BTreeMap::new();
    let mut services = named.collect::<BTreeSet<_>>();
    if services.is_empty() {
        // Before there is a feed it shows whether there will be a place for its node.
        services.insert(None);
    }
    for service in services {
        let (jid, check) = match &service {
            Some(service) => (Jid::new(service).ok(), None),
            None => found(session, config).await,
        };
        if let Some(check) = check {
            report.add(check)?;
        }
        let Some(jid) = jid else { continue };
        report.add(of_service(session, &jid).await)?;
        known.insert(service.clone(), affiliations(session, &jid).await);
        if service.is_none() {
            default = Some(jid);
        }
    }
    let nobody = Default::default();
    let looks = nodes.iter().map(|(destination, &settings)| {
        let of = match destination {
            Destination::Node { service, .. } => known.get(service).unwrap_or(&nobody),
            _ => &nobody,
        };
        let default = default.as_ref();
        async move { (destination, examine(session, destination, default, settings, of).await) }
    });
    let mut looks = futures::stream::iter(looks).buffered(AT_ONCE);
    while let Some((destination, sight)) = looks.next().await {
        if let Some(sight) = sight {
            report.add(places::of(destination, sight, &config.xmpp.jid))?;
        }
    }
    Ok(())
}

/// The service that stands in where none is named.
async fn found(session: &Session, config: &Config) -> (Option<Jid>, Option<Check>) {
    let fix = "name one: service = \"pubsub.example.org\" in [defaults]; or let the server have one";
    match disco::pubsub_service(session, &config.xmpp.jid).await {
        Ok(Some(service)) => (Some(service), None),
        Ok(None) => (None, Some(Check::fail("service", "the account's server names no pubsub service", fix))),
        Err(error) => (None, Some(Check::fail("service", format!("the account's server: {error}"), fix))),
    }
}

async fn of_service(session: &Session, service: &Jid) -> Check {
    match disco::info(session, service, None).await {
        Ok(info) if info.is("pubsub", "service") || info.is("pubsub", "pep") => {
            let makes = info.features.contains("http://jabber.org/protocol/pubsub#create-nodes");
            let makes = if makes { "" } else { "; it does not say that nodes can be made" };
            Check::ok("service", format!("{service} is a pubsub service{makes}"))
        }
        Ok(_) => Check::fail(
            "service",
            format!("{service} is no pubsub service"),
            "look at `service` in [defaults] and at the feeds",
        ),
        Err(error) => {
            let fix = "is the address right, and does its server run? Look at `service` in [defaults] and at the feeds";
            Check::fail("service", format!("{service}: {error}"), fix)
        }
    }
}
