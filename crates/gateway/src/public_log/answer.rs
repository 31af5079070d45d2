//! How the public log's answers look on the wire: their headers, and refusals as a line of plain text.
//!
//! Nothing here may be read by a page of another origin or be taken for anything but what it says it is. This file must not
//! know what is answered.

use std::borrow::Cow;
use std::fmt::Display;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};

/// On every answer: no guessing of types, no scripts, no frames, no use by pages of other origins.
const ALWAYS: [(HeaderName, &str); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// How long an answer may be kept by whoever has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Not at all.
    Never,
    /// As long as it is asked for anew each time.
    Asked,
    /// It never changes.
    Forever,
    /// It never changes, and is nothing for caches that others share.
    ForeverHere,
}

impl Keep {
    fn value(self) -> &'static str {
        match self {
            Self::Never => "no-store",
            Self::Asked => "no-cache",
            Self::Forever => "public, max-age=31536000, immutable",
            Self::ForeverHere => "private, max-age=31536000, immutable",
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    content_type: &'static str,
    keep: Keep,
    body: Bytes,
    more: Option<(HeaderName, &'static str)>,
}

/// Why something is not answered.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    words: Cow<'static, str>,
    more: Option<(HeaderName, &'static str)>,
}

impl Answer {
    pub(super) fn new(content_type: &'static str, keep: Keep, body: impl Into<Bytes>) -> Self {
        Self { status: StatusCode::OK, content_type, keep, body: body.into(), more: None }
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// As it goes out; to `HEAD` without its body.
    pub(super) fn into_response(self, without_body: bool) -> Response {
        let length = self.body.len();
        let mut response = Response::new(if without_body { Body::empty() } else { Body::from(self.body) });
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.keep.value()));
        for (name, value) in ALWAYS.into_iter().chain(self.more) {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

impl Refused {
    pub(super) fn new(status: StatusCode, words: impl Into<Cow<'static, str>>) -> Self {
        Self { status, words: words.into(), more: None }
    }

    /// Our fault: what and where is for the operator alone, and stands in the log.
    pub(super) fn ours(why: impl Display) -> Self {
        tracing::error!("the public log could not answer: {why}");
        let words = "this is broken here, and the operator's log says how: tell whoever runs it";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, words)
    }

    /// Too much is asked for at once.
    pub(super) fn busy() -> Self {
        let refused =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "too much is asked for at once: try again in a second");
        Self { more: Some((header::RETRY_AFTER, "1")), ..refused }
    }

    /// Names the methods that are taken.
    pub(super) fn allowing(self, methods: &'static str) -> Self {
        Self { more: Some((header::ALLOW, methods)), ..self }
    }

    pub(super) fn into_answer(self) -> Answer {
        let body = format!("{}\n", self.words);
        let answer = Answer::new("text/plain; charset=utf-8", Keep::Never, body).with_status(self.status);
        Answer { more: self.more, ..answer }
    }
}
