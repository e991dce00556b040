//! A web server on loopback whose documents and moods the test changes, and which remembers what it was asked.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

use super::eventually;

/// What is served at a path.
#[derive(Debug, Clone)]
pub enum Page {
    /// A document with its validators; a question that names one of them is answered by 304.
    Document {
        /// `Content-Type`.
        content_type: String,
        /// The body.
        body: String,
        /// `ETag`, quoted.
        etag: Option<String>,
        /// `Last-Modified`.
        last_modified: Option<String>,
    },
    /// A status with headers and no body.
    Status(u16, Vec<(&'static str, String)>),
    /// No answer, ever.
    Hang,
    /// Half of a body, and then the connection breaks.
    Cut(String),
}

impl Page {
    /// An Atom document with an entity tag of its own.
    pub fn atom(body: String) -> Self {
        let etag = Some(format!("\"{:016x}\"", fastrand::u64(..)));
        Self::Document { content_type: "application/atom+xml".to_owned(), body, etag, last_modified: None }
    }

    /// A redirect; 301 is one for ever.
    pub fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self::Status(status, vec![("location", location.into())])
    }
}

/// A request that came in.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The path.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The status of the answer; 0 when there was none.
    pub status: u16,
}

/// The server. It stops with the test's runtime.
#[derive(Debug, Clone)]
pub struct FeedServer {
    address: String,
    site: Arc<Mutex<Site>>,
}

#[derive(Debug, Default)]
struct Site {
    pages: HashMap<String, Page>,
    asked: Vec<Asked>,
}

impl FeedServer {
    /// Starts it on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let site = Arc::new(Mutex::new(Site::default()));
        let router = axum::Router::new().fallback(answer).with_state(site.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, site }
    }

    /// Serves a page from now on; gives its address.
    pub fn serve(&self, path: &str, page: Page) -> String {
        self.site.lock().unwrap().pages.insert(path.to_owned(), page);
        self.url(path)
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// The requests for a path so far.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        self.site.lock().unwrap().asked.iter().filter(|asked| asked.path == path).cloned().collect()
    }

    /// Waits until a path was asked for `count` times in all.
    pub async fn wait_for(&self, path: &str, count: usize) -> Vec<Asked> {
        let what = format!("{count} requests for {path}");
        eventually(&what, async || Some(self.asked(path)).filter(|asked| asked.len() >= count)).await
    }
}

async fn answer(State(site): State<Arc<Mutex<Site>>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let headers = request.headers().clone();
    let page = site.lock().unwrap().pages.get(&path).cloned();
    let response = match &page {
        None => Some(StatusCode::NOT_FOUND.into_response()),
        Some(page) => page.answer(&headers),
    };
    let status = response.as_ref().map_or(0, |response| response.status().as_u16());
    site.lock().unwrap().asked.push(Asked { path, headers, status });
    match response {
        Some(response) => response,
        None => std::future::pending().await,
    }
}

impl Page {
    fn answer(&self, asked: &HeaderMap) -> Option<Response> {
        let mut response = Response::builder();
        match self {
            Self::Document { content_type, body, etag, last_modified } => {
                let is_known = |header, value: &Option<String>| {
                    value.is_some() && asked.get(header).and_then(|value| value.to_str().ok()) == value.as_deref()
                };
                response = response.header(header::CONTENT_TYPE, content_type);
                for (name, value) in [(header::ETAG, etag), (header::LAST_MODIFIED, last_modified)] {
                    if let Some(value) = value {
                        response = response.header(name, value);
                    }
                }
                if is_known(header::IF_NONE_MATCH, etag) || is_known(header::IF_MODIFIED_SINCE, last_modified) {
                    return Some(response.status(StatusCode::NOT_MODIFIED).body(Body::empty()).unwrap());
                }
                Some(response.body(Body::from(body.clone())).unwrap())
            }
            Self::Status(status, headers) => {
                for (name, value) in headers {
                    response = response.header(*name, value);
                }
                Some(response.status(*status).body(Body::empty()).unwrap())
            }
            Self::Hang => None,
            Self::Cut(body) => {
                let half = Bytes::from(body[..body.len() / 2].to_owned());
                let broken = std::io::Error::other("cut, as the test wants it");
                let chunks = futures::stream::iter([Ok(half), Err(broken)]);
                Some(response.header(header::CONTENT_LENGTH, body.len()).body(Body::from_stream(chunks)).unwrap())
            }
        }
    }
}

/// An Atom document of entries `(id, title)`, oldest given first and listed last, as feeds do; a minute between two.
pub fn atom(title: &str, entries: &[(&str, &str)]) -> String {
    let mut listed = String::new();
    for (place, (id, title)) in entries.iter().enumerate().rev() {
        let time = format!("2024-05-01T{:02}:{:02}:00Z", place / 60 % 24, place % 60);
        writeln!(
            listed,
            "<entry><id>urn:test:{id}</id><title>{title}</title><updated>{time}</updated><published>{time}</published>\
             <link href=\"https://blog.test/{id}\"/><content type=\"text\">About {title}.</content></entry>"
        )
        .unwrap();
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>urn:test:feed</id>\
         <title>{title}</title><updated>2024-05-01T00:00:00Z</updated>\n{listed}</feed>\n"
    )
}
