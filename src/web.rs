//! Metrics and health over HTTP; off unless configured. Not in this release: the setting is refused by name.

/// `[web]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// Address or `unix:PATH`.
    pub listen: Option<String>,
}
