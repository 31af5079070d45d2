//! Which entries there are: kind, identifier and place of each, and the sources of each file. What is laid over what is
//! settled here; what an entry says is not read.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use toml_edit::{Document, Item, TableLike, Value};

use crate::fact::Source;
use crate::jurisdiction::Jurisdiction;
use crate::mistakes::{At, Found, line};
use crate::words::{listed, nearest, words};

words! {
    /// What an entry is about.
    Kind {
        /// A country or territory of ISO 3166-1.
        Jurisdiction = "jurisdiction",
        /// A group of jurisdictions.
        Bloc = "bloc",
        /// A company, institute or other body.
        Organisation = "organisation",
        /// Terms under which weights are given.
        Licence = "licence",
        /// How a family of models cuts text.
        Tokenizer = "tokenizer",
        /// Who operates models as a service.
        Provider = "provider",
        /// A set of weights, or a hosted model's name.
        Model = "model",
        /// A way of storing weights.
        Quantisation = "quantisation",
        /// A card that computes models.
        Accelerator = "accelerator",
    }
}

/// What introduces the sources of a file.
const SOURCE: &str = "source";

/// Bytes of an identifier, and of a text, at most.
const ID_BYTES_MAX: usize = 64;
pub(crate) const TEXT_BYTES_MAX: usize = 500;

/// Years that a source can be from.
const YEARS: std::ops::RangeInclusive<i16> = 1990..=2100;

/// A file of the catalogue, parsed.
pub(crate) struct Parsed<'a> {
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
    /// Compiled in; otherwise the operator's.
    pub(crate) shipped: bool,
    pub(crate) document: Document<&'a str>,
}

/// All entries in force, and where each stands.
#[derive(Default)]
pub(crate) struct Index<'a> {
    pub(crate) entries: BTreeMap<(Kind, &'a str), Placed<'a>>,
    /// For each file.
    pub(crate) sources: Vec<BTreeMap<&'a str, Arc<Source>>>,
}

/// One entry, not read yet.
#[derive(Clone, Copy)]
pub(crate) struct Placed<'a> {
    pub(crate) at: At,
    pub(crate) shipped: bool,
    pub(crate) table: &'a dyn TableLike,
}

impl<'a> Index<'a> {
    /// Goes through the files; those compiled in come first, and what comes later replaces them.
    pub(crate) fn of(files: &'a [Parsed<'a>], found: &mut Found) -> Self {
        let mut index = Self::default();
        for (number, file) in files.iter().enumerate() {
            let root = file.document.as_table();
            let start = At { file: number, byte: 0 };
            index.sources.push(sources(root, start, found));
            for (key, item) in root.iter().filter(|(key, _)| *key != SOURCE) {
                let at = start.or(key_span(root, key).or(item.span()));
                match (Kind::ALL.iter().find(|kind| kind.word() == key), item.as_table_like()) {
                    (Some(kind), Some(table)) => index.of_kind(*kind, table, (at, file.shipped), files, found),
                    (Some(kind), None) => {
                        found.add(at, format!("`{kind}` must be written as `[{kind}.ID]`, not {}", item.type_name()));
                    }
                    (None, _) => found.add(at, unknown_kind(key)),
                }
            }
        }
        // A place is asked for by name, and must be one thing.
        for id in index.ids(Kind::Bloc).filter(|id| index.has(Kind::Jurisdiction, id)) {
            let at = index.entries.get(&(Kind::Bloc, id)).map(|bloc| bloc.at).unwrap_or_default();
            found.add(
                at,
                format!("`{id}` cannot name a bloc: it is a jurisdiction; name it otherwise, such as `OUR-{id}`"),
            );
        }
        index
    }

    /// Whether there is such an entry.
    pub(crate) fn has(&self, kind: Kind, id: &str) -> bool {
        self.entries.contains_key(&(kind, id))
    }

    /// The identifiers of a kind.
    pub(crate) fn ids(&self, kind: Kind) -> impl Iterator<Item = &'a str> {
        self.entries.keys().filter(move |(of, _)| *of == kind).map(|(_, id)| *id)
    }

    fn of_kind(
        &mut self,
        kind: Kind,
        table: &'a dyn TableLike,
        (at, shipped): (At, bool),
        files: &[Parsed<'_>],
        found: &mut Found,
    ) {
        for (id, item) in table.iter() {
            let at = at.or(key_span(table, id).or(item.span()));
            if let Err(what) = check_id(kind, id, shipped) {
                found.add(at, what);
                continue;
            }
            let Some(entry) = item.as_table_like() else {
                found.add(at, format!("`{kind}.{id}` must be a table, not {}", item.type_name()));
                continue;
            };
            let placed = Placed { at, shipped, table: entry };
            if let Some(before) = self.entries.insert((kind, id), placed)
                && before.shipped == shipped
            {
                let place =
                    files.get(before.at.file).map(|file| format!("{}:{}", file.name, line(file.text, before.at)));
                let place = place.unwrap_or_default();
                found.add(at, format!("`{kind}.{id}` is already there, at {place}: keep one of them"));
            }
        }
    }
}

/// Where a key stands.
pub(crate) fn key_span(table: &dyn TableLike, key: &str) -> Option<std::ops::Range<usize>> {
    table.get_key_value(key).and_then(|(key, _)| key.span())
}

fn unknown_kind(key: &str) -> String {
    let mut kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
    kinds.push(SOURCE);
    let hint = match nearest(key, kinds.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("an entry is of {}", listed(&kinds)),
    };
    format!("`{key}` is not a kind of entry: {hint}")
}

fn check_id(kind: Kind, id: &str, shipped: bool) -> Result<(), String> {
    let capitals = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    let first = id.bytes().next().unwrap_or(b'-');
    match kind {
        Kind::Jurisdiction => {
            let code: Jurisdiction = id.parse()?;
            if shipped || code.is_user_assigned() {
                return Ok(());
            }
            Err(format!(
                "`{id}` cannot be added or changed: the codes are ISO 3166-1's; own ones are `AA`, `QM` to `QZ`, `XA` to \
                 `XZ` and `ZZ`, own groups are blocs"
            ))
        }
        Kind::Bloc if (2..=32).contains(&id.len()) && first.is_ascii_uppercase() && id.bytes().all(capitals) => Ok(()),
        Kind::Bloc => Err(format!(
            "`{id}` cannot name a bloc: use 2 to 32 of `A-Z`, `0-9` and `-`, beginning with a letter, such as `OUR-PARTNERS`"
        )),
        Kind::Organisation
        | Kind::Licence
        | Kind::Tokenizer
        | Kind::Provider
        | Kind::Model
        | Kind::Quantisation
        | Kind::Accelerator => check_word(id),
    }
}

/// An identifier in small letters, of most kinds of entry and of regions.
pub(crate) fn check_word(id: &str) -> Result<(), String> {
    let is_small = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let first = id.bytes().next().is_some_and(is_small);
    if first && id.len() <= ID_BYTES_MAX && id.bytes().all(|byte| is_small(byte) || b".-".contains(&byte)) {
        return Ok(());
    }
    Err(format!(
        "`{id}` cannot be an identifier: use 1 to {ID_BYTES_MAX} of `a-z`, `0-9`, `.` and `-`, beginning with a letter or digit"
    ))
}

/// One line of text, as a name that others chose.
pub(crate) fn check_text(name: &str) -> Result<(), String> {
    if is_plain(name) {
        Ok(())
    } else {
        Err(format!("a name must be a text of 1 to {TEXT_BYTES_MAX} bytes on one line"))
    }
}

/// The sources of one file; one with a mistake is left out.
fn sources<'a>(root: &'a dyn TableLike, start: At, found: &mut Found) -> BTreeMap<&'a str, Arc<Source>> {
    let mut sources = BTreeMap::new();
    let Some(item) = root.get(SOURCE) else { return sources };
    let Some(table) = item.as_table_like() else {
        found
            .add(start.or(item.span()), format!("`source` must be written as `[source.ID]`, not {}", item.type_name()));
        return sources;
    };
    for (id, item) in table.iter() {
        let at = start.or(key_span(table, id).or(item.span()));
        match source(id, item, at) {
            Ok(source) => drop(sources.insert(id, Arc::new(source))),
            Err((at, what)) => found.add(at, what),
        }
    }
    sources
}

fn source(id: &str, item: &Item, at: At) -> Result<Source, (At, String)> {
    let known = ["document", "url", "date"];
    let table = item.as_table_like().ok_or((at, format!("`source.{id}` must be a table, not {}", item.type_name())))?;
    if let Some((key, item)) = table.iter().find(|(key, _)| !known.contains(key)) {
        let at = at.or(key_span(table, key).or(item.span()));
        return Err((at, format!("`source.{id}` has no `{key}`: it has {}", listed(&known))));
    }
    let text = |key: &str| match table.get(key) {
        None => Ok(None),
        Some(item) => match item.as_str().filter(|text| is_plain(text)) {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err((
                at.or(item.span()),
                format!("`source.{id}.{key}` must be a text of 1 to {TEXT_BYTES_MAX} bytes on one line"),
            )),
        },
    };
    let document =
        text("document")?.ok_or((at, format!("`source.{id}` does not say what was read: add `document = \"…\"`")))?;
    let url = text("url")?;
    if let Some(url) = &url
        && !["https://", "http://"].iter().any(|scheme| url.starts_with(scheme))
    {
        return Err((at, format!("`source.{id}.url` is `{url}`, which is not an address: begin it with `https://`")));
    }
    let read = table
        .get("date")
        .ok_or((at, format!("`source.{id}` does not say when it was read: add `date = 2026-11-21`, without quotes")))?;
    let date = read.as_value().and_then(day).ok_or((
        at.or(read.span()),
        format!("`source.{id}.date` must be a day between 1990 and 2100, without quotes or time: `2026-11-21`"),
    ))?;
    Ok(Source { document, url, date })
}

fn day(value: &Value) -> Option<Date> {
    let typed = value.as_datetime()?;
    let date = typed.date.filter(|_| typed.time.is_none() && typed.offset.is_none())?;
    let (year, month, day) =
        (i16::try_from(date.year).ok()?, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?);
    Date::new(year, month, day).ok().filter(|date| YEARS.contains(&date.year()))
}

/// One line of text that is not empty.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= TEXT_BYTES_MAX && !text.contains(char::is_control)
}
