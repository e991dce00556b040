//! Pure: the table of a feed that is about to join the configuration, as text.

use std::fmt;

use crate::feed::FeedId;

use super::value::quoted_toml;

/// A feed to be written down; what is left out is what `[defaults]` say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFeed {
    /// Its id.
    pub id: FeedId,
    /// Its address.
    pub url: String,
    /// What people call it.
    pub name: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether it is polled.
    pub is_enabled: bool,
    /// Further keys, each with its value as TOML.
    pub further: Vec<(&'static str, String)>,
}

impl NewFeed {
    /// A feed of which nothing is known but where it is.
    pub fn new(id: FeedId, url: impl Into<String>) -> Self {
        Self { id, url: url.into(), name: None, tags: Vec::new(), is_enabled: true, further: Vec::new() }
    }
}

impl fmt::Display for NewFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, url, name, tags, is_enabled, further } = self;
        // A bare key with a dot would be a table in a table.
        let header = if id.as_str().contains('.') { quoted_toml(id.as_str()) } else { id.to_string() };
        writeln!(f, "[{header}]\nurl = {}", quoted_toml(url))?;
        if let Some(name) = name {
            writeln!(f, "name = {}", quoted_toml(name))?;
        }
        if !tags.is_empty() {
            let tags = tags.iter().map(|tag| quoted_toml(tag)).collect::<Vec<_>>();
            writeln!(f, "tags = [{}]", tags.join(", "))?;
        }
        if !is_enabled {
            writeln!(f, "enabled = false")?;
        }
        further.iter().try_for_each(|(key, value)| writeln!(f, "{key} = {value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_written() {
        let mut feed = NewFeed::new(FeedId::new("planet").unwrap(), "https://planet.example/");
        insta::assert_snapshot!(feed, @r#"
        [planet]
        url = "https://planet.example/"
        "#);
        feed = NewFeed {
            id: FeedId::new("planet.example").unwrap(),
            name: Some("The \"Planet\" \\ Co".to_owned()),
            tags: vec!["xmpp".to_owned(), "it's".to_owned()],
            is_enabled: false,
            further: vec![("every", quoted_toml("1h"))],
            ..feed
        };
        insta::assert_snapshot!(feed, @r#"
        ["planet.example"]
        url = "https://planet.example/"
        name = 'The "Planet" \ Co'
        tags = ["xmpp", "it's"]
        enabled = false
        every = "1h"
        "#);
    }
}
