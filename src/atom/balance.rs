//! Foreign HTML as a balanced, shallow fragment, so that the sanitiser works in linear time on it.
//!
//! At most [`DEPTH`] elements are open at any place, each one that is opened is closed, and the result is never longer
//! than about [`MAX_BYTES`]. Nothing here is trusted: the sanitiser reads the result as it would read the original.

use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{Tag, TagKind, Token};

use super::html::{ELEMENTS, is_kept_attribute, is_void, tokenise};

/// How many elements may be open. Deeper ones lose their tags, not their text. The sanitiser's time is quadratic in it.
pub(super) const DEPTH: usize = 64;

/// How much is read of an entry: several times what any server takes in one item.
const MAX_BYTES: usize = 1 << 19;

/// Longer attributes are pictures written out in full, or worse.
const MAX_ATTRIBUTE_BYTES: usize = 4096;

/// The balanced fragment.
pub(super) fn balance(html: &str) -> String {
    let mut balance = Balance::default();
    tokenise(html, |token| balance.take(token));
    balance.close_from(0);
    balance.out
}

#[derive(Default)]
struct Balance {
    out: String,
    open: Vec<&'static str>,
    /// The element whose content is left out, and how many of its name are open.
    left_out: Option<(&'static str, usize)>,
    is_full: bool,
}

impl Balance {
    fn take(&mut self, token: Token) -> Option<RawKind> {
        match token {
            Token::TagToken(tag) => return self.tag(&tag),
            Token::CharacterTokens(text) if self.left_out.is_none() => self.text(&text),
            _ => {}
        }
        None
    }

    fn tag(&mut self, tag: &Tag) -> Option<RawKind> {
        if let Some((name, count)) = self.left_out {
            self.left_out = match tag.kind {
                _ if *tag.name != *name || tag.self_closing => Some((name, count)),
                TagKind::StartTag => Some((name, count + 1)),
                TagKind::EndTag => (count > 1).then_some((name, count - 1)),
            };
            return None;
        }
        match tag.kind {
            TagKind::StartTag => self.start(tag),
            TagKind::EndTag => {
                let name = modern(&tag.name);
                self.close(&[name], scope(name));
                None
            }
        }
    }

    fn start(&mut self, tag: &Tag) -> Option<RawKind> {
        if let Some(name) = without_content(&tag.name) {
            if name == "iframe" {
                self.link_to_source(tag);
            }
            let is_empty = tag.self_closing && matches!(name, "svg" | "math");
            self.left_out = (!is_empty).then_some((name, 1));
            return raw_kind(name);
        }
        if matches!(&*tag.name, "audio" | "embed" | "source" | "video") {
            self.link_to_source(tag);
        }
        let name = modern(&tag.name);
        let name = ELEMENTS.iter().find(|kept| **kept == name)?;
        self.close(ends_implied_by(name), scope(name));
        self.is_full |= self.out.len() >= MAX_BYTES;
        // An annotation ends what is open around it up to its `ruby`, but not where the sanitiser has moved both out of a table.
        let is_annotation = matches!(*name, "rp" | "rt");
        let is_astray = (is_table_part(name) && !self.open.contains(&"table"))
            || (is_annotation && self.open.last() != Some(&"ruby"));
        let is_dropped = is_astray || (*name == "img" && is_tracking_pixel(tag));
        if !is_dropped && !self.is_full && self.open.len() < DEPTH {
            self.write_start(name, tag);
        }
        None
    }

    fn write_start(&mut self, name: &'static str, tag: &Tag) {
        self.out.push('<');
        self.out.push_str(name);
        for attribute in &tag.attrs {
            if is_kept_attribute(name, &attribute.name.local) && attribute.value.len() <= MAX_ATTRIBUTE_BYTES {
                self.out.push(' ');
                self.out.push_str(&attribute.name.local);
                self.out.push_str("=\"");
                escape(&attribute.value, &mut self.out);
                self.out.push('"');
            }
        }
        self.out.push('>');
        if !is_void(name) {
            self.open.push(name);
        }
    }

    /// What a player would have shown is still there to be opened.
    fn link_to_source(&mut self, tag: &Tag) {
        let source = attribute(tag, "src").trim();
        if !source.is_empty() && source.len() <= MAX_ATTRIBUTE_BYTES && !self.is_full {
            self.close(&["a"], scope("a"));
            let mut address = String::new();
            escape(source, &mut address);
            self.out.push_str(&format!("<a href=\"{address}\">{address}</a> "));
        }
    }

    fn text(&mut self, text: &str) {
        if self.is_full {
            return;
        }
        let room = MAX_BYTES.saturating_sub(self.out.len());
        let end = (0..=room.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        escape(&text[..end], &mut self.out);
        if end < text.len() || self.out.len() >= MAX_BYTES {
            self.out.push('…');
            self.is_full = true;
        }
    }

    /// Ends the innermost open element of the names given, unless one of the limits is found before it.
    fn close(&mut self, names: &[&str], limits: &[&str]) {
        let found = self.open.iter().rposition(|open| names.contains(open) || limits.contains(open));
        if let Some(at) = found.filter(|at| names.contains(&self.open[*at])) {
            self.close_from(at);
        }
    }

    fn close_from(&mut self, at: usize) {
        for name in self.open.drain(at..).rev() {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
    }
}

/// Elements whose content is no text of the entry.
fn without_content(name: &str) -> Option<&'static str> {
    const NAMES: [&str; 13] = [
        "datalist", "iframe", "math", "noembed", "noframes", "object", "script", "select", "style", "svg", "template",
        "textarea", "title",
    ];
    NAMES.into_iter().find(|without| *without == name)
}

/// How the content is tokenised (HTML §13.2.6.4): in a script, `<` means nothing.
fn raw_kind(name: &str) -> Option<RawKind> {
    match name {
        "script" => Some(RawKind::ScriptData),
        "iframe" | "noembed" | "noframes" | "style" => Some(RawKind::Rawtext),
        "textarea" | "title" => Some(RawKind::Rcdata),
        _ => None,
    }
}

/// The element that says the same and is known to every client.
fn modern(name: &str) -> &str {
    match name {
        "address" | "article" | "aside" | "center" | "details" | "dialog" | "fieldset" | "footer" | "form"
        | "header" | "hgroup" | "legend" | "main" | "nav" | "section" | "summary" => "div",
        "acronym" => "abbr",
        "dir" | "menu" => "ul",
        "listing" | "plaintext" | "xmp" => "pre",
        "strike" => "s",
        "tt" => "code",
        other => other,
    }
}

/// The open elements that a start tag ends without saying so (HTML §13.1.2.4).
fn ends_implied_by(name: &str) -> &'static [&'static str] {
    match name {
        "a" => &["a"],
        "li" => &["li"],
        "dd" | "dt" => &["dd", "dt"],
        "rp" | "rt" => &["rp", "rt"],
        "td" | "th" => &["td", "th"],
        "tr" => &["tr", "caption"],
        "tbody" | "tfoot" | "thead" => &["tbody", "tfoot", "thead", "caption"],
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => &["p", "h1", "h2", "h3", "h4", "h5", "h6"],
        "blockquote" | "div" | "dl" | "figcaption" | "figure" | "hr" | "ol" | "p" | "pre" | "table" | "ul" => &["p"],
        _ => &[],
    }
}

/// The elements that a tag of this name never ends something outside of.
fn scope(name: &str) -> &'static [&'static str] {
    match name {
        "li" => &["ol", "ul", "td", "th"],
        "dd" | "dt" => &["dl", "td", "th"],
        "rp" | "rt" => &["ruby"],
        "td" | "th" => &["tr", "table"],
        "caption" | "table" | "tbody" | "tfoot" | "thead" | "tr" => &["table"],
        _ => &["caption", "td", "th"],
    }
}

fn is_table_part(name: &str) -> bool {
    matches!(name, "caption" | "tbody" | "td" | "tfoot" | "th" | "thead" | "tr")
}

fn is_tracking_pixel(tag: &Tag) -> bool {
    let is_tiny = |name| matches!(attribute(tag, name).trim().trim_end_matches("px"), "0" | "1");
    is_tiny("width") && is_tiny("height")
}

fn attribute<'a>(tag: &'a Tag, name: &str) -> &'a str {
    tag.attrs.iter().find(|attribute| &*attribute.name.local == name).map_or("", |attribute| &attribute.value)
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &str) {
        assert_eq!(balance(html), expected, "{html}");
    }

    #[test]
    fn tags_that_were_left_out_are_written() {
        check("<p>one<p>two", "<p>one</p><p>two</p>");
        check(
            "<ul><li>one<li>two<ul><li>deep</ul><li>three</ul>",
            "<ul><li>one</li><li>two<ul><li>deep</li></ul></li><li>three</li></ul>",
        );
        check(
            "<table><tr><td>1<td>2<tr><td>3</table>x",
            "<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>x",
        );
        check("<b><i>x</b>y</i>z", "<b><i>x</i></b>yz");
        check("<p><b>x</p>y</b>", "<p><b>x</b></p>y");
        check("<h2>Title<h3>text<td>x</td>", "<h2>Title</h2><h3>textx</h3>");
        check("a<br>b<br/>c<hr>", "a<br>b<br>c<hr>");
    }

    #[test]
    fn what_is_no_text_is_left_out() {
        check("a<script>if (a<b) x('</p>')</script>b", "ab");
        check("a<style>p { }</style><svg><title>t</title><svg/><text>x</text></svg>b", "ab");
        check("<svg/>a<math><mi>x</mi></math><select><option>y</select>b", "ab");
        check("a<!-- c --><?php d ?><!doctype html>b", "ab");
        check("<title>a</b></title><textarea><b></textarea>b", "b");
    }

    #[test]
    fn elements_of_old_and_new_html_become_those_that_clients_know() {
        check("<section><tt>a</tt><strike>b</strike></section>", "<div><code>a</code><s>b</s></div>");
        check("<form action=x><font color=red>a</font><input name=b></form>", "<div>a</div>");
        check("<o:p>word</o:p><blink>x</blink>", "wordx");
    }

    #[test]
    fn an_annotation_stands_in_its_ruby_or_is_text() {
        check("<ruby>漢<rp>(<rt>kan<rp>)</ruby>", "<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>");
        check("<rt>a</rt><ruby><table><li><rt>b", "a<ruby><table><li>b</li></table></ruby>");
    }

    #[test]
    fn a_player_becomes_a_link() {
        check(
            "<iframe src='https://v.example/1?a&amp;b'>x</iframe>",
            r#"<a href="https://v.example/1?a&amp;b">https://v.example/1?a&amp;b</a> "#,
        );
        check("<video controls><source src=a.mp4>", r#"<a href="a.mp4">a.mp4</a> "#);
    }

    #[test]
    fn a_picture_of_one_pixel_is_dropped() {
        check("<img src=t.gif width=1 height='1px'>a<img src=u.gif width=0 height=0>", "a");
        check("<img src=a.png width=100 height=1>", r#"<img src="a.png" width="100" height="1">"#);
    }

    #[test]
    fn depth_and_length_have_an_end() {
        let deep = balance(&"<div>".repeat(100_000));
        assert_eq!(deep, format!("{}{}", "<div>".repeat(DEPTH), "</div>".repeat(DEPTH)));
        assert!(balance(&"<b title='x'><p>".repeat(50_000)).len() < MAX_BYTES + MAX_ATTRIBUTE_BYTES);
        assert!(balance(&"&".repeat(MAX_BYTES)).len() < 6 * MAX_BYTES);
    }
}
