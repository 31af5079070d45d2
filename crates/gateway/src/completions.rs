//! `POST /v1/completions`, OpenAI's older address: the same road as [`crate::chat`], with its own words.

use std::sync::Arc;

use axum::{extract::Request, response::Response};

use crate::{app::App, chat::road, error::ApiError, read::Surface, relay::Marks, routes::Arrival};

/// Continues a text.
pub(crate) async fn completions(
    app: &Arc<App>,
    arrival: &Arrival,
    request: Request,
) -> Result<(Response, Marks), ApiError> {
    road(Surface::Completions, app, arrival, request).await
}
