//! Any bytes as a feed document: read or refused, the same each time, within bounds, nothing forbidden let through.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidings::ingest::decode::clean;
use tidings::ingest::parse::{mute_contained_panics, parse};

// A panic that is told as an error is none of the fuzzer's either.
fuzz_target!(init: mute_contained_panics(), |bytes: &[u8]| {
    let read = || parse(bytes, "http://example.org/feed.xml", None);
    let document = read();
    assert_eq!(document, read());
    if let Ok(document) = document {
        assert!(document.entries.len() <= 1_000);
        for entry in &document.entries {
            assert!(entry.id.as_deref() != Some(""));
            for text in entry.title.iter().chain(&entry.content).map(|text| text.as_str()) {
                assert_eq!(clean(text), text);
            }
        }
    }
});
