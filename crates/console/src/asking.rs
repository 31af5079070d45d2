//! Asking models from a page, in process. What is asked walks the road like any request, as the person's team: the same policy, the same
//! limits, the same log. It must not know which page asks.

mod keys;

use axum::body::Body;
use axum::response::Response;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::accounts::Account;
use crate::answer::Refused;
use crate::site::Site;

pub(crate) use keys::Keys;

/// The longest answer that is read whole: a list of models, or a few sentences.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// The longest answer to a short question, in tokens.
const ANSWER_TOKENS_MAX: u32 = 60;

/// What came of a short question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    /// Who answered, as entries call it; empty where nobody did.
    pub(crate) destination: String,
    /// The model that answered.
    pub(crate) model: String,
    /// The entry of its decision; empty where it was refused before one.
    pub(crate) entry: String,
    /// Whether the local floor answered in another's stead.
    pub(crate) degraded: bool,
    /// What was answered, or in the API's words why nothing was.
    pub(crate) text: Result<String, String>,
}

/// A question to the chat API.
pub(crate) fn completion(site: &Site, account: &Account, body: &Value) -> Result<Request<Body>, Refused> {
    request(site, account, Request::post("/v1/chat/completions"), Body::from(body.to_string()))
}

fn request(
    site: &Site,
    account: &Account,
    request: http::request::Builder,
    body: Body,
) -> Result<Request<Body>, Refused> {
    let key = site.asking_keys.of(&site.keys.ring(), account).map_err(Refused::ours)?;
    let request = request
        .header(header::HOST, "inside")
        .header(header::AUTHORIZATION, format!("Bearer {}", key.reveal()))
        .header(header::CONTENT_TYPE, "application/json");
    request.body(body).map_err(Refused::ours)
}

/// Sends it down the road.
pub(crate) async fn send(site: &Site, request: Request<Body>) -> Result<Response, Refused> {
    let Ok(answered) = site.api.clone().oneshot(request).await;
    if answered.status() == StatusCode::UNAUTHORIZED {
        // The key was this process's own: that it is not known is our fault.
        return Err(Refused::ours("the key of a signed-in person is not known"));
    }
    Ok(answered)
}

async fn whole(body: Body) -> Result<Vec<u8>, Refused> {
    let body = http_body_util::Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| Refused::ours(format!("an answer of the API was not read: {error}")))?;
    Ok(body.to_bytes().to_vec())
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
pub(crate) async fn models(site: &Site, account: &Account) -> Result<Vec<String>, Refused> {
    let request = request(site, account, Request::get("/v1/models"), Body::empty())?;
    let body = whole(send(site, request).await?.into_body()).await?;
    // While the gateway ends it lists none.
    let listed: Models = serde_json::from_slice(&body).unwrap_or(Models { data: Vec::new() });
    Ok(listed.data.into_iter().map(|model| model.id).collect())
}

/// Asks `model` a short question and waits for the whole answer.
pub(crate) async fn short(site: &Site, account: &Account, model: &str, text: &str) -> Result<Answered, Refused> {
    let body = serde_json::json!({
        "model": model,
        "messages": [{ "role": "user", "content": text }],
        "max_completion_tokens": ANSWER_TOKENS_MAX,
        // What a small model is surest of.
        "temperature": 0,
    });
    let (head, body) = send(site, completion(site, account, &body)?).await?.into_parts();
    let body: Value = serde_json::from_slice(&whole(body).await?).unwrap_or_default();
    let named = |name: &str| {
        let value = head.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let said = |at: &str| body.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let text = if head.status.is_success() {
        Ok(said("/choices/0/message/content").unwrap_or_default())
    } else {
        Err(said("/error/message").unwrap_or_default())
    };
    Ok(Answered {
        destination: named("x-gwanmun-destination"),
        model: named("x-gwanmun-model"),
        entry: named("x-gwanmun-entry"),
        degraded: head.headers.contains_key("x-gwanmun-degraded"),
        text,
    })
}
