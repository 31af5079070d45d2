//! A service outside the process: one request, one answer, no retry, no redirect.
//!
//! What comes back is passed on byte for byte (of one that speaks another API than OpenAI's: translated, `dialect`); it is
//! read only to know whether it is complete and what it took. The destination's key never leaves this folder but to the
//! destination. It must not know policy.

pub(crate) mod connection;
mod dialect;
pub(crate) mod events;
mod failure;
mod probe;
mod reply;
mod request;
mod told;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;

pub(crate) use connection::Ways;
pub(crate) use probe::Offered;
pub(crate) use reply::Reply;
pub(crate) use request::below;

use crate::{clock::Clock, config, destinations::Errand, error::ApiError};
use connection::{HttpClient, Terms, Trouble};
use failure::Failures;
use request::Requests;

/// What is read of an answer that is an error: OpenAI's errors are a few hundred bytes.
const ERROR_BYTES_MAX: usize = 64 * 1024;
/// A `Retry-After` is passed on up to this; a provider that says more is as good as gone.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);
/// Of a content type, so much is told on.
const CONTENT_TYPE_BYTES_MAX: usize = 64;

/// A list of models: the longest that is published has a few hundred.
const MODELS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// `GET …/models`, as OpenAI and Anthropic answer it.
#[derive(serde::Deserialize)]
struct ListedModels {
    data: Vec<ListedModel>,
}

#[derive(serde::Deserialize)]
struct ListedModel {
    id: String,
}

/// One destination, with its connections.
pub(crate) struct Remote {
    about: Arc<config::Destination>,
    /// Why nothing can be sent, where that is so: the system's roots could not be read.
    ready: Result<Ready, String>,
    clock: Clock,
}

/// What sends.
struct Ready {
    client: HttpClient,
    requests: Requests,
}

impl Remote {
    /// Prepares to send to the destination that `about` describes; reads no file and connects to nothing.
    pub(crate) fn new(about: Arc<config::Destination>, ways: &Ways, clock: &Clock) -> Self {
        let ready = connection::client(ways, &terms(&about), clock).and_then(|client| {
            let requests = Requests::new(&about).map_err(|_| "its key cannot stand in a header".to_owned())?;
            Ok(Ready { client, requests })
        });
        Self { about, ready, clock: clock.clone() }
    }

    /// Sends the request; comes back when the head of a good answer is there.
    pub(crate) async fn send(&self, errand: Errand) -> Result<Reply, ApiError> {
        let known = self.about.models.iter().find(|model| model.name == errand.model);
        let upstream = known.map_or(&*errand.model, |model| &model.upstream);
        let ready = self.ready()?;
        let body = dialect::written(&errand.ask, &self.about, upstream)
            .map_err(|error| ApiError::from(error).of_this_place())?;
        let request = ready.requests.ask(errand.ask.surface(), body.clone(), errand.stream);
        let answer = self.first_bytes(ready, request).await?;
        if answer.status() != StatusCode::OK {
            return Err(self.refused(answer, &body).await);
        }
        check_head(answer.headers(), errand.stream).map_err(|given| self.failures().other_form(&given))?;
        Ok(Reply::new(answer, &errand, &self.about, &self.clock))
    }

    /// Asks which models it has, by a request that holds nothing of anyone's.
    pub(crate) async fn models(&self) -> Result<Vec<String>, ApiError> {
        let ready = self.ready()?;
        let answer = self.first_bytes(ready, ready.requests.models()).await?;
        if answer.status() != StatusCode::OK {
            return Err(self.refused(answer, b"").await);
        }
        let reading = Limited::new(answer.into_body(), MODELS_BYTES_MAX).collect();
        let body = self.clock.within(self.about.idle_time_max, reading).await.and_then(Result::ok);
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let listed: ListedModels =
            serde_json::from_slice(&body).map_err(|_| self.failures().other_form("no list of models"))?;
        Ok(listed.data.into_iter().map(|model| model.id).collect())
    }

    /// What the destination calls the model of that name.
    pub(crate) fn upstream<'a>(&'a self, model: &'a str) -> &'a str {
        self.about.models.iter().find(|known| *known.name == *model).map_or(model, |known| &known.upstream)
    }

    fn failures(&self) -> Failures<'_> {
        Failures(&self.about)
    }

    fn ready(&self) -> Result<&Ready, ApiError> {
        self.ready.as_ref().map_err(|why| self.failures().unusable(why))
    }

    async fn first_bytes(&self, ready: &Ready, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, ApiError> {
        let limit = self.about.connect_time_max.saturating_add(self.about.first_byte_time_max);
        let Some(answer) = self.clock.within(limit, ready.client.request(request)).await else {
            return Err(self.failures().silent());
        };
        answer.map_err(|error| {
            let words = chain(&error);
            self.failures().not_reached(Trouble::of(&error), error.is_connect(), &words)
        })
    }

    /// An answer that is no answer, to what was `asked`.
    async fn refused(&self, answer: Response<Incoming>, asked: &[u8]) -> ApiError {
        let status = answer.status();
        let retry_after = told::retry_after(answer.headers(), self.clock.wall()).map(|it| it.min(RETRY_AFTER_MAX));
        let reading = Limited::new(answer.into_body(), ERROR_BYTES_MAX).collect();
        let body = self.clock.within(self.about.idle_time_max, reading).await.and_then(Result::ok);
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        self.failures().refused(status, &body, retry_after, asked)
    }
}

/// How a destination is connected to.
fn terms(about: &config::Destination) -> Terms<'_> {
    Terms {
        url: &about.base_url,
        private: about.private,
        proxy: about.proxy.as_ref(),
        authorities: about.authorities.as_ref(),
        http: about.http,
        connect_time_max: about.connect_time_max,
    }
}

/// A good answer's head must say what its body is: a stream where one was asked for, and nothing packed. An error says what it
/// is instead.
fn check_head(headers: &HeaderMap, stream: bool) -> Result<(), String> {
    let wanted: &[u8] = if stream { b"text/event-stream" } else { b"application/json" };
    let is = |name: HeaderName| headers.get(name).map(HeaderValue::as_bytes);
    let given = is(header::CONTENT_TYPE).unwrap_or_default().split(|&byte| byte == b';').next().unwrap_or_default();
    if is(header::CONTENT_ENCODING).is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
        return Err("it is packed".to_owned());
    }
    if given.trim_ascii().eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    let proper = |byte: &&u8| byte.is_ascii_alphanumeric() || b"/.+-".contains(byte);
    let shown: String =
        given.iter().filter(proper).take(CONTENT_TYPE_BYTES_MAX).map(|byte| char::from(*byte)).collect();
    if shown.is_empty() { Err("it does not say of what kind it is".to_owned()) } else { Err(format!("`{shown}`")) }
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
