//! Pure: the id of a feed that nobody named.

use sha2::{Digest, Sha256};
use url::Url;

use crate::feed::{BadFeedId, FeedId};

/// So long may an id be that is made here; with a digest it is as long as ids may be.
const LONGEST: usize = 54;

/// An id made of an address: host and path in lower case, whatever is no letter or digit a hyphen, `www.` left out. A query
/// adds a digest of eight characters, as does a path that is too long: the addresses of one host must not share an id.
pub fn slug(url: &Url) -> Result<FeedId, BadFeedId> {
    let host = url.host_str().unwrap_or_default();
    let text = format!("{}{}", host.strip_prefix("www.").unwrap_or(host), url.path()).to_ascii_lowercase();
    let mut slug = hyphened(&text);
    if slug.len() > LONGEST || url.query().is_some_and(|query| !query.is_empty()) {
        let digest = Sha256::digest(url.as_str());
        slug.truncate(LONGEST);
        slug = format!("{}-{}", slug.trim_end_matches('-'), data_encoding::HEXLOWER.encode(&digest[..4]));
    }
    FeedId::new(&slug)
}

/// A good id that is like a bad one.
pub(super) fn like(bad: &str) -> String {
    let mut id = hyphened(&bad.to_lowercase());
    id.truncate(63);
    if id.is_empty() { "my-blog".to_owned() } else { id }
}

/// What letters and digits there are, with hyphens in place of all else.
fn hyphened(text: &str) -> String {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gives_an_id() {
        let check = |url: &str, id: &str| assert_eq!(slug(&Url::parse(url).unwrap()).unwrap().as_str(), id, "{url}");
        check("https://planet.jabber.org/atom.xml", "planet-jabber-org-atom-xml");
        check("https://WWW.Example.org/", "example-org");
        check("https://bücher.example/a%20b", "xn--bcher-kva-example-a-20b".replace("--", "-").as_str());
        check("http://[::1]:8080/feed", "1-feed");
        check("https://tube.example/videos.xml?channel=A", "tube-example-videos-xml-f0c75728");
        let long = slug(&Url::parse(&format!("https://example.org/{}", "x".repeat(200))).unwrap()).unwrap();
        assert_eq!(long.as_str().len(), 63);
    }
}
