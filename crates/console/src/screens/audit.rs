//! The audit log: its head and who signed it, its witnesses, what operators changed, one entry, one entry's proof. That all of it holds
//! is worked out in the reader's browser, from what any stranger may have (`assets/audit.js`). It must not know how the log is kept.

mod head;

use std::sync::Arc;

use askama::Template;
use audit_log::{Action, Log, LogError};
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, Request, header};
use request_index::{Administered, AdministrationFilter, Index, Page as Part};
use tower::ServiceExt as _;

use crate::accounts::Permission;
use crate::answer::{self, Refused};
use crate::call::Call;
use crate::language::Written;
use crate::page::{self, Page};
use crate::screens::requests::at;

use head::Head;

/// Changes of a page.
const ROWS: u32 = 50;

/// What the index tells beside what operators do.
const BY_ITSELF: [&str; 3] = ["erasure", "start", "stop"];

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit {
    page: Page,
    /// None where the log is off.
    head: Option<Head>,
    actions: Vec<Known>,
    action: String,
    subject: String,
    by: String,
    rows: Vec<Row>,
    older: Option<String>,
}

struct Row {
    done: Administered,
    at: Written,
    /// Ends the name of its message.
    did: String,
}

/// What can have been done, to choose from.
struct Known {
    /// As the log calls it.
    word: &'static str,
    /// Ends the name of its message.
    message: String,
}

#[derive(Template)]
#[template(path = "entry.html")]
struct EntryPage {
    page: Page,
    index: u64,
    /// Its canonical JSON, or its bytes where they are no text.
    text: String,
    leaf: String,
    newer: Option<u64>,
}

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    if let Some(entry) = call.query.get("entry") {
        if let Ok(number) = entry.parse::<u64>() {
            return answer::see(&format!("/audit/entry/{number}"));
        }
        let words = call.language.text_with("requests-bad-entry", &[("value", entry)]);
        return Err(Refused::Wrong(words));
    }
    let text = |name: &str| call.query.get(name).unwrap_or_default().to_owned();
    let (action, subject, by) = (text("action"), text("subject"), text("by"));
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let filter =
        AdministrationFilter { actions: some(&action).into_iter().collect(), subject: some(&subject), by: some(&by) };
    let before = call.query.get("before").and_then(|before| before.parse().ok());
    let (found, next) = match call.site.index().await? {
        Some(index) => changed(index, &filter, before).await?,
        None => (Vec::new(), None),
    };
    let older = next.map(|next| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let given = [("action", &action), ("subject", &subject), ("by", &by)];
        query.extend_pairs(given.into_iter().filter(|(_, value)| !value.is_empty()));
        format!("/audit?{}", query.append_pair("before", &next.to_string()).finish())
    });
    let page = call.page("audit");
    let rows =
        found.into_iter().map(|done| Row { at: page.time(at(done.at)), did: message(&done.action), done }).collect();
    let head = call.site.recorder.log().map(|log| Head::of(log, call.language));
    page::render(&Audit { page, head, actions: actions(), action, subject, by, rows, older })
}

/// A page of changes that fit, the newest first, and where the next one goes on: one more than is shown tells whether there is one.
async fn changed(
    index: &Index,
    filter: &AdministrationFilter,
    before: Option<u64>,
) -> Result<(Vec<Administered>, Option<u64>), Refused> {
    let part = Part { before, rows: ROWS + 1 };
    let mut found = index.administration(filter, part).await.map_err(Refused::ours)?;
    let more = found.len() > ROWS as usize;
    found.truncate(ROWS as usize);
    let next = found.last().map(|last| last.entry).filter(|_| more);
    Ok((found, next))
}

/// One entry, as the log holds it.
pub(crate) async fn entry(call: Call) -> Result<Response, Refused> {
    let (log, index) = asked(&call)?;
    let size = log.checkpoint().checkpoint.size;
    if index >= size {
        return Err(Refused::NotFound);
    }
    let read = call.site.tasks.blocking("console audit", move || log.entries(index..index + 1)).await;
    let bytes = read.ok_or_else(|| Refused::ours("an entry was not read"))?.map_err(Refused::ours)?;
    let bytes = bytes.into_iter().next().ok_or(Refused::NotFound)?;
    page::render(&EntryPage {
        page: call.page("audit"),
        index,
        leaf: hex::encode(tlog::leaf_hash(&bytes)),
        text: String::from_utf8(bytes).unwrap_or_else(|error| hex::encode(error.as_bytes())),
        newer: index.checked_add(1).filter(|next| *next < size),
    })
}

/// One entry's proof: C2SP `tlog-proof`, byte for byte as `gwanmun audit proof` gives it.
pub(crate) async fn proof(call: Call) -> Result<Response, Refused> {
    let (log, index) = asked(&call)?;
    if index >= log.checkpoint().checkpoint.size {
        return Err(Refused::NotFound);
    }
    let made = call.site.tasks.blocking("console audit", move || log.prove(index)).await;
    let made: Result<_, LogError> = made.ok_or_else(|| Refused::ours("a proof was not made"))?;
    let text = made.map_err(Refused::ours)?.to_string();
    answer::download(&format!("entry-{index}.proof"), "text/plain; charset=utf-8", text)
}

/// The log, and the entry that the path names.
fn asked(call: &Call) -> Result<(Arc<Log>, u64), Refused> {
    let index = call.named(0)?.parse().map_err(|_| Refused::NotFound)?;
    let log = call.site.recorder.log().ok_or(Refused::NotFound)?;
    Ok((Arc::clone(log), index))
}

/// What can have been done, to choose from.
fn actions() -> Vec<Known> {
    let mut words: Vec<_> = Action::ALL.iter().map(|action| action.word()).chain(BY_ITSELF).collect();
    words.sort_unstable();
    words.into_iter().map(|word| Known { word, message: message(word) }).collect()
}

/// Names of messages have no points.
fn message(action: &str) -> String {
    action.replace('.', "-")
}

/// `GET /log/tile/entries/…`: whoever may see the log has the entries; others what strangers may have.
pub(crate) async fn bundle(call: Call) -> Result<Response, Refused> {
    let log = if call.may(Permission::SeeLog) { &call.site.whole_log } else { &call.site.public_log };
    let mut request = Request::get(&call.path).body(Body::empty()).map_err(Refused::ours)?;
    *request.headers_mut() = call.headers;
    // It answers everything.
    let mut response = log.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
    // What a session gives is not kept beyond it.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

#[cfg(test)]
mod tests;
