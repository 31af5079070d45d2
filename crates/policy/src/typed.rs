//! Reads values of TOML tables by name and type: what has the wrong type, and keys that nobody asked for, are mistakes where
//! they stand. Must not know what the keys mean.

use std::collections::BTreeSet;
use std::sync::Arc;

use toml_edit::{Item, TableLike};

use crate::mistakes::Found;
use crate::vocabulary::hint;

/// One table, and which of its keys have been asked for.
pub(crate) struct Row<'t, 'f, 'x> {
    table: &'t dyn TableLike,
    at: usize,
    asked: BTreeSet<&'static str>,
    found: &'f mut Found<'x>,
}

impl<'t, 'f, 'x> Row<'t, 'f, 'x> {
    /// A table that stands at that byte where its keys do not say where they are.
    pub(crate) fn of(table: &'t dyn TableLike, at: usize, found: &'f mut Found<'x>) -> Self {
        Self { table, at, asked: BTreeSet::new(), found }
    }

    /// Where a key stands; the table itself if it is not there.
    pub(crate) fn at(&self, key: &str) -> usize {
        key_at(self.table, key).unwrap_or(self.at)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(crate) fn wrong(&mut self, key: &str, what: impl Into<String>) {
        self.found.add(self.at(key), what);
    }

    fn item(&mut self, key: &'static str) -> Option<&'t Item> {
        self.asked.insert(key);
        self.table.get(key)
    }

    fn typed<T>(&mut self, key: &'static str, read: impl Fn(&'t Item) -> Option<T>, form: &str) -> Option<T> {
        let item = self.item(key)?;
        let value = read(item);
        if value.is_none() {
            self.wrong(key, format!("`{key}` must be {form}, not {}", item.type_name()));
        }
        value
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Option<Arc<str>> {
        self.typed(key, |item| item.as_str().map(Arc::from), "a text")
    }

    pub(crate) fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.typed(key, Item::as_bool, "`true` or `false`")
    }

    pub(crate) fn number(&mut self, key: &'static str) -> Option<i64> {
        self.typed(key, Item::as_integer, "a whole number")
    }

    pub(crate) fn texts(&mut self, key: &'static str) -> Option<Vec<Arc<str>>> {
        let read = |item: &'t Item| {
            let array = item.as_array()?;
            array.iter().map(|value| value.as_str().map(Arc::from)).collect()
        };
        self.typed(key, read, "a list of texts")
    }

    /// One of these words, read by `read`.
    pub(crate) fn word<T>(&mut self, key: &'static str, words: &[&str], read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(key)?;
        let value = read(&text);
        if value.is_none() {
            self.wrong(key, format!("`{key}` cannot be `{text}`{}", hint(&text, words.iter().copied())));
        }
        value
    }

    /// A table within this one.
    pub(crate) fn table(&mut self, key: &'static str) -> Option<(&'t dyn TableLike, usize)> {
        let at = self.at(key);
        self.typed(key, Item::as_table_like, "a table").map(|table| (table, at))
    }

    /// The tables of `[[key]]`.
    pub(crate) fn tables(&mut self, key: &'static str) -> Vec<(&'t dyn TableLike, usize)> {
        let Some(item) = self.item(key) else { return Vec::new() };
        let at = self.at(key);
        let Some(array) = item.as_array_of_tables() else {
            self.wrong(key, format!("`{key}` must be written as `[[{key}]]`, not as {}", item.type_name()));
            return Vec::new();
        };
        let start = |table: &toml_edit::Table| table.span().map_or(at, |span| span.start);
        array.iter().map(|table| (table as &dyn TableLike, start(table))).collect()
    }

    /// Keys that nobody asked for are mistakes.
    pub(crate) fn end(self) {
        for (key, _) in self.table.iter() {
            if !self.asked.contains(key) {
                let at = key_at(self.table, key).unwrap_or(self.at);
                self.found.add(at, format!("there is no `{key}` here{}", hint(key, self.asked.iter().copied())));
            }
        }
    }
}

/// Where a key of a table stands.
pub(crate) fn key_at(table: &dyn TableLike, key: &str) -> Option<usize> {
    let (key, item) = table.get_key_value(key)?;
    Some(key.span().or(item.span())?.start)
}
