//! Addresses as clients can use them: absolute, ASCII, of a scheme that does nothing when it is opened, and without what
//! only the operator may know.

use url::Url;

use crate::feed::{Entry, FeedMeta};

/// What a link may lead to.
pub(super) const SCHEMES: [&str; 13] =
    ["http", "https", "mailto", "xmpp", "tel", "sms", "geo", "ftp", "gemini", "gopher", "irc", "ircs", "magnet"];

/// Where the relative addresses of an entry lead.
#[derive(Debug, Default)]
pub(super) struct Place {
    base: Option<Url>,
    page: Option<Url>,
}

impl Place {
    /// By what the document says, else by the pages that it names. The query of a document's own address is left out: a
    /// relative address would take it along, and it may hold a token.
    pub(super) fn of(entry: &Entry, source: &FeedMeta) -> Self {
        let parse = |address: &Option<String>| Url::parse(address.as_deref()?).ok();
        let document = |address: &Option<String>| {
            let mut url = parse(address)?;
            url.set_query(None);
            Some(url)
        };
        let page = parse(&entry.link);
        let base = document(&entry.base).or_else(|| page.clone()).or_else(|| parse(&source.link));
        Self { base: base.or_else(|| document(&source.self_link)), page }
    }

    /// The address itself; `None` when there is nothing that a client should open.
    pub(super) fn absolute(&self, href: &str) -> Option<Url> {
        let href = href.trim();
        let base = if href.starts_with('#') { self.page.as_ref().or(self.base.as_ref()) } else { self.base.as_ref() };
        let mut url = match Url::parse(href) {
            Ok(url) => url,
            Err(url::ParseError::RelativeUrlWithoutBase) if !href.is_empty() => base?.join(href).ok()?,
            Err(_) => return None,
        };
        if is_web(&url) {
            // Cannot fail: the web's addresses have a host.
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        SCHEMES.contains(&url.scheme()).then_some(url)
    }

    /// The address as text.
    pub(super) fn ascii(&self, href: &str) -> Option<String> {
        self.absolute(href).map(|url| ascii(&url))
    }
}

/// As text: punycode and percent-encoding, and neither quote nor space, which clients cut at.
pub(super) fn ascii(url: &Url) -> String {
    url.as_str().replace('\'', "%27").replace(' ', "%20")
}

/// Whether it is a page or file of the web.
pub(super) fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// The address of a document, when everyone may know it: one with a user or a query may hold a token.
pub(super) fn public(address: &str) -> Option<String> {
    let url = Url::parse(address.trim()).ok()?;
    let is_public = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    (is_public && SCHEMES.contains(&url.scheme())).then(|| ascii(&url))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(base: &str, page: &str) -> Place {
        let entry = Entry { base: Some(base.to_owned()), link: Some(page.to_owned()), ..Entry::default() };
        Place::of(&entry, &FeedMeta::default())
    }

    #[test]
    fn addresses_become_absolute_and_ascii() {
        let place = place("https://harbour.example/2026/log/", "https://harbour.example/?p=9");
        let check = |href: &str, expected: Option<&str>| {
            let found = place.ascii(href);
            assert_eq!(found.as_deref(), expected, "{href}");
            if let Some(found) = found {
                assert_eq!(place.ascii(&found).as_deref(), expected, "a second time: {href}");
            }
        };
        check("clock.html", Some("https://harbour.example/2026/log/clock.html"));
        check("../tide?a=b#c", Some("https://harbour.example/2026/tide?a=b#c"));
        check("#note", Some("https://harbour.example/?p=9#note"));
        check("//cdn.example/x.png", Some("https://cdn.example/x.png"));
        check("  https://ümlaut.example/straße it's \n", Some("https://xn--mlaut-jva.example/stra%C3%9Fe%20it%27s"));
        check("mailto:jürgen o'x@example.org", Some("mailto:j%C3%BCrgen%20o%27x@example.org"));
        check("xmpp:pubsub.example.org?;node=log", Some("xmpp:pubsub.example.org?;node=log"));
        check("", None);
        check("javascript:alert(1)", None);
        check("JaVa\tScript:alert(1)", None);
        check("data:text/html,x", None);
        check("vbscript:x", None);
        check("blob:https://harbour.example/x", None);
        check("https://", None);
    }

    #[test]
    fn a_relative_address_without_a_base_is_none() {
        assert_eq!(Place::default().absolute("clock.html"), None);
    }

    #[test]
    fn what_only_the_operator_knows_is_in_no_address() {
        let place = place("https://ada:secret@harbour.example/feed?key=secret", "https://ada:secret@harbour.example/9");
        for href in [
            "",
            "#note",
            "?page=2",
            "clock.html",
            "/clock",
            "//harbour.example/x",
            "https://ada:secret@harbour.example/",
        ] {
            assert!(!place.ascii(href).unwrap_or_default().contains("secret"), "{href}");
        }
        assert_eq!(public("https://harbour.example/feed?key=secret"), None);
        assert_eq!(public("https://ada@harbour.example/feed"), None);
        assert_eq!(public("https://harbour.example/feed").as_deref(), Some("https://harbour.example/feed"));
    }
}
