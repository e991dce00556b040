//! Any text as tidings.toml and as a file of feeds.d: it loads, or every error has its place.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use tidings::config::Config;

fuzz_target!(|text: &str| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("tidings.toml");
    fs::create_dir(folder.path().join("feeds.d")).expect("feeds.d");
    fs::write(&file, text).expect("tidings.toml");
    fs::write(folder.path().join("feeds.d/feeds.toml"), text).expect("feeds.toml");
    if let Err(errors) = Config::load(Some(&file)) {
        assert!(errors.render(false).contains("error"), "{errors:?}");
    }
});
