//! Every address that the API port answers, and what all answers have in common: a request's number, one line in the log,
//! one count.
//!
//! It must not know the steps of the road; those are in `chat`.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderName, HeaderValue, StatusCode};
use wire::error::Code;

use crate::{
    app::App, chat, clock::Moment, completions, embeddings, error::ApiError, health, metrics, models, relay::Marks,
    serve::Refuse, withdrawal::Subject,
};

/// The header that names a request in our log; on every answer.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// What is known of a request before anything is read: its name in the log, and when it came.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    /// Names the request in our log and in `x-request-id`; ours, never the caller's.
    pub(crate) id: Arc<str>,
    /// When it came.
    pub(crate) at: Moment,
    /// What counts as withdrawn for this request alone: a drill asks it. It can narrow where it goes, never widen.
    pub(crate) without: Option<Arc<[Subject]>>,
}

/// The API port's addresses. Needs no socket: `tower::ServiceExt::oneshot` asks it in process.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat_completions))
        .route("/v1/completions", post(legacy_completions))
        .route("/v1/embeddings", post(make_embeddings))
        .route("/v1/models", get(list_models))
        .route("/v1/models/{*model}", get(show_model))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(show_metrics))
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .with_state(app)
}

/// Answers bytes that are no request, as the server hands them on.
pub fn refuse(app: Arc<App>) -> Refuse {
    Arc::new(move |refusal| tell(&app, &app.arrival(), "refused", Err(refusal.into())))
}

async fn chat_completions(State(app): State<Arc<App>>, request: Request) -> Response {
    let arrival = app.arrival();
    let answer = chat::chat(&app, &arrival, request).await;
    tell_marked(&app, &arrival, "chat_completions", answer.map(|(response, marks)| (response, Some(marks))))
}

async fn legacy_completions(State(app): State<Arc<App>>, request: Request) -> Response {
    let arrival = app.arrival();
    let answer = completions::completions(&app, &arrival, request).await;
    tell_marked(&app, &arrival, "completions", answer.map(|(response, marks)| (response, Some(marks))))
}

async fn make_embeddings(State(app): State<Arc<App>>, request: Request) -> Response {
    let arrival = app.arrival();
    let answer = embeddings::embeddings(&app, &arrival, request).await;
    tell_marked(&app, &arrival, "embeddings", answer.map(|(response, marks)| (response, Some(marks))))
}

async fn list_models(State(app): State<Arc<App>>, request: Request) -> Response {
    let arrival = app.arrival();
    tell(&app, &arrival, "models", models::list(&app, request.headers()))
}

async fn show_model(State(app): State<Arc<App>>, Path(model): Path<String>, request: Request) -> Response {
    let arrival = app.arrival();
    tell(&app, &arrival, "models", models::show(&app, request.headers(), &model))
}

async fn live(State(app): State<Arc<App>>) -> Response {
    let arrival = app.arrival();
    tell(&app, &arrival, "health", Ok(health::live()))
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    let arrival = app.arrival();
    tell(&app, &arrival, "health", health::ready(&app))
}

async fn show_metrics(State(app): State<Arc<App>>) -> Response {
    let arrival = app.arrival();
    let text =
        app.metrics_text().map(|text| ([(http::header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response());
    tell(&app, &arrival, "metrics", text)
}

async fn unknown_path(State(app): State<Arc<App>>, request: Request) -> Response {
    let arrival = app.arrival();
    let (method, path) = (request.method(), request.uri().path());
    let message = format!("there is nothing at `{method} {path}`; the API's addresses begin with `/v1/`");
    tell(&app, &arrival, "other", Err(ApiError::caller(StatusCode::NOT_FOUND, Code::UnknownUrl, message)))
}

async fn unknown_method(State(app): State<Arc<App>>, request: Request) -> Response {
    let arrival = app.arrival();
    let (method, path) = (request.method(), request.uri().path());
    let message = format!("`{path}` does not take the method `{method}`");
    let error = ApiError::caller(StatusCode::METHOD_NOT_ALLOWED, Code::MethodNotAllowed, message);
    tell(&app, &arrival, "other", Err(error))
}

/// The end of every request's head: errors are logged here and nowhere else, every answer gets its number and its count.
fn tell(app: &App, arrival: &Arrival, endpoint: &'static str, answer: Result<Response, ApiError>) -> Response {
    tell_marked(app, arrival, endpoint, answer.map(|response| (response, None)))
}

/// As [`tell`], for what may have gone to a destination.
fn tell_marked(
    app: &App,
    arrival: &Arrival,
    endpoint: &'static str,
    answer: Result<(Response, Option<Marks>), ApiError>,
) -> Response {
    let (mut response, marks) = answer.unwrap_or_else(|error| {
        error.log(&arrival.id);
        let marks = error.marks().cloned();
        (error.into_response(), marks)
    });
    if let Ok(id) = HeaderValue::from_str(&arrival.id) {
        response.headers_mut().insert(REQUEST_ID_HEADER, id);
    }
    app.metrics().answered(endpoint, response.status().as_u16(), marks.and_then(|marks| marks.destination()));
    response
}
