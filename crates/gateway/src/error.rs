//! What a caller is told when a request cannot be answered, and whose fault it was.
//!
//! One [`ApiError`] for the whole road: a message for the caller, a detail for the operator's log, a fault. It is made once,
//! where the trouble is, and told once, where the road ends ([`crate::routes`]). It must not know the steps.

use std::{borrow::Cow, time::Duration};

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use wire::error::{Code, ErrorBody, Invalid, Kind};

use crate::{
    availability::{Diagnosis, Sickness},
    framing,
    relay::Marks,
};

/// What the official clients look at before they try a 503 again.
const SHOULD_RETRY_HEADER: HeaderName = HeaderName::from_static("x-should-retry");

/// Who has to change something before the same request can succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Whoever sent the request.
    Caller,
    /// This process or its operator.
    Gateway,
    /// The place that the request was sent to.
    Destination,
}

impl Fault {
    /// The word for logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Gateway => "gateway",
            Self::Destination => "destination",
        }
    }
}

/// A request that ends without an answer. Boxed, so that a `Result` on the road stays small.
#[derive(Debug)]
pub struct ApiError(Box<Told>);

#[derive(Debug)]
struct Told {
    status: StatusCode,
    fault: Fault,
    kind: Kind,
    code: Code,
    /// A provider's own word, told in place of `code`.
    foreign_code: Option<String>,
    message: Cow<'static, str>,
    param: Option<String>,
    detail: Option<String>,
    retry_after: Option<Duration>,
    for_good: bool,
    of_this_place: bool,
    diagnosis: Option<Diagnosis>,
    marks: Option<Marks>,
}

impl ApiError {
    /// The caller has to change the request.
    pub fn caller(status: StatusCode, code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(status, Fault::Caller, kind_of(status), code, message)
    }

    /// This process cannot do its part.
    pub fn gateway(status: StatusCode, code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let kind = if status == StatusCode::SERVICE_UNAVAILABLE { Kind::Overloaded } else { Kind::Server };
        Self::new(status, Fault::Gateway, kind, code, message)
    }

    /// The destination did not do its part.
    pub fn destination(status: StatusCode, code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(status, Fault::Destination, Kind::Upstream, code, message)
    }

    /// The one answer to every credential that is missing, malformed, unknown or revoked: who tries learns nothing.
    pub fn unauthorized() -> Self {
        Self::caller(
            StatusCode::UNAUTHORIZED,
            Code::InvalidApiKey,
            "a valid API key is required: send one key as `Authorization: Bearer …`",
        )
    }

    /// A limit of the caller's is reached; `retry_after` says when it will have room.
    pub fn too_many(message: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        Self::caller(StatusCode::TOO_MANY_REQUESTS, Code::RateLimitExceeded, message).retry_after(retry_after)
    }

    /// A queue of ours is full, whoever filled it.
    pub fn busy(message: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, Fault::Gateway, Kind::Overloaded, Code::ServerBusy, message)
            .retry_after(retry_after)
    }

    /// The request is well-formed, but one field asks for what cannot be had.
    pub fn field(code: Code, message: impl Into<Cow<'static, str>>, param: impl Into<String>) -> Self {
        Self::caller(StatusCode::BAD_REQUEST, code, message).param(param)
    }

    fn new(status: StatusCode, fault: Fault, kind: Kind, code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Told {
            status,
            fault,
            kind,
            code,
            foreign_code: None,
            message: message.into(),
            param: None,
            detail: None,
            retry_after: None,
            for_good: false,
            of_this_place: false,
            diagnosis: None,
            marks: None,
        }))
    }

    /// Names the field of the request that is at fault, as a path such as `messages[2].content`.
    #[must_use]
    pub fn param(mut self, param: impl Into<String>) -> Self {
        self.0.param = Some(param.into());
        self
    }

    /// What the operator should read; never holds text of a request or an answer, nor a key.
    #[must_use]
    pub fn detail(mut self, detail: impl std::fmt::Display) -> Self {
        self.0.detail = Some(detail.to_string());
        self
    }

    /// When it is worth asking again; told in whole seconds, at least one.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Another place may do what this one cannot, though the request or the gateway is at fault here.
    #[must_use]
    pub(crate) fn of_this_place(mut self) -> Self {
        self.0.of_this_place = true;
        self
    }

    /// Whether another place may do what this one cannot.
    pub(crate) fn is_of_this_place(&self) -> bool {
        self.0.of_this_place
    }

    /// Asking again does not help, though the status looks like it.
    #[must_use]
    pub(crate) fn for_good(mut self) -> Self {
        self.0.for_good = true;
        self
    }

    /// What the failure says of the destination.
    #[must_use]
    pub(crate) fn diagnosed(mut self, diagnosis: impl Into<Option<Diagnosis>>) -> Self {
        self.0.diagnosis = diagnosis.into();
        self
    }

    /// What the failure says of the destination; nothing where it says nothing of it.
    pub(crate) fn diagnosis(&self) -> Option<&Diagnosis> {
        self.0.diagnosis.as_ref()
    }

    /// Where the request went, and the entry that it left in the audit log.
    #[must_use]
    pub(crate) fn marked(mut self, marks: &Marks) -> Self {
        self.0.marks = Some(marks.clone());
        self
    }

    /// A provider's own word for the mistake, told in place of ours.
    #[must_use]
    pub(crate) fn foreign_code(mut self, code: impl Into<String>) -> Self {
        self.0.foreign_code = Some(code.into());
        self
    }

    /// Where the request went, if it went anywhere.
    pub(crate) fn marks(&self) -> Option<&Marks> {
        self.0.marks.as_ref()
    }

    /// The status that the caller is told.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        self.0.fault
    }

    /// The word that programs match on.
    pub fn code(&self) -> &str {
        self.0.foreign_code.as_deref().unwrap_or_else(|| self.0.code.word())
    }

    /// The word for records: always one of ours.
    pub(crate) fn reason(&self) -> &'static str {
        self.0.code.word()
    }

    /// Why another destination is asked, for entries: what the one that failed suffers from, or the word for records.
    pub(crate) fn why(&self) -> String {
        match self.0.diagnosis.as_ref().map(|diagnosis| diagnosis.sickness) {
            Some(Sickness::Outage(outage)) => format!("outage: {}", outage.word()),
            Some(Sickness::Withdrawal { cause, .. }) => format!("withdrawn: {}", cause.word()),
            None => self.reason().to_owned(),
        }
    }

    /// The sentence for the caller.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the operator should read, if there is more than the sentence.
    pub(crate) fn for_operator(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The same as OpenAI's error object.
    pub fn body(&self) -> ErrorBody {
        let told = &self.0;
        let mut body = ErrorBody::new(told.kind, Some(told.code), told.message.as_ref());
        body.error.param.clone_from(&told.param);
        if let Some(code) = &told.foreign_code {
            body.error.code = Some(Cow::Owned(code.clone()));
        }
        body
    }

    /// Tells the operator, once, and in words of ours alone: a provider's own code may hold anything. A caller's own mistake
    /// is not worth a line at the default level.
    pub(crate) fn log(&self, request_id: &str) {
        let told = &self.0;
        let (status, fault, code) = (told.status.as_u16(), told.fault.name(), self.reason());
        let detail = told.detail.as_deref().unwrap_or_default();
        match told.fault {
            Fault::Caller => tracing::debug!(request_id, status, fault, code, detail, "request refused"),
            Fault::Gateway | Fault::Destination => {
                tracing::warn!(request_id, status, fault, code, detail, "request not answered");
            }
        }
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for ApiError {}

impl From<framing::Refusal> for ApiError {
    fn from(refusal: framing::Refusal) -> Self {
        let framing::Refusal { status, code, message } = refusal;
        Self::caller(status, Code::InvalidValue, message).foreign_code(code).detail(code)
    }
}

impl From<Invalid> for ApiError {
    fn from(invalid: Invalid) -> Self {
        let error = Self::caller(StatusCode::BAD_REQUEST, invalid.code, invalid.message);
        match invalid.param {
            Some(param) => error.param(param),
            None => error,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.body().to_json().into());
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(after) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(after)));
        }
        if self.0.for_good {
            headers.insert(SHOULD_RETRY_HEADER, HeaderValue::from_static("false"));
        }
        if self.0.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(marks) = &self.0.marks {
            marks.write(headers);
        }
        response
    }
}

/// OpenAI's words for the kinds of mistake that a caller can make.
fn kind_of(status: StatusCode) -> Kind {
    match status {
        StatusCode::UNAUTHORIZED => Kind::Authentication,
        StatusCode::FORBIDDEN => Kind::Permission,
        StatusCode::TOO_MANY_REQUESTS => Kind::RateLimit,
        _ => Kind::InvalidRequest,
    }
}

/// `Retry-After` counts whole seconds; a caller told 0 would come back at once.
fn whole_seconds(after: Duration) -> u64 {
    after.as_secs().saturating_add(u64::from(after.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests;
