//! Pure: takes a feed out of the text of a file, and keeps every other byte.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::feed::FeedId;
use crate::opml;

use super::slug::slug;

/// A text without a feed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The feed is not there.
    Absent,
    /// It is, and so written that no line can be cut out.
    ByHand,
    /// What is left.
    Left(String),
}

/// Cuts a feed out of the text of a TOML file.
pub(super) fn table(text: &str, id: &FeedId) -> Cut {
    let Ok(table) = DeTable::parse(text) else { return Cut::Absent };
    let table = table.into_inner();
    let Some((key, value)) = table.get_key_value(id.as_str()) else { return Cut::Absent };
    let mut cuts = Vec::new();
    collect(text, key.span(), value.get_ref(), value.span(), &mut cuts);
    let rest = cut(text, cuts);
    let is_right = DeTable::parse(&rest).is_ok_and(|left| {
        let left = left.get_ref();
        left.len() + 1 == table.len() && !left.contains_key(id.as_str())
    });
    if is_right { Cut::Left(rest) } else { Cut::ByHand }
}

/// Collects the parts of the text that a value stands in: each header with all that is said below it.
fn collect(text: &str, key: Range<usize>, value: &DeValue<'_>, span: Range<usize>, cuts: &mut Vec<Range<usize>>) {
    let begins = |at: usize, with: &str| text.get(at..).is_some_and(|rest| rest.starts_with(with));
    match value {
        DeValue::Table(table) if !begins(span.start, "{") => {
            let mut own = begins(span.start, "[").then(|| span.clone());
            for (key, value) in table {
                let before = cuts.len();
                collect(text, key.span(), value.get_ref(), value.span(), cuts);
                // What stands directly below the header belongs to it, with the comments in between.
                if let (Some(own), false) = (&mut own, is_block(text, value.get_ref(), value.span().start)) {
                    own.end = cuts.drain(before..).map(|cut| cut.end).chain([own.end]).max().unwrap_or(own.end);
                }
            }
            cuts.extend(own);
        }
        DeValue::Array(list) if is_block(text, value, span.start) => {
            list.iter().for_each(|element| collect(text, key.clone(), element.get_ref(), element.span(), cuts));
        }
        _ => cuts.push(key.start.min(span.start)..span.end),
    }
}

/// Whether a value has headers of its own, `[…]` or `[[…]]`.
fn is_block(text: &str, value: &DeValue<'_>, at: usize) -> bool {
    let begins = |at: usize, with: &str| text.get(at..).is_some_and(|rest| rest.starts_with(with));
    match value {
        DeValue::Table(_) => begins(at, "["),
        DeValue::Array(list) => list.first().is_some_and(|first| begins(first.span().start, "[[")),
        _ => false,
    }
}

/// Cuts out whole lines, the comments directly above, and the blank lines below.
fn cut(text: &str, cuts: Vec<Range<usize>>) -> String {
    let lines = text.split_inclusive('\n').collect::<Vec<_>>();
    let mut starts = Vec::with_capacity(lines.len());
    let mut at = 0;
    for line in &lines {
        starts.push(at);
        at += line.len();
    }
    let line_of = |offset: usize| starts.partition_point(|start| *start <= offset).saturating_sub(1);
    let mut is_cut = vec![false; lines.len()];
    for cut in cuts {
        let (mut first, mut last) = (line_of(cut.start), line_of(cut.end.saturating_sub(1).max(cut.start)));
        // A comment that a blank line follows is about something else.
        while first > 0 && lines[first - 1].trim_start().starts_with('#') {
            first -= 1;
        }
        while lines.get(last + 1).is_some_and(|line| line.trim().is_empty()) {
            last += 1;
        }
        is_cut[first..=last].fill(true);
    }
    lines.iter().zip(is_cut).filter(|(_, is_cut)| !is_cut).map(|(line, _)| *line).collect()
}

/// Cuts a feed out of the text of an OPML file, where it must stand in tags that are closed at once.
pub(super) fn outline(text: &str, id: &FeedId) -> Cut {
    let mut rest = text.to_owned();
    // It may stand in several folders.
    while let Some(at) = find(&rest, id) {
        if !rest[at.clone()].ends_with("/>") {
            return Cut::ByHand;
        }
        let line_start = rest[..at.start].rfind('\n').map_or(0, |end| end + 1);
        let line_end = rest[at.end..].find('\n').map_or(rest.len(), |end| at.end + end + 1);
        let is_alone = rest[line_start..at.start].trim().is_empty() && rest[at.end..line_end].trim().is_empty();
        rest.replace_range(if is_alone { line_start..line_end } else { at }, "");
    }
    if rest.len() == text.len() { Cut::Absent } else { Cut::Left(rest) }
}

fn find(text: &str, id: &FeedId) -> Option<Range<usize>> {
    let is_meant = |outline: &opml::Outline| match &outline.id {
        Some(own) => own.text == id.as_str(),
        None => url::Url::parse(&outline.url.text).ok().and_then(|url| slug(&url).ok()).as_ref() == Some(id),
    };
    opml::read(text).outlines.into_iter().find(is_meant).map(|outline| outline.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(text: &str, id: &str) -> String {
        match table(text, &FeedId::new(id).unwrap()) {
            Cut::Left(left) => left,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_feed_goes_with_its_comments_and_every_other_byte_stays() {
        let text = "# Feeds of the harbour.\r\n\r\n# The log.\r\n[log]  # daily\r\nurl = 'https://a/'\r\n# often\r\n\
            every = \"1h\"\r\n\r\n# The planet.\r\n  [planet]\r\nurl =   \"https://b/\"\r\n[planet.headers]\r\nX-A = 'b'\r\n";
        assert_eq!(
            without(text, "log"),
            "# Feeds of the harbour.\r\n\r\n# The planet.\r\n  [planet]\r\nurl =   \"https://b/\"\r\n[planet.headers]\r\nX-A = 'b'\r\n"
        );
        assert_eq!(
            without(text, "planet"),
            "# Feeds of the harbour.\r\n\r\n# The log.\r\n[log]  # daily\r\nurl = 'https://a/'\r\n# often\r\nevery = \"1h\"\r\n\r\n"
        );
        assert_eq!(without(text, "moon"), "Absent");
    }

    #[test]
    fn a_feed_goes_however_it_is_written() {
        let others = "b = { url = 'https://b/' }\n";
        for text in [
            format!("a = {{ url = 'https://a/', headers = {{ x = '1' }} }} # inline\n{others}"),
            format!("{others}a.url = 'https://a/'\na.tags = [\n  'x', # why\n  'y',\n]\n"),
            format!(
                "{others}[a]\nurl = \"\"\"\nhttps://a/\"\"\"\n[a.headers]\nx = '1'\n[[a.to]]\nnode = 'x'\n[[a.to]]\npep = true\n"
            ),
            format!("{others}[a.headers]\nx = '1'\n"),
            format!("{others}[\"a\"]\n"),
        ] {
            assert_eq!(without(&text, "a"), others, "{text}");
        }
    }

    #[test]
    fn parts_of_a_feed_may_stand_apart() {
        let text =
            "[a]\nurl = 'https://a/'\n\n[b]\nurl = 'https://b/'\n\n[a.headers]\nx = '1'\n\n[c]\nurl = 'https://c/'";
        assert_eq!(without(text, "a"), "[b]\nurl = 'https://b/'\n\n[c]\nurl = 'https://c/'");
    }

    #[test]
    fn an_outline_goes_with_its_line() {
        let text = "<opml><body>\n  <outline text='A'>\n    <outline text='x' xmlUrl='https://x.example/'/>\n  </outline>\n  \
            <outline text='x' xmlUrl='https://x.example/'/><outline text='y' xmlUrl='https://y.example/' tidings-id='y'/>\n</body></opml>";
        let without = |id: &str| match outline(text, &FeedId::new(id).unwrap()) {
            Cut::Left(left) => left,
            other => format!("{other:?}"),
        };
        assert_eq!(
            without("x-example"),
            "<opml><body>\n  <outline text='A'>\n  </outline>\n  <outline text='y' xmlUrl='https://y.example/' tidings-id='y'/>\n</body></opml>"
        );
        assert!(without("y").ends_with("<outline text='x' xmlUrl='https://x.example/'/>\n</body></opml>"));
        assert_eq!(without("z"), "Absent");
        assert_eq!(outline("<outline xmlUrl='https://z/'></outline>", &FeedId::new("z").unwrap()), Cut::ByHand);
    }
}
