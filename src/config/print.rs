//! What the files come to, with the place that each setting is from: `check --print`. Secrets are `***`.

use std::fmt;

/// A setting as it came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) key: &'static str,
    /// As TOML.
    pub(super) value: String,
    /// `FILE:LINE`; `None` for a built-in default.
    pub(super) origin: Option<String>,
}

/// The whole configuration as it came out, printed as TOML with origins as comments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged(Vec<(String, Vec<Line>)>);

impl Merged {
    /// Adds a table under its header, such as `[xmpp]`.
    pub(super) fn add(&mut self, header: String, lines: Vec<Line>) {
        if !lines.is_empty() {
            self.0.push((header, lines));
        }
    }
}

impl fmt::Display for Merged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (header, lines)) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            writeln!(f, "{header}")?;
            for Line { key, value, origin } in lines {
                let setting = format!("{key} = {value}");
                let last = setting.lines().last().unwrap_or_default().chars().count();
                let gap = " ".repeat(40_usize.saturating_sub(last).max(2));
                writeln!(f, "{setting}{gap}# {}", origin.as_deref().unwrap_or("default"))?;
            }
        }
        Ok(())
    }
}

/// Settings on one line, as an inline table.
pub(super) fn inline(lines: &[Line]) -> String {
    let settings = lines.iter().map(|Line { key, value, .. }| format!("{key} = {value}")).collect::<Vec<_>>();
    format!("{{ {} }}", settings.join(", "))
}
