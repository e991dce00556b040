//! A table of a file, read key by key.
//!
//! The keys that a table may have are the keys that it was asked for: the two cannot drift apart.

use std::collections::HashSet;
use std::ops::Range;
use std::rc::Rc;

use toml::de::DeTable;

use super::file::{File, Place};
use super::print::Line;
use super::raw::Raw;
use super::value::{Value, nearest, quoted};

/// A table, and below it the tables that it takes settings over from.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a> {
    file: &'a Rc<File>,
    table: &'a DeTable<'a>,
    below: Option<&'a Layer<'a>>,
}

impl<'a> Layer<'a> {
    /// Where a key's value comes from; `None` when it is built in.
    fn origin(&self, key: &str) -> Option<Place> {
        match self.table.get_key_value(key) {
            Some((key, _)) => Some(self.file.place(key.span())),
            None => self.below?.origin(key),
        }
    }
}

/// A table that is being read, key by key.
pub(super) struct Fields<'a> {
    /// How messages call it: "[xmpp]", "feed `x`".
    name: String,
    /// What is underlined when something is missing; `None`: the table is not in the file at all.
    header: Option<Range<usize>>,
    layer: Layer<'a>,
    asked: Vec<&'static str>,
    refused: Vec<String>,
    /// What was read, for `check --print`.
    lines: Option<Vec<Line>>,
}

impl<'a> Fields<'a> {
    /// Begins to read a table.
    pub(super) fn new(name: String, file: &'a Rc<File>, header: Option<Range<usize>>, table: &'a DeTable<'a>) -> Self {
        let layer = Layer { file, table, below: None };
        Self { name, header, layer, asked: Vec::with_capacity(48), refused: Vec::new(), lines: None }
    }

    /// Begins to read a value that must be a table.
    pub(super) fn of(name: String, raw: Raw<'a>) -> Option<Self> {
        Some(Self::new(name, raw.file, Some(raw.value.span()), raw.table()?))
    }

    /// The settings not found here are taken over from another table.
    pub(super) fn over<'b>(self, below: &'b Layer<'b>) -> Fields<'b>
    where
        'a: 'b,
    {
        let mut fields: Fields<'b> = self;
        fields.layer.below = Some(below);
        fields
    }

    /// Writes down what is read, for `check --print`.
    pub(super) fn traced(mut self, is_traced: bool) -> Self {
        self.lines = is_traced.then(Vec::new);
        self
    }

    /// The value of a key, when it is there. From now on the key is a known one.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<Raw<'a>> {
        self.asked.push(key);
        let value = self.layer.table.get(key)?;
        Some(Raw::new(self.layer.file, key, value))
    }

    /// Reads a key that may be absent.
    pub(super) fn get<T: Value>(&mut self, key: &'static str) -> Option<T> {
        let value = T::read(self.raw(key)?)?;
        self.note(key, || value.show());
        Some(value)
    }

    /// Reads a key that says, when absent, what the tables below say.
    pub(super) fn or<T: Value + Clone>(&mut self, key: &'static str, base: &T) -> T {
        let value = self.raw(key).and_then(T::read).unwrap_or_else(|| base.clone());
        self.note(key, || value.show());
        value
    }

    /// Reads a key that must be there.
    pub(super) fn need<T: Value>(&mut self, key: &'static str, hint: &str) -> Option<T> {
        if !self.layer.table.contains_key(key) {
            self.complain(format!("{} has no `{key}`", self.name), hint);
        }
        self.get(key)
    }

    /// Refuses a key that is understood and cannot be used here.
    pub(super) fn refuse(&mut self, key: &str, why: &str, hint: &str) {
        if let Some((found, value)) = self.layer.table.get_key_value(key) {
            self.layer.file.complain(Some(found.span()), format!("`{key}` {why}"), Some(hint.to_owned()));
            if key.contains("password") {
                self.layer.file.hide(value.span());
            }
            self.refused.push(key.to_owned());
        }
    }

    /// Refuses a key that a later release builds.
    pub(super) fn later(&mut self, key: &'static str) {
        self.refuse(key, "is not in this release", "leave it out for now");
    }

    /// Complains of the table as a whole.
    pub(super) fn complain(&self, message: String, hint: &str) {
        self.layer.file.complain(self.header.clone(), message, Some(hint.to_owned()));
    }

    /// Complains of a key, of its value when it has one, else of the table.
    pub(super) fn wrong(&self, key: &str, message: String, hint: &str) {
        let value = self.layer.table.get(key).map(|value| value.span());
        self.layer.file.complain(value.or_else(|| self.header.clone()), message, Some(hint.to_owned()));
    }

    /// Writes down a value for `check --print`.
    pub(super) fn note(&mut self, key: &'static str, show: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            let value = show();
            if !value.is_empty() {
                let origin = self.layer.origin(key).map(|place| place.to_string());
                lines.push(Line { key, value, origin });
            }
        }
    }

    /// Writes down for `check --print` what follows from another key.
    pub(super) fn note_derived(&mut self, key: &'static str, from: &str, show: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            let origin = self.layer.origin(from).map(|place| place.to_string());
            lines.push(Line { key, value: show(), origin });
        }
    }

    /// How many keys were asked for so far.
    pub(super) fn mark(&self) -> usize {
        self.asked.len()
    }

    /// How the values of the keys that were asked for since `mark` are written; empty when none stands here.
    pub(super) fn written_since(&self, mark: usize) -> String {
        let mut written = String::new();
        for key in &self.asked[mark..] {
            if let Some(value) = self.layer.table.get(*key) {
                written.extend([key, "=", &self.layer.file.text[value.span()], "\n"]);
            }
        }
        written
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.layer.table.contains_key(key)
    }

    pub(super) fn is_traced(&self) -> bool {
        self.lines.is_some()
    }

    pub(super) fn layer(&self) -> Layer<'a> {
        self.layer
    }

    /// The keys that were asked for, once each.
    fn known(&self) -> Vec<&'static str> {
        let mut known = HashSet::new();
        self.asked.iter().copied().filter(|key| known.insert(*key)).collect()
    }

    /// Complains of every key that nobody asked for, and returns what was read.
    pub(super) fn finish(self) -> Vec<Line> {
        let Layer { file, table, .. } = self.layer;
        for (key, value) in table {
            let name: &str = key.get_ref();
            if self.asked.contains(&name) || self.refused.iter().any(|refused| refused == name) {
                continue;
            }
            let near = nearest(name, &self.asked);
            if near.is_some_and(|near| near.contains("password") || near == "headers") {
                file.hide(value.span());
            }
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("{} knows: {}", self.name, self.known().join(", ")),
            };
            file.complain(Some(key.span()), format!("unknown key {} in {}", quoted(name), self.name), Some(hint));
        }
        self.lines.unwrap_or_default()
    }
}
