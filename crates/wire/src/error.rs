//! How a refusal or a failure is told to a caller: OpenAI's error object, with its own words for type and code.
//! It does not know the HTTP status; the gateway chooses that.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};

/// A request that cannot be accepted: the caller's mistake, told with the field's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// What is wrong and what would be right: lower case, no full stop.
    pub message: String,
    /// The way to the field, such as `messages[2].content[0].type`.
    pub param: Option<String>,
    /// The kind of mistake, for programs.
    pub code: Code,
}

impl Invalid {
    /// A mistake in the value of one field.
    pub fn value(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), param: Some(param.into()), code: Code::InvalidValue }
    }
}

/// The body of every answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The error itself.
    pub error: ErrorObject,
}

/// OpenAI's error object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorObject {
    /// What went wrong, for people.
    pub message: String,
    /// Whose fault it was and of what kind: one of [`Kind`]'s words, or a provider's own.
    #[serde(rename = "type", default, deserialize_with = "word_or_number")]
    pub kind: Option<Cow<'static, str>>,
    /// The argument that is meant.
    #[serde(default)]
    pub param: Option<String>,
    /// The exact mistake: one of [`Code`]'s words, or a provider's own.
    #[serde(default, deserialize_with = "word_or_number")]
    pub code: Option<Cow<'static, str>>,
}

impl ErrorBody {
    /// An error that names no argument.
    pub fn new(kind: Kind, code: Option<Code>, message: impl Into<String>) -> Self {
        Self {
            error: ErrorObject {
                message: message.into(),
                kind: Some(Cow::Borrowed(kind.word())),
                param: None,
                code: code.map(|code| Cow::Borrowed(code.word())),
            },
        }
    }

    /// The same error, naming the argument that is meant.
    #[must_use]
    pub fn about(mut self, param: impl Into<String>) -> Self {
        self.error.param = Some(param.into());
        self
    }

    /// The same error as JSON.
    pub fn to_json(&self) -> Bytes {
        // Strings only: writing them to memory does not fail.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

impl From<Invalid> for ErrorBody {
    fn from(invalid: Invalid) -> Self {
        let body = Self::new(Kind::InvalidRequest, Some(invalid.code), invalid.message);
        Self { error: ErrorObject { param: invalid.param, ..body.error } }
    }
}

/// Writes enums whose variants have one word each, so that the words stand in one table.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// The word that stands in the error object.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

words! {
    /// The error object's `type`: whose fault it was and of what kind.
    Kind {
        /// The request cannot be accepted as it stands.
        InvalidRequest = "invalid_request_error",
        /// No key, or not a known one.
        Authentication = "authentication_error",
        /// The key may not do that, or policy refuses it.
        Permission = "permission_error",
        /// There is no such thing.
        NotFound = "not_found_error",
        /// Too many requests or tokens in a time.
        RateLimit = "rate_limit_error",
        /// The money granted is used up.
        Quota = "insufficient_quota",
        /// The server is at fault.
        Server = "server_error",
        /// The server is at its limits, or starting or stopping; later may work.
        Overloaded = "overloaded_error",
        /// A provider failed or did not answer in time.
        Upstream = "upstream_error",
    }
}

words! {
    /// The error object's `code`: the exact mistake. OpenAI's word where it has one.
    Code {
        /// The body is not JSON, or not JSON that everyone reads the same.
        InvalidJson = "invalid_json",
        /// An argument that nobody knows.
        UnknownParameter = "unknown_parameter",
        /// A required argument is absent.
        MissingRequiredParameter = "missing_required_parameter",
        /// An argument stands there twice.
        DuplicateParameter = "duplicate_parameter",
        /// An argument is of the wrong type.
        InvalidType = "invalid_type",
        /// An argument's value is out of its range, or does not go with another's.
        InvalidValue = "invalid_value",
        /// An argument that is known, but that the destination cannot carry out.
        UnsupportedParameter = "unsupported_parameter",
        /// A value that is known, but that the destination cannot carry out.
        UnsupportedValue = "unsupported_value",
        /// The prompt does not fit the model's context.
        ContextLengthExceeded = "context_length_exceeded",
        /// No model of that name is offered to this caller.
        ModelNotFound = "model_not_found",
        /// The key is absent or not known.
        InvalidApiKey = "invalid_api_key",
        /// The body is larger than is accepted.
        RequestTooLarge = "request_too_large",
        /// The body did not arrive in time.
        RequestTimeout = "request_timeout",
        /// Not the content type that is accepted.
        UnsupportedMediaType = "unsupported_media_type",
        /// No such path.
        UnknownUrl = "unknown_url",
        /// The path does not take that method.
        MethodNotAllowed = "method_not_allowed",
        /// Too many requests or tokens in a time.
        RateLimitExceeded = "rate_limit_exceeded",
        /// The money granted is used up.
        InsufficientQuota = "insufficient_quota",
        /// Policy permits no destination for this request.
        NotPermitted = "not_permitted",
        /// The queue is full.
        ServerBusy = "server_busy",
        /// The server is stopping.
        ServerStopping = "server_stopping",
        /// No model or provider can be reached.
        NoDestination = "no_destination",
        /// No destination that may answer works now; one may again later.
        Outage = "outage",
        /// Every destination that may answer has been withdrawn; none returns by itself.
        Withdrawn = "withdrawn",
        /// A provider answered with an error.
        UpstreamFailed = "upstream_failed",
        /// A provider did not answer in time.
        UpstreamTimeout = "upstream_timeout",
        /// The answer broke off.
        AnswerInterrupted = "answer_interrupted",
        /// Something within the server failed.
        InternalError = "internal_error",
    }
}

/// Providers put words, numbers or nothing into `type` and `code`.
fn word_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'static, str>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Word(String),
        Number(serde_json::Number),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Option::deserialize(deserializer)? {
        Some(Given::Word(word)) => Some(Cow::Owned(word)),
        Some(Given::Number(number)) => Some(Cow::Owned(number.to_string())),
        Some(Given::Other(_)) | None => None,
    })
}
