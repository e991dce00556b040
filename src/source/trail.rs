//! The addresses that a poll was sent along, and how far a move was meant for good.

use url::Url;

use super::answer::FetchError;
use super::gate::host_of;

/// How often an answer may send us elsewhere.
const MAX_HOPS: usize = 5;

/// The addresses of a poll so far.
pub struct Trail {
    /// The one to ask now.
    pub url: Url,
    /// How far permanent redirects (301, 308) alone led; https to http is never for good.
    pub permanent: Option<Url>,
    is_permanent: bool,
    visited: Vec<Url>,
}

impl Trail {
    /// A trail that begins here.
    pub fn new(mut url: Url) -> Self {
        url.set_fragment(None);
        Self { url, permanent: None, is_permanent: true, visited: Vec::new() }
    }

    /// Goes where a redirect says.
    pub fn follow(&mut self, status: u16, location: &str) -> Result<(), FetchError> {
        let wrong = |why: &str| FetchError::Redirect { host: host_of(&self.url), why: why.to_owned() };
        if location.is_empty() {
            return Err(wrong("without saying where"));
        }
        let mut target = self.url.join(location).map_err(|_| wrong("to something that is no address"))?;
        target.set_fragment(None);
        // Credentials in a redirect are not ours to send.
        let _ = target.set_username("").and_then(|()| target.set_password(None));
        if target == self.url || self.visited.contains(&target) {
            return Err(wrong("in a circle"));
        }
        if self.visited.len() == MAX_HOPS {
            return Err(wrong(&format!("more than {MAX_HOPS} times")));
        }
        let is_downgrade = self.url.scheme() == "https" && target.scheme() == "http";
        self.is_permanent &= matches!(status, 301 | 308) && !is_downgrade;
        if self.is_permanent {
            self.permanent = Some(target.clone());
        }
        self.visited.push(std::mem::replace(&mut self.url, target));
        Ok(())
    }
}
