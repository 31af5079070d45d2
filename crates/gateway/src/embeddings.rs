//! `POST /v1/embeddings`: vectors of texts. The same road as [`crate::chat`], with its own words.

use std::sync::Arc;

use axum::{extract::Request, response::Response};

use crate::{app::App, chat::road, error::ApiError, read::Surface, relay::Marks, routes::Arrival};

/// Makes vectors of texts.
pub(crate) async fn embeddings(
    app: &Arc<App>,
    arrival: &Arrival,
    request: Request,
) -> Result<(Response, Marks), ApiError> {
    road(Surface::Embeddings, app, arrival, request).await
}
