//! Whether the process lives, and whether it should be sent requests. Needs no key and tells no secret.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

use crate::{app::App, error::ApiError};

/// The process answers; nothing else is said.
pub(crate) fn live() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], r#"{"status":"live"}"#).into_response()
}

/// Ready while it takes requests, its record can be written and its local model, where it has one, has not stopped.
pub(crate) fn ready(app: &App) -> Result<Response, ApiError> {
    match app.trouble() {
        None => Ok(([(header::CONTENT_TYPE, "application/json")], r#"{"status":"ready"}"#).into_response()),
        Some(trouble) => Err(ApiError::gateway(
            StatusCode::SERVICE_UNAVAILABLE,
            wire::error::Code::ServerBusy,
            format!("not ready: {trouble}"),
        )),
    }
}
