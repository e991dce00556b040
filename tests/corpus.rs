//! Does the reader read what others read? Walks a corpus of feed documents with known contents, when there is one.
//!
//! The corpus is not part of the project: `TIDINGS_CORPUS` names its folder, else `shared/corpus` beside the checkout is
//! taken. Without either nothing is compared.

#![expect(clippy::expect_used, reason = "a corpus that is not as described fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use serde::Deserialize;
use tidings::cli::parse::{Report, ReportEntry, report};
use tidings::ingest::parse::parse;
use url::Url;

/// Documents of the corpus that are known to be read in full. Only ever raised.
const READ_IN_FULL: usize = 347;

#[derive(Deserialize)]
struct Listed {
    file: String,
    base: String,
    content_type: Option<String>,
}

#[derive(Deserialize)]
struct Expectation {
    expect: Expected,
}

#[derive(Deserialize)]
struct Expected {
    ok: bool,
    #[serde(default)]
    entries: Vec<ExpectedEntry>,
}

#[derive(Deserialize)]
struct ExpectedEntry {
    id: Option<String>,
    title: Option<String>,
    /// A text; one document has a number for an address.
    link: Option<serde_json::Value>,
    date: Option<String>,
}

#[test]
fn what_others_read_in_the_corpus_we_read_too() {
    let Some(corpus) = corpus() else { return };
    let index = fs::read_to_string(corpus.join("index.json")).expect("the corpus has an index");
    let listed: Vec<Listed> = serde_json::from_str(&index).expect("the index is a list");
    let mut shortcomings = Vec::new();
    for document in &listed {
        let body = fs::read(corpus.join("feeds").join(&document.file)).expect("every listed document is there");
        let read = || report(&body, &document.base, document.content_type.as_deref());
        let (first, second) = (read(), read());
        assert_eq!(first, second, "{} reads the same each time: no random id", document.file);
        let expectation = fs::read_to_string(corpus.join("expect").join(format!("{}.json", document.file)));
        let expectation: Expectation =
            serde_json::from_str(&expectation.expect("every document has an expectation")).expect("it has this shape");
        if let Some(shortcoming) = compare(&expectation.expect, &first) {
            shortcomings.push(format!("{}: {shortcoming}", document.file));
        }
    }
    let full = listed.len() - shortcomings.len();
    println!("{full} of {} in full; not:\n{}", listed.len(), shortcomings.join("\n"));
    assert!(full >= READ_IN_FULL, "{full} of {} are read in full, {READ_IN_FULL} were", listed.len());
}

#[test]
fn a_document_reads_the_same_when_it_breaks_and_is_repaired() {
    let Some(corpus) = corpus() else { return };
    let index = fs::read_to_string(corpus.join("index.json")).expect("the corpus has an index");
    let listed: Vec<Listed> = serde_json::from_str(&index).expect("the index is a list");
    for document in &listed {
        let mut body = fs::read(corpus.join("feeds").join(&document.file)).expect("every listed document is there");
        let read = |body: &[u8]| parse(body, &document.base, document.content_type.as_deref());
        let end = body.windows(2).rposition(|window| window == b"</").filter(|_| body.starts_with(b"<"));
        let (Ok(mut clean), Some(end)) = (read(&body), end) else { continue };
        if clean.read_by == "fast" {
            body.splice(end..end, *b" & ");
            let mut repaired = read(&body).expect("what is read clean is read broken");
            assert!(repaired.read_by.starts_with("repaired"), "{}: {}", document.file, repaired.read_by);
            clean.read_by.clear();
            repaired.read_by.clear();
            assert_eq!(clean, repaired, "{}", document.file);
        }
    }
}

fn corpus() -> Option<PathBuf> {
    let named = std::env::var_os("TIDINGS_CORPUS").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    named.or_else(|| beside.is_dir().then_some(beside))
}

/// The first thing in which a document was read differently.
fn compare(expected: &Expected, read: &Report) -> Option<String> {
    let (is_read, entries): (bool, &[ReportEntry]) = match read {
        Report::Read { entries, .. } => (true, entries),
        Report::Failed { .. } => (false, &[]),
    };
    if !expected.ok {
        return (!entries.is_empty()).then(|| "should not be a feed".to_owned());
    }
    if !is_read || entries.len() != expected.entries.len() {
        return Some(format!("{} entries, {} expected; {read:?}", entries.len(), expected.entries.len()));
    }
    expected.entries.iter().zip(entries).find_map(|(expected, read)| compare_entry(expected, read))
}

fn compare_entry(expected: &ExpectedEntry, read: &ReportEntry) -> Option<String> {
    let id = |text: &str| one_line(&unescaped(text));
    let date = |text: &str| chrono::DateTime::parse_from_rfc3339(text).ok();
    let differs = |what: &str, expected: &Option<String>, read: &Option<String>, same: &dyn Fn(&str, &str) -> bool| {
        let expected = expected.as_deref().filter(|expected| !expected.is_empty())?;
        let is_same = read.as_deref().is_some_and(|read| same(expected, read));
        (!is_same).then(|| format!("{what} {read:?}, expected {expected:?}"))
    };
    differs("id", &expected.id, &read.id, &|expected, read| id(read) == expected)
        .or_else(|| {
            differs("title", &expected.title, &read.title, &|expected, read| {
                [plain(read), one_line(read)].contains(&expected.to_owned()) || plain(expected) == plain(read)
            })
        })
        .or_else(|| {
            let link = expected.link.as_ref().map(|link| link.as_str().map_or_else(|| link.to_string(), str::to_owned));
            differs("link", &link, &read.link, &|expected, read| expected == read || address(expected) == address(read))
        })
        .or_else(|| {
            let published =
                differs("date", &expected.date, &read.published, &|expected, read| date(expected) == date(read))?;
            differs("date", &expected.date, &read.updated, &|expected, read| date(expected) == date(read))?;
            Some(published)
        })
}

fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || matches!(c, '\u{200B}' | '\u{FEFF}'))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Text without tags and references, however often they were escaped.
fn plain(text: &str) -> String {
    let tag = regex::Regex::new(r"(?s)<(?:!--.*?--|/?[a-zA-Z][^<>]*|[!?][^<>]*)>").expect("a valid pattern");
    let mut text = text.to_owned();
    for _ in 0..3 {
        text = unescaped(&tag.replace_all(&text, ""));
    }
    one_line(&text)
}

/// Text with its character references resolved as HTML does.
fn unescaped(text: &str) -> String {
    #[derive(Default)]
    struct Characters(std::cell::RefCell<String>);
    impl TokenSink for Characters {
        type Handle = ();
        fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
            if let Token::CharacterTokens(text) = token {
                self.0.borrow_mut().push_str(&text);
            }
            TokenSinkResult::Continue
        }
    }
    // A private character stands for `<`, so that nothing is taken for a tag.
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(text.replace('<', "\u{E000}").as_str()));
    let tokenizer = Tokenizer::new(Characters::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner().replace('\u{E000}', "<")
}

/// An address as a browser normalises it, percent-encoding of path and query resolved.
fn address(text: &str) -> String {
    let dense: String = unescaped(text).split_whitespace().collect();
    let Ok(mut url) = Url::parse(&dense) else { return dense };
    if url.query() == Some("") {
        url.set_query(None);
    }
    if url.fragment() == Some("") {
        url.set_fragment(None);
    }
    let mut bytes = Vec::new();
    let mut rest = url.as_str().bytes();
    while let Some(byte) = rest.next() {
        let hex = |byte: Option<u8>| byte.and_then(|byte| (byte as char).to_digit(16));
        let mut ahead = rest.clone();
        match (byte, hex(ahead.next()), hex(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = ahead;
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
