//! Reading: what is broken costs a row, not the list.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{Fault, Opml, Outline, Words};

/// Folders deeper than this give no tags any more; nobody sorts feeds so finely.
const DEEPEST: usize = 16;

/// Reads a document. One that holds no outline at all has a fault that says so.
pub fn read(text: &str) -> Opml {
    let mut reading = Reading { text, opml: Opml::default(), folders: Vec::new(), known: HashMap::new() };
    // The reader passes over a byte order mark, and does not count it.
    let mut at = text.len() - text.trim_start_matches('\u{feff}').len();
    while let Some(next) = reading.read_from(at) {
        at = next;
    }
    let mut opml = reading.opml;
    if opml.outlines.is_empty() && opml.faults.is_empty() && !text.contains("<outline") && !text.contains("<opml") {
        let message = "this is no OPML: it has no <outline>".to_owned();
        opml.faults.push(Fault { at: 0..0, message, hint: "export the list of feeds of your reader as OPML" });
    }
    let is_cut_off = text.rfind("<opml").is_some_and(|at| {
        let is_closed_at_once = text[at..].split('>').next().is_some_and(|tag| tag.ends_with('/'));
        !is_closed_at_once && !text[at..].contains("</opml")
    });
    if is_cut_off && opml.faults.is_empty() {
        let end = text.trim_end().len();
        let message = "the list ends in the middle: there is no </opml>".to_owned();
        opml.faults.push(Fault { at: end..end, message, hint: "export it again; or close what is open" });
    }
    opml
}

struct Reading<'a> {
    text: &'a str,
    opml: Opml,
    folders: Vec<Folder>,
    /// Feeds by their addresses: one may stand in several folders.
    known: HashMap<String, usize>,
}

/// An outline that is open.
struct Folder {
    tag: Option<Words>,
    is_comment: bool,
}

impl<'a> Reading<'a> {
    /// Reads on from an offset; where to go on behind something that could not be read.
    fn read_from(&mut self, from: usize) -> Option<usize> {
        let mut reader = Reader::from_str(&self.text[from..]);
        reader.config_mut().check_end_names = false;
        reader.config_mut().allow_unmatched_ends = true;
        loop {
            let start = from + reader.buffer_position() as usize;
            let (tag, is_open) = match reader.read_event() {
                Ok(Event::Start(tag)) => (tag, true),
                Ok(Event::Empty(tag)) => (tag, false),
                Ok(Event::End(tag)) => {
                    if is_outline(tag.name().as_ref()) {
                        self.folders.pop();
                    }
                    continue;
                }
                Ok(Event::Eof) => return None,
                Ok(_) => continue,
                Err(error) => return self.skip(start, format!("not XML: {error}")),
            };
            if !is_outline(tag.name().as_ref()) {
                continue;
            }
            // A quote that is not closed makes one tag of several.
            if self.text[start + 1..from + reader.buffer_position() as usize].contains("<outline") {
                return self.skip(start, "this outline has a quote that is not closed".to_owned());
            }
            let at = start..from + reader.buffer_position() as usize;
            match self.attributes(&tag) {
                Ok(attributes) => self.outline(at, &attributes, is_open),
                Err(why) => return self.skip(start, format!("this outline cannot be read: {why}")),
            }
        }
    }

    /// Goes on at the next outline.
    fn skip(&mut self, start: usize, message: String) -> Option<usize> {
        let line = self.text[start..].find('\n').map_or(self.text.len(), |end| start + end);
        let hint = "repair it, or take it out and add that feed by hand";
        self.opml.faults.push(Fault { at: start..line, message, hint });
        let after = start + self.text[start..].chars().next()?.len_utf8();
        Some(after + self.text[after..].find("<outline")?)
    }

    fn attributes(&self, tag: &BytesStart<'a>) -> Result<Vec<(String, Words)>, String> {
        let mut attributes = Vec::with_capacity(6);
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let Cow::Borrowed(raw) = attribute.value else { continue };
            // The reader borrows from the text.
            let start = raw.as_ptr() as usize - self.text.as_ptr() as usize;
            let at = start..start + raw.len();
            let name = attribute.key.as_ref().to_ascii_lowercase();
            let text = resolved(&self.text[at.clone()]);
            if !text.is_empty() {
                attributes.push((name, Words { text, at }));
            }
        }
        Ok(attributes)
    }

    fn outline(&mut self, at: Range<usize>, attributes: &[(String, Words)], is_open: bool) {
        let get = |name: &str| attributes.iter().find(|(known, _)| known == name).map(|(_, words)| words.clone());
        let is_true = |name: &str| get(name).is_some_and(|words| words.text.eq_ignore_ascii_case("true"));
        let is_comment = is_true("iscomment") || self.folders.last().is_some_and(|folder| folder.is_comment);
        let kind = get("type").map(|words| words.text.to_ascii_lowercase()).unwrap_or_default();
        let is_feed = ["rss", "atom", "feed", "rdf", "json"].iter().any(|word| kind.contains(word));
        let url = get("xmlurl").or_else(|| get("url").filter(|_| is_feed));
        let name = get("title").or_else(|| get("text"));
        let is_folder = url.is_none();
        if let Some(url) = url {
            let tags = self.tags(get("category"));
            let id = get("tidings-id");
            self.add(Outline { at, id, url, name: name.clone(), tags, is_comment });
        } else if is_feed {
            let (message, hint) = ("this outline has no `xmlUrl`".to_owned(), "xmlUrl=\"https://…\" is its address");
            self.opml.faults.push(Fault { at, message, hint });
        } else if kind == "include" {
            let message = "this outline includes another list, which is not read".to_owned();
            self.opml.faults.push(Fault { at, message, hint: "import that list, too" });
        }
        if is_open {
            let tag = get("text").or(name).filter(|_| is_folder && self.folders.len() < DEEPEST);
            self.folders.push(Folder { tag, is_comment });
        }
    }

    fn tags(&self, category: Option<Words>) -> Vec<Words> {
        let folders = self.folders.iter().filter_map(|folder| folder.tag.clone());
        let categories = category.iter().flat_map(|list| {
            let part = |text: &str| Words { text: text.trim().to_owned(), at: list.at.clone() };
            list.text.split([',', '/']).map(part).take(DEEPEST).collect::<Vec<_>>()
        });
        let mut tags: Vec<Words> = Vec::new();
        for tag in folders.chain(categories).filter(|tag| !tag.text.is_empty()) {
            add_tag(&mut tags, tag);
        }
        tags
    }

    fn add(&mut self, outline: Outline) {
        let known = self.known.get(&outline.url.text).and_then(|place| self.opml.outlines.get_mut(*place));
        match known.filter(|known| outline.id.is_none() || same(&known.id, &outline.id)) {
            Some(known) => {
                outline.tags.into_iter().for_each(|tag| add_tag(&mut known.tags, tag));
                known.is_comment &= outline.is_comment;
            }
            None => {
                self.known.insert(outline.url.text.clone(), self.opml.outlines.len());
                self.opml.outlines.push(outline);
            }
        }
    }
}

fn same(one: &Option<Words>, other: &Option<Words>) -> bool {
    one.as_ref().map(|words| &words.text) == other.as_ref().map(|words| &words.text)
}

fn add_tag(tags: &mut Vec<Words>, tag: Words) {
    let is_known = tags.iter().any(|known| known.text.to_lowercase() == tag.text.to_lowercase());
    if !is_known && tags.len() < 2 * DEEPEST {
        tags.push(tag);
    }
}

fn is_outline(name: &str) -> bool {
    name.eq_ignore_ascii_case("outline")
}

/// The value of an attribute. Many programs write `&` as it is: then only what is surely an entity is resolved.
fn resolved(raw: &str) -> String {
    let text = quick_xml::escape::unescape(raw).unwrap_or_else(|_| {
        let mut text = raw.to_owned();
        for (entity, character) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")] {
            text = text.replace(entity, character);
        }
        Cow::Owned(text)
    });
    // XML 1.0 §3.3.3: white space in an attribute is a space.
    text.replace(char::is_control, " ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line for each feed and each fault of a body.
    fn lines(body: &str) -> String {
        let text = format!(
            "<?xml version='1.0'?>\n<opml version='2.0'><head><title>x</title></head><body>\n{body}\n</body></opml>"
        );
        let Opml { outlines, faults } = read(&text);
        let words = |words: &Option<Words>| words.as_ref().map_or("-".to_owned(), |words| words.text.clone());
        let feed = |outline: &Outline| {
            let tags = outline.tags.iter().map(|tag| tag.text.as_str()).collect::<Vec<_>>().join(", ");
            let comment = if outline.is_comment { " (comment)" } else { "" };
            assert!(text[outline.at.clone()].starts_with("<outline"), "{outline:?}");
            format!("{} {} {} [{tags}]{comment}", words(&outline.id), outline.url.text, words(&outline.name))
        };
        let line = |at: usize| text[..at].matches('\n').count() - 1;
        let fault = |fault: &Fault| format!("line {}: {}", line(fault.at.start), fault.message);
        outlines.iter().map(feed).chain(faults.iter().map(fault)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn folders_and_categories_are_tags() {
        insta::assert_snapshot!(lines(
            "<outline text='Tech'><outline title='XMPP' text='xmpp'>
             <outline type='rss' text='Planet &amp; Co' xmlUrl='https://planet.example/?a=1&amp;b=2' category='/Chat/Jabber,tech'/>
             </outline><outline text='Blog' xmlurl='https://blog.example/feed' tidings-id='my-blog' isComment='true'/></outline>
             <outline text='alone' xmlUrl='https://alone.example/'></outline><outline text='empty folder'/>
             <outline text='later' xmlUrl='https://later.example/'/>"
        ), @r"
        - https://planet.example/?a=1&b=2 Planet & Co [Tech, xmpp, Chat, Jabber]
        my-blog https://blog.example/feed Blog [Tech] (comment)
        - https://alone.example/ alone []
        - https://later.example/ later []
        ");
    }

    #[test]
    fn a_feed_in_several_folders_has_the_tags_of_all() {
        insta::assert_snapshot!(lines(
            "<outline text='A' isComment='true'><outline text='x' xmlUrl='https://x.example/'/></outline>
             <outline text='B'><outline text='other name' xmlUrl='https://x.example/'/></outline>"
        ), @"- https://x.example/ x [A, B]");
    }

    #[test]
    fn what_is_broken_costs_a_row_and_not_the_list() {
        insta::assert_snapshot!(lines(
            "<outline text='a' xmlUrl='https://a.example/?x=1&y=2'/>
             <outline text='b' type='rss'/>
             <outline text=\"c xmlUrl=\"https://c.example/\"/>
             <outline text='d' xmlUrl='https://d.example/'/>
             <outline text='e' xmlUrl=https://e.example//>
             <outline text='f' type='include' url='https://f.example/list.opml'/>
             <outline text='R&D < S' xmlUrl='https://g.example/'/></b>
             <outline text='h' xmlUrl='https://h.example/'/></outline></outline>
             <outline text='i' xmlUrl='https://i.example/'"
        ), @r#"
        - https://a.example/?x=1&y=2 a []
        - https://d.example/ d []
        - https://g.example/ R&D < S []
        - https://h.example/ h []
        line 2: this outline has no `xmlUrl`
        line 3: not XML: syntax error: attribute value not closed: `"` not found before end of input
        line 5: this outline cannot be read: position 24: attribute value must be enclosed in `"` or `'`
        line 6: this outline includes another list, which is not read
        line 9: this outline cannot be read: position 51: attribute key must be directly followed by `=` or space
        "#);
    }

    #[test]
    fn folders_without_end_are_read_in_a_moment() {
        let deep = "<outline text='x'>".repeat(50_000) + "<outline xmlUrl='https://deep.example/'/>";
        let opml = read(&deep);
        assert_eq!((opml.outlines.len(), opml.outlines[0].tags.len(), opml.faults.len()), (1, 1, 0));
    }

    #[test]
    fn a_byte_order_mark_moves_no_place() {
        let text =
            "\u{feff}<outline text='x' xmlUrl='https://x.example/'/>\u{feff}<outline xmlUrl='https://y.example/'/>";
        let outlines = read(text).outlines;
        let tags: Vec<&str> = outlines.iter().map(|outline| &text[outline.at.clone()]).collect();
        assert_eq!(tags, ["<outline text='x' xmlUrl='https://x.example/'/>", "<outline xmlUrl='https://y.example/'/>"]);
        assert_eq!(&text[outlines[0].url.at.clone()], "https://x.example/");
    }

    #[test]
    fn what_is_no_opml_says_so() {
        for (text, is_none) in [("", true), ("<html><body/></html>", true), ("<opml><body/></opml>", false)] {
            assert_eq!(read(text).faults.iter().any(|fault| fault.message.contains("no OPML")), is_none, "{text}");
        }
    }
}
