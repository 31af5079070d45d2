//! `GET /v1/models` and `GET /v1/models/{id}`: what this caller can ask for, in OpenAI's words. Nothing is sent anywhere.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use wire::{
    answer::{Model, ModelList, ModelObject},
    error::Code,
};

use crate::{
    app::App,
    decide::offered,
    error::ApiError,
    identify::identify,
    judge::{Chain, Link},
};

/// All models that policy lets the caller ask for.
pub(crate) fn list(app: &App, headers: &HeaderMap) -> Result<Response, ApiError> {
    let caller = identify(headers, app.keys())?;
    let force = app.in_force();
    let models = offered(&caller, &force.judgement).map(|(chain, link)| model(app, chain, &link)).collect();
    Ok(json(&ModelList { data: models, ..ModelList::default() }))
}

/// One of them.
pub(crate) fn show(app: &App, headers: &HeaderMap, asked: &str) -> Result<Response, ApiError> {
    let caller = identify(headers, app.keys())?;
    let force = app.in_force();
    let (chain, link) =
        offered(&caller, &force.judgement).find(|(chain, _)| &*chain.model == asked).ok_or_else(|| {
            let message = format!("there is no model `{asked}` here; `GET /v1/models` lists what there is");
            ApiError::caller(StatusCode::NOT_FOUND, Code::ModelNotFound, message).param("model")
        })?;
    Ok(json(&model(app, chain, &link)))
}

/// A model belongs to the destination that is asked first.
fn model(app: &App, chain: &Chain, first: &Link) -> Model {
    Model {
        id: chain.model.to_string(),
        object: ModelObject,
        created: app.began_seconds(),
        owned_by: first.destination.to_string(),
    }
}

fn json(body: &impl serde::Serialize) -> Response {
    // Writing our own types to memory does not fail.
    let body = serde_json::to_vec(body).unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
