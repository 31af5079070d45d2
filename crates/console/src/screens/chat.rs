//! Asking models questions: the employee's page. What is asked walks the road like any request, as the person's team: the same policy,
//! the same limits, the same log.
//!
//! The page's script keeps the conversation and shows the answer as it comes; nothing of it is kept here.

use askama::Template;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use policy::Class;
use serde::{Deserialize, Serialize};

use crate::answer::Refused;
use crate::asking;
use crate::call::Call;
use crate::page::{self, Page};

/// What is passed on of an answer's head: where it came from, and what its reader must be told.
const PASSED_ON: [&str; 10] = [
    "content-type",
    "retry-after",
    "x-request-id",
    "x-gwanmun-destination",
    "x-gwanmun-model",
    "x-gwanmun-entry",
    "x-gwanmun-class",
    "x-gwanmun-label",
    "x-gwanmun-review",
    "x-gwanmun-rule",
];
const DEGRADED: HeaderName = HeaderName::from_static("x-gwanmun-degraded");
const CONTINUITY: HeaderName = HeaderName::from_static("x-gwanmun-continuity");

#[derive(Template)]
#[template(path = "chat.html")]
struct ChatPage {
    page: Page,
    models: Vec<String>,
    /// What the page's script says, by what it calls it: its words are messages too.
    words: String,
}

/// What the script says; each is the message `chat-…`.
const WORDS: [&str; 30] = [
    "you",
    "answered-by",
    "degraded",
    "handed-over",
    "broken-off",
    "entry",
    "class",
    "stopped",
    "unanswered",
    "machine-wrote",
    "review",
    "export-title",
    "file-too-long",
    "file-not-text",
    "file-given",
    "file-remove",
    "signed-out",
    "thinking",
    "length",
    "filtered",
    "broken",
    "review-human",
    "rule",
    "refused-not-permitted",
    "refused-too-long",
    "refused-no-model",
    "refused-limit",
    "refused-busy",
    "refused-outage",
    "refused-withdrawn",
];

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    let models = asking::models(&call.site, call.account()?).await?;
    let words = WORDS.iter().map(|word| ((*word).to_owned(), call.language.text(&format!("chat-{word}")).into()));
    let classes = Class::ALL.map(|class| format!("class-{class}"));
    let classes = classes.iter().map(|name| (name.clone(), call.language.text(name).into()));
    let words = serde_json::Value::Object(words.chain(classes).collect()).to_string();
    page::render(&ChatPage { page: call.page("chat"), models, words })
}

/// What the script sends: a model and what was said so far. Nothing else of the API can be asked for from here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    model: String,
    messages: Vec<Said>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Said {
    role: Speaker,
    content: String,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    User,
    Assistant,
}

/// `POST /chat/ask`: an answer as a stream of the API's own events.
pub(crate) async fn ask(call: Call) -> Result<Response, Refused> {
    let asked: Asked = serde_json::from_slice(&call.body).map_err(|_| Refused::Unreadable("refused-unreadable"))?;
    let body = serde_json::json!({
        "model": asked.model,
        "messages": asked.messages,
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    let mut request = asking::completion(&call.site, call.account()?, &body)?;
    // A person reads on where another destination goes on; what may not be joined is said to have broken off.
    request.headers_mut().insert(CONTINUITY, HeaderValue::from_static("splice"));
    let (head, body) = asking::send(&call.site, request).await?.into_parts();
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    for name in PASSED_ON.map(HeaderName::from_static).into_iter().chain([DEGRADED]) {
        if let Some(value) = head.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    Ok(response)
}

#[cfg(test)]
mod tests;
