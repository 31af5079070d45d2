//! What `gwanmun catalog list`, `show` and `check` print, as rows: the command only lays them out, or turns them to JSON.
//!
//! Knows nothing of terminals; the day on which facts are judged is given.

use jiff::civil::Date;
use serde::Serialize;

use crate::Catalog;
use crate::axes::Axis;
use crate::entry::{Line, Said};
use crate::fact::Source;
use crate::index::Kind;

/// One entry, of `list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryRow {
    /// What it is about.
    pub kind: String,
    /// Its identifier.
    pub id: String,
    /// How it is called.
    pub name: String,
    /// Fields with a source that are known.
    pub known: usize,
    /// Fields that are written as unknown.
    pub unknown: usize,
    /// The day of the oldest source.
    pub oldest: Option<Date>,
    /// Compiled in; otherwise the operator's.
    pub shipped: bool,
}

/// One field of an entry, of `show`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldRow {
    /// What the entry is about.
    pub kind: String,
    /// The field; `→ processed_in` and `→ controlled_by` are worked out.
    pub field: String,
    /// What is known, a list with commas; none where it is unknown.
    pub value: Option<String>,
    /// What was read, or looked in.
    pub document: Option<String>,
    /// Where that is.
    pub url: Option<String>,
    /// When it was read.
    pub date: Option<Date>,
}

/// One thing to look after, of `check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckRow {
    /// What the entry is about.
    pub kind: String,
    /// Its identifier.
    pub id: String,
    /// The field.
    pub field: String,
    /// What is the matter.
    pub verdict: Verdict,
    /// The day of its source.
    pub date: Option<Date>,
}

/// What is the matter with a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Its source is of a day that has not come.
    FromTheFuture,
    /// Its source is older than asked for.
    Old,
    /// It was not found.
    Unknown,
}

/// The entries, of one kind or all, by kind and identifier.
pub fn list(catalog: &Catalog, kind: Option<Kind>) -> Vec<EntryRow> {
    let asked = catalog.said.iter().filter(|((of, _), _)| kind.is_none_or(|kind| *of == kind));
    asked.map(|((kind, id), said)| entry_row(*kind, id, said)).collect()
}

/// Every field of the entries of that identifier; for a provider also its axes, as worked out. Empty where there is no such entry.
pub fn show(catalog: &Catalog, id: &str) -> Vec<FieldRow> {
    let mut rows = Vec::new();
    for ((kind, _), said) in catalog.said.iter().filter(|((_, of), _)| of == id) {
        rows.extend(said.lines.iter().map(|line| field_row(*kind, line)));
        if *kind == Kind::Provider {
            rows.extend(axes_rows(catalog, id));
        }
    }
    rows
}

/// What is unknown, what is older than `days_max` on `today`, and what is dated later than `today`.
pub fn check(catalog: &Catalog, today: Date, days_max: u32) -> Vec<CheckRow> {
    let mut rows = Vec::new();
    for ((kind, id), said) in &catalog.said {
        for line in &said.lines {
            let date = line.source.as_ref().map(|source| source.date);
            let verdict = verdict(line, date, today, days_max);
            let row =
                |verdict| CheckRow { kind: kind.to_string(), id: id.clone(), field: line.field.clone(), verdict, date };
            rows.extend(verdict.map(row));
        }
    }
    rows
}

fn verdict(line: &Line, date: Option<Date>, today: Date, days_max: u32) -> Option<Verdict> {
    let days = date.and_then(|date| today.since(date).ok()).map(|span| span.get_days());
    match days {
        Some(days) if days < 0 => Some(Verdict::FromTheFuture),
        Some(days) if i64::from(days) > i64::from(days_max) => Some(Verdict::Old),
        Some(_) | None if line.values.is_none() => Some(Verdict::Unknown),
        Some(_) | None => None,
    }
}

fn entry_row(kind: Kind, id: &str, said: &Said) -> EntryRow {
    let name = said.lines.iter().find(|line| line.field == "name").and_then(|line| line.values.as_deref());
    EntryRow {
        kind: kind.to_string(),
        id: id.to_owned(),
        name: name.unwrap_or_default().concat(),
        known: said.lines.iter().filter(|line| line.values.is_some() && line.source.is_some()).count(),
        unknown: said.lines.iter().filter(|line| line.values.is_none()).count(),
        oldest: said.lines.iter().filter_map(|line| Some(line.source.as_ref()?.date)).min(),
        shipped: said.shipped,
    }
}

fn field_row(kind: Kind, line: &Line) -> FieldRow {
    let source: Option<&Source> = line.source.as_deref();
    FieldRow {
        kind: kind.to_string(),
        field: line.field.clone(),
        value: line.values.as_ref().map(|values| values.join(", ")),
        document: source.map(|source| source.document.clone()),
        url: source.and_then(|source| source.url.clone()),
        date: source.map(|source| source.date),
    }
}

/// Where each region processes; whose law reaches each offer, or the service where none is listed.
fn axes_rows(catalog: &Catalog, id: &str) -> Vec<FieldRow> {
    let Some(provider) = catalog.provider(id) else { return Vec::new() };
    let mut rows = Vec::new();
    let mut add = |field: String, axis: &Axis| {
        rows.push(FieldRow {
            kind: Kind::Provider.to_string(),
            field,
            value: Some(axis.to_string()),
            document: None,
            url: None,
            date: None,
        });
    };
    for region in or_none(provider.regions.keys()) {
        if let Ok(axes) = catalog.axes(id, region, None) {
            let at = region.map(|region| format!(" at {region}")).unwrap_or_default();
            add(format!("→ processed_in{at}"), &axes.processed_in);
        }
    }
    for offer in or_none(provider.offers.keys()) {
        let model = offer.and_then(|offer| provider.offers.get(offer)).and_then(|offer| offer.model.known());
        if let Ok(axes) = catalog.axes(id, None, model.map(String::as_str)) {
            let of = offer.map(|offer| format!(" of {offer}")).unwrap_or_default();
            add(format!("→ controlled_by{of}"), &axes.controlled_by);
        }
    }
    rows
}

/// Each name, or one time none.
fn or_none<'a>(names: impl Iterator<Item = &'a String>) -> Vec<Option<&'a str>> {
    let mut names: Vec<Option<&str>> = names.map(|name| Some(name.as_str())).collect();
    if names.is_empty() {
        names.push(None);
    }
    names
}
