//! What a reload did, as `tidings reload` and the log tell it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::feed::FeedId;

/// A configuration that was taken over, and what is other about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// Feeds that it has.
    pub feeds: usize,
    /// Feeds that are new; polled at once.
    pub added: Vec<FeedId>,
    /// Feeds of which something changed.
    pub changed: Vec<FeedId>,
    /// Feeds that are gone; what waits of them is still sent.
    pub removed: Vec<FeedId>,
    /// Sections of tidings.toml that changed and hold from now on, such as `[xmpp]`.
    pub sections: Vec<String>,
    /// Sections that changed and hold after a restart only.
    pub needs_restart: Vec<String>,
}

impl Reloaded {
    /// Whether it is the configuration of before.
    pub fn is_same(&self) -> bool {
        let Self { added, changed, removed, sections, needs_restart, .. } = self;
        [added, changed, removed].iter().all(|feeds| feeds.is_empty())
            && sections.is_empty()
            && needs_restart.is_empty()
    }
}

impl fmt::Display for Reloaded {
    /// In one line: `2 feeds added, 1 changed, [xmpp]; [store] after a restart`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [(self.added.len(), "added"), (self.changed.len(), "changed"), (self.removed.len(), "removed")];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let feeds =
            counts.map(|(count, what)| format!("{count} {}{what}", if *count == 1 { "feed " } else { "feeds " }));
        let now: Vec<String> = feeds.chain(self.sections.iter().map(|section| format!("{section} changed"))).collect();
        f.write_str(if now.is_empty() { "nothing else than before" } else { "" })?;
        f.write_str(&now.join(", "))?;
        for section in &self.needs_restart {
            write!(f, "; {section} changed, which holds after a restart only")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told_in_a_line() {
        let ids = |names: &[&str]| names.iter().map(|name| FeedId::new(name).unwrap()).collect::<Vec<_>>();
        let nothing = Reloaded { feeds: 3, ..Reloaded::default() };
        assert!(nothing.is_same());
        assert_eq!(nothing.to_string(), "nothing else than before");
        let much = Reloaded {
            added: ids(&["a"]),
            removed: ids(&["b", "c"]),
            sections: vec!["[xmpp]".to_owned()],
            needs_restart: vec!["[store]".to_owned()],
            ..nothing
        };
        assert!(!much.is_same());
        assert_eq!(
            much.to_string(),
            "1 feed added, 2 feeds removed, [xmpp] changed; [store] changed, which holds after a restart only"
        );
    }
}
