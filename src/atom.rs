//! An edition as an Atom `<entry>` (RFC 4287), and HTML as XHTML and as plain text.
//!
//! Pure; what clients need of the payload is in the tests, one by one.

/// How entries are rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// `author-uri = "publisher"`: the bare JID to put into `<author><uri>`.
    pub author_uri: Option<String>,
    /// `summary = "text"`: a plain-text `<summary>` beside the content.
    pub has_summary: bool,
    /// Template of the title: `{title}`, `{feed}`.
    pub title: String,
}

impl Default for Style {
    fn default() -> Self {
        Self { author_uri: None, has_summary: false, title: "{title}".to_owned() }
    }
}
/// stub
pub fn render(_e: &crate::feed::Edition, _s: &Style, _rung: u8) -> minidom::Element {
    minidom::Element::bare("entry", "http://www.w3.org/2005/Atom")
}
