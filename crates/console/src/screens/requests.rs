//! Requests: which there were, searched by what the log says of them, one of them in full, and a search as a table to keep.
//! Never their texts.

mod one;
mod table;
mod timing;
mod wanted;

use std::sync::Arc;

use askama::Template;
use audit_entry::Class;
use axum::body::Body;
use axum::response::Response;
use futures_util::stream;
use request_index::{Filter, NameKind, Page as Part, Request, State};

use crate::answer::{self, Refused};
use crate::call::Call;
use crate::language::Written;
use crate::page::{self, Page};
use crate::site::Site;

pub(crate) use one::show;
use wanted::Wanted;

/// Rows of a page.
const ROWS: u32 = 50;
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
        classes: Class::ALL.map(Class::word),
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

/// A search as a file of comma-separated values: all that fits, as it is read. A file that could not be read to its end breaks off as a
/// download, so that nobody files a part as the whole.
pub(crate) async fn file(call: Call) -> Result<Response, Refused> {
    let wanted = Wanted::read(&call.query);
    let filter = wanted.filter(call.now(), call.language).map_err(Refused::Wrong)?;
    if call.site.index().await?.is_none() {
        return Err(Refused::NotFound);
    }
    let name = format!("requests-{:.0}.csv", call.now());
    let rest = Rest { site: Arc::clone(&call.site), filter, next: Next::Head(wanted.before) };
    let parts = stream::try_unfold(rest, |mut rest| async move {
        let part = rest.part().await?;
        Ok::<_, FileError>(part.map(|text| (text, rest)))
    });
    answer::download(&name, "text/csv; charset=utf-8", Body::from_stream(parts))
}

/// What is still to be written of a file.
struct Rest {
    site: Arc<Site>,
    filter: Filter,
    next: Next,
}

/// What comes next.
enum Next {
    /// The head, and then what was before that entry.
    Head(Option<u64>),
    /// What was before that entry.
    Rows(Option<u64>),
    Nothing,
}

impl Rest {
    /// The next part that has something in it; nothing at the end.
    async fn part(&mut self) -> Result<Option<String>, FileError> {
        let mut text = String::new();
        while text.is_empty() {
            let before = match self.next {
                Next::Nothing => return Ok(None),
                Next::Head(before) => {
                    text = table::head();
                    before
                }
                Next::Rows(before) => before,
            };
            let index = self.site.index().await.map_err(|_| FileError)?.ok_or(FileError)?;
            let part = Part { before, rows: request_index::PAGE_MAX };
            let found = index.search(&self.filter, part).await.map_err(|error| {
                tracing::error!("a file of requests was not read to its end: {error}");
                FileError
            })?;
            self.next = if found.older.is_some() { Next::Rows(found.older) } else { Next::Nothing };
            text += &table::rows(&found.requests);
        }
        Ok(Some(text))
    }
}

/// A file breaks off.
#[derive(Debug, thiserror::Error)]
#[error("a file of requests was not read to its end")]
struct FileError;

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
            class: request.class.map(Class::word).unwrap_or_default(),
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
