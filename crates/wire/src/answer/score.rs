//! Log-probabilities of an answer's tokens, as chats tell them. It does not know how they are computed.

use serde::{Deserialize, Serialize, Serializer};

/// Stands for a log-probability too small to be told: minus infinity is no JSON. OpenAI's figure.
pub const LOGPROB_MIN: f32 = -9999.0;

/// Log-probabilities of an answer's tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogProbs {
    /// Of the text.
    pub content: Option<Vec<ScoredToken>>,
    /// Of the refusal.
    pub refusal: Option<Vec<ScoredToken>>,
}

/// A token with its log-probability, and what was likely in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredToken {
    /// The token as text; what is not UTF-8 in it is replaced.
    pub token: String,
    /// Natural logarithm of its probability.
    #[serde(serialize_with = "finite")]
    pub logprob: f32,
    /// The token as bytes.
    #[serde(default)]
    pub bytes: Option<Vec<u8>>,
    /// The likeliest tokens in its place, likeliest first.
    #[serde(default)]
    pub top_logprobs: Vec<TopToken>,
}

/// A token that was likely.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopToken {
    /// The token as text; what is not UTF-8 in it is replaced.
    pub token: String,
    /// Natural logarithm of its probability.
    #[serde(serialize_with = "finite")]
    pub logprob: f32,
    /// The token as bytes.
    #[serde(default)]
    pub bytes: Option<Vec<u8>>,
}

impl LogProbs {
    /// Of tokens of text.
    pub fn of_text(tokens: Vec<ScoredToken>) -> Self {
        Self { content: Some(tokens), refusal: None }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn finite<S: Serializer>(logprob: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f32(told(*logprob))
}

/// The log-probability as it can be written.
pub(super) fn told(logprob: f32) -> f32 {
    if logprob.is_finite() { logprob.max(LOGPROB_MIN) } else { LOGPROB_MIN }
}
