//! What a value of the configuration can be: how it is read, and how it is shown.

use std::path::PathBuf;

use toml::de::DeValue;

use crate::deliver::{Access, OnDoubt};
use crate::feed::FeedId;
use crate::ingest::{Backfill, ItemIdScheme, OnRemove, OnUpdate};
use crate::xmpp::Tls;

use super::raw::Raw;
use super::slug::like;

/// A kind of value.
pub(super) trait Value: Sized {
    /// Reads it; complains and returns `None` when it is no such value.
    fn read(raw: Raw<'_>) -> Option<Self>;

    /// The value as TOML, secrets as `***`; empty for nothing to show.
    fn show(&self) -> String;
}

/// Words that a setting may be, each with the variant it stands for.
macro_rules! choices {
    ($($kind:ty { $($word:literal => $variant:ident),+ $(,)? })+) => {$(
        impl Value for $kind {
            fn read(raw: Raw<'_>) -> Option<Self> {
                match raw.value.get_ref().as_str() {
                    $(Some($word) => Some(<$kind>::$variant),)+
                    other => wrong_choice(raw, &[$($word),+], other),
                }
            }

            fn show(&self) -> String {
                match self {
                    $(<$kind>::$variant => quoted_toml($word),)+
                }
            }
        }
    )+};
}

choices! {
    Tls { "starttls" => StartTls, "direct" => Direct, "none" => None }
    OnUpdate { "publish" => Publish, "ignore" => Ignore }
    OnRemove { "keep" => Keep, "retract" => Retract }
    OnDoubt { "resend" => Resend, "skip" => Skip }
    ItemIdScheme { "tidings" => Tidings, "atomtopubsub" => Atomtopubsub }
    Access { "open" => Open, "whitelist" => Whitelist, "presence" => Presence }
    AuthorUri { "none" => None, "publisher" => Publisher }
    Summary { "none" => None, "text" => Text }
}

/// `author-uri`.
#[derive(Clone, Copy)]
pub(super) enum AuthorUri {
    None,
    Publisher,
}

/// `summary`.
#[derive(Clone, Copy)]
pub(super) enum Summary {
    None,
    Text,
}

fn wrong_choice<T>(raw: Raw<'_>, words: &[&'static str], actual: Option<&str>) -> Option<T> {
    let mut list = words.iter().map(|word| quoted_toml(word)).collect::<Vec<_>>().join(", ");
    if let Some(last) = list.rfind(", ") {
        list.replace_range(last..last + 1, " or");
    }
    let example = format!("such as {} = {}", raw.key, quoted_toml(words[0]));
    match actual {
        None => raw.mismatch(&list, example),
        Some(actual) => {
            let hint = nearest(actual, words).map(|near| format!("did you mean {}?", quoted_toml(near)));
            raw.wrong(format!("`{}` is {list}", raw.key), hint.unwrap_or(example))
        }
    }
}

impl Value for bool {
    fn read(raw: Raw<'_>) -> Option<Self> {
        match raw.value.get_ref().as_bool() {
            Some(value) => Some(value),
            None => raw.mismatch("true or false", "without quotes"),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for String {
    fn read(raw: Raw<'_>) -> Option<Self> {
        let text = raw.string()?;
        if text.trim().is_empty() {
            return raw.wrong(format!("`{}` is empty", raw.key), "leave the key out instead");
        }
        if text.chars().any(char::is_control) {
            return raw.wrong(format!("`{}` holds a control character", raw.key), "take it out");
        }
        Some(text.to_owned())
    }

    fn show(&self) -> String {
        quoted_toml(self)
    }
}

/// A number of things: 1 or more.
impl Value for usize {
    fn read(raw: Raw<'_>) -> Option<Self> {
        match whole_number(raw) {
            Some(number) if number > 0 => Some(number as usize),
            _ => raw.wrong(format!("`{}` is a whole number, 1 or more", raw.key), format!("such as {} = 1", raw.key)),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

fn whole_number(raw: Raw<'_>) -> Option<u32> {
    match raw.value.get_ref() {
        DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    }
}

/// `max-items`: `None` is as many as the server allows.
#[derive(Clone, Copy)]
pub(super) struct MaxItems(pub(super) Option<u32>);

impl Value for MaxItems {
    fn read(raw: Raw<'_>) -> Option<Self> {
        match (raw.value.get_ref().as_str(), whole_number(raw)) {
            (Some("max"), _) => Some(Self(None)),
            (_, Some(number)) if number > 0 => Some(Self(Some(number))),
            _ => {
                let example = format!("such as {} = 100", raw.key);
                raw.wrong(format!("`{}` is a number, 1 or more, or \"max\"", raw.key), example)
            }
        }
    }

    fn show(&self) -> String {
        self.0.map_or_else(|| quoted_toml("max"), |number| number.to_string())
    }
}

impl Value for Backfill {
    fn read(raw: Raw<'_>) -> Option<Self> {
        match (raw.value.get_ref().as_str(), whole_number(raw)) {
            (Some("all"), _) => Some(Self::All),
            (_, Some(number)) => Some(Self::Newest(number)),
            _ => raw.wrong(format!("`{}` is a number of entries or \"all\"", raw.key), "0 publishes nothing old"),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Newest(number) => number.to_string(),
            Self::All => quoted_toml("all"),
        }
    }
}

/// A path; a relative one is relative to the file that names it.
impl Value for PathBuf {
    fn read(raw: Raw<'_>) -> Option<Self> {
        let text = String::read(raw)?;
        if text.starts_with('~') {
            return raw
                .wrong(format!("`{}` begins with `~`", raw.key), "write the whole path, or one relative to this file");
        }
        Some(raw.file.path.parent().map_or_else(|| PathBuf::from(&text), |folder| folder.join(&text)))
    }

    fn show(&self) -> String {
        quoted_toml(&self.display().to_string())
    }
}

impl Value for FeedId {
    fn read(raw: Raw<'_>) -> Option<Self> {
        match FeedId::new(raw.string()?) {
            Ok(id) => Some(id),
            Err(bad) => raw.wrong(bad.to_string(), format!("such as {}", quoted_toml(&like(&bad.0)))),
        }
    }

    fn show(&self) -> String {
        quoted_toml(self.as_str())
    }
}

/// A text that nobody is shown.
pub(super) struct Secret(pub(super) String);

impl Value for Secret {
    fn read(raw: Raw<'_>) -> Option<Self> {
        raw.file.hide(raw.value.span());
        String::read(raw).map(Self)
    }

    fn show(&self) -> String {
        quoted_toml("***")
    }
}

impl<T: Value> Value for Vec<T> {
    fn read(raw: Raw<'_>) -> Option<Self> {
        let values = raw.elements()?.map(T::read).collect::<Vec<_>>();
        values.into_iter().collect()
    }

    fn show(&self) -> String {
        if self.is_empty() {
            return String::new();
        }
        format!("[{}]", self.iter().map(T::show).collect::<Vec<_>>().join(", "))
    }
}

/// A setting that may be left open.
impl<T: Value> Value for Option<T> {
    fn read(raw: Raw<'_>) -> Option<Self> {
        T::read(raw).map(Some)
    }

    fn show(&self) -> String {
        self.as_ref().map(T::show).unwrap_or_default()
    }
}

/// The known word that a mistyped one is nearest to.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase().replace('_', "-");
    let scored = known.iter().map(|known| (strsim::normalized_damerau_levenshtein(&word, known), *known));
    scored.filter(|(score, _)| *score >= 0.55).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}

/// A name of the file in a message.
pub(super) fn quoted(name: &str) -> String {
    let shown: String = name.chars().take(60).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
    format!("`{shown}`")
}

/// A text as a TOML string.
pub(crate) fn quoted_toml(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
