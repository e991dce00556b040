//! Pure: which entries are kept.

use super::route::Match;

/// One rule of `filter = [{ keep = … }, { drop = … }]`; the first one whose match holds decides, none: kept.
#[derive(Debug, Clone)]
pub enum Rule {
    /// Kept when it matches.
    Keep(Match),
    /// Dropped when it matches.
    Drop(Match),
}
