//! Pure: node names out of templates.
//!
//! A name is under 70 characters of ASCII and holds no `/` but those of the template: it becomes part of addresses.

use super::identify::hash;

/// Longest name.
const LONGEST: usize = 69;

/// What fills the blanks of a template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Blanks {
    /// `{feed}`.
    pub feed: String,
    /// `{tag}`, one name for each.
    pub tags: Vec<String>,
    /// `{category}`, one name for each.
    pub categories: Vec<String>,
    /// `{host}`.
    pub host: Option<String>,
    /// `{lang}`.
    pub lang: Option<String>,
}

/// The node names that a template makes: one for each combination, none when a blank has nothing to fill it.
pub(super) fn nodes(template: &str, blanks: &Blanks) -> Vec<String> {
    let fills: [(&str, Vec<&str>); 5] = [
        ("{feed}", vec![&blanks.feed]),
        ("{tag}", blanks.tags.iter().map(String::as_str).collect()),
        ("{category}", blanks.categories.iter().map(String::as_str).collect()),
        ("{host}", blanks.host.as_deref().into_iter().collect()),
        ("{lang}", blanks.lang.as_deref().into_iter().collect()),
    ];
    let mut names = vec![template.to_owned()];
    for (blank, values) in fills.iter().filter(|(blank, _)| template.contains(blank)) {
        let slugs: Vec<String> = values.iter().map(|value| slug(value)).filter(|slug| !slug.is_empty()).collect();
        names = names.iter().flat_map(|name| slugs.iter().map(|slug| name.replace(blank, slug))).collect();
    }
    let mut names: Vec<String> = names.into_iter().map(shortened).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether a template's names depend on the entry, not on the feed alone.
pub(super) fn needs_entry(template: &str) -> bool {
    ["{category}", "{host}", "{lang}"].iter().any(|blank| template.contains(blank))
}

/// A value as a part of a node name: lower case, `a-z 0-9 . _ -`. What cannot be written so is told apart by a hash.
pub(super) fn slug(value: &str) -> String {
    let folded = value.trim().to_lowercase();
    let mut slug = String::with_capacity(folded.len());
    let mut is_lossy = false;
    for character in folded.chars() {
        match character {
            'a'..='z' | '0'..='9' | '.' | '_' => slug.push(character),
            '+' => slug.push_str("plus"),
            '#' => slug.push_str("sharp"),
            _ => match latin(character) {
                Some(letter) => slug.push(letter),
                None => {
                    is_lossy |= character.is_alphanumeric();
                    slug.push('-');
                }
            },
        }
    }
    let words: Vec<&str> = slug.split('-').filter(|word| !word.is_empty()).collect();
    let slug = words.join("-").trim_matches(['.', '-']).to_owned();
    match (is_lossy, slug.is_empty()) {
        (false, _) => slug,
        (true, true) => mark(&folded),
        (true, false) => format!("{slug}-{}", mark(&folded)),
    }
}

/// The plain letter of an accented one (U+00E0 to U+00FF).
fn latin(character: char) -> Option<char> {
    const LETTERS: &[u8; 32] = b"aaaaaaaceeeeiiiidnooooo.ouuuuyty";
    let at = u32::from(character).checked_sub(0xe0)?;
    let letter = match character {
        'ß' => b's',
        _ => *LETTERS.get(usize::try_from(at).ok()?)?,
    };
    letter.is_ascii_lowercase().then(|| char::from(letter))
}

/// Cut to length, and told apart from others that were cut at the same place.
fn shortened(name: String) -> String {
    if name.len() <= LONGEST {
        return name;
    }
    let head: String = name.chars().take(LONGEST - 9).collect();
    format!("{}-{}", head.trim_end_matches('-'), mark(&name))
}

/// Eight characters that stand for a text.
fn mark(text: &str) -> String {
    data_encoding::BASE32_NOPAD.encode(&hash::<5>(&[text])).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blanks() -> Blanks {
        Blanks {
            feed: "planet".into(),
            tags: vec!["xmpp".into(), "IM".into()],
            categories: vec!["Free Software".into(), "a/b".into(), " ".into()],
            host: Some("blog.example.org".into()),
            lang: Some("en-GB".into()),
        }
    }

    #[test]
    fn a_template_makes_a_name_for_each_combination() {
        for (template, expected) in [
            ("all", vec!["all"]),
            ("{feed}", vec!["planet"]),
            ("by/{feed}/{tag}", vec!["by/planet/im", "by/planet/xmpp"]),
            ("topic-{category}", vec!["topic-a-b", "topic-free-software"]),
            ("{host}-{lang}", vec!["blog.example.org-en-gb"]),
            ("{tag}.{category}", vec!["im.a-b", "im.free-software", "xmpp.a-b", "xmpp.free-software"]),
        ] {
            assert_eq!(nodes(template, &blanks()), expected, "{template}");
        }
        assert_eq!(nodes("x-{category}", &Blanks::default()), Vec::<String>::new());
    }

    #[test]
    fn slugs_are_plain_and_different_words_stay_different() {
        for (value, expected) in [
            ("Rust", "rust"),
            ("C", "c"),
            ("C++", "cplusplus"),
            ("C#", "csharp"),
            (".NET", "net"),
            ("Café  Ünïcode", "cafe-unicode"),
            ("../../etc/passwd", "etc-passwd"),
            ("a\u{202e}b\n\0c", "a-b-c"),
            ("---", ""),
        ] {
            assert_eq!(slug(value), expected, "{value}");
        }
        assert_ne!(slug("новости"), slug("погода"));
        assert_eq!(slug("Новости"), slug("новости"));
    }

    proptest! {
        #[test]
        fn every_name_is_short_ascii_without_a_slash_of_its_own(category in ".{0,120}", tag in ".{0,120}") {
            let blanks = Blanks { tags: vec![tag], categories: vec![category], ..Blanks::default() };
            for name in nodes("t/{tag}-{category}", &blanks) {
                prop_assert!(name.len() < 70 && name.is_ascii() && name.matches('/').count() == 1, "{name}");
                prop_assert!(!name.contains(|c: char| c.is_ascii_control() || c.is_ascii_uppercase()), "{name}");
            }
        }
    }
}
