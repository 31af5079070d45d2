//! What `gwanmun catalog list`, `show` and `check` print, as rows: the command only lays them out, or turns them to JSON.
//!
//! Knows nothing of terminals; the day on which facts are judged is given.

use jiff::civil::Date;
use serde::Serialize;

use crate::Catalog;
use crate::axes::{Axis, NotListed};
use crate::entry::{Line, Said};
use crate::fact::Source;
use crate::index::Kind;
use crate::jurisdiction::Jurisdiction;

const PROCESSED_IN: &str = "processed_in";
const CONTROLLED_BY: &str = "controlled_by";

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
    /// The field, with the tables that it stands in: `region.kr.processed_in`.
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

/// One axis as it is worked out, of `show`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AxisRow {
    /// What the entry is about.
    pub kind: String,
    /// `processed_in` or `controlled_by`.
    pub axis: &'static str,
    /// A provider's region or offer, or the home of one's own machine; none where a provider lists none.
    pub of: Option<String>,
    /// The jurisdictions that are known to be on it.
    pub known: Vec<String>,
    /// What is not known of it; with any, it is foreign to everybody.
    pub gaps: Vec<String>,
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

/// Every field of the entries of that identifier. Empty where there is no such entry.
pub fn show(catalog: &Catalog, id: &str) -> Vec<FieldRow> {
    let entries = catalog.said.iter().filter(|((_, of), _)| of == id);
    entries.flat_map(|((kind, _), said)| said.lines.iter().map(|line| field_row(*kind, line))).collect()
}

/// Both axes as they are worked out: of a provider's regions and offers, and of a model on one's own machine in `home`.
///
/// # Errors
/// A home that is not in the catalogue.
pub fn axes(catalog: &Catalog, id: &str, home: Option<Jurisdiction>) -> Result<Vec<AxisRow>, NotListed> {
    let mut rows = Vec::new();
    if let Some(provider) = catalog.provider(id) {
        for region in or_none(provider.regions.keys()) {
            let processed_in = catalog.axes(id, region, None)?.processed_in;
            rows.push(axis_row(Kind::Provider, PROCESSED_IN, region, &processed_in));
        }
        for offer in or_none(provider.offers.keys()) {
            let model = offer.and_then(|offer| provider.offers.get(offer)).and_then(|offer| offer.model.known());
            let controlled_by = catalog.axes(id, None, model.map(String::as_str))?.controlled_by;
            rows.push(axis_row(Kind::Provider, CONTROLLED_BY, offer, &controlled_by));
        }
    }
    if let Some(home) = home.filter(|_| catalog.model(id).is_some()) {
        let axes = catalog.axes_at_home(home, Some(id))?;
        rows.push(axis_row(Kind::Model, PROCESSED_IN, Some(home.code()), &axes.processed_in));
        rows.push(axis_row(Kind::Model, CONTROLLED_BY, Some(home.code()), &axes.controlled_by));
    }
    Ok(rows)
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

fn axis_row(kind: Kind, axis: &'static str, of: Option<&str>, worked_out: &Axis) -> AxisRow {
    AxisRow {
        kind: kind.to_string(),
        axis,
        of: of.map(str::to_owned),
        known: worked_out.jurisdictions().iter().map(ToString::to_string).collect(),
        gaps: worked_out.gaps().iter().map(ToString::to_string).collect(),
    }
}

/// Each name, or one time none.
fn or_none<'a>(names: impl Iterator<Item = &'a String>) -> Vec<Option<&'a str>> {
    let mut names: Vec<Option<&str>> = names.map(|name| Some(name.as_str())).collect();
    if names.is_empty() {
        names.push(None);
    }
    names
}
