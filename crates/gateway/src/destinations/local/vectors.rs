//! Vectors of texts made on this machine: from a request for embeddings to a job, and from its vectors to OpenAI's words. What the
//! model cannot do is refused with the field's name.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::StatusCode;
use local_model::{CodecError, Embedding, EmbeddingJob, EmbeddingModel, ModelCard, Token, Vectors};
use wire::{
    completion::Prompt,
    embedding::{self, EmbeddingAnswer, EmbeddingRequest, EmbeddingUsage, EncodingFormat, Vector},
    error::Code,
};

use super::{fingerprint, refused};
use crate::{
    destinations::Errand,
    error::ApiError,
    read::{Surface, Words},
    relay::{Piece, Usage},
};

/// Text up to this size is made into tokens on the spot; more would hold up other requests of the same thread.
const ENCODE_AT_ONCE_BYTES_MAX: usize = 16 * 1024;
/// Numbers up to these many are written on the spot.
const WRITE_AT_ONCE_MAX: usize = 16 * 1024;

/// The model that makes vectors, ready to be asked.
#[derive(Debug)]
pub(crate) struct Embedder {
    model: EmbeddingModel,
    model_name: Arc<str>,
    /// Names weights and program.
    fingerprint: Arc<str>,
}

impl Embedder {
    /// Takes the model.
    pub(crate) fn new(model: EmbeddingModel) -> Self {
        let (model_name, fingerprint) = (model.card().name.as_str().into(), fingerprint(model.card()));
        Self { model, model_name, fingerprint }
    }

    /// Queues the request; comes back when it is queued.
    pub(crate) async fn send(&self, errand: &Errand) -> Result<VectorsReply, ApiError> {
        let Words::Embedding(request) = &errand.ask.words else {
            let message = format!(
                "`{}` makes vectors of texts, not answers: ask `POST /v1/embeddings`, or another model",
                self.model_name
            );
            return Err(ApiError::field(Code::UnsupportedValue, message, "model"));
        };
        check_dimensions(request, self.model.card())?;
        let texts = self.texts(&request.input).await?;
        let job = EmbeddingJob { caller: Arc::clone(&errand.caller), texts };
        let waits = self.model.submit(job).map_err(|refusal| refused(&refusal, Surface::Embeddings))?;
        Ok(VectorsReply {
            waits: Some(waits),
            format: request.encoding_format.unwrap_or(EncodingFormat::Float),
            model: Arc::clone(&self.model_name),
            fingerprint: Arc::clone(&self.fingerprint),
            prompt_tokens: None,
        })
    }

    /// The texts as tokens, those round them among them.
    async fn texts(&self, input: &Prompt) -> Result<Vec<Vec<Token>>, ApiError> {
        if !matches!(input, Prompt::Text(_) | Prompt::Texts(_)) {
            return Ok(input.tokens().iter().map(|tokens| self.model.codec().whole(tokens)).collect());
        }
        let bytes: usize = input.texts().iter().map(String::len).sum();
        if bytes <= ENCODE_AT_ONCE_BYTES_MAX {
            return encode(&self.model, input.texts());
        }
        let (model, texts) = (self.model.clone(), input.texts().to_vec());
        let encoding = tokio::task::spawn_blocking(move || encode(&model, &texts));
        encoding.await.unwrap_or_else(|error| Err(tokenizer_failed(error)))
    }
}

/// Vectors that are cut short no longer compare as they should, but of models that were trained for it; none says so in its files.
fn check_dimensions(request: &EmbeddingRequest, card: &ModelCard) -> Result<(), ApiError> {
    match (request.dimensions, card.dimensions) {
        (Some(asked), Some(has)) if u64::from(asked) != has => {
            let message = format!(
                "`dimensions` is {asked}; the vectors of `{}` have {has} numbers and cannot be cut short: leave it out",
                card.name
            );
            Err(ApiError::field(Code::UnsupportedValue, message, "dimensions"))
        }
        _ => Ok(()),
    }
}

fn encode(model: &EmbeddingModel, texts: &[String]) -> Result<Vec<Vec<Token>>, ApiError> {
    let encoded: Result<_, CodecError> = texts.iter().map(|text| model.codec().encode(text)).collect();
    encoded.map_err(tokenizer_failed)
}

fn tokenizer_failed(error: impl fmt::Display) -> ApiError {
    let message = "the local model's tokenizer failed";
    ApiError::gateway(StatusCode::INTERNAL_SERVER_ERROR, Code::InternalError, message).detail(error)
}

/// Vectors under way. Dropping it cancels what is not computed yet.
pub(crate) struct VectorsReply {
    /// Taken when they have come.
    waits: Option<Embedding>,
    format: EncodingFormat,
    model: Arc<str>,
    fingerprint: Arc<str>,
    prompt_tokens: Option<u64>,
}

impl VectorsReply {
    /// See [`crate::destinations::Source::next`].
    pub(crate) async fn next(&mut self) -> Piece {
        let Some(waits) = self.waits.take() else { return Piece::Broken(failed("nothing follows whole vectors")) };
        match waits.await {
            Err(error) => Piece::Broken(failed(error)),
            Ok(vectors) => {
                self.prompt_tokens = Some(vectors.tokens);
                self.written(vectors).await.map_or_else(Piece::Broken, Piece::Complete)
            }
        }
    }

    async fn written(&self, vectors: Vectors) -> Result<Bytes, ApiError> {
        let (format, model) = (self.format, Arc::clone(&self.model));
        if vectors.vectors.iter().map(Vec::len).sum::<usize>() <= WRITE_AT_ONCE_MAX {
            return Ok(write(vectors, format, &model));
        }
        tokio::task::spawn_blocking(move || write(vectors, format, &model)).await.map_err(failed)
    }

    /// What they took.
    pub(crate) fn usage(&self) -> Usage {
        Usage {
            prompt_tokens: self.prompt_tokens,
            model: Some(Arc::clone(&self.model)),
            fingerprint: Some(Arc::clone(&self.fingerprint)),
            ..Usage::default()
        }
    }
}

/// The answer in OpenAI's words.
fn write(vectors: Vectors, format: EncodingFormat, model: &str) -> Bytes {
    let vector = |numbers: Vec<f32>| match format {
        EncodingFormat::Float => Vector::Numbers(numbers),
        EncodingFormat::Base64 => {
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            Vector::Base64(STANDARD.encode(bytes))
        }
    };
    let embedding = |(index, numbers)| embedding::Embedding { object: "embedding", index, embedding: vector(numbers) };
    let usage = EmbeddingUsage { prompt_tokens: vectors.tokens, total_tokens: vectors.tokens };
    let data = vectors.vectors.into_iter().enumerate().map(embedding).collect();
    let answer = EmbeddingAnswer { object: "list", data, model, usage };
    // Writing our own types to memory does not fail.
    serde_json::to_vec(&answer).unwrap_or_default().into()
}

fn failed(detail: impl fmt::Display) -> ApiError {
    let message = "the local model could not make the vectors";
    ApiError::destination(StatusCode::INTERNAL_SERVER_ERROR, Code::AnswerInterrupted, message).detail(detail)
}

impl fmt::Debug for VectorsReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VectorsReply").field("model", &self.model).finish_non_exhaustive()
    }
}
