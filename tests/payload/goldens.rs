//! Whole entries of the kinds of feeds there are, as they are published; `snapshots/` holds one file each.

use tidings::atom::{self, Style};
use tidings::feed::{Category, Edition, Entry, Link, Person, Text};

use super::fixtures::{edition, enclosure, html, lines, titled};

fn check(name: &str, edition: &Edition) {
    insta::assert_snapshot!(name, lines(&atom::render(edition, &Style::default(), 0)));
}

fn at(path: &str) -> Option<String> {
    Some(format!("https://harbour.example/{path}"))
}

fn category(term: &str) -> Category {
    Category { term: term.to_owned(), ..Category::default() }
}

#[test]
fn an_article() {
    let content = r#"<article><header><h2>What was wrong</h2></header>
        <p>The clock’s spring had <b>rusted</b> <i>badly</i>; see <a href="/2025/flood" class="more">the flood</a>.</p>
        <figure><img src="/i/clock.jpg" alt="The clock's open case" width="640" height="480" loading="lazy"><figcaption>Opened after forty years</figcaption></figure>
        <blockquote cite="https://books.example/tides"><p>Time and tide wait for no man.</p></blockquote>
        <ol start="3"><li>Clean it<li>Oil it, <em>sparingly</em><ul><li>whale oil is out of fashion</ul></ol><hr>
        <table><thead><tr><th>Tide</th><th>Hour</th></tr></thead><tr><td>High<td>6:12</tr><tr><td>Low<td></table>
        <iframe src="https://video.example/embed/9" allowfullscreen></iframe>
        <script>count()</script><img src="https://count.example/p.gif" width="1" height="1"></article>"#;
    let mut edition = edition(Entry {
        id: at("2026/tide-clock"),
        link: at("2026/tide-clock"),
        authors: vec![Person { name: Some("Ada Marlow".to_owned()), ..Person::default() }],
        categories: vec![Category { label: Some("Clocks".to_owned()), ..category("clocks") }],
        summary: Some(Text::Plain("An old clock runs again.".to_owned())),
        rights: Some(Text::Plain("CC BY 4.0".to_owned())),
        lang: Some("en".to_owned()),
        ..titled("Repairing the tide clock", content)
    });
    edition.tags = vec!["harbour".to_owned()];
    check("article", &edition);
}

#[test]
fn a_podcast() {
    let talk = Link {
        length: Some(24_986_239),
        ..enclosure("https://cdn.example/talks/42.mp3?from=feed", Some("audio/mpeg"))
    };
    let notes = "<p>With the harbour master.</p><p>00:00 Greeting<br>07:30 The flood</p>";
    let mut edition = edition(Entry {
        id: Some("talk-42".to_owned()),
        link: at("talks/42"),
        links: vec![talk],
        ..titled("42: The harbour master", notes)
    });
    edition.source.title = Some("Harbour Talks".to_owned());
    check("podcast", &edition);
}

#[test]
fn a_photo_blog_with_media_rss() {
    let picture = |name: &str, title| Link { title, ..enclosure(&format!("https://harbour.example/i/{name}"), None) };
    let links =
        vec![picture("dawn.jpg", Some("Dawn".to_owned())), picture("dusk.webp", None), picture("dawn.jpg", None)];
    check(
        "photos",
        &edition(Entry {
            link: at("photos/7"),
            links,
            ..titled("Two hours", "<a href='/photos/7'><img src='/i/dawn-small.jpg'></a>")
        }),
    );
}

#[test]
fn a_microblog_without_titles() {
    let post = r##"<p>The ferry is late again <a href="/tags/ferry" class="hashtag" rel="tag">#<span>ferry</span></a> <span class="h-card"><a href="https://social.example/@bo">@<span>bo</span></a></span></p>"##;
    check(
        "microblog",
        &edition(Entry { id: at("@ada/1"), link: at("@ada/1"), categories: vec![category("ferry")], ..html(post) }),
    );
}

#[test]
fn a_link_blog() {
    let via = Link { href: "https://news.example/".to_owned(), rel: "via".to_owned(), ..Link::default() };
    let related = Link { rel: "related".to_owned(), ..via.clone() };
    let entry =
        titled("Tide tables, explained", "<p>Worth your time. <a href='https://harbour.example/log/5'>∞</a></p>");
    check(
        "links",
        &edition(Entry {
            id: at("log/5"),
            link: Some("https://tides.example/tables".to_owned()),
            links: vec![via, related],
            ..entry
        }),
    );
}

#[test]
fn code_samples() {
    let content = "<p>Call <code>wind()</code> <code>strike()</code>:</p><pre class='rust'><code>\nfn <span class=f>wind</span>(turns: u8) -&gt; Spring {\n    <span class=k>if</span> turns &lt; 9 { &amp;spring }\n}\n</code></pre>";
    check("code", &edition(titled("How to wind Vec<Spring>", content)));
}

#[test]
fn right_to_left() {
    let content = "<p dir='rtl'>המים הגבוהים בשעה \u{200F}6:12\u{202E} בבוקר</p>";
    check(
        "right_to_left",
        &edition(Entry { lang: Some("he".to_owned()), ..titled("\u{2067}גאות\u{2069} ושפל", content) }),
    );
}

#[test]
fn relative_links() {
    let content = "<a href='clock.html'>here</a>, <a href='/'>home</a>, <a href='?page=2'>on</a>, <a href='#n1'>1</a>, <img src='../i/a b.png' alt='map'>";
    let links = vec![enclosure("map.pdf", None)];
    let base = at("log/2026/");
    check("relative", &edition(Entry { link: at("log/2026/clock"), base, links, ..titled("Relative", content) }));
}

#[test]
fn an_enormous_entry() {
    let chapter = "<h2>Chapter</h2><p>It was a dark &amp; stormy night, and the <a href='/t'>tide</a> rose.</p>";
    let edition = edition(Entry { link: at("novel"), ..titled("A novel", &chapter.repeat(5000)) });
    let sizes: Vec<String> = (0..=2)
        .map(|rung| format!("rung {rung}: {} bytes", lines(&atom::render(&edition, &Style::default(), rung)).len()))
        .collect();
    insta::assert_snapshot!("enormous", sizes.join("\n"));
}

#[test]
fn a_title_with_markup() {
    let title = Text::Html("Why <code>a &lt; b</code> &amp; <em>not</em>\n <a href='/x'>b &gt; a</a>".to_owned());
    check("title_with_markup", &edition(Entry { title: Some(title), ..html("<p>Because.</p>") }));
}

#[test]
fn an_entry_with_nothing_but_a_description() {
    check("description_only", &edition(html("High water at <b>six</b>.<br>Low water at noon.")));
}

#[test]
fn several_authors() {
    let person =
        |name: &str, email: &str| Person { name: Some(name.to_owned()), email: Some(email.to_owned()), uri: None };
    let authors =
        vec![person("Ada Marlow", "ada@harbour.example"), person("", "bo@harbour.example"), person("Cleo Wren", "")];
    check("several_authors", &edition(Entry { authors, ..titled("Minutes", "Present: three.") }));
}

#[test]
fn blank_categories() {
    let categories =
        vec![category(" "), Category { label: Some("Ferries".to_owned()), ..category("") }, category("nsfw")];
    check("blank_categories", &edition(Entry { categories, ..titled("Ferries", "<p>Late.</p>") }));
}
