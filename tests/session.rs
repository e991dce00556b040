//! The session on real servers: login and its refusals, loss and recovery, order, forgery, hostile streams.

#![cfg(test)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::FutureExt;
use futures::stream::FuturesUnordered;
use minidom::Element;
use support::certs::Authority;
use support::ejabberd::{self, Ejabberd};
use support::prosody::{self, Prosody};
use support::proxy::{Mood, Proxy};
use support::subscriber::{Event, Subscriber, xml};
use support::{eventually, online, settled};
use tidings::xmpp::{Config, Options, Request, RequestError, Session, Status, Timing, Tls, Wire, disco};
use tokio::task::unconstrained;
use xmpp_parsers::jid::Jid;

const VERSION: &str = "<query xmlns='jabber:iq:version'/>";
const PING: &str = "<ping xmlns='urn:xmpp:ping'/>";

/// Options under which nothing takes long.
fn quick() -> Options {
    let mut options = Options::new("tidings-0");
    options.timing = Timing {
        ping_after: Duration::from_secs(1),
        silence: Duration::from_secs(3),
        back_off: (Duration::from_millis(50), Duration::from_millis(400)),
        ..Timing::default()
    };
    options
}

fn start(config: Config) -> Session {
    Session::start(config, quick()).unwrap()
}

fn get(to: &str, payload: &str) -> Request {
    Request { to: Some(Jid::new(to).unwrap()), set: false, payload: xml(payload) }
}

async fn logs_in(config: Config, domain: &str) {
    let session = start(config);
    let Status::Online { bind: 1, jid } = settled(&session).await else { panic!("{:?}", settled(&session).await) };
    assert_eq!(jid.as_str(), format!("bot@{domain}/tidings-0"));
    let service = disco::pubsub_service(&session, &jid.to_bare()).await.unwrap();
    assert_eq!(service.unwrap().as_str(), format!("pubsub.{domain}"));
    session.close().await;
    assert_eq!(*session.status().borrow(), Status::Closed);
}

#[tokio::test]
async fn the_account_logs_in_by_starttls_and_by_direct_tls_on_prosody() {
    let server = Prosody::start(prosody::Options { is_tls_required: true, ..Default::default() }).await;
    logs_in(server.xmpp(Tls::StartTls), "a.test").await;
    logs_in(server.xmpp(Tls::Direct), "a.test").await;
}

#[tokio::test]
async fn the_account_logs_in_by_starttls_and_by_direct_tls_on_ejabberd() {
    let server = Ejabberd::start(ejabberd::Options::default()).await;
    logs_in(server.xmpp(Tls::StartTls), "e.test").await;
    logs_in(server.xmpp(Tls::Direct), "e.test").await;
    logs_in(server.xmpp(Tls::None), "e.test").await;
}

#[tokio::test]
async fn a_session_outlives_everything_that_it_reads() {
    let server = Prosody::start(prosody::Options::default()).await;
    let (pubsub, owner) = (server.pubsub(), Subscriber::connect(&server.address(), "bot@a.test").await);
    owner.create(&pubsub, "large", &[("persist_items", "1")]).await;
    let entry = format!("<entry xmlns='http://www.w3.org/2005/Atom'><title>{}</title></entry>", "x".repeat(100_000));
    owner.publish(&pubsub, "large", "one", &entry).await;
    let items = "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='large'/></pubsub>";
    for tls in [Tls::StartTls, Tls::Direct] {
        let session = start(server.xmpp(tls));
        settled(&session).await;
        // One and a half times what a single stanza may take.
        for _ in 0..16 {
            assert!(session.request(get(&pubsub, items)).await.unwrap().is_some());
        }
        assert!(matches!(*session.status().borrow(), Status::Online { bind: 1, .. }));
        session.close().await;
    }
}

async fn fails(config: Config) -> String {
    match settled(&start(config)).await {
        Status::Offline { reason } => reason.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_of_a_strange_authority_or_for_another_name_is_not_trusted() {
    let server = Prosody::start(prosody::Options::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let stranger = Authority::new().write(folder.path());
    let impostor =
        Prosody::start(prosody::Options { certificate_for: Some("b.test".into()), ..Default::default() }).await;
    for tls in [Tls::StartTls, Tls::Direct] {
        let reason = fails(Config { ca_file: Some(stranger.clone()), ..server.xmpp(tls) }).await;
        assert_eq!(reason, "TLS with a.test failed: invalid peer certificate: UnknownIssuer");
        let reason = fails(impostor.xmpp(tls)).await;
        assert!(
            reason.starts_with(
                "TLS with a.test failed: invalid peer certificate: certificate not valid for name \"a.test\""
            ),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_not_allowed_is_named() {
    let server = Prosody::prepare(prosody::Options::default());
    let at = |address: &str, tls| Config { server: Some(address.into()), ..server.xmpp(tls) };
    assert_eq!(
        fails(at("127.0.0.1:1", Tls::StartTls)).await,
        "cannot connect to 127.0.0.1:1: Connection refused (os error 111)"
    );
    assert_eq!(
        fails(at("192.0.2.1:5222", Tls::None)).await,
        "192.0.2.1:5222 is not on this machine: `tls = \"none\"` is for loopback addresses only"
    );
}

async fn refused(config: Config) -> String {
    match settled(&start(config)).await {
        Status::Refused { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_wrong_password_ends_a_session_that_never_was_logged_in() {
    let mut server = Prosody::prepare(prosody::Options::default());
    server.set_password("bot", "another");
    server.launch().await;
    assert!(refused(server.xmpp(Tls::StartTls)).await.starts_with("login refused: not-authorized"));
    let ejabberd = Ejabberd::start(ejabberd::Options { accounts: Vec::new(), ..Default::default() }).await;
    assert!(refused(ejabberd.xmpp(Tls::StartTls)).await.starts_with("login refused: not-authorized"));
}

#[tokio::test]
async fn a_password_that_is_changed_later_is_tried_again() {
    let mut server = Prosody::start(prosody::Options::default()).await;
    let session = start(server.xmpp(Tls::StartTls));
    online(&session, 0).await;
    for (password, is_refused) in [("another", true), ("secret", false)] {
        server.stop().await;
        server.set_password("bot", password);
        server.launch().await;
        eventually("the login's outcome", async || match session.status().borrow().clone() {
            Status::Offline { reason: Some(reason) } if is_refused => reason.starts_with("login refused").then_some(()),
            Status::Online { .. } if !is_refused => Some(()),
            _ => None,
        })
        .await;
    }
}

#[tokio::test]
async fn a_password_is_sent_in_the_clear_only_where_it_was_allowed_and_over_tls() {
    let prosody = Prosody::start(prosody::Options { has_only_plain: true, ..Default::default() }).await;
    let ejabberd = Ejabberd::start(ejabberd::Options { has_only_plain: true, ..Default::default() }).await;
    for (server, domain) in [(prosody.xmpp(Tls::StartTls), "a.test"), (ejabberd.xmpp(Tls::StartTls), "e.test")] {
        assert_eq!(
            refused(server.clone()).await,
            "the server offers only PLAIN to log in with; `allow-plain = true` in [xmpp] lets the password be sent over TLS"
        );
        logs_in(Config { allow_plain: true, ..server }, domain).await;
    }
    let reason = refused(Config { allow_plain: true, ..prosody.xmpp(Tls::None) }).await;
    assert!(reason.starts_with("the server offers only PLAIN"), "{reason}");
}

#[tokio::test]
async fn a_server_that_is_killed_and_comes_back_is_a_new_bind_and_leaves_what_was_in_flight_in_doubt() {
    let mut server = Prosody::start(prosody::Options::default()).await;
    let session = start(server.xmpp(Tls::StartTls));
    assert_eq!(online(&session, 0).await, 1);
    server.freeze(true);
    let in_flight = session.request(get("a.test", VERSION));
    tokio::task::yield_now().await;
    server.kill();
    assert!(matches!(in_flight.await, Err(RequestError::Lost(_))));
    assert!(matches!(*session.status().borrow(), Status::Offline { .. }));
    assert!(matches!(session.request(get("a.test", VERSION)).await, Err(RequestError::Offline)));
    assert!(matches!(session.send(xml("<presence xmlns='jabber:client'/>")), Err(RequestError::Offline)));
    server.launch().await;
    assert_eq!(online(&session, 1).await, 2);
    session.request(get("a.test", PING)).await.unwrap();
}

async fn pipelines(session: Session, domain: &str) {
    online(&session, 0).await;
    // Under tokio's budget a future that is ready waits for another turn, behind later ones.
    let asked =
        |place: usize| unconstrained(session.request(get(domain, PING)).map(move |answer| (place, answer.map(|_| ()))));
    let answers: Vec<_> = (0..1000).map(asked).collect::<FuturesUnordered<_>>().collect().await;
    for (expected, (place, answer)) in answers.into_iter().enumerate() {
        assert_eq!(place, expected);
        answer.unwrap();
    }
    assert_eq!(session.stray_answers(), 0);
}

#[tokio::test]
async fn a_thousand_requests_at_once_are_answered_in_order() {
    let prosody = Prosody::start(prosody::Options::default()).await;
    pipelines(start(prosody.xmpp(Tls::StartTls)), "a.test").await;
    let ejabberd = Ejabberd::start(ejabberd::Options::default()).await;
    pipelines(start(ejabberd.xmpp(Tls::Direct)), "e.test").await;
}

#[tokio::test]
async fn an_answer_counts_only_from_whom_it_was_asked() {
    let server = Prosody::start(prosody::Options::default()).await;
    let session = start(server.xmpp(Tls::StartTls));
    online(&session, 0).await;
    let juliet = Subscriber::connect(&server.address(), "juliet@a.test").await;
    let eve = Subscriber::connect(&server.address(), "eve@a.test").await;
    let answer = session.request(get(juliet.jid(), VERSION));
    let Event::Other(request) = &juliet.wait_for(1).await[0] else { panic!() };
    let (id, bot) = (request.attr("id").unwrap(), request.attr("from").unwrap());
    let forged = |by: &str| {
        format!(
            "<iq xmlns='jabber:client' type='result' id='{id}' to='{bot}'><query xmlns='jabber:iq:version'><name>{by}</name></query></iq>"
        )
    };
    eve.send(&forged("eve"));
    eventually("the forged answer", async || (session.stray_answers() == 1).then_some(())).await;
    juliet.send(&forged("juliet"));
    assert_eq!(answer.await.unwrap().unwrap().get_child("name", "jabber:iq:version").unwrap().text(), "juliet");
    eve.send(&forged("eve, late"));
    eventually("the late answer", async || (session.stray_answers() == 2).then_some(())).await;
}

#[tokio::test]
async fn a_stream_that_leads_nowhere_is_given_up_and_replaced() {
    let server = Prosody::start(prosody::Options::default()).await;
    let proxy = Proxy::start(&server.address()).await;
    let session = start(Config { server: Some(proxy.address().into()), ..server.xmpp(Tls::StartTls) });
    online(&session, 0).await;
    proxy.be(Mood::Swallow);
    let lost = session.request(get("a.test", VERSION)).await.unwrap_err();
    assert_eq!(lost.to_string(), "no answer: the server was silent for 3 s");
    proxy.be(Mood::Close);
    proxy.be(Mood::Pass);
    assert_eq!(online(&session, 1).await, 2);
    session.request(get("a.test", PING)).await.unwrap();
}

#[tokio::test]
async fn an_idle_stream_that_leads_nowhere_is_found_out_too() {
    let server = Prosody::start(prosody::Options::default()).await;
    let proxy = Proxy::start(&server.address()).await;
    let mut options = quick();
    options.timing.keep_alive = Duration::from_millis(500);
    let config = Config { server: Some(proxy.address().into()), ..server.xmpp(Tls::StartTls) };
    let session = Session::start(config, options).unwrap();
    online(&session, 0).await;
    proxy.be(Mood::Swallow);
    let mut status = session.status();
    let gone = status.wait_for(|status| matches!(status, Status::Offline { .. }));
    tokio::time::timeout(support::DEADLINE, gone).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_that_reads_slowly_is_waited_for() {
    let server = Prosody::start(prosody::Options { rate: Some("10kb/s".into()), ..Default::default() }).await;
    let session = start(server.xmpp(Tls::StartTls));
    online(&session, 0).await;
    let big = Element::builder("big", "urn:test").append("x".repeat(60_000)).build();
    let big = Request { to: Some(Jid::new("a.test").unwrap()), set: true, payload: big };
    let (first, second, third) =
        futures::join!(session.request(big.clone()), session.request(big), session.request(get("a.test", PING)));
    assert!(matches!(first, Err(RequestError::Refused(_))));
    assert!(matches!(second, Err(RequestError::Refused(_))));
    third.unwrap();
    assert!(matches!(*session.status().borrow(), Status::Online { bind: 1, .. }));
}

#[tokio::test]
async fn a_stanza_that_the_server_finds_too_big_ends_the_stream_by_that_name() {
    let server = Prosody::start(prosody::Options::default()).await;
    let session = start(server.xmpp(Tls::StartTls));
    online(&session, 0).await;
    let big = Element::builder("big", "urn:test").append("x".repeat(300_000)).build();
    let lost = session.request(Request { to: None, set: true, payload: big }).await.unwrap_err();
    assert!(lost.to_string().starts_with("no answer: policy-violation"), "{lost}");
    assert_eq!(online(&session, 1).await, 2);
}

#[tokio::test]
async fn what_no_stream_can_carry_is_refused_before_it_is_sent() {
    let server = Prosody::start(prosody::Options::default()).await;
    let session = start(server.xmpp(Tls::StartTls));
    online(&session, 0).await;
    let payload = Element::builder("x", "urn:test").append("\u{1}").build();
    let refused = session.request(Request { to: None, set: true, payload }).await.unwrap_err();
    assert_eq!(refused.to_string(), "bad-request (not sent: the stanza contains characters that XML forbids)");
    session.request(get("a.test", PING)).await.unwrap();
}

#[tokio::test]
async fn others_are_answered_and_heard() {
    let server = Prosody::start(prosody::Options::default()).await;
    let session = Session::start(server.xmpp(Tls::StartTls), Options { priority: Some(0), ..quick() }).unwrap();
    let mut incoming = session.incoming();
    online(&session, 0).await;
    let juliet = Subscriber::connect(&server.address(), "juliet@a.test").await;
    let bot = "bot@a.test/tidings-0";
    assert_eq!(juliet.request(bot, "get", PING).await, Ok(None));
    let version = juliet.request(bot, "get", VERSION).await.unwrap().unwrap();
    assert_eq!(version.get_child("name", "jabber:iq:version").unwrap().text(), "Tidings");
    assert!(juliet.request(bot, "set", "<any xmlns='urn:test'/>").await.is_err());
    juliet.send("<message xmlns='jabber:client' to='bot@a.test'><body>Hello</body></message>");
    let message = tokio::time::timeout(support::DEADLINE, async {
        loop {
            let stanza = incoming.recv().await.unwrap();
            if stanza.name() == "message" {
                return stanza;
            }
        }
    });
    assert_eq!(message.await.unwrap().attr("from"), Some(juliet.jid()));
}

#[tokio::test]
async fn closing_sends_what_is_queued_first() {
    let server = Prosody::start(prosody::Options::default()).await;
    let juliet = Subscriber::connect(&server.address(), "juliet@a.test").await;
    let session = start(server.xmpp(Tls::StartTls));
    online(&session, 0).await;
    let answer = session.request(get("a.test", PING));
    for place in 0..100 {
        session
            .send(xml(&format!("<message xmlns='jabber:client' to='{}'><body>{place}</body></message>", juliet.jid())))
            .unwrap();
    }
    session.close().await;
    assert_eq!(*session.status().borrow(), Status::Closed);
    answer.await.unwrap();
    juliet.wait_for(100).await;
    let expected: Vec<String> = (0..100).map(|place| place.to_string()).collect();
    assert_eq!(juliet.bodies(), expected);
}

#[tokio::test]
async fn a_session_ends_with_its_last_handle() {
    let server = Prosody::start(prosody::Options::default()).await;
    let session = start(server.xmpp(Tls::StartTls));
    online(&session, 0).await;
    let mut status = session.status();
    drop(session.clone());
    assert!(matches!(*status.borrow(), Status::Online { .. }));
    drop(session);
    tokio::time::timeout(support::DEADLINE, status.wait_for(|status| *status == Status::Closed))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_hostile_stream_ends_or_is_survived() {
    let authority = Arc::new(Authority::new());
    let server = Prosody::start(prosody::Options { authority, ..Default::default() }).await;
    let proxy = Proxy::start(&server.address()).await;
    let session = start(Config { server: Some(proxy.address().into()), ..server.xmpp(Tls::None) });
    let bind = online(&session, 0).await;
    proxy.inject(&format!("<message><body/>{}{}</message>", "<a>".repeat(3_000), "</a>".repeat(3_000))).await;
    proxy
        .inject("<iq type='error' id='nobody asked'/><iq/><presence type='of their own'/><unknown xmlns='urn:x'/>")
        .await;
    session.request(get("a.test", PING)).await.unwrap();
    assert_eq!(online(&session, 0).await, bind, "the stream was given up needlessly");
    let mut bind = bind;
    let endless = format!("<message><body>{}", "x".repeat(2 << 20));
    for (hostile, reason) in [
        ("</nonsense>", "the stream broke"),
        ("<!DOCTYPE x [<!ENTITY y 'z'>]>", "the stream broke"),
        (endless.as_str(), "the stream broke: a stanza over 1 MiB came in"),
        ("<stream:error><host-gone xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>", "host-gone"),
        ("</stream:stream>", "the server closed the stream"),
    ] {
        let mut status = session.status();
        proxy.inject(hostile).await;
        let gone = status.wait_for(|status| matches!(status, Status::Offline { .. }));
        let gone = tokio::time::timeout(support::DEADLINE, gone).await.unwrap().unwrap().clone();
        let Status::Offline { reason: Some(told) } = &gone else { panic!() };
        assert!(told.starts_with(reason), "{told:?} is not {reason:?}");
        bind = online(&session, bind).await;
    }
}
