//! Catch-up: after a gap, the feed's archive is walked back to what is known (RFC 5005 §4).
//!
//! The pages and the document are taken in as one, so that they are committed together or not at all. A page is asked like
//! the document itself (guard, limits, turn at the host, credentials), and once for all feeds that share the address.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::sleep;
use tracing::{info, warn};
use url::Url;

use crate::ingest;
use crate::ingest::archive::{drop_known, join};
use crate::ingest::identify::MOST_ENTRIES;
use crate::ingest::parse::Document;
use crate::store::Validators;

use super::answer::{Answer, Fetched};
use super::fetch::Request;
use super::gate::Place;
use super::hosts::Hosts;
use super::outcome::plain;
use super::poll::Poller;
use super::reading::{Reader, aside};

/// Most pages of one walk.
const MOST_PAGES: usize = 10;

/// Pure: how far a walk is, and where it goes next.
struct Walk {
    /// The document with what was collected so far.
    document: Document,
    /// The address that the last page gives as the one before it.
    next: Option<String>,
    visited: Vec<Url>,
    pages: usize,
    has_known: bool,
}

/// Why a walk ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// At a page that holds something known, or at the first page of all.
    Closed,
    /// Before that: entries may be missing.
    Open(String),
}

impl Walk {
    fn new(document: Document, visited: Vec<Url>) -> Self {
        Self { next: document.prev_archive.clone(), document, visited, pages: 0, has_known: false }
    }

    /// The page to ask now.
    fn next(&self) -> Result<Url, End> {
        let Some(next) = self.next.as_ref().filter(|_| !self.has_known) else { return Err(End::Closed) };
        let open = |why: &str| End::Open(why.to_owned());
        let mut url = Url::parse(next).map_err(|_| open("the archive leads to something that is no address"))?;
        // A document of the web must not have a file of this machine read.
        if !matches!(url.scheme(), "http" | "https") {
            return Err(open("the archive leads out of the web"));
        }
        url.set_fragment(None);
        // Credentials in a document are not ours to send.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        if self.visited.contains(&url) {
            return Err(open("the archive leads in a circle"));
        }
        if self.pages == MOST_PAGES || self.document.entries.len() >= MOST_ENTRIES {
            return Err(open("the archive goes further back than is followed"));
        }
        Ok(url)
    }

    /// Adds a page without its known entries; `visited` are the addresses that it was asked at and came from.
    fn add(&mut self, mut page: Document, has_known: bool, visited: [Url; 2]) {
        self.next = page.prev_archive.take();
        self.has_known = has_known;
        self.pages += 1;
        self.visited.extend(visited);
        join(&mut self.document, page);
    }
}

/// The archive of an address, as far as the feeds that share it have asked.
pub(super) struct Archive {
    request: Request,
    place: Place,
    pages: HashMap<Url, Result<Arc<Fetched>, String>>,
    /// Host rows that were changed on the way.
    pub(super) hosts: Hosts,
}

impl Archive {
    /// Of the document that was asked for like this.
    pub(super) fn new(request: Request, place: Place) -> Self {
        let request = Request { validators: Validators::default(), ..request };
        Self { request, place, pages: HashMap::new(), hosts: Hosts::new() }
    }
}

impl Poller {
    /// The document, with what the archive holds between it and what is known.
    pub(super) async fn catch_up(
        &self,
        document: Document,
        reader: &Reader<'_>,
        answer: &Answer,
        archive: &mut Archive,
    ) -> Document {
        let mut walk = Walk::new(document, vec![archive.request.url.clone(), answer.url.clone()]);
        let end = loop {
            let url = match walk.next() {
                Ok(url) => url,
                Err(end) => break end,
            };
            match self.page(&url, reader, archive).await {
                Ok((page, has_known, from)) => walk.add(page, has_known, [url, from]),
                Err(why) => break End::Open(why),
            }
        };
        let (feed, pages) = (&reader.claim.feed, walk.pages);
        match end {
            End::Closed => info!(%feed, pages, "the feed's archive was read, to catch up"),
            End::Open(why) => {
                warn!(%feed, pages, why = plain(&why), "catching up ended early, entries may be missing");
            }
        }
        walk.document
    }

    /// A page without its known entries, whether it had any, and where it came from.
    async fn page(
        &self,
        url: &Url,
        reader: &Reader<'_>,
        archive: &mut Archive,
    ) -> Result<(Document, bool, Url), String> {
        let fetched = match archive.pages.get(url) {
            Some(fetched) => fetched.clone(),
            None => {
                let fetched = self.ask(url, archive).await.map(Arc::new);
                archive.pages.insert(url.clone(), fetched.clone());
                fetched
            }
        }?;
        let Fetched { answer, document } = &*fetched;
        let Some(body) = document else { return Err("a page of the archive is empty".to_owned()) };
        let arrival = reader.arrival(answer, body);
        let read = aside(|| {
            let mut page = ingest::read(&arrival).map_err(|error| error.to_string())?;
            let has_known = drop_known(&mut page, &reader.plan(), &reader.claim.row.read, &reader.seen, reader.now);
            Ok((page, has_known))
        });
        read?.map(|(page, has_known)| (page, has_known, answer.url.clone()))
    }

    async fn ask(&self, url: &Url, archive: &mut Archive) -> Result<Fetched, String> {
        archive.place.leave();
        sleep(self.bounds.archive_pause).await;
        let request = Request { url: url.clone(), ..archive.request.clone() };
        let fetched = self.fetcher().fetch(&request, &mut archive.place, (self.clock)()).await;
        // The host of an archive need not be the feed's, and says nothing of the network when it is gone.
        archive.hosts.extend(self.note_host(&fetched, false));
        archive.place.leave_host();
        fetched.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Entry;

    fn next(prev_archive: Option<&str>, entries: usize) -> Result<String, End> {
        let feed = Url::parse("https://blog.example/feed").unwrap();
        let document = Document {
            entries: vec![Entry::default(); entries],
            prev_archive: prev_archive.map(str::to_owned),
            ..Document::default()
        };
        Walk::new(document, vec![feed]).next().map(String::from)
    }

    #[test]
    fn a_walk_goes_to_pages_of_the_web_only_and_to_none_twice() {
        let open = |why: &str| Err(End::Open(why.to_owned()));
        let page = "https://blog.example/2025";
        let cases = [
            (Some(page), 10, Ok(page.to_owned())),
            (Some("https://user:word@blog.example/2025#top"), 10, Ok(page.to_owned())),
            (None, 10, Err(End::Closed)),
            (Some("file:///etc/passwd"), 10, open("the archive leads out of the web")),
            (Some("/2025"), 10, open("the archive leads to something that is no address")),
            (Some("https://blog.example/feed#older"), 10, open("the archive leads in a circle")),
            (Some(page), MOST_ENTRIES, open("the archive goes further back than is followed")),
        ];
        for (prev_archive, entries, expected) in cases {
            assert_eq!(next(prev_archive, entries), expected, "{prev_archive:?} after {entries} entries");
        }
    }
}
