//! Addresses as clients can use them: absolute, ASCII, of a scheme that does nothing when it is opened.

use url::Url;

/// What a link may lead to.
pub(super) const SCHEMES: [&str; 13] =
    ["http", "https", "mailto", "xmpp", "tel", "sms", "geo", "ftp", "gemini", "gopher", "irc", "ircs", "magnet"];

/// The address, resolved against `base`; `None` when there is nothing that a client should open.
pub(super) fn absolute(href: &str, base: Option<&Url>) -> Option<Url> {
    let href = href.trim();
    if href.is_empty() {
        return None;
    }
    let url = match Url::parse(href) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => base?.join(href).ok()?,
        Err(_) => return None,
    };
    SCHEMES.contains(&url.scheme()).then_some(url)
}

/// As text: punycode and percent-encoding, and neither quote nor space, which clients cut at.
pub(super) fn ascii(url: &Url) -> String {
    url.as_str().replace('\'', "%27").replace(' ', "%20")
}

/// Both in one.
pub(super) fn absolute_ascii(href: &str, base: Option<&Url>) -> Option<String> {
    absolute(href, base).map(|url| ascii(&url))
}

/// Whether it is a page or file of the web.
pub(super) fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// Whether an address may be told to everyone: one with a password or a query may hold a token.
pub(super) fn is_public(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none() && url.query().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_absolute_and_ascii() {
        let base = Url::parse("https://harbour.example/2026/log/").unwrap();
        let check = |href: &str, expected: Option<&str>| {
            let found = absolute_ascii(href, Some(&base));
            assert_eq!(found.as_deref(), expected, "{href}");
            if let Some(found) = found {
                assert_eq!(absolute_ascii(&found, Some(&base)).as_deref(), expected, "a second time: {href}");
            }
        };
        check("clock.html", Some("https://harbour.example/2026/log/clock.html"));
        check("../tide?a=b#c", Some("https://harbour.example/2026/tide?a=b#c"));
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
        assert_eq!(absolute("clock.html", None), None);
    }
}
