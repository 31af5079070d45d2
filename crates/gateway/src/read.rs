//! Step 2: the request's bytes, within limits of size and time, parsed once into what is asked.
//!
//! It must not know who asks or what policy says; from here on nobody looks at the bytes to learn what they mean.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use wire::{
    chat::ChatRequest,
    completion::CompletionRequest,
    embedding::EmbeddingRequest,
    error::{Code, Invalid},
};

use crate::{admit::BodyRoom, clock::Clock, config::Limits, error::ApiError, framing};

/// By which of the API's addresses a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    /// `/v1/chat/completions`
    Chat,
    /// `/v1/completions`
    Completions,
    /// `/v1/embeddings`
    Embeddings,
}

/// What is asked: the typed request, and its bytes as they came.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// The request.
    pub(crate) words: Words,
    /// The body as it arrived; the audit log commits to it.
    pub(crate) bytes: Bytes,
    /// What the body takes, held as long as any of it is; none where it did not come from the network.
    room: Option<Arc<BodyRoom>>,
}

/// The request in the words of its surface.
#[derive(Clone, Debug)]
pub(crate) enum Words {
    /// A conversation to continue.
    Chat(Box<ChatRequest>),
    /// A text to continue.
    Completion(Box<CompletionRequest>),
    /// Texts to make vectors of.
    Embedding(Box<EmbeddingRequest>),
}

/// Reads and parses the body, once there is room for it.
pub(crate) async fn read(
    surface: Surface,
    headers: &HeaderMap,
    body: Body,
    limits: &Limits,
    clock: &Clock,
    room: impl FnOnce(usize) -> Result<BodyRoom, ApiError>,
) -> Result<Ask, ApiError> {
    check_form(headers)?;
    // A body that does not say how long it is may be as long as any.
    let room = room(announced(headers).unwrap_or(limits.body_bytes_max).min(limits.body_bytes_max))?;
    let bytes = collect(headers, body, limits, clock).await?;
    Ok(Ask { words: Words::parse(surface, &bytes)?, bytes, room: Some(Arc::new(room)) })
}

impl Ask {
    /// A request that nobody has sent: its body comes from elsewhere than the network.
    pub(crate) fn alone(surface: Surface, bytes: Bytes) -> Result<Self, Invalid> {
        Ok(Self { words: Words::parse(surface, &bytes)?, bytes, room: None })
    }
}

impl Words {
    /// Reads a body, strictly, as its address wants it.
    pub(crate) fn parse(surface: Surface, bytes: &Bytes) -> Result<Self, Invalid> {
        Ok(match surface {
            Surface::Chat => Self::Chat(Box::new(ChatRequest::parse(bytes)?)),
            Surface::Completions => Self::Completion(Box::new(CompletionRequest::parse(bytes)?)),
            Surface::Embeddings => Self::Embedding(Box::new(EmbeddingRequest::parse(bytes)?)),
        })
    }
}

impl Surface {
    /// What it asks for, as policies say it.
    pub(crate) fn action(self) -> policy::Action {
        match self {
            Self::Chat | Self::Completions => policy::Action::Infer,
            Self::Embeddings => policy::Action::Embed,
        }
    }

    /// The word for records.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
        }
    }
}

impl Ask {
    /// The same with another body, read as strictly as the first; nothing where that cannot be.
    pub(crate) fn rewritten(&self, bytes: Bytes) -> Option<Self> {
        let words = Words::parse(self.surface(), &bytes).ok()?;
        Some(Self { words, bytes, room: self.room.clone() })
    }

    /// By which address it came.
    pub(crate) fn surface(&self) -> Surface {
        match self.words {
            Words::Chat(_) => Surface::Chat,
            Words::Completion(_) => Surface::Completions,
            Words::Embedding(_) => Surface::Embeddings,
        }
    }

    /// The model asked for.
    pub(crate) fn model(&self) -> &str {
        match &self.words {
            Words::Chat(request) => &request.model,
            Words::Completion(request) => &request.model,
            Words::Embedding(request) => &request.model,
        }
    }

    /// Whether the answer comes as a stream of events.
    pub(crate) fn streams(&self) -> bool {
        match &self.words {
            Words::Chat(request) => request.streams(),
            Words::Completion(request) => request.streams(),
            Words::Embedding(_) => false,
        }
    }

    /// How many answers are wanted, over all prompts.
    pub(crate) fn choices(&self) -> u32 {
        match &self.words {
            Words::Chat(request) => request.choices(),
            Words::Completion(request) => request.choices_all(),
            Words::Embedding(request) => u32::try_from(request.input.count()).unwrap_or(u32::MAX),
        }
    }

    /// How many answers are made, of which [`Ask::choices`] are given.
    pub(crate) fn candidates(&self) -> u32 {
        match &self.words {
            Words::Chat(request) => request.choices(),
            Words::Completion(request) => {
                let prompts = u32::try_from(request.prompt.count()).unwrap_or(u32::MAX);
                request.best_of.unwrap_or(request.choices()).saturating_mul(prompts)
            }
            // Each text is in the body once.
            Words::Embedding(_) => 1,
        }
    }

    /// Tokens that each answer may have, where the caller or the API says.
    pub(crate) fn answer_tokens_max(&self) -> Option<u32> {
        match &self.words {
            Words::Chat(request) => request.answer_tokens_max(),
            Words::Completion(request) => Some(request.answer_tokens_max()),
            Words::Embedding(_) => Some(0),
        }
    }

    /// The request as JSON for a destination that knows the model as `model`.
    pub(crate) fn to_json(&self, model: &str) -> Bytes {
        match &self.words {
            Words::Chat(request) => request.to_json(model),
            Words::Completion(request) => request.to_json(model),
            Words::Embedding(request) => request.to_json(model),
        }
    }
}

/// JSON, and nothing around it. A missing content type is let pass: the strict parse finds what is not JSON.
fn check_form(headers: &HeaderMap) -> Result<(), ApiError> {
    let unsupported =
        |message| Err(ApiError::caller(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::UnsupportedMediaType, message));
    if let Some(given) = headers.get(header::CONTENT_TYPE)
        && !is_json(given.as_bytes())
    {
        return unsupported("the body must be JSON: send `content-type: application/json`");
    }
    if let Some(given) = headers.get(header::CONTENT_ENCODING)
        && !given.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        return unsupported("the body must not be compressed: send it without `content-encoding`");
    }
    Ok(())
}

fn is_json(content_type: &[u8]) -> bool {
    let media_type = content_type.split(|&byte| byte == b';').next().unwrap_or_default();
    media_type.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

/// How long the body says it is. The framing below holds it to that.
fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn collect(headers: &HeaderMap, body: Body, limits: &Limits, clock: &Clock) -> Result<Bytes, ApiError> {
    let most = limits.body_bytes_max;
    let too_large = || {
        let message = format!("the body is larger than {most} bytes, the most that is taken");
        ApiError::caller(StatusCode::PAYLOAD_TOO_LARGE, Code::RequestTooLarge, message)
    };
    if announced(headers).is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let Some(read) = clock.within(limits.body_time_max, Limited::new(body, most).collect()).await else {
        let seconds = limits.body_time_max.as_secs();
        let message = format!("the body did not arrive within {seconds} s");
        return Err(ApiError::caller(StatusCode::REQUEST_TIMEOUT, Code::RequestTimeout, message));
    };
    match read {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) => Err(match framing::Refusal::behind(&*error) {
            Some(refusal) => ApiError::from(*refusal),
            None => ApiError::caller(StatusCode::BAD_REQUEST, Code::InvalidJson, "the body broke off").detail(error),
        }),
    }
}
