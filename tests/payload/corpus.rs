//! Every entry of a corpus of foreign documents, when there is one, is rendered as any client can take it.
//!
//! The corpus is not part of the project: `TIDINGS_CORPUS` names its folder, else `shared/corpus` beside the checkout is
//! taken. Without either nothing is rendered.

use std::path::PathBuf;
use std::{env, fs};

use tidings::atom::lint::{Verdict, lint};
use tidings::atom::read::Received;
use tidings::atom::{self, Style};
use tidings::ingest::parse::parse;

use super::fixtures::{edition, html, lines, render, xhtml};

#[test]
fn foreign_entries_show_in_every_client() {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let corpus = env::var_os("TIDINGS_CORPUS").map_or(beside, PathBuf::from);
    let Ok(files) = fs::read_dir(corpus.join("feeds")) else { return };
    for file in files {
        let body = fs::read(file.unwrap().path()).unwrap();
        let Ok(document) = parse(&body, "https://harbour.example/feed", None) else { continue };
        for entry in document.entries {
            let mut edition = edition(entry);
            edition.source = document.meta.clone();
            for rung in 0..=atom::LAST_RUNG {
                let item = atom::item(&edition, &Style::default(), rung);
                let entry = item.children().next().unwrap();
                let written: minidom::Element = String::from(&item).parse().unwrap();
                assert_eq!(written, item);
                assert_eq!(Received::read(entry).problems(), &[] as &[String], "{}", lines(entry));
                let worst = lint(&item, "urn:xmpp:pubsub-social-feed:1")
                    .into_iter()
                    .find(|finding| finding.verdict == Verdict::Drops);
                assert_eq!(worst, None, "{}", lines(entry));
                assert_eq!(xhtml(&render(html(&xhtml(entry)))), xhtml(entry));
                super::assert_harmless(entry);
            }
        }
    }
}
