//! `headers` of a feed: further request headers. All values are taken for secrets.

use super::raw::Raw;
use super::value::{Value, quoted, quoted_toml};

/// Request headers in the order of their names.
#[derive(Default)]
pub(super) struct Headers(pub(super) Vec<(String, String)>);

/// Headers that the poller sets by its own rules.
const OWN: [&str; 12] = [
    "accept-encoding",
    "connection",
    "content-length",
    "host",
    "if-modified-since",
    "if-none-match",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

impl Value for Headers {
    fn read(raw: Raw<'_>) -> Option<Self> {
        let mut headers = Vec::new();
        let mut is_good = true;
        for (key, value) in raw.table()? {
            let name: &str = key.get_ref();
            raw.file.hide(value.span());
            let wrong = |message: String, hint: &str| {
                raw.file.complain(Some(key.span()), message, Some(hint.to_owned()));
            };
            match value.get_ref().as_str() {
                _ if !is_token(name) => {
                    wrong(format!("{} is not the name of a header", quoted(name)), "such as X-Token, without spaces")
                }
                _ if name.eq_ignore_ascii_case("user-agent") => {
                    wrong("`User-Agent` is always the same".to_owned(), "set `contact` in [http] of tidings.toml");
                }
                _ if OWN.contains(&name.to_ascii_lowercase().as_str()) => {
                    wrong(format!("{} is set by the poller", quoted(name)), "leave it out");
                }
                None => wrong(format!("{} is a text in quotes", quoted(name)), "put it in double quotes"),
                Some(text) if !text.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)) => {
                    wrong(format!("{} holds a character that no header may hold", quoted(name)), "ASCII on one line");
                }
                Some(text) => {
                    headers.push((name.to_owned(), text.trim().to_owned()));
                    continue;
                }
            }
            is_good = false;
        }
        is_good.then_some(Self(headers))
    }

    fn show(&self) -> String {
        let shown = self.0.iter().map(|(name, _)| format!("{} = \"***\"", quoted_toml(name)));
        format!("{{ {} }}", shown.collect::<Vec<_>>().join(", "))
    }
}

/// A token of RFC 9110 §5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
