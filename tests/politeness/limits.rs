//! What no answer may do to us: take for ever, fill the memory, lead into the local network.

use std::sync::Arc;
use std::time::Duration;

use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use tidings::source::answer::{FetchError, Retry};
use tidings::source::body::BodyError;
use tidings::source::fetch::{Fetcher, Request};
use tidings::source::gate::{Gate, Place};
use tidings::source::{Config, Limits};
use tokio::io::AsyncWriteExt;

use super::requests::{config, fetch, fetch_with, noon, request};
use super::server::{Reply, Server};

async fn packed(encoding: &str, body: &[u8]) -> Vec<u8> {
    macro_rules! pack {
        ($encoder:ident) => {{
            let mut encoder = $encoder::new(Vec::new());
            encoder.write_all(body).await.unwrap();
            encoder.shutdown().await.unwrap();
            encoder.into_inner()
        }};
    }
    match encoding {
        "gzip" => pack!(GzipEncoder),
        "br" => pack!(BrotliEncoder),
        "zstd" => pack!(ZstdEncoder),
        _ => body.to_vec(),
    }
}

/// Tenths of a second where the real ones are seconds.
fn hasty() -> Limits {
    Limits {
        connect: Duration::from_millis(100),
        headers: Duration::from_millis(200),
        silence: Duration::from_millis(200),
        total: Duration::from_millis(600),
        ..Limits::default()
    }
}

#[test]
fn rule_20_the_limits_are_these() {
    let limits = Limits::default();
    let seconds = [limits.connect, limits.headers, limits.silence, limits.total].map(|limit| limit.as_secs());
    assert_eq!(seconds, [10, 15, 15, 60]);
    assert_eq!((limits.wire_bytes, limits.decoded_bytes), (10 * 1024 * 1024, 32 * 1024 * 1024));
    assert_eq!((limits.ratio, limits.header_bytes), (200, 64 * 1024));
}

#[tokio::test]
async fn a_document_is_the_same_whatever_it_was_compressed_with() {
    let document = "<rss>".repeat(1000);
    for encoding in ["gzip", "br", "zstd", "identity", "GZIP", "x-gzip"] {
        let body = packed(&encoding.to_lowercase().replace("x-", ""), document.as_bytes()).await;
        let server = Server::start(move |_| Reply::ok(&[("Content-Encoding", encoding)], &body)).await;
        let fetched = fetch(&request(&server.url("/feed"))).await.unwrap();
        assert_eq!(fetched.document.unwrap().bytes, document.as_bytes(), "{encoding}");
    }
}

#[tokio::test]
async fn rule_20_a_bomb_is_defused_in_every_encoding() {
    for encoding in ["gzip", "br", "zstd"] {
        let bomb = packed(encoding, &vec![b' '; 4 << 20]).await;
        assert!(bomb.len() < 100_000, "{encoding}: {}", bomb.len());
        let server = Server::start(move |_| Reply::ok(&[("Content-Encoding", encoding)], &bomb)).await;
        let error = fetch(&request(&server.url("/feed"))).await.unwrap_err();
        assert_eq!(error, FetchError::Body(BodyError::Bomb(200)), "{encoding}");
    }
}

#[tokio::test]
async fn rule_20_a_small_document_may_swell_as_it_likes() {
    let body = packed("gzip", &vec![b' '; 1 << 20]).await;
    assert!(body.len() * 200 < 1 << 20);
    let server = Server::start(move |_| Reply::ok(&[("Content-Encoding", "gzip")], &body)).await;
    assert!(fetch(&request(&server.url("/feed"))).await.is_ok());
}

#[tokio::test]
async fn rule_20_too_many_bytes_are_refused_on_the_wire_and_decoded() {
    let limits = Limits { wire_bytes: 1000, decoded_bytes: 5000, ..Limits::default() };
    let long = vec![b'x'; 1001];
    let swollen = packed("gzip", &vec![b'x'; 5001]).await;
    let chunked =
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(), b"10\r\n0123456789abcdef\r\n".repeat(80)]
            .concat();
    let server = Server::start(move |asked| match asked.path() {
        "/long" => Reply::ok(&[], &long),
        "/endless" => Reply::raw(chunked.clone()),
        "/fits" => Reply::ok(&[], &long[..1000]),
        _ => Reply::ok(&[("Content-Encoding", "gzip")], &swollen),
    })
    .await;
    for (path, limit_bytes, is_decoded) in [("/long", 1000, false), ("/endless", 1000, false), ("/swollen", 5000, true)]
    {
        let error = fetch_with(&request(&server.url(path)), &config(), limits.clone()).await.unwrap_err();
        assert_eq!(error, FetchError::Body(BodyError::TooLong { limit_bytes, is_decoded }), "{path}");
    }
    assert!(fetch_with(&request(&server.url("/fits")), &config(), limits).await.is_ok());
}

#[tokio::test]
async fn rule_20_too_many_headers_are_refused() {
    let server = Server::start(|_| Reply::ok(&[("X-Pad", &"x".repeat(65 * 1024))], "<rss/>")).await;
    let error = fetch(&request(&server.url("/feed"))).await.unwrap_err();
    assert!(matches!(error, FetchError::Headers { limit_bytes: 65_536, .. }), "{error}");
}

#[tokio::test]
async fn rule_3_a_body_that_was_cut_is_an_error_and_no_document() {
    let whole = packed("gzip", &vec![b'x'; 100_000]).await;
    let cut = whole[..whole.len() - 9].to_vec();
    let server = Server::start(move |asked| match asked.path() {
        "/length" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<rss>"),
        "/chunks" => Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\n"),
        _ => Reply::ok(&[("Content-Encoding", "gzip")], &cut),
    })
    .await;
    for path in ["/length", "/chunks", "/gzip"] {
        let error = fetch(&request(&server.url(path))).await.unwrap_err();
        assert!(matches!(error, FetchError::Body(BodyError::Cut { .. })), "{path}: {error}");
    }
}

#[tokio::test]
async fn a_compression_that_was_not_asked_for_is_an_error() {
    for encoding in ["deflate", "gzip, gzip", "compress"] {
        let server = Server::start(move |_| Reply::ok(&[("Content-Encoding", encoding)], "<rss/>")).await;
        let error = fetch(&request(&server.url("/feed"))).await.unwrap_err();
        assert_eq!(error, FetchError::Body(BodyError::Encoding(encoding.to_owned())));
    }
}

#[tokio::test]
async fn rule_20_a_host_that_never_answers_is_left() {
    let server = Server::start(|_| Reply::default().then_wait(Duration::from_secs(20))).await;
    let error = fetch_with(&request(&server.url("/feed")), &config(), hasty()).await.unwrap_err();
    assert!(error.to_string().ends_with("no answer within 0.3 s"), "{error}");
    assert_eq!(error.retry(), Retry::Network);
}

#[tokio::test]
async fn rule_20_a_host_that_falls_silent_is_left() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<rss>";
    let server = Server::start(move |_| Reply::raw(head).then_wait(Duration::from_secs(20))).await;
    let error = fetch_with(
        &request(&server.url("/feed")),
        &config(),
        Limits { silence: Duration::from_millis(200), ..Limits::default() },
    )
    .await
    .unwrap_err();
    assert_eq!(error, FetchError::Body(BodyError::Silent(Duration::from_millis(200))));
    assert_eq!(error.retry(), Retry::Network);
}

#[tokio::test]
async fn rule_20_a_host_that_sends_a_byte_now_and_then_is_left_after_a_minute_in_all() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
    let drip = (0..200).fold(Reply::raw(head), |reply, _| reply.then(Duration::from_millis(50), "x"));
    let server = Server::start(move |_| drip.clone()).await;
    let error = fetch_with(
        &request(&server.url("/feed")),
        &config(),
        Limits { total: Duration::from_millis(600), ..Limits::default() },
    )
    .await
    .unwrap_err();
    assert!(error.to_string().ends_with("not done within 0.6 s"), "{error}");
}

#[tokio::test]
async fn rule_20_headers_that_drip_are_left_as_well() {
    let drip =
        (0..200).fold(Reply::raw("HTTP/1.1 200 OK\r\nX: "), |reply, _| reply.then(Duration::from_millis(50), "x"));
    let server = Server::start(move |_| drip.clone()).await;
    let error = fetch_with(&request(&server.url("/feed")), &config(), hasty()).await.unwrap_err();
    assert!(error.to_string().ends_with("no answer within 0.3 s"), "{error}");
}

#[tokio::test]
async fn rule_20_slow_redirects_share_one_minute() {
    let server = Server::start(|asked| {
        let next = asked.path()[1..].parse::<usize>().unwrap() + 1;
        let head = format!("HTTP/1.1 302 Found\r\nLocation: /{next}\r\nContent-Length: 0\r\n\r\n");
        Reply::default().then(Duration::from_millis(180), head)
    })
    .await;
    let error = fetch_with(
        &request(&server.url("/0")),
        &config(),
        Limits { total: Duration::from_millis(600), ..Limits::default() },
    )
    .await
    .unwrap_err();
    assert!(error.to_string().ends_with("not done within 0.6 s"), "{error}");
}

#[tokio::test]
async fn rule_21_the_local_network_is_not_connected_to_unless_the_feed_allows_it() {
    let server = Server::start(|_| Reply::ok(&[], "<rss/>")).await;
    let port = server.url("").rsplit(':').next().unwrap().to_owned();
    for host in ["127.0.0.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]", "2130706433"] {
        let feed = Request { allow_private: false, ..request(&format!("http://{host}:{port}/feed")) };
        let error = fetch(&feed).await.unwrap_err();
        assert!(matches!(error, FetchError::Local(_)), "{host}: {error}");
    }
    assert!(server.asked().is_empty());
    assert!(fetch(&request(&server.url("/feed"))).await.is_ok());
}

#[tokio::test]
async fn rule_21_a_redirect_into_the_local_network_is_not_followed() {
    let inside = Server::start(|_| Reply::ok(&[], "secrets")).await;
    let target = inside.url("/admin");
    // The proxy makes a public address of ours: it stands for a feed host somewhere.
    let proxy = Server::start(move |_| Reply::bare(302, &[("Location", &target)])).await;
    let config = Config { proxy: Some(proxy.url("")), ..config() };
    let feed = Request { allow_private: false, ..request("http://feeds.example.org/feed") };
    let error = fetch_with(&feed, &config, Limits::default()).await.unwrap_err();
    assert!(matches!(error, FetchError::Local(_)), "{error}");
    assert_eq!((proxy.asked().len(), inside.asked().len()), (1, 0));
}

#[tokio::test]
async fn rule_21_a_proxy_may_be_private_and_gets_every_request() {
    let proxy = Server::start(|_| Reply::ok(&[], "<rss/>")).await;
    let config = Config { proxy: Some(proxy.url("")), ..config() };
    let feed = Request { allow_private: false, ..request("http://feeds.example.org/feed") };
    assert!(fetch_with(&feed, &config, Limits::default()).await.is_ok());
    assert_eq!(proxy.asked()[0].line, "GET http://feeds.example.org/feed HTTP/1.1");
    let literal = Request { allow_private: false, ..request("http://10.0.0.1/feed") };
    assert!(matches!(fetch_with(&literal, &config, Limits::default()).await, Err(FetchError::Local(_))));
}

#[tokio::test]
async fn rule_21_a_name_that_resolves_to_the_local_network_keeps_its_reason() {
    let feed = Request { allow_private: false, ..request("http://localhost:9/feed") };
    let error = fetch(&feed).await.unwrap_err().to_string().replace("::1", "127.0.0.1");
    insta::assert_snapshot!(error, @"localhost is 127.0.0.1, an address of the local network; `allow-private = true` on the feed permits it");
}

#[tokio::test]
async fn rule_20_500_hosts_that_never_answered_keep_nobody_else_waiting() {
    let slow = Server::start(|_| Reply::default().then_wait(Duration::from_secs(20))).await;
    let quick = Server::start(|_| Reply::ok(&[], "<rss/>")).await;
    let gate = Arc::new(Gate::new(8, 1, Duration::ZERO, Arc::new(noon)));
    let fetcher = Arc::new(Fetcher::new(&config(), hasty()).unwrap());
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..500 {
        let (fetcher, gate) = (Arc::clone(&fetcher), Arc::clone(&gate));
        let url = slow.url("/feed").replace("127.0.0.1", &format!("127.0.{}.{}", 1 + number / 250, 1 + number % 250));
        waiting.spawn(async move { fetcher.fetch(&request(&url), &mut Place::new(&gate, true), noon()).await });
    }
    slow.hears(2).await;
    let feed = request(&quick.url("/feed"));
    let mut place = Place::new(&gate, false);
    let fetched = fetcher.fetch(&feed, &mut place, noon());
    // Behind all of them it would wait for twenty seconds.
    assert!(tokio::time::timeout(Duration::from_secs(10), fetched).await.expect("it waited").is_ok());
    assert_eq!(slow.most_at_once(), 2);
}
