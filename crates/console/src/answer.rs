//! How the console answers: the headers of every answer, pages, ways on, and refusals.
//!
//! No page may run what is not ours, be framed, or be read by another origin. This file must not know what is answered.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};

/// What any answer of the console says about itself.
const ALWAYS: [(HeaderName, &str); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'; object-src 'none'",
    ),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// Why something is not done. The words are for people; the entrance puts them on a page, in their language.
#[derive(Debug)]
pub(crate) enum Refused {
    /// They have to say first who they are.
    SignInFirst,
    /// Their role may not do that.
    NotPermitted,
    /// It did not come from a page of ours.
    NotOurs,
    /// There is nothing there.
    NotFound,
    /// There is something, but it is not asked for like that.
    NotSo,
    /// What was sent cannot be read: the message that says so.
    Unreadable(&'static str),
    /// What was sent is too long.
    TooLong,
    /// Too many want that at once: the message that says so.
    Busy(&'static str),
    /// What they wish cannot be done: why, and how to mend it.
    Wrong(String),
    /// Our fault: told to the operator's log, not to them.
    Ours(String),
}

impl Refused {
    /// Our fault: what and where is for the operator alone.
    pub(crate) fn ours(why: impl std::fmt::Display) -> Self {
        Self::Ours(why.to_string())
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::SignInFirst => StatusCode::UNAUTHORIZED,
            Self::NotPermitted | Self::NotOurs => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotSo => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unreadable(_) => StatusCode::BAD_REQUEST,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Wrong(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Ours(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// With the status of what was sent and cannot be done as it is.
pub(crate) fn not_done(mut response: Response) -> Response {
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    response
}

/// A page, kept by nobody.
pub(crate) fn html(text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// A file to keep.
pub(crate) fn download(name: &str, content_type: &'static str, bytes: impl Into<Body>) -> Result<Response, Refused> {
    let mut response = Response::new(bytes.into());
    let name: String = name
        .chars()
        .map(|char| if char.is_ascii_alphanumeric() || ".-_".contains(char) { char } else { '-' })
        .collect();
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")).map_err(Refused::ours)?;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}

/// The way on after something was done: another page, asked for with GET.
pub(crate) fn see(path: &str) -> Result<Response, Refused> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_str(path).map_err(Refused::ours)?);
    Ok(response)
}

/// What every answer carries; what says how long it may be kept keeps that.
pub(crate) fn finished(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::VARY).or_insert(HeaderValue::from_static("cookie, accept-language"));
    response
}
