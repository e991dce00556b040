//! Dates as feeds write them.

use chrono::{DateTime, Utc};

use crate::feed::Time;

/// Reads a date; `None` when it cannot be told.
pub(super) fn parse(text: &str) -> Option<Time> {
    let text = text.trim();
    let parsed = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text));
    parsed.ok().map(|date| date.with_timezone(&Utc))
}
