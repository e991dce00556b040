//! Foreign HTML as a tree of what may be shown.
//!
//! html5ever's tokenizer reads; what is built of its tokens holds the elements and attributes that html.rs lists and
//! nothing else, each where a browser would leave it, at most [`DEPTH`] deep. So nobody reads the tree in another way than it
//! was built, neither a browser nor this reader itself: a second time changes nothing.

use html5ever::LocalName;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{Tag, TagKind, Token};
use minidom::{Element, Node};

use super::address::{self, Place};
use super::html::{
    ELEMENTS, ended_by, ended_by_end, ends_drawing, is_inline, is_kept_attribute, is_table_part, is_void, levels,
    links_go_on_around, modern, part_between, raw_kind, scope, tokenise, without_content,
};
use super::tidy::{dissolves, has_content, is_white, tidy};
use super::xml::{XHTML, clean, is_blank, set};

/// How many elements may be open. Deeper ones lose their tags, not their text.
pub(super) const DEPTH: usize = 64;

/// How much is kept of an entry, bytes before they are escaped: several times what any server takes in one item.
const MAX_BYTES: usize = 1 << 19;

/// Longer attributes are pictures written out in full, or worse.
const MAX_ATTRIBUTE_BYTES: usize = 4096;

/// The nodes of an HTML text that stands at a place.
pub(super) fn tree(html: &str, place: &Place) -> Vec<Node> {
    let mut builder = Builder::new(place);
    tokenise(html, |token| builder.take(token));
    builder.finish()
}

struct Builder<'a> {
    place: &'a Place,
    /// The elements that are open, around them the fragment itself.
    open: Vec<Open>,
    /// The element whose content is left out, and what is open in it.
    left_out: Vec<LocalName>,
    /// About how long it is so far.
    bytes: usize,
    /// The rest is left out.
    is_full: bool,
}

struct Open {
    name: &'static str,
    element: Element,
    /// Nobody wrote its tag.
    is_implied: bool,
}

impl<'a> Builder<'a> {
    fn new(place: &'a Place) -> Self {
        let fragment = Open { name: "div", element: Element::bare("div", XHTML), is_implied: true };
        Self { place, open: vec![fragment], left_out: Vec::new(), bytes: 0, is_full: false }
    }

    fn take(&mut self, token: Token) -> Option<RawKind> {
        match token {
            Token::TagToken(tag) => return self.tag(&tag),
            Token::CharacterTokens(text) if self.left_out.is_empty() => self.text(&text),
            _ => {}
        }
        None
    }

    fn tag(&mut self, tag: &Tag) -> Option<RawKind> {
        if self.leaves_out(tag) {
            return None;
        }
        match tag.kind {
            TagKind::StartTag => self.start(tag),
            TagKind::EndTag => {
                self.end(modern(&tag.name));
                None
            }
        }
    }

    /// Whether the tag belongs to what is left out.
    fn leaves_out(&mut self, tag: &Tag) -> bool {
        if self.goes_on_after_drawing(tag) {
            self.left_out.clear();
        }
        if self.left_out.is_empty() {
            return false;
        }
        match tag.kind {
            TagKind::StartTag if !tag.self_closing && self.left_out.len() < DEPTH => {
                self.left_out.push(tag.name.clone());
            }
            TagKind::StartTag => {}
            TagKind::EndTag => {
                let found = self.left_out.iter().rposition(|name| *name == tag.name);
                self.left_out.truncate(found.unwrap_or(self.left_out.len()));
            }
        }
        true
    }

    /// Whether a drawing was never ended, and the tag is of the HTML after it (HTML §13.2.6.5).
    fn goes_on_after_drawing(&self, tag: &Tag) -> bool {
        let holds_html = |name: &LocalName| matches!(&**name, "desc" | "foreignobject" | "title");
        let is_drawing = self.left_out.first().is_some_and(|name| &**name == "svg");
        if !is_drawing || self.left_out.iter().any(holds_html) || self.left_out.contains(&tag.name) {
            return false;
        }
        match tag.kind {
            TagKind::StartTag => ends_drawing(&tag.name),
            TagKind::EndTag if matches!(&*tag.name, "br" | "p") => true,
            TagKind::EndTag => self.open[1..].iter().any(|open| open.name == modern(&tag.name)),
        }
    }

    fn start(&mut self, tag: &Tag) -> Option<RawKind> {
        if matches!(&*tag.name, "audio" | "embed" | "iframe" | "source" | "video") {
            self.link_to_source(tag);
        }
        if let Some(name) = without_content(&tag.name) {
            // As who writes XML means it; a browser goes on to the end of the text.
            let is_empty = tag.self_closing && !matches!(name, "script" | "style");
            self.left_out.extend((!is_empty).then(|| tag.name.clone()));
            return raw_kind(name).filter(|_| !is_empty);
        }
        let name = modern(&tag.name);
        let name = ELEMENTS[ELEMENTS.binary_search(&name).ok()?];
        let is_pixel = name == "img" && is_tracking_pixel(tag);
        if !is_pixel && self.makes_room_for(name) {
            let attributes = tag.attrs.iter().map(|attribute| (&*attribute.name.local, &*attribute.value));
            let late = (name == "img").then(|| self.late_picture(tag)).flatten();
            self.open(name, attributes.chain(late.as_deref().map(|address| ("src", address))));
        }
        None
    }

    fn end(&mut self, name: &str) {
        let is_open = self.close(ended_by_end(&name), scope(name));
        // Neither ends anything, but a browser shows a break for them (HTML §13.2.6.4.7).
        if name == "br" && self.makes_room_for("br") {
            self.open("br", std::iter::empty());
        } else if name == "p" && !is_open {
            self.text("\n");
        }
    }

    /// What a player would have shown is still there to be opened.
    fn link_to_source(&mut self, tag: &Tag) {
        let source = ["src", "data-src"].into_iter().find_map(|name| self.address(attribute(tag, name)));
        if let Some(source) = source.filter(|_| !is_tracking_pixel(tag) && self.makes_room_for("a")) {
            self.open("a", [("href", &*source)].into_iter());
            self.text(&source);
            self.close_last();
            self.text(" ");
        }
    }

    /// The address of a picture that a script would have put in place of another one.
    fn late_picture(&self, tag: &Tag) -> Option<String> {
        let srcset = attribute(tag, "srcset").split_whitespace().next().unwrap_or_default();
        let late = ["src", "data-src", "data-lazy-src", "data-original"].map(|name| attribute(tag, name));
        let mut addresses = late.into_iter().chain([srcset.trim_end_matches(',')]);
        match self.address(addresses.next()?) {
            Some(_) => None,
            None => addresses.find_map(|address| self.address(address)),
        }
    }

    /// An address of the web as it is published.
    fn address(&self, written: &str) -> Option<String> {
        let url = self.place.absolute(written).filter(address::is_web).map(|url| address::ascii(&url));
        url.filter(|url| url.len() <= MAX_ATTRIBUTE_BYTES)
    }

    /// Ends what ends before an element of this name, begins what has to be around it; whether it may stand there. A link
    /// that ends with the paragraph around it goes on (HTML §13.2.4.3).
    fn makes_room_for(&mut self, name: &str) -> bool {
        let link = self.open.iter().rposition(|open| open.name == "a").filter(|_| links_go_on_around(name));
        let link = link.map(|at| (at, bare_copy(&self.open[at].element)));
        while self.close(ended_by(name), scope(name)) {}
        let is_astray = match name {
            "rp" | "rt" => self.last() != "ruby",
            name => is_table_part(name) && !self.open.iter().any(|open| open.name == "table"),
        };
        let parts: Vec<_> = self.parts_around(name).collect();
        let is_nothing = name == "br" && !parts.is_empty();
        let link = link.filter(|(at, _)| self.open.len() <= *at && parts.is_empty());
        let depth = self.open.len() + parts.len() + usize::from(link.is_some()) + levels(name);
        if is_astray || is_nothing || depth > DEPTH + 1 || self.bytes >= MAX_BYTES {
            return false;
        }
        self.put_around(parts);
        if let Some((_, link)) = link {
            self.imply("a", link);
        }
        true
    }

    /// What has to stand between the innermost open element and one of this name, outermost first.
    fn parts_around(&self, name: &str) -> impl Iterator<Item = &'static str> {
        std::iter::successors(part_between(self.last(), name), move |part| part_between(part, name))
    }

    fn put_around(&mut self, parts: Vec<&'static str>) {
        parts.into_iter().for_each(|part| self.imply(part, Element::bare(part, XHTML)));
    }

    fn imply(&mut self, name: &'static str, element: Element) {
        self.open.push(Open { name, element, is_implied: true });
    }

    fn open<'t>(&mut self, name: &'static str, attributes: impl Iterator<Item = (&'t str, &'t str)>) {
        self.bytes += "<></>".len() + 2 * name.len();
        let mut element = Element::bare(name, XHTML);
        for (attribute, value) in attributes {
            let is_kept = is_kept_attribute(name, attribute) && value.len() <= MAX_ATTRIBUTE_BYTES;
            if let Some(value) = is_kept.then(|| self.attribute(attribute, value)).flatten() {
                self.bytes += " =\"\"".len() + attribute.len() + value.len();
                set(&mut element, attribute, &value);
            }
        }
        self.open.push(Open { name, element, is_implied: false });
        if is_void(name) {
            self.close_last();
        }
    }

    /// The value as it is published; `None`: the attribute is left out.
    fn attribute(&self, name: &str, value: &str) -> Option<String> {
        match name {
            "src" => self.address(value),
            "href" | "cite" => self.place.ascii(value).filter(|url| url.len() <= MAX_ATTRIBUTE_BYTES),
            "width" | "height" | "colspan" | "rowspan" | "start" => {
                value.trim().parse::<u16>().ok().map(|n| n.to_string())
            }
            "dir" => matches!(value, "ltr" | "rtl" | "auto").then(|| value.to_owned()),
            // Movim cuts an attribute at an apostrophe.
            _ => (!is_blank(value) || name == "alt").then(|| value.replace('\'', "’")),
        }
    }

    fn text(&mut self, text: &str) {
        if self.is_full {
            return;
        }
        let text = clean(text);
        let room = MAX_BYTES.saturating_sub(self.bytes);
        self.bytes += text.len();
        self.is_full = text.len() > room;
        if self.is_full || !is_white(&text) {
            self.put_around(self.parts_around("").collect());
        }
        let Some(Open { element, .. }) = self.open.last_mut() else { return };
        if self.is_full {
            let end = (0..=room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            element.append_text(format!("{}…", &text[..end]));
        } else {
            element.append_text(text);
        }
    }

    fn last(&self) -> &'static str {
        self.open.last().map_or("", |open| open.name)
    }

    /// Ends the innermost open element of the names given, unless one of the limits is found before it; whether it did.
    fn close(&mut self, names: &[&str], limits: &[&str]) -> bool {
        let found = self.open[1..].iter().rposition(|open| names.contains(&open.name) || limits.contains(&open.name));
        let Some(at) = found.map(|at| at + 1).filter(|at| names.contains(&self.open[*at].name)) else { return false };
        while self.open.len() > at {
            self.close_last();
        }
        true
    }

    fn close_last(&mut self) {
        let is_preformatted = self.open.iter().any(|open| open.name == "pre");
        let (Some(Open { name, element, is_implied }), Some(parent)) = (self.open.pop(), self.open.last_mut()) else {
            return;
        };
        let element = tidy(element, is_preformatted);
        if dissolves(&element) || (is_implied && !has_content(&element)) {
            splice(element, &mut parent.element);
            // Words before and after it are not one word.
            if !is_inline(name) && parent.element.nodes().next_back().is_some() {
                parent.element.append_text("\n");
            }
        } else {
            parent.element.append_child(element);
        }
    }

    fn finish(mut self) -> Vec<Node> {
        while self.open.len() > 1 {
            self.close_last();
        }
        self.open.pop().map_or_else(Vec::new, |fragment| tidy(fragment.element, false).take_nodes())
    }
}

/// The element without what it holds.
fn bare_copy(element: &Element) -> Element {
    let mut copy = Element::bare(element.name(), XHTML);
    element.attrs().iter().for_each(|((_, name), value)| set(&mut copy, name, value));
    copy
}

/// Puts what an element holds into its parent: a picture's words, any other's nodes.
fn splice(mut element: Element, parent: &mut Element) {
    if let Some(words) = element.attr("alt") {
        parent.append_text(format!(" {words} "));
    }
    for node in element.take_nodes() {
        match node {
            Node::Text(text) => parent.append_text(text),
            Node::Element(child) => {
                parent.append_child(child);
            }
        }
    }
}

fn is_tracking_pixel(tag: &Tag) -> bool {
    let is_tiny = |name| matches!(attribute(tag, name).trim().trim_end_matches("px"), "0" | "1");
    is_tiny("width") && is_tiny("height")
}

fn attribute<'a>(tag: &'a Tag, name: &str) -> &'a str {
    tag.attrs.iter().find(|attribute| &*attribute.name.local == name).map_or("", |attribute| &attribute.value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::xhtml::div;
    use super::*;

    fn written(html: &str) -> String {
        let shown = String::from(&div(tree(html, &Place::default())));
        shown.replace(" xmlns='http://www.w3.org/1999/xhtml'", "")
    }

    /// What stands in the tree, without the ends of lines that follow blocks.
    fn check(html: &str, expected: &str) {
        assert_eq!(written(html).replace('\n', ""), format!("<div>{expected}</div>"), "{html}");
    }

    #[test]
    fn tags_that_were_left_out_are_there() {
        check("<p>one<p>two", "<p>one</p><p>two</p>");
        check(
            "<ul><li>one<li>two<ul><li>deep</ul><li>three</ul>",
            "<ul><li>one</li><li>two<ul><li>deep</li></ul></li><li>three</li></ul>",
        );
        check(
            "<table><tr><td>1<td>2<tr><td>3</table>x",
            "<table><tbody><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></tbody></table>x",
        );
        check("<b><i>x</b>y</i>z", "<b><i>x</i></b>yz");
        check("<p><b>x</p>y</b>", "<p><b>x</b></p>y");
        check("<h2>Title<h3>text<td>x</td>", "<h2>Title</h2><h3>textx</h3>");
        check("<h2>Title</h3><p>text", "<h2>Title</h2><p>text</p>");
        check("<h1><b>a<p><h1>b", "<h1><b>a</b></h1><h1>b</h1>");
        check("a<br>b<br/>c<hr>", "a<br/>b<br/>c<hr/>");
    }

    #[test]
    fn nothing_is_lost_that_stands_where_it_must_not() {
        check("<ul>one<li>two</ul>", "<ul><li>one</li><li>two</li></ul>");
        check("<ul><br><li>two<br></ul>", "<ul><li>two<br/></li></ul>");
        check("<dl>one<b>two</b><dt>three", "<dl><dd>one<b>two</b></dd><dt>three</dt></dl>");
        check(
            "<table><caption>t<tr>one<b>two</b><td>3<tbody>four",
            "<table><caption>t</caption><tbody><tr><td>one<b>two</b></td><td>3</td></tr></tbody>\
             <tbody><tr><td>four</td></tr></tbody></table>",
        );
        let link = "<a href='https://v.example/'>";
        check(
            &format!("<p>one {link}two<h2>three</h2></a>four"),
            &format!("<p>one {link}two</a></p>{link}<h2>three</h2></a>four"),
        );
        check(&format!("<ul><li>{link}one<li>two</ul>"), &format!("<ul><li>{link}one</a></li><li>two</li></ul>"));
        let cell = "<table><tbody><tr><td>1</td></tr></tbody></table>";
        check("<table><form><tr><a name=x><td>1</table>", cell);
        check("<table><tr><td>1<div></table>", cell);
        check("<div><table><tr><td>1</div></table>2", &format!("<div>{cell}2</div>"));
    }

    #[test]
    fn words_do_not_run_together() {
        for between in ["</p>", "<p></p>", "<div>&nbsp;</div>", "<div><script>x</script></div>", "<img alt=''>"] {
            assert_eq!(written(&format!("one{between}two")).split_whitespace().count(), 3, "{between}");
        }
        check("one</br>two", "one<br/>two");
        check("See<img src=data:x alt=map>here", "See map here");
    }

    #[test]
    fn white_space_counts_where_it_is_preformatted() {
        let code = written("<pre><div>if x:</div><div>    <b>return</b></div></pre>");
        assert_eq!(code, "<div><pre><div>if x:\n</div><div>    <b>return\n</b></div></pre></div>");
    }

    #[test]
    fn what_is_no_text_is_left_out() {
        check("a<script>if (a<b) x('</p>')</script>b", "ab");
        check("a<style>p { }</style><svg><title>t</title><svg/><text>x</text></svg>b", "ab");
        check("<svg/>a<svg><g/></svg/><select><option>y</select>b", "ab");
        check("a<math><mi>x</mi><annotation>\\x</annotation></math><object data=f>b</object>", "axb");
        check("a<!-- c --><?php d ?><!doctype html>b", "ab");
        check("<title>a</b></title><textarea><b></textarea>b<iframe src=x />c", "bc");
    }

    #[test]
    fn a_drawing_that_nobody_ended_takes_nothing_along() {
        check("a<svg><path d='M1'><p>b<svg><g></p>c", "a<p>b</p>c");
        let link = "<a href='https://v.example/'>";
        check(&format!("{link}<svg><path>x</a>b"), "b");
        check(&format!("{link}a<svg><a>x</a></svg>b</a>"), &format!("{link}ab</a>"));
        check("<ul><li><svg><use href='#x'><li>two</ul>", "<ul><li>two</li></ul>");
        check("a<svg><a><text>x</a></g></div>y</svg>b", "ab");
        check("a<svg><foreignObject><p>x</p></foreignObject><title>t<p></title>y</svg>b", "ab");
        check(&format!("a{}<p>b", "<svg>".repeat(100_000)), "a<p>b</p>");
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
        check("<rt>a</rt><ruby><b>x<rt>b", "a<ruby><b>xb</b></ruby>");
    }

    #[test]
    fn a_player_becomes_a_link() {
        let link = "<a href='https://v.example/1?a&amp;b'>https://v.example/1?a&amp;b</a>";
        check("<iframe src='https://v.example/1?a&amp;b'>x</iframe>", link);
        check("<iframe src='about:blank' data-src='https://v.example/1?a&amp;b' />", link);
        check("<video controls><source src='https://v.example/1?a&amp;b'>", link);
        check(
            "a<video src='javascript:x'></video><iframe src=''></iframe><iframe width=0 height=0 src='https://v.example/'>",
            "a",
        );
    }

    #[test]
    fn a_picture_that_a_script_would_show_later_is_shown() {
        let picture = "<img src='https://v.example/a.png'/>";
        check("<img src='data:image/gif;base64,R0' data-src='https://v.example/a.png'>", picture);
        check("<img srcset='https://v.example/a.png 1x, https://v.example/b.png 2x'>", picture);
        check("<img src='https://v.example/a.png' data-src='https://v.example/b.png'>", picture);
    }

    #[test]
    fn a_picture_of_one_pixel_is_dropped() {
        check(
            "<img src=https://v.example/t.gif width=1 height='1px'>a<img src=https://v.example/u.gif width=0 height=0>",
            "a",
        );
        let kept = "<img height='1' src='https://v.example/a.png' width='100'/>";
        check("<img src=https://v.example/a.png width=100 height=1>", kept);
    }

    #[test]
    fn depth_and_length_have_an_end() {
        fn levels_of(element: &Element) -> usize {
            1 + element.children().map(levels_of).max().unwrap_or(0)
        }
        for name in ["div", "table><tr><td", "ul><li", "table>x<table", "ruby><rt", "dl", "table><ul"] {
            let deep = tree(&format!("{}x", format!("<{name}>").repeat(100_000)), &Place::default());
            let deep = deep.iter().filter_map(Node::as_element).map(levels_of).max().unwrap();
            assert!((DEPTH - 4..=DEPTH).contains(&deep), "{name}: {deep}");
        }
        assert!(written(&"<b title='x'><p>y".repeat(50_000)).len() < MAX_BYTES + MAX_ATTRIBUTE_BYTES);
        let long = written(&"ü".repeat(MAX_BYTES));
        assert!(long.len() < MAX_BYTES + 50 && long.ends_with("ü…\n</div>"));
        assert_eq!(tree(&format!("<table>{}", " ".repeat(MAX_BYTES + 1)), &Place::default()).len(), 1);
    }

    #[test]
    fn a_tag_of_very_many_attributes_takes_no_hours() {
        let attributes: String = (0..2_000_000).map(|n| format!(" a{n}")).collect();
        check(&format!("one<p{attributes}>two"), "one");
        let picture = format!("{}/", "R0lGODlhAQABAIAAAP".repeat(3)).repeat(60_000);
        check(&format!("one<img src='data:image/gif;base64,{picture}'>two"), "onetwo");
    }

    /// Names, values and texts as a tokenizer of HTML finds them.
    fn tokens(html: &str) -> String {
        let mut out = String::new();
        tokenise(html, |token| {
            match token {
                Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                    out.push_str(&format!("<{}", tag.name));
                    tag.attrs.iter().for_each(|it| out.push_str(&format!(" {}={:?}", it.name.local, &*it.value)));
                    out.push('>');
                }
                Token::TagToken(tag) => out.push_str(&format!("</{}>", tag.name)),
                Token::CharacterTokens(text) => out.push_str(&text),
                _ => {}
            }
            None
        });
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        /// A browser's parser builds the tree that we built, and a sanitiser of wide use finds nothing to take out of it.
        #[test]
        fn a_browser_and_another_sanitiser_find_what_was_written(
            html in proptest::collection::vec(prop_oneof![
                4 => "<(a href=/x|a|b|blockquote|br|caption|code|dd|div|dl|dt|figure|h1|h2|hr|img alt=y|img src=/z|li|ol)>",
                4 => "<(p|pre|q|rp|rt|ruby|s|table|tbody|td|tfoot|th|thead|time|tr|u|ul|video src=/v|form|span)>",
                4 => "</(a|b|blockquote|caption|dd|div|dl|h1|li|ol|p|pre|q|ruby|rt|table|tbody|td|th|tr|ul)>",
                1 => "<[a-z]{1,5}( (href|title|alt|src|lang)=['\"]?[ -~é\u{a0}]{0,8}['\"]?){0,2}>",
                2 => "[ -~\u{a0}é<>&;\"'\n]{0,12}",
                1 => "&(amp|lt|gt|quot|nbsp|#39|#160|#38|#60|copy|x);?",
            ], 0..30).prop_map(|pieces| pieces.concat())
        ) {
            let entry = crate::feed::Entry { base: Some("https://harbour.example/".to_owned()), ..Default::default() };
            let place = Place::of(&entry, &Default::default());
            let shown: String = tree(&html, &place).iter().map(|node| match node {
                Node::Element(element) => String::from(element),
                Node::Text(text) => ammonia::clean_text(text),
            }).collect::<String>().replace(" xmlns='http://www.w3.org/1999/xhtml'", "");
            let mut sanitiser = ammonia::Builder::default();
            sanitiser.add_tags(ELEMENTS).add_generic_attributes(["dir"]).link_rel(None);
            sanitiser.add_tag_attributes("time", ["datetime"]);
            prop_assert_eq!(tokens(&sanitiser.clean(&shown).to_string()), tokens(&shown), "{}", html);
        }
    }
}
