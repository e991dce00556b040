//! A main file that waits for its account, as the package installs it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::Table;

use super::change::replace;
use super::fill::set;

/// A tidings.toml without an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blank {
    path: PathBuf,
    text: String,
    /// What it has under `password-file`, as it is written there.
    pub password_file: Option<PathBuf>,
}

impl Blank {
    /// Reads it; `None` when it names an account or a password, or is no legible TOML.
    pub fn read(path: &Path) -> Option<Self> {
        let text = path.is_file().then(|| fs::read_to_string(path).ok())??;
        let table = text.parse::<Table>().ok()?;
        let xmpp = table.get("xmpp");
        let named = |key: &str| xmpp.and_then(|xmpp| xmpp.get(key));
        if named("jid").is_some() || named("password").is_some() {
            return None;
        }
        let password_file = named("password-file").and_then(|file| file.as_str()).map(PathBuf::from);
        Some(Self { path: path.to_owned(), text, password_file })
    }

    /// Its text with these settings, each a section, a key and a text; every other byte stays.
    pub fn filled(&self, settings: &[(&str, &str, String)]) -> io::Result<String> {
        let mut text = self.text.clone();
        // What has no place of its own goes to the top of its section.
        for (section, key, value) in settings.iter().rev() {
            let by_hand = || io::Error::other(format!("`{key}` must be put into [{section}] by hand"));
            text = set(&text, section, key, value).ok_or_else(by_hand)?;
        }
        Ok(text)
    }

    /// Puts another text in its place.
    pub fn replace(self, text: &str) -> io::Result<()> {
        replace(&self.path, text)
    }
}
