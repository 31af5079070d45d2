//! Reads the fields of one entry: each value of its kind, each reference to something that is there, each fact with its
//! source. It writes down what was said, field by field, for the hash and for showing; what a field means it does not know.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::Arc;

use toml_edit::{Item, TableLike, Value};

use crate::fact::{Fact, Source};
use crate::index::{Index, Kind, Placed, TEXT_BYTES_MAX, is_plain, key_span};
use crate::mistakes::{At, Found};
use crate::typed::Typed;
use crate::words::{listed, nearest};

/// The word for what was not found.
pub(crate) const UNKNOWN: &str = "unknown";

/// What an entry says, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// Compiled in; otherwise the operator's.
    pub(crate) shipped: bool,
    pub(crate) at: At,
    pub(crate) lines: Vec<Line>,
}

/// One field of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// With the tables that it stands in: `region.kr.processed_in`.
    pub(crate) field: String,
    /// One for a single value, each for a list; none where it is unknown.
    pub(crate) values: Option<Vec<String>>,
    pub(crate) source: Option<Arc<Source>>,
}

/// One entry being read. It remembers which fields it was asked for, and so which it does not know.
pub(crate) struct Entry<'a, 'f> {
    index: &'a Index<'a>,
    found: &'f mut Found,
    /// `provider.upstage`, or `provider.upstage.region.kr`.
    path: String,
    /// What comes before a field's name in `lines`.
    prefix: String,
    at: At,
    table: &'a dyn TableLike,
    asked: Vec<&'static str>,
    lines: Vec<Line>,
}

/// A value, and what it was read from.
type Sourced<'a> = (&'a Value, At, Arc<Source>);

impl<'a, 'f> Entry<'a, 'f> {
    pub(crate) fn new(kind: Kind, id: &str, placed: Placed<'a>, index: &'a Index<'a>, found: &'f mut Found) -> Self {
        let (path, prefix) = (format!("{kind}.{id}"), String::new());
        Self { index, found, path, prefix, at: placed.at, table: placed.table, asked: Vec::new(), lines: Vec::new() }
    }

    /// How the entry is called.
    pub(crate) fn name(&mut self) -> String {
        self.asked.push("name");
        let at = self.at_key("name");
        match self.table.get("name").map(|item| item.as_str().filter(|name| is_plain(name))) {
            Some(Some(name)) => {
                self.line("name", Some(vec![name.to_owned()]), None);
                return name.to_owned();
            }
            Some(None) => {
                self.mistake(at, "name", &format!("must be a text of 1 to {TEXT_BYTES_MAX} bytes on one line"));
            }
            None => self.found.add(self.at, format!("`{}` has no name: add `name = \"…\"`", self.path)),
        }
        String::new()
    }

    /// A fact of one value.
    pub(crate) fn fact<T: Display>(
        &mut self,
        key: &'static str,
        read: impl Fn(Typed<'a>) -> Result<T, String>,
    ) -> Fact<T> {
        let (value, at, source) = match self.sourced(key) {
            Ok(sourced) => sourced,
            Err(looked_in) => return Fact::Unknown { looked_in },
        };
        match read(Typed::new(self.index, value)) {
            Ok(value) => {
                self.line(key, Some(vec![value.to_string()]), Some(Arc::clone(&source)));
                Fact::Known { value, source }
            }
            Err(what) => {
                self.mistake(at, key, &what);
                Fact::UNKNOWN
            }
        }
    }

    /// A fact of several values without order.
    pub(crate) fn set<T: Display + Ord>(
        &mut self,
        key: &'static str,
        may_be_empty: bool,
        read: impl Fn(Typed<'a>) -> Result<T, String>,
    ) -> Fact<BTreeSet<T>> {
        let (value, at, source) = match self.sourced(key) {
            Ok(sourced) => sourced,
            Err(looked_in) => return Fact::Unknown { looked_in },
        };
        let Some(array) = value.as_array() else {
            self.mistake(at, key, &format!("must be a list, not {}", value.type_name()));
            return Fact::UNKNOWN;
        };
        let mut set = BTreeSet::new();
        for value in array {
            let at = at.or(value.span());
            match read(Typed::new(self.index, value)) {
                Ok(value) if !set.contains(&value) => drop(set.insert(value)),
                Ok(value) => self.mistake(at, key, &format!("holds `{value}` twice: keep one")),
                Err(what) => self.mistake(at, key, &what),
            }
        }
        if array.is_empty() && !may_be_empty {
            self.mistake(at, key, &format!("is an empty list: name what there is, or write \"{UNKNOWN}\""));
        }
        let mut values: Vec<String> = set.iter().map(ToString::to_string).collect();
        values.sort();
        self.line(key, Some(values), Some(Arc::clone(&source)));
        Fact::Known { value: set, source }
    }

    /// Says that `fact` has to be known.
    pub(crate) fn required<T>(&mut self, key: &'static str, fact: &Fact<T>) {
        if fact.known().is_none() && !self.table.contains_key(key) {
            let what = format!("`{}` has no `{key}`: add `{key} = {{ value = …, source = \"…\" }}`", self.path);
            self.found.add(self.at, what);
        } else if self.lines.iter().any(|line| line.field == format!("{}{key}", self.prefix) && line.values.is_none()) {
            self.mistake(self.at_key(key), key, "must be known here");
        }
    }

    /// The tables inside the table `key`, each read by `read`.
    pub(crate) fn tables<T>(
        &mut self,
        key: &'static str,
        check: impl Fn(&str) -> Result<(), String>,
        read: impl Fn(&mut Entry<'a, '_>) -> T,
    ) -> BTreeMap<String, T> {
        self.asked.push(key);
        let Some(item) = self.table.get(key) else { return BTreeMap::new() };
        let at = self.at_key(key);
        let Some(table) = item.as_table_like() else {
            self.mistake(at, key, &format!("must be tables, `[{}.{key}.ID]`, not {}", self.path, item.type_name()));
            return BTreeMap::new();
        };
        let mut all = BTreeMap::new();
        for (id, item) in table.iter() {
            let at = at.or(key_span(table, id).or(item.span()));
            let path = format!("{}.{key}.{id}", self.path);
            if let Err(what) = check(id) {
                self.found.add(at, what);
                continue;
            }
            let Some(inner) = item.as_table_like() else {
                self.found.add(at, format!("`{path}` must be a table, not {}", item.type_name()));
                continue;
            };
            let prefix = format!("{}{key}.{id}.", self.prefix);
            let (index, asked) = (self.index, Vec::new());
            let mut entry =
                Entry { index, found: &mut *self.found, path, prefix, at, table: inner, asked, lines: Vec::new() };
            let read = read(&mut entry);
            let lines = entry.finish();
            self.lines.extend(lines);
            all.insert(id.to_owned(), read);
        }
        all
    }

    /// Tells of the fields that nobody asked for; gives what was said.
    pub(crate) fn finish(self) -> Vec<Line> {
        for (key, item) in self.table.iter().filter(|(key, _)| !self.asked.contains(key)) {
            let at = self.at.or(key_span(self.table, key).or(item.span()));
            let hint = match nearest(key, self.asked.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if item.is_table() => {
                    format!("an identifier with a dot is written in quotes; fields are {}", listed(&self.asked))
                }
                None => format!("fields are {}", listed(&self.asked)),
            };
            self.found.add(at, format!("`{}` has no field `{key}`: {hint}", self.path));
        }
        self.lines
    }

    /// The value and source under `key`; where it is unknown, where it was looked for.
    fn sourced(&mut self, key: &'static str) -> Result<Sourced<'a>, Option<Arc<Source>>> {
        self.asked.push(key);
        let item = self.table.get(key).ok_or(None)?;
        let at = self.at_key(key);
        if item.as_str() == Some(UNKNOWN) {
            self.line(key, None, None);
            return Err(None);
        }
        match self.parts(key, item, at) {
            Ok((value, _, source)) if value.as_str() == Some(UNKNOWN) => {
                self.line(key, None, Some(Arc::clone(&source)));
                Err(Some(source))
            }
            Ok(sourced) => Ok(sourced),
            Err((at, what)) => {
                self.mistake(at, key, &what);
                Err(None)
            }
        }
    }

    fn parts(&self, key: &str, item: &'a Item, at: At) -> Result<Sourced<'a>, (At, String)> {
        let form = format!("write `{key} = {{ value = …, source = \"…\" }}`");
        let Some(table) = item.as_table_like().filter(|table| table.contains_key("value")) else {
            return Err((at, format!("has no source: {form}, with a `[source.…]` of this file")));
        };
        if let Some((key, item)) = table.iter().find(|(key, _)| !["value", "source"].contains(key)) {
            return Err((at.or(key_span(table, key).or(item.span())), format!("has no `{key}`: {form}")));
        }
        let value = table.get("value").and_then(Item::as_value);
        let value = value.ok_or((at, format!("has a table for its value: {form}")))?;
        let Some(named) = table.get("source") else {
            let what = "has no source: add `source = \"…\"`, the name of a `[source.…]` of this file";
            return Err((at, what.to_owned()));
        };
        let source_at = at.or(named.span());
        let name = named.as_str().ok_or((source_at, "names its source by what is not a text".to_owned()))?;
        let sources = self.index.sources.get(at.file);
        let source = sources.and_then(|sources| sources.get(name)).ok_or_else(|| {
            let near = sources.and_then(|sources| nearest(name, sources.keys().copied()));
            let hint = near.map_or_else(
                || format!("add `[source.{name}]` with its document and date to this file"),
                |near| format!("did you mean `{near}`?"),
            );
            (source_at, format!("names the source `{name}`, which is not sound or not there: {hint}"))
        })?;
        Ok((value, at.or(value.span()), Arc::clone(source)))
    }

    fn at_key(&self, key: &str) -> At {
        self.at.or(key_span(self.table, key))
    }

    fn line(&mut self, key: &str, values: Option<Vec<String>>, source: Option<Arc<Source>>) {
        self.lines.push(Line { field: format!("{}{key}", self.prefix), values, source });
    }

    fn mistake(&mut self, at: At, key: &str, what: &str) {
        self.found.add(at, format!("`{}.{key}` {what}", self.path));
    }
}
