//! `match`, and the `filter` of a feed.

use crate::feed::FeedId;
use crate::ingest::filter::Rule;
use crate::ingest::route::{Match, Pattern};

use super::fields::Fields;
use super::raw::Raw;
use super::value::{Value, quoted_toml};

/// A match table; all of its keys must hold.
impl Value for Match {
    fn read(raw: Raw<'_>) -> Option<Self> {
        let mut fields = Fields::of("a match".to_owned(), raw)?;
        let mut all = Vec::new();
        all.extend(fields.get("tag").map(|Folded(tag)| Self::Tag(tag)));
        all.extend(fields.get("category").map(|Folded(category)| Self::Category(category)));
        all.extend(fields.get("feed").map(|id: FeedId| Self::Feed(id.to_string())));
        all.extend(fields.get("author").map(Self::Author));
        all.extend(fields.get("title").map(Self::Title));
        all.extend(fields.get("lang").map(|Folded(lang)| Self::Lang(lang)));
        all.extend(fields.get("all").map(|Several(matches)| Self::All(matches)));
        all.extend(fields.get("any").map(|Several(matches)| Self::Any(matches)));
        all.extend(fields.get("not").map(|not| Self::Not(Box::new(not))));
        fields.finish();
        Some(if all.len() == 1 { all.remove(0) } else { Self::All(all) })
    }

    fn show(&self) -> String {
        let (key, value) = match self {
            Self::All(matches) if matches.is_empty() => return "{}".to_owned(),
            Self::All(matches) => ("all", matches.show()),
            Self::Any(matches) => ("any", matches.show()),
            Self::Not(not) => ("not", not.show()),
            Self::Tag(tag) => ("tag", tag.show()),
            Self::Category(category) => ("category", category.show()),
            Self::Feed(feed) => ("feed", feed.show()),
            Self::Author(pattern) => ("author", pattern.show()),
            Self::Title(pattern) => ("title", pattern.show()),
            Self::Lang(lang) => ("lang", lang.show()),
        };
        format!("{{ {key} = {value} }}")
    }
}

/// A text that is compared without regard to case.
pub(super) struct Folded(pub(super) String);

impl Value for Folded {
    fn read(raw: Raw<'_>) -> Option<Self> {
        String::read(raw).map(|text| Self(text.trim().to_lowercase()))
    }

    fn show(&self) -> String {
        self.0.show()
    }
}

/// One match or more.
struct Several(Vec<Match>);

impl Value for Several {
    fn read(raw: Raw<'_>) -> Option<Self> {
        match Vec::read(raw)? {
            matches if matches.is_empty() => raw.wrong(format!("`{}` of nothing", raw.key), "name one match at least"),
            matches => Some(Self(matches)),
        }
    }

    fn show(&self) -> String {
        self.0.show()
    }
}

impl Value for Pattern {
    fn read(raw: Raw<'_>) -> Option<Self> {
        let pattern = raw.string()?;
        if pattern.chars().any(char::is_control) {
            // "\b" is a backspace in TOML, and a word boundary only in single quotes.
            let message = format!("`{}` holds a control character", raw.key);
            return raw.wrong(message, "in single quotes a backslash is itself");
        }
        match pattern.parse() {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let text = regex::Error::to_string(&error);
                let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                raw.wrong(
                    format!("`{}` is not a regular expression: {why}", raw.key),
                    "a backslash, in single quotes, takes the next character as it is: '\\('",
                )
            }
        }
    }

    fn show(&self) -> String {
        quoted_toml(self.as_str())
    }
}

/// One rule of a `filter`.
impl Value for Rule {
    fn read(raw: Raw<'_>) -> Option<Self> {
        let mut fields = Fields::of("a filter".to_owned(), raw)?;
        let (keep, drop) = (fields.get("keep"), fields.get("drop"));
        let number = usize::from(fields.has("keep")) + usize::from(fields.has("drop"));
        if number != 1 {
            fields.complain(
                "a filter has one of `keep` and `drop`".to_owned(),
                "filter = [{ drop = { title = '(?i)sponsored' } }]",
            );
        }
        fields.finish();
        keep.map(Self::Keep).or(drop.map(Self::Drop))
    }

    fn show(&self) -> String {
        match self {
            Self::Keep(kept) => format!("{{ keep = {} }}", kept.show()),
            Self::Drop(dropped) => format!("{{ drop = {} }}", dropped.show()),
        }
    }
}
