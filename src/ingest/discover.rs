//! Pure: the feeds that a web page links to.
//!
//! Only what the page declares: `<link rel="alternate">` with a media type of feeds. No address is guessed.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, Tag, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts, states::RawKind,
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::decode::clean;

/// A feed that a page names (`<link rel="alternate" type="…">`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Absolute address.
    pub url: String,
    /// Media type.
    pub media_type: String,
    /// Title, when given.
    pub title: Option<String>,
}

/// Media types that a page gives its feeds.
const FEED_TYPES: [&str; 5] =
    ["application/atom+xml", "application/rss+xml", "application/feed+json", "application/rdf+xml", "application/json"];

/// Links beyond this many are not looked at: a page has a handful.
const MOST_LINKS: usize = 50;

/// The feeds that a page links to, in the page's order, each once. `base` is the page's address.
pub fn discover(page: &str, base: Option<&Url>) -> Vec<Found> {
    let links = Links { base: RefCell::new(base.cloned()), found: RefCell::default() };
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(page));
    let tokenizer = Tokenizer::new(links, TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.found.into_inner()
}

struct Links {
    base: RefCell<Option<Url>>,
    found: RefCell<Vec<Found>>,
}

impl TokenSink for Links {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let Token::TagToken(tag) = token else { return TokenSinkResult::Continue };
        match &*tag.name {
            "script" => return TokenSinkResult::RawData(RawKind::ScriptData),
            "style" | "noscript" => return TokenSinkResult::RawData(RawKind::Rawtext),
            "title" | "textarea" => return TokenSinkResult::RawData(RawKind::Rcdata),
            "base" => self.rebase(&tag),
            "link" => self.consider(&tag),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Links {
    fn rebase(&self, tag: &Tag) {
        let Some(href) = attribute(tag, "href") else { return };
        let mut base = self.base.borrow_mut();
        let rebased = base.as_ref().map_or_else(|| Url::parse(&href), |base| base.join(&href));
        *base = rebased.ok().or_else(|| base.take());
    }

    fn consider(&self, tag: &Tag) {
        let is_alternate = attribute(tag, "rel")
            .is_some_and(|rel| rel.split_whitespace().any(|rel| rel.eq_ignore_ascii_case("alternate")));
        let media_type = attribute(tag, "type").unwrap_or_default().to_ascii_lowercase();
        let is_feed = FEED_TYPES.contains(&media_type.split(';').next().unwrap_or_default().trim());
        let mut found = self.found.borrow_mut();
        if !is_alternate || !is_feed || found.len() >= MOST_LINKS {
            return;
        }
        let Some(href) = attribute(tag, "href") else { return };
        let url = match &*self.base.borrow() {
            Some(base) => base.join(&href),
            None => Url::parse(&href),
        };
        if let Ok(url) = url.map(String::from)
            && !found.iter().any(|known| known.url == url)
        {
            found.push(Found { url, media_type, title: attribute(tag, "title") });
        }
    }
}

fn attribute(tag: &Tag, name: &str) -> Option<String> {
    let value = &tag.attrs.iter().find(|attribute| &*attribute.name.local == name)?.value;
    let value = clean(value.trim());
    (!value.is_empty()).then(|| value.into_owned())
}
