//! A web server with many feeds, which answers 304 to who knows them, unless it shall change some.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::document::rss;

/// The server. It stops with the runtime.
pub(crate) struct Site {
    address: String,
    feeds: Arc<Feeds>,
}

struct Feeds {
    entries: u64,
    /// How many entries each feed has had so far beyond those that it lists.
    versions: Vec<AtomicU64>,
    /// Of so many requests one finds a new entry; 0: none does.
    change_each: u64,
    count: AtomicU64,
    /// Bytes that came and went.
    traffic: AtomicU64,
    asked: Mutex<Vec<(usize, Instant)>>,
    /// Documents that were made, by version.
    bodies: Mutex<HashMap<u64, Arc<str>>>,
}

impl Site {
    /// Serves `/0`, `/1` … with so many entries each.
    pub(crate) async fn start(feeds: usize, entries: u64, change_each: u64) -> Self {
        let versions = (0..feeds).map(|_| AtomicU64::new(0)).collect();
        let (count, traffic) = (AtomicU64::new(0), AtomicU64::new(0));
        let feeds = Arc::new(Feeds {
            entries,
            versions,
            change_each,
            count,
            traffic,
            asked: Mutex::default(),
            bodies: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let served = feeds.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let feeds = served.clone();
                // A client may hang up whenever it likes.
                tokio::spawn(async move { feeds.serve(stream).await });
            }
        });
        Self { address, feeds }
    }

    /// Where it is, without a slash at the end.
    pub(crate) fn root(&self) -> &str {
        &self.address
    }

    /// The address of a feed.
    pub(crate) fn url(&self, feed: usize) -> String {
        format!("{}/{feed}", self.address)
    }

    /// Makes the document of a version, so that no request waits for it.
    pub(crate) fn prepare(&self, version: u64) {
        self.feeds.body(version);
    }

    /// Bytes that came and went so far, headers included.
    pub(crate) fn traffic(&self) -> u64 {
        self.feeds.traffic.load(Relaxed)
    }

    /// Whether any feed was asked for since [`Site::take_asked`].
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

impl Feeds {
    /// Answers one request after the other (RFC 9112 §9.3).
    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        loop {
            head.clear();
            while !head.ends_with("\r\n\r\n") {
                if stream.read_line(&mut head).await? == 0 {
                    return Ok(());
                }
            }
            let answer = self.answer(&head);
            self.traffic.fetch_add((head.len() + answer.len()) as u64, Relaxed);
            stream.write_all(answer.as_bytes()).await?;
        }
    }

    fn answer(&self, head: &str) -> String {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let feed = path.trim_start_matches('/').parse().ok().filter(|feed| *feed < self.versions.len());
        let Some(feed) = feed else { return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned() };
        self.asked.lock().unwrap().push((feed, Instant::now()));
        let count = self.count.fetch_add(1, Relaxed) + 1;
        let is_changing = self.change_each > 0 && count.is_multiple_of(self.change_each);
        let version = self.versions[feed].fetch_add(u64::from(is_changing), Relaxed) + u64::from(is_changing);
        let etag = etag(version);
        let known = head.lines().filter_map(|line| line.split_once(": "));
        if known.into_iter().any(|(name, value)| name.eq_ignore_ascii_case("if-none-match") && value == etag) {
            return format!("HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n\r\n");
        }
        let body = self.body(version);
        let length = body.len();
        format!(
            "HTTP/1.1 200 OK\r\nETag: {etag}\r\nContent-Type: application/rss+xml\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    }

    fn body(&self, version: u64) -> Arc<str> {
        self.bodies.lock().unwrap().entry(version).or_insert_with(|| body(version, self.entries).into()).clone()
    }
}
