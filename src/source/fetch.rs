//! One conditional GET: redirects followed by hand, limits, validators byte for byte, and what the answer means.
//!
//! Every hop is checked by the guard and counted at its own host; credentials
//! and configured headers go to the configured origin only; no cookie, no referer, no HEAD.

use reqwest::Response;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use tokio::time::{Instant, timeout};
use url::{Origin, Url};

use crate::feed::Time;
use crate::store::Validators;

use super::answer::{Answer, Body, FetchError, Fetched};
use super::body::{self, BodyError, Limits};
use super::client::{ClientError, Clients};
use super::gate::{Place, host_of};
use super::guard::{self, LocalAddress};
use super::tally::Counter;
use super::trail::Trail;
use super::{Config, headers};

/// The types of feeds, and anything else when there is none.
const ACCEPT: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, \
                      application/xml;q=0.8, application/json;q=0.7, text/xml;q=0.7, */*;q=0.1";

/// The HTTP clients; connections are reused per host and closed when idle.
pub struct Fetcher {
    clients: Clients,
    limits: Limits,
    allow_file: bool,
    counter: Counter,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The address.
    pub url: Url,
    /// The configured address's origin, which alone sees `basic` and `headers`.
    pub origin: Origin,
    /// Sent byte for byte; none: unconditional.
    pub validators: Validators,
    /// User and password.
    pub basic: Option<(String, String)>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// Whether the local network may be connected to.
    pub allow_private: bool,
}

impl Fetcher {
    /// Makes the clients.
    pub fn new(config: &Config, limits: Limits) -> Result<Self, ClientError> {
        let clients = Clients::new(config, &limits)?;
        Ok(Self { clients, limits, allow_file: config.allow_file, counter: Counter::default() })
    }

    /// Has what comes over the wire counted.
    pub(super) fn counted_by(self, counter: &Counter) -> Self {
        Self { counter: counter.clone(), ..self }
    }

    /// Asks, and follows where it is sent; `place` holds the turn at the last host when it returns.
    pub async fn fetch(&self, request: &Request, place: &mut Place, now: Time) -> Result<Fetched, FetchError> {
        if request.url.scheme() == "file" && self.allow_file {
            return self.read_file(&request.url, now).await;
        }
        let mut trail = Trail::new(request.url.clone());
        let mut left = self.limits.total;
        loop {
            let url = &trail.url;
            if !matches!(url.scheme(), "http" | "https") {
                return Err(FetchError::Scheme(url.scheme().to_owned()));
            }
            if !request.allow_private {
                guard::check_literal(url)?;
            }
            let host = host_of(url);
            place.enter(&host).await?;
            let begun = Instant::now();
            let slow = |_| network(url, format!("not done within {} s", self.limits.total.as_secs_f32()));
            match timeout(left, self.hop(request, &trail, now)).await.map_err(slow)?? {
                Hop::End(fetched) => return Ok(*fetched),
                Hop::Redirect { status, location } => trail.follow(status, &location)?,
            }
            left = left.saturating_sub(begun.elapsed());
        }
    }

    async fn hop(&self, request: &Request, trail: &Trail, now: Time) -> Result<Hop, FetchError> {
        let response = self.send(request, &trail.url).await?;
        let host = host_of(&trail.url);
        let status = response.status().as_u16();
        let said = response.headers();
        let is_conditional = request.validators != Validators::default();
        match status {
            200 | 203 => {}
            304 if is_conditional => {
                let answer = read_answer(trail, status, said, is_conditional, now);
                return Ok(Hop::End(Box::new(Fetched { answer, document: None })));
            }
            301 | 302 | 303 | 307 | 308 => {
                return Ok(Hop::Redirect { status, location: text(said, header::LOCATION).unwrap_or_default() });
            }
            204..=206 => return Err(FetchError::Empty { host, status }),
            _ => {
                let retry_after = text(said, header::RETRY_AFTER).and_then(|text| headers::retry_after(&text, now));
                return Err(FetchError::Status { host, status, retry_after });
            }
        }
        let answer = read_answer(trail, status, said, is_conditional, now);
        let content_type = text(said, header::CONTENT_TYPE);
        let encoding = text(said, header::CONTENT_ENCODING).unwrap_or_default();
        let wire = body::read(Box::pin(response.bytes_stream()), &self.limits).await?;
        self.counter.note_body(&encoding, wire.len());
        let bytes = body::decode(wire, &encoding, &self.limits).await?;
        if bytes.is_empty() {
            return Err(FetchError::Empty { host, status });
        }
        Ok(Hop::End(Box::new(Fetched { answer, document: Some(Body::new(bytes, content_type)) })))
    }

    /// The head of the answer, within its limits.
    async fn send(&self, request: &Request, url: &Url) -> Result<Response, FetchError> {
        let client = self.clients.get(request.allow_private, url.scheme() == "https").await;
        let sent = client.get(url.clone()).headers(request.headers_for(url)).send();
        let patience = self.limits.connect + self.limits.headers;
        let slow = |_| network(url, format!("no answer within {} s", patience.as_secs_f32()));
        let response = timeout(patience, sent).await.map_err(slow)?.map_err(|error| unsent(url, &error))?;
        let header_bytes: usize =
            response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if header_bytes > self.limits.header_bytes {
            return Err(FetchError::Headers { host: host_of(url), limit_bytes: self.limits.header_bytes });
        }
        Ok(response)
    }

    async fn read_file(&self, url: &Url, now: Time) -> Result<Fetched, FetchError> {
        let path = url.to_file_path().map_err(|()| FetchError::Scheme("file".to_owned()))?;
        let limit_bytes = self.limits.decoded_bytes;
        let failed = |why: String| FetchError::File { path: path.clone(), why };
        let facts = tokio::fs::metadata(&path).await.map_err(|error| failed(error.to_string()))?;
        if !facts.is_file() {
            return Err(failed("not a regular file".to_owned()));
        }
        if facts.len() > limit_bytes as u64 {
            return Err(BodyError::TooLong { limit_bytes, is_decoded: false }.into());
        }
        let bytes = tokio::fs::read(&path).await.map_err(|error| failed(error.to_string()))?;
        let answer = read_answer(&Trail::new(url.clone()), 200, &HeaderMap::new(), false, now);
        Ok(Fetched { answer, document: Some(Body::new(bytes, None)) })
    }
}

impl Request {
    fn headers_for(&self, url: &Url) -> HeaderMap {
        let mut map = HeaderMap::new();
        if url.origin() == self.origin {
            for (name, value) in &self.headers {
                if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
                    map.append(name, value);
                }
            }
            if let Some((user, password)) = &self.basic {
                let pair = data_encoding::BASE64.encode(format!("{user}:{password}").as_bytes());
                insert(&mut map, header::AUTHORIZATION, &format!("Basic {pair}"));
            }
        }
        // The client's own is the same for every feed.
        map.remove(header::USER_AGENT);
        if !map.contains_key(header::ACCEPT) {
            insert(&mut map, header::ACCEPT, ACCEPT);
        }
        insert(&mut map, header::ACCEPT_ENCODING, body::ACCEPT_ENCODING);
        if let Some(etag) = &self.validators.etag {
            insert(&mut map, header::IF_NONE_MATCH, etag);
        }
        if let Some(last_modified) = &self.validators.last_modified {
            insert(&mut map, header::IF_MODIFIED_SINCE, last_modified);
        }
        map
    }
}

fn insert(map: &mut HeaderMap, name: HeaderName, value: &str) {
    // Latin-1 came in as the characters of the same number, and goes back as the bytes that it was.
    let bytes: Vec<u8> = value.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
    if let Ok(mut value) = HeaderValue::from_bytes(&bytes) {
        value.set_sensitive(name == header::AUTHORIZATION);
        map.insert(name, value);
    }
}

/// The first value of a header, byte for byte: each byte a character.
fn text(map: &HeaderMap, name: HeaderName) -> Option<String> {
    map.get(name).map(|value| value.as_bytes().iter().map(|byte| char::from(*byte)).collect())
}

enum Hop {
    End(Box<Fetched>),
    Redirect { status: u16, location: String },
}

fn read_answer(trail: &Trail, status: u16, said: &HeaderMap, is_conditional: bool, now: Time) -> Answer {
    let date = text(said, header::DATE).and_then(|text| headers::date(&text)).unwrap_or(now);
    let cache: Vec<_> = said.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok()).collect();
    let (expires, age) = (text(said, header::EXPIRES), text(said, header::AGE));
    Answer {
        url: trail.url.clone(),
        moved_to: trail.permanent.clone(),
        status,
        validators: Validators { etag: text(said, header::ETAG), last_modified: text(said, header::LAST_MODIFIED) },
        date,
        freshness: headers::freshness(&cache.join(","), expires.as_deref(), date, age.as_deref()),
        is_conditional,
    }
}

fn network(url: &Url, why: String) -> FetchError {
    FetchError::Network { host: host_of(url), why }
}

/// What a request that brought no answer failed of.
fn unsent(url: &Url, error: &reqwest::Error) -> FetchError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(local) = inner.downcast_ref::<LocalAddress>() {
            return local.clone().into();
        }
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return FetchError::Tls { host: host_of(url), why: tls.to_string() };
        }
        // An io::Error hides what it wraps from `source`.
        let wrapped = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = wrapped.map(|wrapped| wrapped as _).or_else(|| inner.source());
    }
    let why = if error.is_timeout() { "no connection in time".to_owned() } else { body::innermost(error) };
    network(url, why)
}
