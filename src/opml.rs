//! Pure: lists of feeds in OPML 2.0, read leniently with a place for every complaint, written so that reading gives the same.
//!
//! Folders and categories are tags: a feed has those of every folder around it.

mod read;
mod write;

use std::ops::Range;

pub use self::read::read;
pub use self::write::{Row, write};

/// A document as read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opml {
    /// The feeds, in order; one that stands in several folders once.
    pub outlines: Vec<Outline>,
    /// What could not be read, in order.
    pub faults: Vec<Fault>,
}

/// A feed of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The whole tag, bytes.
    pub at: Range<usize>,
    /// `tidings-id`.
    pub id: Option<Words>,
    /// `xmlUrl`, as given.
    pub url: Words,
    /// `title`, else `text`.
    pub name: Option<Words>,
    /// Folders and categories, each once, outermost first.
    pub tags: Vec<Words>,
    /// Whether it, or a folder around it, is commented out (`isComment`).
    pub is_comment: bool,
}

/// A text of the document, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Entities resolved, without control characters, trimmed; never empty.
    pub text: String,
    /// Bytes.
    pub at: Range<usize>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Bytes.
    pub at: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: &'static str,
}
