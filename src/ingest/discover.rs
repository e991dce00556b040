//! Pure: the feeds that a web page links to.

use serde::{Deserialize, Serialize};

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
