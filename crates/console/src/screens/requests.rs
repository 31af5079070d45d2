//! Requests: which there were, searched by what the log says of them, one of them in full, and a search as a table to keep.
//! Never their texts.

mod one;
mod table;
mod wanted;

use askama::Template;
use axum::response::Response;
use request_index::{NameKind, Page as Part, Request, State};

use crate::answer::{self, Refused};
use crate::call::Call;
use crate::language::Written;
use crate::page::{self, Page};

pub(crate) use one::show;
use wanted::Wanted;

/// Rows of a page.
const ROWS: u32 = 50;
/// Rows of a file.
const FILE_ROWS_MAX: usize = 10_000;
/// Parts of the log that a file's search looks through before it ends, full or not.
const FILE_PARTS_MAX: usize = 100;
/// Names that a field offers.
const NAMES_MAX: u64 = 100;

#[derive(Template)]
#[template(path = "requests.html")]
struct Requests {
    page: Page,
    wanted: Wanted,
    names: Vec<(&'static str, Vec<String>)>,
    classes: [&'static str; 3],
    states: [&'static str; 7],
    rows: Vec<Row>,
    /// None where the log is off.
    searched: bool,
    /// Where the page goes on, where it does.
    older: Option<String>,
    /// Whether nothing on this page is the end of all.
    looked_in_part: bool,
    newest: Option<String>,
    file: String,
}

impl Requests {
    #[expect(clippy::unused_self, clippy::trivially_copy_pass_by_ref, reason = "the template asks the page")]
    fn tone(&self, state: &State) -> &'static str {
        tone(*state)
    }
}

/// One row.
struct Row {
    request: Request,
    /// The id as a part of a path.
    id: String,
    at: Written,
    class: &'static str,
    tokens: Option<u64>,
    took: Option<std::time::Duration>,
}

pub(crate) async fn list(call: Call) -> Result<Response, Refused> {
    let wanted = Wanted::read(&call.query);
    let (filter, told) = match wanted.filter(call.now(), call.language) {
        Ok(filter) => (Some(filter), None),
        Err(words) => (None, Some(words)),
    };
    let index = call.site.index().await?;
    let mut found = request_index::Found { requests: Vec::new(), older: None };
    let mut names = Vec::new();
    if let Some(index) = index {
        if let Some(filter) = &filter {
            let part = Part { before: wanted.before, rows: ROWS };
            found = index.search(filter, part).await.map_err(Refused::ours)?;
        }
        for (field, kind) in FIELDS {
            let known = index.names(kind, NAMES_MAX).await.map_err(Refused::ours)?;
            names.push((field, known.into_iter().map(|name| name.name).collect()));
        }
    }
    let older = found.older.map(|older| wanted.link("/requests", Some(older)));
    let mut page = call.page("requests");
    if let Some(words) = told {
        page = page.telling(words, false);
    }
    let rows: Vec<Row> = found.requests.into_iter().map(|request| Row::new(request, &page)).collect();
    let looked_in_part = older.is_some() && rows.len() < ROWS as usize;
    page::render(&Requests {
        page,
        names,
        classes: wanted::CLASSES,
        states: wanted::STATES.map(State::word),
        rows,
        searched: index.is_some(),
        older,
        looked_in_part,
        newest: wanted.before.map(|_| wanted.link("/requests", None)),
        file: wanted.link("/requests.csv", None),
        wanted,
    })
}

/// A search as a file of comma-separated values.
pub(crate) async fn file(call: Call) -> Result<Response, Refused> {
    let wanted = Wanted::read(&call.query);
    let filter = wanted.filter(call.now(), call.language).map_err(Refused::Wrong)?;
    let Some(index) = call.site.index().await? else { return Err(Refused::NotFound) };
    let mut requests = Vec::new();
    let mut before = wanted.before;
    for _ in 0..FILE_PARTS_MAX {
        let part = Part { before, rows: request_index::PAGE_MAX };
        let found = index.search(&filter, part).await.map_err(Refused::ours)?;
        requests.extend(found.requests);
        before = found.older;
        if before.is_none() || requests.len() >= FILE_ROWS_MAX {
            break;
        }
    }
    requests.truncate(FILE_ROWS_MAX);
    let name = format!("requests-{:.0}.csv", call.now());
    answer::download(&name, "text/csv; charset=utf-8", table::written(&requests))
}

const FIELDS: [(&str, NameKind); 5] = [
    ("team", NameKind::Team),
    ("key", NameKind::Key),
    ("model", NameKind::Model),
    ("destination", NameKind::Destination),
    ("finding", NameKind::Finding),
];

impl Row {
    fn new(request: Request, page: &Page) -> Self {
        let tokens = match (request.prompt_tokens, request.completion_tokens) {
            (None, None) => None,
            (prompt, completion) => Some(prompt.unwrap_or(0).saturating_add(completion.unwrap_or(0))),
        };
        Self {
            id: form_urlencoded::byte_serialize(request.request.as_bytes()).collect(),
            at: page.time(at(request.at)),
            class: request.class.map(wanted::class_word).unwrap_or_default(),
            tokens,
            took: request.duration.map(std::time::Duration::from_micros),
            request,
        }
    }
}

/// How a state is coloured.
fn tone(state: State) -> &'static str {
    match state {
        State::Answered => "good",
        State::Refused | State::Failed | State::Lost => "bad",
        State::Cancelled | State::Abandoned => "warn",
        State::Open => "",
    }
}

/// Microseconds since 1970 as a time.
pub(crate) fn at(micros: u64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(i64::try_from(micros).unwrap_or(i64::MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
