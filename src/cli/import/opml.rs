//! The rows of an OPML file.

use crate::opml::{self, Outline, Words};

use super::{List, Row};

pub(super) fn read(text: &str) -> List {
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let line = |at: usize| ends.partition_point(|&end| end < at) + 1;
    let document = opml::read(text);
    let row = |outline: Outline| {
        let id = outline.id.map(|words| words.text);
        Row {
            line: line(outline.at.start),
            // Where nobody gave a name the id stands for it.
            name: outline.name.map(|words| words.text).filter(|name| id.as_ref() != Some(name)),
            id,
            url: outline.url.text,
            tags: outline.tags.into_iter().map(|Words { text, .. }| text).collect(),
            is_enabled: !outline.is_comment,
            further: Vec::new(),
        }
    };
    List {
        rows: document.outlines.into_iter().map(row).collect(),
        faults: document.faults.into_iter().map(|fault| (line(fault.at.start), fault.message)).collect(),
    }
}
