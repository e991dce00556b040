//! Any text as a web page: the feeds that it links to have absolute addresses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidings::ingest::discover::discover;
use url::Url;

fuzz_target!(|page: &str| {
    let base = Url::parse("http://example.org/").ok();
    for found in discover(page, base.as_ref()) {
        assert!(Url::parse(&found.url).is_ok(), "{found:?}");
    }
});
