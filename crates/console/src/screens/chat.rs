//! Asking models questions: the employee's page. What is asked walks the road like any request, as the person's team: the same policy,
//! the same limits, the same log.
//!
//! The page's script keeps the conversation and shows the answer as it comes; nothing of it is kept here.

mod keys;

use askama::Template;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use tower::ServiceExt as _;

use crate::answer::Refused;
use crate::call::Call;
use crate::page::{self, Page};

pub(crate) use keys::Keys;

/// The longest list of models that is read; a list holds names alone.
const MODELS_BYTES_MAX: usize = 1024 * 1024;
/// What is passed on of an answer's head: where it came from, and what its reader must be told.
const PASSED_ON: [&str; 9] = [
    "content-type",
    "retry-after",
    "x-request-id",
    "x-gwanmun-destination",
    "x-gwanmun-model",
    "x-gwanmun-entry",
    "x-gwanmun-class",
    "x-gwanmun-label",
    "x-gwanmun-review",
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
const WORDS: [&str; 20] = [
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
];

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    let models = models(&call).await?;
    let words = WORDS.iter().map(|word| ((*word).to_owned(), call.language.text(&format!("chat-{word}")).into()));
    let words = serde_json::Value::Object(words.collect()).to_string();
    page::render(&ChatPage { page: call.page("chat"), models, words })
}

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

/// The models that the person may ask, as the API lists them for their team.
async fn models(call: &Call) -> Result<Vec<String>, Refused> {
    let request = request(call, "GET", "/v1/models", Body::empty())?;
    let Ok(response) = call.site.api.clone().oneshot(request).await;
    let body = http_body_util::Limited::new(response.into_body(), MODELS_BYTES_MAX).collect().await;
    let body = body.map_err(|error| Refused::ours(format!("the list of models was not read: {error}")))?.to_bytes();
    // While the gateway ends it lists none.
    let listed: Models = serde_json::from_slice(&body).unwrap_or(Models { data: Vec::new() });
    Ok(listed.data.into_iter().map(|model| model.id).collect())
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
    let mut request = request(&call, "POST", "/v1/chat/completions", Body::from(body.to_string()))?;
    // A person reads on where another destination goes on; what may not be joined is said to have broken off.
    request.headers_mut().insert(CONTINUITY, HeaderValue::from_static("splice"));
    let Ok(answered) = call.site.api.clone().oneshot(request).await;
    let (head, body) = answered.into_parts();
    if head.status == StatusCode::UNAUTHORIZED {
        // The key was this process's own: that it is not known is our fault.
        return Err(Refused::ours("the key of a signed-in person is not known"));
    }
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    for name in PASSED_ON.map(HeaderName::from_static).into_iter().chain([DEGRADED]) {
        if let Some(value) = head.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    Ok(response)
}

fn request(call: &Call, method: &str, path: &str, body: Body) -> Result<Request<Body>, Refused> {
    let account = call.account()?;
    let key = call.site.chat_keys.of(&call.site.keys.ring(), account).map_err(Refused::ours)?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "inside")
        .header(header::AUTHORIZATION, format!("Bearer {}", key.reveal()))
        .header(header::CONTENT_TYPE, "application/json");
    request.body(body).map_err(Refused::ours)
}

#[cfg(test)]
mod tests;
