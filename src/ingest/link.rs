//! Pure: addresses as identity sees them.
//!
//! Frozen: entry keys and fingerprints are made of them, so a change here republishes entries.

/// Query parameters that name a campaign, a click or a session, never a page; lower case.
const NOISE: [&str; 31] = [
    "_ga",
    "_gl",
    "_hsenc",
    "_hsmi",
    "_openstat",
    "cfid",
    "cftoken",
    "dclid",
    "fbclid",
    "gbraid",
    "gclid",
    "gclsrc",
    "hsctatracking",
    "igsh",
    "igshid",
    "jsessionid",
    "mkt_tok",
    "msclkid",
    "oly_anon_id",
    "oly_enc_id",
    "oscsid",
    "phpsessid",
    "session_id",
    "sessionid",
    "srsltid",
    "ttclid",
    "twclid",
    "vero_id",
    "wbraid",
    "yclid",
    "zenid",
];

/// The same, by how the name begins.
const NOISE_PREFIXES: [&str; 6] = ["utm_", "mc_", "mtm_", "pk_", "piwik_", "aspsessionid"];

/// The address without tracking parameters and session ids; everything else is left as it stands.
pub(super) fn canonical(link: &str) -> String {
    let link = link.trim();
    let (address, fragment) = link.split_at(link.find('#').unwrap_or(link.len()));
    let Some((path, query)) = address.split_once('?') else {
        return without_path_session(address) + fragment;
    };
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_noise(pair)).collect();
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    without_path_session(path) + &query + fragment
}

/// An address without scheme and `www.`, so that http and https, with and without `www.`, compare equal.
pub(super) fn bare(link: &str) -> &str {
    let rest = strip_prefix_folded(link, "https://").or_else(|| strip_prefix_folded(link, "http://")).unwrap_or(link);
    strip_prefix_folded(rest, "www.").unwrap_or(rest)
}

/// What follows the host, so that an address compares equal after a move to another domain; `None` for a mere host.
pub(super) fn hostless(link: &str) -> Option<&str> {
    let rest = bare(link);
    let path = &rest[rest.find(['/', '?', '#'])?..];
    (path.len() > 1).then_some(path)
}

/// The host, lower case, without `www.` and port.
pub(super) fn host(link: &str) -> Option<String> {
    let url = url::Url::parse(link.trim()).ok()?;
    let host = url.host_str()?;
    Some(host.strip_prefix("www.").unwrap_or(host).to_ascii_lowercase())
}

/// Whether a text is a web address.
pub(super) fn is_web(text: &str) -> bool {
    strip_prefix_folded(text, "https://").is_some() || strip_prefix_folded(text, "http://").is_some()
}

fn is_noise(pair: &str) -> bool {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    // A link that was escaped twice splits into `amp;name`.
    let name = name.strip_prefix("amp;").unwrap_or(name).to_ascii_lowercase();
    let is_hash = value.len() == 32 && value.bytes().all(|c| c.is_ascii_hexdigit());
    NOISE.contains(&name.as_str())
        || NOISE_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        // phpBB and vBulletin; elsewhere these short names may say which page it is.
        || (is_hash && matches!(name.as_str(), "sid" | "s"))
}

/// Takes out `;jsessionid=…` (Java) and `(S(…))/` (ASP.NET).
fn without_path_session(path: &str) -> String {
    let mut path = path.to_owned();
    if path.contains(';')
        && let Some(start) = path.to_ascii_lowercase().find(";jsessionid=")
    {
        let end = path[start..].find('/').map_or(path.len(), |length| start + length);
        path.replace_range(start..end, "");
    }
    if let Some(start) = path.find("/(S(")
        && let Some(length) = path[start..].find("))/")
    {
        path.replace_range(start..start + length + 2, "");
    }
    path
}

fn strip_prefix_folded<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_link_drops_tracking_and_sessions_and_nothing_else() {
        for (link, expected) in [
            ("https://a.example/p?utm_source=rss&utm_medium=feed", "https://a.example/p"),
            ("https://a.example/p?id=1&utm_source=rss&x=2#top", "https://a.example/p?id=1&x=2#top"),
            ("https://a.example/p?fbclid=1&gclid=2&mc_cid=3&mc_eid=4", "https://a.example/p"),
            ("https://a.example/p?UTM_Source=rss", "https://a.example/p"),
            ("https://a.example/p?id=1&amp;utm_source=rss", "https://a.example/p?id=1"),
            (" https://a.example/p ", "https://a.example/p"),
            ("http://a.example/p;jsessionid=0A1B?x=1", "http://a.example/p?x=1"),
            ("http://a.example/p;JSESSIONID=0A1B/q", "http://a.example/p/q"),
            ("http://a.example/(S(lit3py55t21z5v55vlm25s55))/p.aspx", "http://a.example/p.aspx"),
            ("http://a.example/t?t=5&sid=0123456789abcdef0123456789abcdef", "http://a.example/t?t=5"),
            ("http://a.example/t?PHPSESSID=abc", "http://a.example/t"),
            // Left alone.
            ("https://A.example/P/?b=2&a=1&a=", "https://A.example/P/?b=2&a=1&a="),
            ("http://a.example/story?sid=08/01/02", "http://a.example/story?sid=08/01/02"),
            ("https://a.example/?", "https://a.example/?"),
            ("https://a.example/p?ref=rss&source=x", "https://a.example/p?ref=rss&source=x"),
            ("https://a.example/p#!utm_source=x", "https://a.example/p#!utm_source=x"),
            ("urn:uuid:1?utm_x=1", "urn:uuid:1"),
            ("", ""),
        ] {
            assert_eq!(canonical(link), expected, "{link}");
        }
    }

    #[test]
    fn scheme_www_and_host_can_be_left_out() {
        for (link, expected_bare, expected_hostless) in [
            ("https://www.a.example/p?x=1", "a.example/p?x=1", Some("/p?x=1")),
            ("HTTP://WWW.a.example/", "a.example/", None),
            ("http://a.example", "a.example", None),
            ("http://a.example?p=1", "a.example?p=1", Some("?p=1")),
            ("tag:a.example,2020:1", "tag:a.example,2020:1", None),
        ] {
            assert_eq!(bare(link), expected_bare, "{link}");
            assert_eq!(hostless(link), expected_hostless, "{link}");
        }
        assert_eq!(host("https://www.A.example:8443/p").as_deref(), Some("a.example"));
        assert_eq!(host("not an address"), None);
    }
}
