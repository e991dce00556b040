//! The harness itself, so that a scenario that fails says something about the gateway.

#![cfg(test)]

mod support;

use std::sync::Arc;

use support::certs::Authority;
use support::ejabberd::{self, Ejabberd};
use support::eventually;
use support::feeds::{self, FeedServer, Page};
use support::gateway::Gateway;
use support::prosody::{Options, Prosody, Storage};
use support::subscriber::{Event, Subscriber};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ENTRY: &str = "<entry xmlns='http://www.w3.org/2005/Atom'><title>T</title></entry>";

async fn publish_and_look(address: &str, domain: &str) {
    let service = format!("pubsub.{domain}");
    let owner = Subscriber::connect(address, &format!("bot@{domain}")).await;
    let reader = Subscriber::connect(address, &format!("juliet@{domain}")).await;
    assert!(reader.items(&service, "blog").await.is_none());
    owner.create(&service, "blog", &[("persist_items", "1"), ("max_items", "10")]).await;
    reader.subscribe(&service, "blog").await;
    for id in ["one", "two", "three", "two"] {
        owner.publish(&service, "blog", id, ENTRY).await;
    }
    owner.retract(&service, "blog", "one").await;
    let told = reader.wait_for(5).await;
    assert_eq!(reader.ids(), ["one", "two", "three", "two"]);
    assert!(matches!(&told[4], Event::Retracted { id, .. } if id == "one"));
    let items = reader.items(&service, "blog").await.unwrap();
    let mut kept: Vec<&str> = items.iter().map(|(id, _)| id.as_str()).collect();
    kept.sort_unstable();
    assert_eq!(kept, ["three", "two"]);
    let configuration = owner.configuration(&service, "blog").await;
    assert_eq!(configuration["pubsub#max_items"], ["10"]);
    owner.affiliate(&service, "blog", &format!("juliet@{domain}"), "publisher").await;
    reader.publish(&service, "blog", "four", ENTRY).await;
    owner.delete(&service, "blog").await;
    assert!(reader.items(&service, "blog").await.is_none());
}

#[tokio::test]
async fn a_subscriber_is_told_in_order_on_prosody_whatever_its_storage() {
    for storage in [Storage::Memory, Storage::Sqlite, Storage::Internal] {
        let server = Prosody::start(Options { storage, ..Options::default() }).await;
        publish_and_look(&server.address(), "a.test").await;
    }
}

#[tokio::test]
async fn a_subscriber_is_told_in_order_on_ejabberd() {
    let server = Ejabberd::start(ejabberd::Options::default()).await;
    publish_and_look(&server.address(), "e.test").await;
}

#[tokio::test]
async fn a_subscriber_on_another_server_is_told_too() {
    let authority = Arc::new(Authority::new());
    let one = Options { authority: authority.clone(), ..Options::default() };
    let other = Options { authority, ..Options::of("b.test") };
    let (one, other) = Prosody::start_pair(one, other).await;
    let owner = Subscriber::connect(&one.address(), "bot@a.test").await;
    let reader = Subscriber::connect(&other.address(), "juliet@b.test").await;
    owner.create("pubsub.a.test", "blog", &[]).await;
    reader.subscribe("pubsub.a.test", "blog").await;
    owner.publish("pubsub.a.test", "blog", "one", ENTRY).await;
    let told = reader.wait_for(1).await;
    assert!(matches!(&told[0], Event::Item { service, payload: Some(_), .. } if service == "pubsub.a.test"));
}

#[tokio::test]
async fn two_in_a_room_read_each_other() {
    let server = Prosody::start(Options::default()).await;
    let (juliet, room) = (Subscriber::connect(&server.address(), "juliet@a.test").await, "balcony@muc.a.test");
    let romeo = Subscriber::connect(&server.address(), "romeo@a.test").await;
    juliet.enter(room, "juliet").await;
    romeo.enter(room, "romeo").await;
    juliet.send(&format!(
        "<message xmlns='jabber:client' to='{room}' type='groupchat'><body>Who's there?</body></message>"
    ));
    eventually("the message in the room", async || romeo.bodies().contains(&"Who's there?".to_owned()).then_some(()))
        .await;
}

async fn get(server: &FeedServer, path: &str, header: &str) -> String {
    let mut stream = TcpStream::connect(server.url("").trim_start_matches("http://")).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: x\r\n{header}\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn the_feed_server_knows_its_validators_and_what_it_was_asked() {
    let server = FeedServer::start().await;
    let body = feeds::atom("Blog", &[("1", "One"), ("2", "Two")]);
    assert!(body.find("urn:test:2").unwrap() < body.find("urn:test:1").unwrap());
    server.serve("/feed", Page::atom(body.clone()));
    let answer = get(&server, "/feed", "").await;
    assert!(answer.starts_with("HTTP/1.0 200 OK") && answer.ends_with(&body), "{answer}");
    let etag = answer.lines().find(|line| line.starts_with("etag: ")).unwrap().replace("etag", "if-none-match");
    assert!(get(&server, "/feed", &format!("{etag}\r\n")).await.starts_with("HTTP/1.0 304"));
    server.serve("/feed", Page::redirect(301, "/new"));
    assert!(get(&server, "/feed", "").await.contains("location: /new"));
    server.serve("/feed", Page::Cut(body));
    assert!(!get(&server, "/feed", "").await.contains("</feed>"));
    assert!(get(&server, "/nothing", "").await.starts_with("HTTP/1.0 404"));
    let statuses: Vec<u16> = server.wait_for("/feed", 4).await.iter().map(|asked| asked.status).collect();
    assert_eq!(statuses, [200, 304, 301, 200]);
}

#[tokio::test]
async fn a_process_is_fed_signals_and_ends() {
    let xmpp = Prosody::prepare(Options::default()).xmpp(tidings::xmpp::Tls::StartTls);
    let mut gateway = Gateway::new(&xmpp, "");
    gateway.start_under(&["sh", "-c", "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done"], &[]);
    gateway.wait_for("up").await;
    gateway.signal("TERM");
    assert_eq!(gateway.exit().await.code(), Some(7));
    assert_eq!(gateway.output(), "up\nbye\n");
    assert_eq!(gateway.call(&["--help"]).await.code, Some(0));
}
