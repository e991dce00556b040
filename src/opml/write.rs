//! Writing. The same feeds give the same bytes: no dates, everything in order.

use std::collections::BTreeMap;
use std::fmt::Write;

use quick_xml::escape::escape;

/// A feed to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// `tidings-id`.
    pub id: &'a str,
    /// `xmlUrl`.
    pub url: &'a str,
    /// What people call it; the id when nobody said.
    pub name: Option<&'a str>,
    /// Its tags: the first one is its folder, the others are categories.
    pub tags: &'a [String],
    /// Whether it is commented out.
    pub is_comment: bool,
}

/// Writes a document.
pub fn write(rows: &[Row<'_>]) -> String {
    let mut root = Folder::default();
    for row in rows {
        let depth = row.tags.iter().rposition(|tag| !fits_category(tag)).map_or(1, |last| last + 1);
        let (folders, categories) = row.tags.split_at(depth.min(row.tags.len()));
        let mut folder = &mut root;
        for tag in folders {
            folder = folder.folders.entry(tag).or_default();
        }
        folder.feeds.insert(row.id, (row, categories));
    }
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<opml version=\"2.0\">\n  <head>\n    \
                    <title>Feeds of Tidings</title>\n  </head>\n  <body>\n"
        .to_owned();
    root.write(&mut text, 2);
    text + "  </body>\n</opml>\n"
}

/// OPML separates categories by commas, and parts of one by slashes; what holds either is a folder instead.
fn fits_category(tag: &str) -> bool {
    !tag.contains([',', '/'])
}

#[derive(Default)]
struct Folder<'a> {
    folders: BTreeMap<&'a str, Folder<'a>>,
    feeds: BTreeMap<&'a str, (&'a Row<'a>, &'a [String])>,
}

impl Folder<'_> {
    fn write(&self, text: &mut String, depth: usize) {
        let margin = "  ".repeat(depth);
        for (name, folder) in &self.folders {
            let _ = writeln!(text, "{margin}<outline text=\"{}\">", quoted(name));
            folder.write(text, depth + 1);
            let _ = writeln!(text, "{margin}</outline>");
        }
        for (row, categories) in self.feeds.values() {
            let name = row.name.map(str::trim).filter(|name| !name.is_empty()).unwrap_or(row.id);
            let (name, url) = (quoted(name), quoted(row.url));
            let _ = write!(
                text,
                "{margin}<outline type=\"rss\" text=\"{name}\" xmlUrl=\"{url}\" tidings-id=\"{}\"",
                row.id
            );
            if !categories.is_empty() {
                let _ = write!(text, " category=\"{}\"", quoted(&categories.join(",")));
            }
            text.push_str(if row.is_comment { " isComment=\"true\"/>\n" } else { "/>\n" });
        }
    }
}

/// For an attribute; what XML forbids is left out.
fn quoted(text: &str) -> String {
    let allowed = |c: &char| !c.is_control() && !matches!(c, '\u{FFFE}' | '\u{FFFF}');
    escape(text.chars().filter(allowed).collect::<String>()).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::read;
    use super::*;

    fn row<'a>(id: &'a str, name: Option<&'a str>, tags: &'a [String]) -> Row<'a> {
        Row { id, url: "https://example.org/?a=1&b=2", name, tags, is_comment: id == "off" }
    }

    #[test]
    fn the_first_tag_is_a_folder_and_the_others_are_categories() {
        let tags = ["tech", "chat", "a,b", "xmpp"].map(str::to_owned);
        insta::assert_snapshot!(write(&[
            row("planet", Some(" <Planet> & \"Co\" "), &tags[..2]),
            row("alone", None, &[]),
            row("strange", None, &tags),
            row("off", None, &tags[..1]),
        ]), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <opml version="2.0">
          <head>
            <title>Feeds of Tidings</title>
          </head>
          <body>
            <outline text="tech">
              <outline text="chat">
                <outline text="a,b">
                  <outline type="rss" text="strange" xmlUrl="https://example.org/?a=1&amp;b=2" tidings-id="strange" category="xmpp"/>
                </outline>
              </outline>
              <outline type="rss" text="off" xmlUrl="https://example.org/?a=1&amp;b=2" tidings-id="off" isComment="true"/>
              <outline type="rss" text="&lt;Planet&gt; &amp; &quot;Co&quot;" xmlUrl="https://example.org/?a=1&amp;b=2" tidings-id="planet" category="chat"/>
            </outline>
            <outline type="rss" text="alone" xmlUrl="https://example.org/?a=1&amp;b=2" tidings-id="alone"/>
          </body>
        </opml>
        "#);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            feeds in prop::collection::btree_map("[a-z0-9][a-z0-9._-]{0,8}", (prop::option::of("\\PC{1,12}"), prop::collection::btree_set("\\PC{1,8}", 0..5), any::<bool>()), 0..8)
        ) {
            let feeds: Vec<_> = feeds.into_iter().map(|(id, (name, tags, is_comment))| {
                let tags = tags.into_iter().map(|tag| tag.trim().to_lowercase()).filter(|tag| !tag.is_empty());
                // As the configuration has them: folded, each once.
                let tags = tags.fold(Vec::new(), |mut tags: Vec<String>, tag| {
                    if !tags.iter().any(|known| known.to_lowercase() == tag.to_lowercase()) {
                        tags.push(tag);
                    }
                    tags
                });
                (format!("https://example.org/{id}?a&b"), id, name, tags, is_comment)
            }).collect();
            let rows: Vec<_> = feeds.iter().map(|(url, id, name, tags, is_comment)| Row { id, url, name: name.as_deref(), tags, is_comment: *is_comment }).collect();
            let first = write(&rows);
            let read = read(&first);
            prop_assert_eq!(&read.faults, &[]);
            let again: Vec<_> = read.outlines.iter().map(|outline| {
                let tags = outline.tags.iter().map(|tag| tag.text.clone()).collect::<Vec<_>>();
                (outline.id.as_ref().unwrap().text.clone(), outline.url.text.clone(), outline.name.as_ref().unwrap().text.clone(), tags, outline.is_comment)
            }).collect();
            let rows: Vec<_> = again.iter().map(|(id, url, name, tags, is_comment)| Row { id, url, name: Some(name), tags, is_comment: *is_comment }).collect();
            prop_assert_eq!(write(&rows), first);
        }
    }
}
