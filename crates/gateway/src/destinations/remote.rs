//! An OpenAI-compatible service outside the process: one request, one answer, no retry, no redirect.
//!
//! What comes back is passed on byte for byte; it is read only to know whether it is complete and what it took. The
//! destination's key never leaves this file but to the destination. It must not know policy.

pub(crate) mod connection;
pub(crate) mod events;
mod reply;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use wire::error::{Code, ErrorBody};

pub(crate) use connection::SystemRoots;
pub(crate) use reply::Reply;

use crate::{clock::Clock, config, destinations::Errand, error::ApiError, read::Surface};
use connection::{ConnectTimeout, HttpClient};

/// What is read of an answer that is an error: OpenAI's errors are a few hundred bytes.
const ERROR_BYTES_MAX: usize = 64 * 1024;
/// A `Retry-After` is passed on up to this; a provider that says more is as good as gone.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// One destination, with its connections.
pub(crate) struct Remote {
    about: Arc<config::Destination>,
    /// Nothing where the system's roots could not be read.
    client: Result<HttpClient, String>,
    chat: Uri,
    completions: Uri,
    embeddings: Uri,
    authorization: Option<HeaderValue>,
    clock: Clock,
}

impl Remote {
    /// Prepares to send to the destination that `about` describes; reads no file and connects to nothing.
    pub(crate) fn new(about: Arc<config::Destination>, roots: &SystemRoots, clock: &Clock) -> Self {
        let tls = about.base_url.scheme_str() == Some("https");
        let client = connection::client(tls.then_some(roots), about.connect_time_max, clock);
        let authorization = about.key.as_ref().and_then(|key| {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", key.reveal())).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        let chat = below(&about.base_url, "/chat/completions");
        let completions = below(&about.base_url, "/completions");
        let embeddings = below(&about.base_url, "/embeddings");
        Self { about, client, chat, completions, embeddings, authorization, clock: clock.clone() }
    }

    /// Sends the request; comes back when the head of a good answer is there.
    pub(crate) async fn send(&self, errand: Errand) -> Result<Reply, ApiError> {
        let known = self.about.models.iter().find(|model| model.name == errand.model);
        let upstream = known.map_or(&*errand.model, |model| &model.upstream);
        let request = self.request(errand.ask.surface(), errand.ask.to_json(upstream), errand.stream)?;
        let answer = self.first_bytes(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(self.refused(answer).await);
        }
        check_head(answer.headers(), errand.stream)?;
        Ok(Reply::new(answer, &errand, &self.about, &self.clock))
    }

    fn request(&self, surface: Surface, body: Bytes, stream: bool) -> Result<Request<Full<Bytes>>, ApiError> {
        let uri = match surface {
            Surface::Chat => &self.chat,
            Surface::Completions => &self.completions,
            Surface::Embeddings => &self.embeddings,
        };
        let accept = if stream { "text/event-stream" } else { "application/json" };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.clone();
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("gwanmun/", env!("CARGO_PKG_VERSION"))));
        if self.about.key.is_some() {
            let Some(authorization) = &self.authorization else {
                let message = "the gateway's key for this destination cannot be sent";
                return Err(self.error(StatusCode::BAD_GATEWAY, Code::NoDestination, message));
            };
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        Ok(request)
    }

    async fn first_bytes(&self, request: Request<Full<Bytes>>) -> Result<http::Response<Incoming>, ApiError> {
        let client = self.client.as_ref().map_err(|reason| {
            self.error(StatusCode::BAD_GATEWAY, Code::NoDestination, "the destination cannot be connected to")
                .detail(reason)
        })?;
        let limit = self.about.connect_time_max.saturating_add(self.about.first_byte_time_max);
        let Some(answer) = self.clock.within(limit, client.request(request)).await else {
            let message = "the destination did not begin to answer in time";
            return Err(self.error(StatusCode::GATEWAY_TIMEOUT, Code::UpstreamTimeout, message));
        };
        answer.map_err(|error| {
            let words = chain(&error);
            let timed_out = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
                .any(<dyn std::error::Error>::is::<ConnectTimeout>);
            let (status, code, message) = if timed_out {
                (
                    StatusCode::GATEWAY_TIMEOUT,
                    Code::UpstreamTimeout,
                    "the destination could not be connected to in time",
                )
            } else if error.is_connect() {
                (StatusCode::BAD_GATEWAY, Code::UpstreamFailed, "the destination could not be connected to")
            } else {
                (StatusCode::BAD_GATEWAY, Code::UpstreamFailed, "the destination broke off before it answered")
            };
            self.error(status, code, message).detail(words)
        })
    }

    /// An answer that is no answer: what the caller is told of it, and whose fault it was.
    async fn refused(&self, answer: http::Response<Incoming>) -> ApiError {
        let status = answer.status();
        let retry_after = retry_after(answer.headers());
        let reading = Limited::new(answer.into_body(), ERROR_BYTES_MAX).collect();
        let body = self.clock.within(self.about.idle_time_max, reading).await.and_then(Result::ok);
        let told = body.and_then(|body| serde_json::from_slice::<ErrorBody>(&body.to_bytes()).ok());
        let error = match status.as_u16() {
            // The request itself: the provider's words help the caller, as long as they do not hold our key.
            400 | 413 | 422 => self.callers_mistake(told),
            401..=403 => {
                let message = "the destination refused the gateway's own credentials";
                self.error(StatusCode::BAD_GATEWAY, Code::UpstreamFailed, message)
            }
            404 | 410 => {
                let message =
                    "the destination does not have the model or address that the gateway is configured to ask";
                self.error(StatusCode::BAD_GATEWAY, Code::UpstreamFailed, message)
            }
            408 | 504 => {
                self.error(StatusCode::GATEWAY_TIMEOUT, Code::UpstreamTimeout, "the destination ran out of time")
            }
            429 | 503 => {
                let message = "the destination takes no more requests for now";
                let error = self.error(StatusCode::SERVICE_UNAVAILABLE, Code::UpstreamFailed, message);
                error.retry_after(retry_after.unwrap_or(Duration::from_secs(1)))
            }
            300..=399 => {
                let message = "the destination redirects, and redirects are not followed";
                self.error(StatusCode::BAD_GATEWAY, Code::UpstreamFailed, message)
            }
            _ => self.error(StatusCode::BAD_GATEWAY, Code::UpstreamFailed, "the destination failed"),
        };
        error.detail(format_args!("destination `{}` answered {}", self.about.name, status.as_u16()))
    }

    fn callers_mistake(&self, told: Option<ErrorBody>) -> ApiError {
        let refused = "the destination refused the request";
        let Some(ErrorBody { error: told }) = told.filter(|told| !self.shows_key(told)) else {
            return ApiError::caller(StatusCode::BAD_REQUEST, Code::InvalidValue, refused);
        };
        let message = format!("{refused}: {}", told.message);
        let error = ApiError::caller(StatusCode::BAD_REQUEST, Code::InvalidValue, message);
        let error = match told.param {
            Some(param) => error.param(param),
            None => error,
        };
        match told.code {
            Some(code) => error.foreign_code(code),
            None => error,
        }
    }

    fn shows_key(&self, told: &ErrorBody) -> bool {
        let Some(key) = &self.about.key else { return false };
        let fields = [Some(told.error.message.as_str()), told.error.param.as_deref(), told.error.code.as_deref()];
        fields.into_iter().flatten().any(|text| text.contains(key.reveal()))
    }

    fn error(&self, status: StatusCode, code: Code, message: &'static str) -> ApiError {
        ApiError::destination(status, code, message).detail(format_args!("destination `{}`", self.about.name))
    }
}

/// A good answer's head must say what its body is: a stream where one was asked for, and nothing packed.
fn check_head(headers: &HeaderMap, stream: bool) -> Result<(), ApiError> {
    let wanted: &[u8] = if stream { b"text/event-stream" } else { b"application/json" };
    let is = |name: HeaderName| headers.get(name).map(HeaderValue::as_bytes);
    let given = is(header::CONTENT_TYPE).unwrap_or_default().split(|&byte| byte == b';').next().unwrap_or_default();
    let plain = is(header::CONTENT_ENCODING).is_none_or(|encoding| encoding.eq_ignore_ascii_case(b"identity"));
    if given.trim_ascii().eq_ignore_ascii_case(wanted) && plain {
        return Ok(());
    }
    let message = "the destination answered in a form that was not asked for";
    Err(ApiError::destination(StatusCode::BAD_GATEWAY, Code::UpstreamFailed, message))
}

/// Seconds that a provider asks to wait; a date is not understood.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// An address below the base; the configuration has checked the base.
pub(crate) fn below(base: &Uri, path: &str) -> Uri {
    let before = base.path().trim_end_matches('/');
    let mut parts = base.clone().into_parts();
    parts.path_and_query = format!("{before}{path}").parse().ok();
    Uri::from_parts(parts).unwrap_or_else(|_| base.clone())
}

/// An error and what caused it, in one line for the operator.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let words: Vec<String> =
        std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect();
    words.join(": ")
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("about", &self.about).finish_non_exhaustive()
    }
}
