//! The pages, and what is found in them.

use std::fs;
use std::path::{Path, PathBuf};

/// A page of the documentation.
pub(crate) struct Page {
    /// Its path, from the project's folder.
    pub(crate) path: PathBuf,
    /// Its Markdown.
    pub(crate) text: String,
}

/// A fenced block.
pub(crate) struct Block {
    /// `README.md:12`: its first line.
    pub(crate) place: String,
    /// `toml`, `sh`; empty when it says nothing.
    pub(crate) language: String,
    pub(crate) text: String,
}

/// Every page that users read.
pub(crate) fn pages() -> Vec<Page> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = vec![PathBuf::from("README.md"), "CONTRIBUTING.md".into(), "ARCHITECTURE.md".into()];
    let docs = fs::read_dir(root.join("docs")).into_iter().flatten();
    paths.extend(docs.map(|entry| Path::new("docs").join(entry.unwrap().file_name())));
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    let read = |path: PathBuf| Page { text: fs::read_to_string(root.join(&path)).unwrap(), path };
    paths.into_iter().map(read).collect()
}

impl Page {
    /// Its fenced blocks of a language.
    pub(crate) fn blocks(&self, language: &str) -> Vec<Block> {
        let mut blocks = Vec::<Block>::new();
        let mut is_open = false;
        for (number, line) in self.text.lines().enumerate() {
            match (line.trim_start().strip_prefix("```"), is_open) {
                (Some(info), false) => {
                    let place = format!("{}:{}", self.path.display(), number + 2);
                    blocks.push(Block { place, language: info.trim().to_owned(), text: String::new() });
                    is_open = true;
                }
                (Some(_), true) => is_open = false,
                (None, true) => blocks.last_mut().unwrap().text += &format!("{line}\n"),
                (None, false) => {}
            }
        }
        assert!(!is_open, "{}: a block is never closed", self.path.display());
        blocks.retain(|block| block.language == language);
        blocks
    }

    /// Its text without fenced blocks.
    pub(crate) fn prose(&self) -> String {
        self.text.split("```").step_by(2).collect()
    }

    /// What its headings are linked by, as GitHub makes them.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let prose = self.prose();
        let headings = prose.lines().filter(|line| line.starts_with('#'));
        let anchor = |heading: &str| {
            let text = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = text.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        };
        headings.map(anchor).collect()
    }
}

#[test]
fn links_lead_somewhere() {
    let pages = pages();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for page in &pages {
        let prose = page.prose();
        let links = prose.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
        for link in links.filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let here = page.path.parent().unwrap();
            let target = if file.is_empty() { page.path.clone() } else { here.join(file) };
            assert!(root.join(&target).exists(), "{}: {link} leads nowhere", page.path.display());
            if !anchor.is_empty() {
                let known = pages.iter().find(|page| page.path == target).map(Page::anchors).unwrap_or_default();
                assert!(known.iter().any(|known| known == anchor), "{}: no heading {link}", page.path.display());
            }
        }
    }
}
