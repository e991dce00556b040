//! Addresses as feeds give them, made absolute.

use url::Url;

use super::link::is_web;

/// An address as absolute as it gets; what has a scheme of its own stays as given.
pub(super) fn absolute(href: &str, base: Option<&Url>) -> Option<String> {
    let href = href.trim();
    if href.is_empty() {
        return None;
    }
    // Most addresses are whole, and to parse them would cost more than all else here.
    let is_whole = is_web(href) || Url::parse(href).is_ok();
    let joined = base.filter(|_| !is_whole).and_then(|base| base.join(href).ok());
    Some(joined.map_or_else(|| href.to_owned(), String::from))
}
