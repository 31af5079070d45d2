//! Tests of what a caller is told.

use std::time::Duration;

use axum::response::IntoResponse;
use http::StatusCode;
use wire::error::Code;

use super::{ApiError, whole_seconds};

#[test]
fn waiting_is_told_in_whole_seconds_and_never_as_none() {
    for (after, seconds) in [(0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2), (60_000, 60)] {
        assert_eq!(whole_seconds(Duration::from_millis(after)), seconds, "{after} ms");
    }
}

#[test]
fn the_detail_is_for_the_operator_alone() {
    let error =
        ApiError::gateway(StatusCode::SERVICE_UNAVAILABLE, Code::InternalError, "no").detail("the disk is full");
    assert!(!String::from_utf8_lossy(&error.body().to_json()).contains("disk"));
    let response = error.retry_after(Duration::from_secs(3)).into_response();
    assert_eq!(response.headers()["retry-after"], "3");
}
