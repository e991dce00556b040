//! Any bytes as text: always decoded, and clean afterwards. The first byte tells which charset the header names.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidings::ingest::decode::{clean, decode};

const HEADERS: [Option<&str>; 4] =
    [None, Some("text/xml; charset=utf-8"), Some("text/xml; charset=iso-2022-jp"), Some("text/xml; charset=utf-16")];

fuzz_target!(|bytes: &[u8]| {
    let Some((which, body)) = bytes.split_first() else { return };
    let text = decode(body, HEADERS[usize::from(*which) % HEADERS.len()]).text;
    assert_eq!(clean(&text), text);
});
