//! Texts with gaps: `{feed}`, `{tag}`.

use super::fields::Fields;
use super::value::{nearest, quoted};

/// The names in a template's gaps.
pub(super) fn gaps(template: &str) -> Result<Vec<&str>, &'static str> {
    let mut gaps = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let gap = rest[at..].strip_prefix('{').ok_or("a `}` has no `{` before it")?;
        let (name, after) = gap.split_once('}').ok_or("a `{` is never closed")?;
        gaps.push(name);
        rest = after;
    }
    Ok(gaps)
}

/// The gap in the name of a feed's own node.
const FEED: &str = "{feed}";

/// Whether a node goes by another name for each feed.
pub(super) fn names_feed(template: &str) -> bool {
    template.contains(FEED)
}

/// The name that a template comes to for a feed.
pub(super) fn name_of(template: &str, feed: &str) -> String {
    template.replace(FEED, feed)
}

/// The other way round: the feed for which a template comes to this name; it may be none that there is.
pub(super) fn feed_of<'n>(template: &str, name: &'n str) -> Option<&'n str> {
    let (start, gaps) = (template.find(FEED)?, template.matches(FEED).count());
    let rest = template.len() - gaps * FEED.len();
    let length = name.len().checked_sub(rest)? / gaps;
    let feed = name.get(start..start + length)?;
    (name_of(template, feed) == name).then_some(feed)
}

/// Complains of gaps that nothing fills.
pub(super) fn check(fields: &Fields<'_>, key: &str, template: &str, known: &[&'static str]) {
    if !fields.has(key) {
        return;
    }
    let list = known.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(" ");
    match gaps(template) {
        Err(why) => fields.wrong(key, format!("`{key}`: {why}"), &format!("what can stand there: {list}")),
        Ok(gaps) => {
            for gap in gaps.iter().filter(|gap| !known.contains(gap)) {
                let hint = match nearest(gap, known) {
                    Some(near) => format!("did you mean {{{near}}}?"),
                    None => format!("what can stand there: {list}"),
                };
                fields.wrong(key, format!("`{key}` has no value for {}", quoted(&format!("{{{gap}}}"))), &hint);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_feed_that_it_was_made_for() {
        for template in ["{feed}", "news-{feed}", "{feed}.all", "a{feed}b{feed}c"] {
            let name = name_of(template, "my-blog");
            assert_eq!(feed_of(template, &name), Some("my-blog"), "{template}");
            let longer = format!("{name}é");
            assert_eq!(feed_of(template, &longer), template.ends_with(FEED).then_some("my-blogé"), "{template}");
        }
        assert_eq!(feed_of("news-{feed}", "old-my-blog"), None);
        assert_eq!(feed_of("news-{feed}", "news"), None);
        assert_eq!(feed_of("a{feed}b{feed}c", "axbyc"), None);
        assert_eq!(feed_of("news", "news"), None);
    }
}
