//! A web server with many feeds, which says that nothing changed unless it shall change some.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::document::rss;

/// The server. It stops with the runtime.
pub(crate) struct Site {
    address: String,
    feeds: Arc<Feeds>,
}

struct Feeds {
    entries: u64,
    /// How many entries each feed has had so far, beyond those that it lists.
    versions: Vec<AtomicU64>,
    /// Of so many requests one finds a new entry; 0: none does.
    change_each: u64,
    count: AtomicU64,
    asked: Mutex<Vec<(usize, Instant)>>,
}

impl Site {
    /// Serves `/0`, `/1` … with so many entries each.
    pub(crate) async fn start(feeds: usize, entries: u64, change_each: u64) -> Self {
        let versions = (0..feeds).map(|_| AtomicU64::new(0)).collect();
        let count = AtomicU64::new(0);
        let feeds = Arc::new(Feeds { entries, versions, change_each, count, asked: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(feeds.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, feeds }
    }

    /// The address of a feed.
    pub(crate) fn url(&self, feed: usize) -> String {
        format!("{}/{feed}", self.address)
    }

    /// Whether any feed was asked for since then.
    pub(crate) fn has_been_asked(&self) -> bool {
        !self.feeds.asked.lock().unwrap().is_empty()
    }

    /// Which feed was asked for when, since the last time that this was asked.
    pub(crate) fn take_asked(&self) -> Vec<(usize, Instant)> {
        std::mem::take(&mut self.feeds.asked.lock().unwrap())
    }
}

/// The entity tag of a feed's version.
pub(crate) fn etag(version: u64) -> String {
    format!("\"v{version}\"")
}

/// The document of a feed's version.
pub(crate) fn body(version: u64, entries: u64) -> String {
    rss(version..version + entries)
}

async fn answer(State(feeds): State<Arc<Feeds>>, request: Request) -> Response {
    let number = request.uri().path().trim_start_matches('/').parse().ok().filter(|at| *at < feeds.versions.len());
    let Some(number) = number else { return StatusCode::NOT_FOUND.into_response() };
    feeds.asked.lock().unwrap().push((number, Instant::now()));
    let is_changing = feeds.change_each > 0 && feeds.count.fetch_add(1, Relaxed) % feeds.change_each == 0;
    let version = feeds.versions[number].fetch_add(u64::from(is_changing), Relaxed) + u64::from(is_changing);
    let etag = etag(version);
    if request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    let headers = [(header::ETAG, etag), (header::CONTENT_TYPE, "application/rss+xml".to_owned())];
    (headers, body(version, feeds.entries)).into_response()
}
