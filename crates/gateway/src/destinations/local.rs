//! The local floor as a destination: makes a prompt and a job of a request, and words of what the model gives.
//!
//! It must not know policy or the audit log; how tokens are computed is `local_model`'s.

mod asked;
mod job;
mod reply;
mod vectors;
mod words;

use std::sync::Arc;

use http::StatusCode;
use local_model::{LocalModel, ModelCard, Refused};
use sha2::{Digest, Sha256};
use wire::{error::Code, needs::Need};

pub(crate) use reply::Reply;
pub(crate) use vectors::{Embedder, VectorsReply};

use crate::{destinations::Errand, error::ApiError, read::Surface};

/// Hex digits of a fingerprint: enough to tell models apart, as short as OpenAI's.
const FINGERPRINT_DIGITS: usize = 12;

/// The local model, ready to be asked.
#[derive(Debug)]
pub(crate) struct Floor {
    model: LocalModel,
    model_name: Arc<str>,
    /// Names weights and program: equal fingerprints and seeds give equal answers, but for near ties, which fall as what else was
    /// computed in the same step, and what was known of the prompt, round the sums.
    fingerprint: Arc<str>,
    answer_tokens_default: u32,
}

impl Floor {
    /// Takes the model; an answer whose length nobody names has at most `answer_tokens_default` tokens.
    pub(crate) fn new(model: LocalModel, answer_tokens_default: u32) -> Self {
        let model_name = model.card().name.as_str().into();
        let fingerprint = fingerprint(model.card());
        Self { model, model_name, fingerprint, answer_tokens_default }
    }

    /// What callers ask for.
    pub(crate) fn model_name(&self) -> &Arc<str> {
        &self.model_name
    }

    /// Tokens of prompt and answer together.
    pub(crate) fn context_tokens(&self) -> u64 {
        let capacity = self.model.capacity();
        capacity.context_tokens_max.min(capacity.cache_tokens_max) as u64
    }

    /// What it serves beyond text in and text out.
    pub(crate) fn serves(&self) -> Arc<[Need]> {
        serves(self.model.card().reasons)
    }

    /// Queues the request; comes back when it is queued.
    pub(crate) async fn send(&self, errand: Errand) -> Result<Reply, ApiError> {
        let order = job::order(&self.model, &errand, self.answer_tokens_default).await?;
        let prompt_tokens = order.jobs.iter().map(|job| job.prompt.len() as u64).sum();
        let mut answers = Vec::with_capacity(order.jobs.len());
        for job in order.jobs {
            // A later job that is refused drops the answers of the earlier ones, and that cancels them.
            answers.push(self.model.submit(job).map_err(|refusal| refused(&refusal, errand.ask.surface()))?);
        }
        let words = words::Words::new(
            &errand,
            &self.model_name,
            &self.fingerprint,
            prompt_tokens,
            &order.echo,
            order.listener.as_ref(),
        );
        Ok(Reply::new(answers, words, &errand))
    }
}

/// What a local model serves beyond text in and text out; some reason before they answer.
pub fn serves(reasons: bool) -> Arc<[Need]> {
    let always = [Need::Tools, Need::JsonObject, Need::JsonSchema, Need::Grammar];
    always.into_iter().chain(reasons.then_some(Need::Reasoning)).collect()
}

/// Why the model did not take a job, for the caller.
fn refused(refused: &Refused, surface: Surface) -> ApiError {
    let message = refused.to_string();
    match *refused {
        Refused::Busy { retry_after, .. } => ApiError::busy(message, retry_after).of_this_place(),
        Refused::TooLong { .. } | Refused::TextTooLong { .. } => {
            ApiError::field(Code::ContextLengthExceeded, message, prompt_field(surface))
        }
        Refused::Unservable(_) => ApiError::caller(StatusCode::BAD_REQUEST, Code::InvalidValue, message),
        Refused::Stopped => ApiError::gateway(StatusCode::SERVICE_UNAVAILABLE, Code::NoDestination, message),
    }
}

/// The field that holds the prompt.
fn prompt_field(surface: Surface) -> &'static str {
    match surface {
        Surface::Chat => "messages",
        Surface::Completions => "prompt",
        Surface::Embeddings => "input",
    }
}

fn fingerprint(card: &ModelCard) -> Arc<str> {
    let mut hash = Sha256::new();
    // Without a digest, name and size stand for the weights.
    hash.update(card.sha256.as_deref().unwrap_or(&card.name));
    hash.update(card.bytes.to_le_bytes());
    hash.update(env!("CARGO_PKG_VERSION"));
    let mut digits = hex::encode(hash.finalize());
    digits.truncate(FINGERPRINT_DIGITS);
    format!("fp_{digits}").into()
}
