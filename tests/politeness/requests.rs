//! What a request looks like and where it goes.

use std::sync::Arc;
use std::time::Duration;

use tidings::feed::Time;
use tidings::source::answer::{FetchError, Fetched, Retry};
use tidings::source::fetch::{Fetcher, Request};
use tidings::source::gate::{Gate, Place};
use tidings::source::{Config, Limits};
use tidings::store::Validators;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use super::server::{Reply, Server};

/// A Sunday at noon.
pub(crate) fn noon() -> Time {
    "2025-11-23T12:00:00Z".parse().unwrap()
}

pub(crate) fn config() -> Config {
    Config {
        contact: None,
        proxy: None,
        host_interval: Duration::ZERO,
        per_host: 1,
        concurrency: 64,
        allow_file: false,
    }
}

pub(crate) fn request(url: &str) -> Request {
    let url: Url = url.parse().unwrap();
    Request {
        origin: url.origin(),
        url,
        validators: Validators::default(),
        basic: None,
        headers: Vec::new(),
        allow_private: true,
    }
}

pub(crate) async fn fetch(request: &Request) -> Result<Fetched, FetchError> {
    fetch_with(request, &config(), Limits::default()).await
}

pub(crate) async fn fetch_with(request: &Request, config: &Config, limits: Limits) -> Result<Fetched, FetchError> {
    let gate = Arc::new(Gate::new(64, 1, Duration::ZERO, Arc::new(noon)));
    Fetcher::new(config, limits).unwrap().fetch(request, &mut Place::new(&gate, false), noon()).await
}

fn text(fetched: Fetched) -> String {
    String::from_utf8(fetched.document.unwrap().bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn rule_1_validators_come_back_byte_for_byte_both_of_them() {
    let server = Server::start(|_| Reply::bare(304, &[])).await;
    let validators = Validators {
        etag: Some("W/\"a \u{e4} 'b\"".to_owned()),
        last_modified: Some("sunday, 23-Nov-25 11:00:00 UTC".to_owned()),
    };
    let fetched = fetch(&Request { validators: validators.clone(), ..request(&server.url("/feed")) }).await.unwrap();
    assert_eq!((fetched.document, fetched.answer.status), (None, 304));
    let asked = &server.asked()[0];
    assert_eq!(asked.header("if-none-match"), validators.etag.as_deref());
    assert_eq!(asked.header("if-modified-since"), validators.last_modified.as_deref());
}

#[tokio::test]
async fn rule_1_validators_are_read_byte_for_byte() {
    let server =
        Server::start(|_| Reply::ok(&[("ETag", "W/\"x-gzip\""), ("Last-Modified", "yesterday")], "<rss/>")).await;
    let answer = fetch(&request(&server.url("/feed"))).await.unwrap().answer;
    assert_eq!(answer.validators.etag.as_deref(), Some("W/\"x-gzip\""));
    assert_eq!(answer.validators.last_modified.as_deref(), Some("yesterday"));
}

#[tokio::test]
async fn rule_2_a_304_that_nobody_asked_for_is_an_error() {
    let server = Server::start(|_| Reply::bare(304, &[])).await;
    let error = fetch(&request(&server.url("/feed"))).await.unwrap_err();
    assert_eq!((error.status(), error.retry()), (Some(304), Retry::Backoff));
}

#[tokio::test]
async fn rule_5_a_request_is_one_plain_get_with_nothing_to_track_by() {
    let server = Server::start(|_| Reply::ok(&[("Set-Cookie", "id=1")], "<rss/>")).await;
    let request = request(&server.url("/feed?page=1&x"));
    let gate = Arc::new(Gate::new(64, 1, Duration::ZERO, Arc::new(noon)));
    let fetcher = Fetcher::new(&config(), Limits::default()).unwrap();
    for _ in 0..2 {
        fetcher.fetch(&request, &mut Place::new(&gate, false), noon()).await.unwrap();
    }
    for asked in server.asked() {
        assert_eq!(asked.line, "GET /feed?page=1&x HTTP/1.1");
        let mut names: Vec<_> = asked.headers.iter().map(|(name, _)| name.to_lowercase()).collect();
        names.sort();
        assert_eq!(names, ["accept", "accept-encoding", "host", "user-agent"]);
        assert_eq!(asked.header("accept-encoding"), Some("gzip, br, zstd"));
        let accept = asked.header("accept").unwrap();
        for kind in ["application/rss+xml", "application/atom+xml", "application/feed+json"] {
            assert!(accept.contains(kind), "{accept}");
        }
    }
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn rule_6_the_user_agent_names_the_program_and_whom_to_turn_to() {
    let server = Server::start(|_| Reply::ok(&[], "<rss/>")).await;
    let version = env!("CARGO_PKG_VERSION");
    let feed = Request { headers: vec![("User-Agent".into(), "Mozilla".into())], ..request(&server.url("/feed")) };
    fetch(&feed).await.unwrap();
    let named = Config { contact: Some("mailto:juliet@example.org".into()), ..config() };
    fetch_with(&feed, &named, Limits::default()).await.unwrap();
    let agents: Vec<_> = server.asked().iter().map(|asked| asked.header("user-agent").unwrap().to_owned()).collect();
    assert_eq!(
        agents,
        [
            format!("tidings/{version} (+https://tidings.example/)"),
            format!("tidings/{version} (+mailto:juliet@example.org)")
        ]
    );
    let broken = Config { contact: Some("a\r\nCookie: b".into()), ..config() };
    assert!(Fetcher::new(&broken, Limits::default()).is_err());
}

#[tokio::test]
async fn rule_8_a_connection_is_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/feed", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut served = 0;
        let mut buffer = [0; 4096];
        while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
            served += 1;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<rss/>").await.unwrap();
        }
        served
    });
    let fetcher = Fetcher::new(&config(), Limits::default()).unwrap();
    let gate = Arc::new(Gate::new(64, 1, Duration::ZERO, Arc::new(noon)));
    for _ in 0..3 {
        fetcher.fetch(&request(&url), &mut Place::new(&gate, false), noon()).await.unwrap();
    }
    drop(fetcher);
    assert_eq!(served.await.unwrap(), 3);
}

#[tokio::test]
async fn rule_8_http_2_is_offered_and_a_certificate_of_nobody_is_refused() {
    tidings::source::install_tls();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let tls = rustls::ServerConfig::builder().with_no_client_auth();
    let tls = Arc::new(tls.with_single_cert(vec![made.cert.der().clone()], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let offered = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let start = tokio_rustls::LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await.unwrap();
        let offered: Vec<_> = start.client_hello().alpn().into_iter().flatten().map(<[u8]>::to_vec).collect();
        assert!(start.into_stream(tls).await.is_err(), "the client went on");
        offered
    });
    let error = fetch(&request(&format!("https://localhost:{port}/feed"))).await.unwrap_err();
    assert!(matches!(error, FetchError::Tls { .. }), "{error}");
    assert_eq!(error.retry(), Retry::Backoff);
    assert_eq!(offered.await.unwrap(), [b"h2".to_vec(), b"http/1.1".to_vec()]);
}

#[tokio::test]
async fn rule_14_a_retry_after_is_read_as_seconds_and_as_a_date() {
    let server = Server::start(|asked| match asked.path() {
        "/429" => Reply::bare(429, &[("Retry-After", "120")]),
        "/503" => Reply::bare(503, &[("Retry-After", "Sun, 23 Nov 2025 12:05:00 GMT")]),
        _ => Reply::bare(503, &[]),
    })
    .await;
    for (path, seconds) in [("/429", Some(120)), ("/503", Some(300)), ("/none", None)] {
        let error = fetch(&request(&server.url(path))).await.unwrap_err();
        assert_eq!(error.retry(), Retry::Host(seconds.map(Duration::from_secs)), "{path}");
    }
}

#[tokio::test]
async fn rule_16_redirects_are_followed_with_validators_and_the_last_address_is_told() {
    let server = Server::start(|asked| match asked.path() {
        "/old" => Reply::bare(301, &[("Location", "/newer")]),
        "/newer" => Reply::bare(308, &[("Location", "newest?x#top")]),
        "/for-now" => Reply::bare(302, &[("Location", "/newest?x")]),
        "/mixed" => Reply::bare(301, &[("Location", "/for-now")]),
        _ => Reply::ok(&[], "<rss/>"),
    })
    .await;
    let validators = Validators { etag: Some("\"1\"".into()), last_modified: None };
    for (from, moved_to) in
        [("/old", Some("/newest?x")), ("/for-now", None), ("/mixed", Some("/for-now")), ("/newest?x", None)]
    {
        let fetched = fetch(&Request { validators: validators.clone(), ..request(&server.url(from)) }).await.unwrap();
        assert_eq!(fetched.answer.url.as_str(), server.url("/newest?x"));
        assert_eq!(fetched.answer.moved_to.map(String::from), moved_to.map(|path| server.url(path)), "{from}");
    }
    assert!(server.asked().iter().all(|asked| asked.header("if-none-match") == Some("\"1\"")));
}

#[tokio::test]
async fn rule_16_five_redirects_are_followed_and_a_sixth_is_an_error() {
    let server = Server::start(|asked| {
        let left: usize = asked.path().trim_start_matches('/').parse().unwrap();
        match left {
            0 => Reply::ok(&[], "<rss/>"),
            _ => Reply::bare(302, &[("Location", &format!("/{}", left - 1))]),
        }
    })
    .await;
    assert!(fetch(&request(&server.url("/5"))).await.is_ok());
    let error = fetch(&request(&server.url("/6"))).await.unwrap_err();
    insta::assert_snapshot!(error.to_string().replace(&server.host(), "HOST"), @"HOST redirects more than 5 times");
    assert_eq!(server.asked().len(), 6 + 6);
}

#[tokio::test]
async fn rule_16_redirects_that_lead_nowhere_are_errors() {
    let server = Server::start(|asked| match asked.path() {
        "/self" => Reply::bare(301, &[("Location", "/self")]),
        "/a" => Reply::bare(301, &[("Location", "/b")]),
        "/b" => Reply::bare(302, &[("Location", "/a#again")]),
        "/silent" => Reply::bare(301, &[]),
        "/bad" => Reply::bare(301, &[("Location", "http://[")]),
        "/file" => Reply::bare(301, &[("Location", "file:///etc/passwd")]),
        _ => Reply::bare(301, &[("Location", "javascript:alert(1)")]),
    })
    .await;
    let config = Config { allow_file: true, ..config() };
    for (path, why) in [
        ("/self", "in a circle"),
        ("/a", "in a circle"),
        ("/silent", "without saying where"),
        ("/bad", "to something that is no address"),
        ("/file", "file: addresses are not polled"),
        ("/script", "javascript: addresses are not polled"),
    ] {
        let error = fetch_with(&request(&server.url(path)), &config, Limits::default()).await.unwrap_err();
        assert!(error.to_string().contains(why), "{path}: {error}");
    }
}

#[tokio::test]
async fn credentials_and_headers_go_to_the_configured_origin_only() {
    let elsewhere = Server::start(|_| Reply::ok(&[], "<rss/>")).await;
    let target = elsewhere.url("/feed").replace("http://", "http://eve:secret@");
    let server = Server::start(move |asked| match asked.path() {
        "/feed" => Reply::bare(302, &[("Location", "/next")]),
        _ => Reply::bare(302, &[("Location", &target)]),
    })
    .await;
    let feed = Request {
        basic: Some(("juliet".into(), "pass:wörd".into())),
        headers: vec![("X-Key".into(), "k".into())],
        ..request(&server.url("/feed"))
    };
    fetch(&feed).await.unwrap();
    for asked in server.asked() {
        assert_eq!(asked.header("authorization"), Some("Basic anVsaWV0OnBhc3M6d8O2cmQ="));
        assert_eq!(asked.header("x-key"), Some("k"));
    }
    assert_eq!(server.asked().len(), 2);
    let stranger = &elsewhere.asked()[0];
    assert_eq!((stranger.header("authorization"), stranger.header("x-key")), (None, None));
}

#[tokio::test]
async fn rule_18_an_answer_without_a_document_is_an_error() {
    let server = Server::start(|asked| match asked.path() {
        "/200" => Reply::ok(&[], ""),
        path => Reply::bare(path[1..].parse().unwrap(), &[]),
    })
    .await;
    for status in [200, 204, 205, 206] {
        let error = fetch(&request(&server.url(&format!("/{status}")))).await.unwrap_err();
        assert!(matches!(error, FetchError::Empty { .. }), "{error}");
        assert_eq!((error.status(), error.retry()), (Some(status), Retry::Backoff));
    }
    for (status, retry) in [(404, Retry::Backoff), (410, Retry::Gone), (500, Retry::Backoff), (300, Retry::Backoff)] {
        let error = fetch(&request(&server.url(&format!("/{status}")))).await.unwrap_err();
        assert_eq!((error.status(), error.retry()), (Some(status), retry));
    }
}

#[tokio::test]
async fn rule_21_a_file_is_read_only_when_the_operator_allows_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed.xml");
    std::fs::write(&path, "<rss/>").unwrap();
    let feed = request(Url::from_file_path(&path).unwrap().as_str());
    let refused = fetch(&feed).await.unwrap_err();
    insta::assert_snapshot!(refused, @"file: addresses are not polled; `[http] allow-file = true` permits it");
    let config = Config { allow_file: true, ..config() };
    assert_eq!(text(fetch_with(&feed, &config, Limits::default()).await.unwrap()), "<rss/>");
    // A pipe or device could keep us for ever.
    let folder = request(Url::from_file_path(folder.path()).unwrap().as_str());
    assert!(fetch_with(&folder, &config, Limits::default()).await.is_err());
}

#[tokio::test]
async fn a_host_that_is_not_there_is_a_network_error_without_secrets_in_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = fetch(&request(&format!("http://127.0.0.1:{port}/feed?token=secret"))).await.unwrap_err();
    assert_eq!(error.retry(), Retry::Network);
    insta::assert_snapshot!(error.to_string().replace(&port.to_string(), "PORT"), @"127.0.0.1:PORT cannot be reached: Connection refused (os error 111)");
}
