//! The feeds of an OPML file in feeds.d, as the tables that they would be: what is said of a key is said of the attribute that
//! it comes from.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};
use url::Url;

use crate::opml::{self, Outline, Words};

use super::file::File;
use super::pieces::Entry;
use super::slug::slug;

/// The tables of a file; rows that cannot be read are complained of.
pub(super) fn tables(file: &File) -> impl Iterator<Item = Entry<'_>> {
    let document = opml::read(&file.text);
    for fault in document.faults {
        file.complain(Some(fault.at), fault.message, Some(fault.hint.to_owned()));
    }
    document.outlines.into_iter().filter_map(|outline| table(file, &outline))
}

fn table<'a>(file: &'a File, outline: &Outline) -> Option<Entry<'a>> {
    let Outline { at, id, url, name, tags, is_comment } = outline;
    let id = match id {
        Some(id) => id.clone(),
        None => Words { text: made_id(file, url)?, at: url.at.clone() },
    };
    let mut table = DeTable::new();
    let mut set = |key: &'static str, value: Spanned<DeValue<'static>>| {
        table.insert(Spanned::new(value.span(), Cow::Borrowed(key)), value);
    };
    set("url", text(url));
    if let Some(name) = name.as_ref().filter(|name| name.text != id.text) {
        set("name", text(name));
    }
    if !tags.is_empty() {
        let mut list = DeArray::new();
        tags.iter().for_each(|tag| list.push(text(tag)));
        set("tags", Spanned::new(tags[0].at.clone(), DeValue::Array(list)));
    }
    if *is_comment {
        set("enabled", Spanned::new(at.clone(), DeValue::Boolean(false)));
    }
    Some((Spanned::new(id.at, Cow::Owned(id.text)), Spanned::new(at.clone(), DeValue::Table(table))))
}

fn text(words: &Words) -> Spanned<DeValue<'static>> {
    Spanned::new(words.at.clone(), DeValue::String(Cow::Owned(words.text.clone())))
}

/// The id of an outline without one of its own.
fn made_id(file: &File, url: &Words) -> Option<String> {
    let wrong = |message: String, hint: &str| {
        file.complain(Some(url.at.clone()), message, Some(hint.to_owned()));
        None
    };
    match Url::parse(&url.text) {
        Ok(address) => match slug(&address) {
            Ok(id) => Some(id.to_string()),
            Err(_) => wrong("no id can be made of this address".to_owned(), "give the outline one: tidings-id=\"…\""),
        },
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            wrong("`xmlUrl` is not a whole address".to_owned(), "it begins with https:// or http://")
        }
        Err(error) => wrong(format!("`xmlUrl` is not an address: {error}"), "it begins with https:// or http://"),
    }
}
