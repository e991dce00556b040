//! A value as it stands in a file, and what is said when it is not what it should be.

use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::{File, Place};

/// A value of a file under the key it has.
#[derive(Clone, Copy)]
pub(super) struct Raw<'a> {
    pub(super) file: &'a Rc<File>,
    pub(super) key: &'a str,
    /// Whether it is one of a list under the key.
    is_element: bool,
    pub(super) value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Raw<'a> {
    pub(super) fn new(file: &'a Rc<File>, key: &'a str, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self { file, key, is_element: false, value }
    }

    /// Complains of the value; always `None`, so that a reader can end with it.
    pub(super) fn wrong<T>(&self, message: impl Into<String>, hint: impl Into<String>) -> Option<T> {
        self.file.complain(Some(self.value.span()), message.into(), Some(hint.into()));
        None
    }

    /// Complains that the value is of another kind; `expected` with its article.
    pub(super) fn mismatch<T>(&self, expected: &str, hint: impl Into<String>) -> Option<T> {
        let actual = match self.value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a number",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let part = if self.is_element { "an element of " } else { "" };
        self.wrong(format!("{part}`{}` is {expected}, not {actual}", self.key), hint)
    }

    /// The value, which must be a string.
    pub(super) fn string(&self) -> Option<&'a str> {
        match self.value.get_ref().as_str() {
            Some(text) => Some(text),
            None => self.mismatch("a text in quotes", "put it in double quotes"),
        }
    }

    /// The elements of the value, which must be a list.
    pub(super) fn elements(&self) -> Option<impl Iterator<Item = Raw<'a>> + use<'a>> {
        let Self { file, key, value, .. } = *self;
        match value.get_ref().as_array() {
            Some(array) => Some(array.iter().map(move |value| Raw { file, key, is_element: true, value })),
            None => self.mismatch("a list in square brackets", "put it in square brackets: [ … ]"),
        }
    }

    /// The entries of the value, which must be a table of any keys.
    pub(super) fn table(&self) -> Option<&'a DeTable<'a>> {
        match self.value.get_ref().as_table() {
            Some(table) => Some(table),
            None => self.mismatch("a table", "a table stands in braces: { key = value }"),
        }
    }

    /// How the value is written.
    pub(super) fn text(&self) -> &'a str {
        &self.file.text[self.value.span()]
    }

    pub(super) fn place(&self) -> Place {
        self.file.place(self.value.span())
    }
}
