//! A completion request: OpenAI's older `POST /v1/completions`, typed, with the same three extensions as chat.
//! It does not know what a model makes of a prompt.

mod needs;
mod prompt;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::chat::{
    ANSWER_TOKENS_MAX, CHOICES_MAX, IDENTIFIER_CHARS_MAX, LogitBias, Stop, StreamOptions, TOP_K_MAX, check_model,
    write_with_model,
};
use crate::error::Invalid;
use crate::{limited, strict_json};

pub(crate) use prompt::one_or_several;
pub use prompt::{PROMPTS_MAX, Prompt};

/// Candidates that one request may have made, to choose from.
pub const BEST_OF_MAX: i64 = 16;
/// Likeliest other tokens told with each token, as OpenAI documents it.
pub const LOGPROBS_MAX: i64 = 5;

/// What a caller asks of a model that goes on with a text. Absent and `null` are the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompletionRequest {
    /// The model asked for. Written by [`to_json`](Self::to_json), which may put another in its place.
    #[serde(skip_serializing)]
    pub model: String,
    /// What the model goes on with: one text or several, as text or as tokens.
    pub prompt: Prompt,
    /// Text that comes after the completion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// Tokens that an answer may have; 16 where absent, as OpenAI documents it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "limited::whole::<_, _, 0, ANSWER_TOKENS_MAX>"
    )]
    pub max_tokens: Option<u32>,
    /// Whether the answer comes as a stream of events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// What else the stream holds; only with `stream: true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// How many answers to each prompt.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "limited::whole::<_, _, 1, CHOICES_MAX>"
    )]
    pub n: Option<u32>,
    /// How many answers are made, of which the `n` likeliest are given.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "limited::whole::<_, _, 1, BEST_OF_MAX>"
    )]
    pub best_of: Option<u32>,
    /// Whether the answer begins with the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<bool>,
    /// How many of the likeliest tokens are told at each place, 0 to [`LOGPROBS_MAX`].
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "limited::whole::<_, _, 0, LOGPROBS_MAX>"
    )]
    pub logprobs: Option<u8>,
    /// 0 to 2; 0 always takes the likeliest token.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "limited::real::<_, 0, 2>")]
    pub temperature: Option<f64>,
    /// 0 to 1: the share of probability that the tokens considered hold together.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "limited::real::<_, 0, 1>")]
    pub top_p: Option<f64>,
    /// Extension: considers only so many of the likeliest tokens; 0 or −1 considers all.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "limited::whole::<_, _, -1, TOP_K_MAX>"
    )]
    pub top_k: Option<i32>,
    /// Extension, 0 to 1: considers tokens at least so likely as this share of the likeliest one's probability.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "limited::real::<_, 0, 1>")]
    pub min_p: Option<f64>,
    /// −2 to 2, in proportion to how often a token stands in the answer so far.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "limited::real::<_, -2, 2>")]
    pub frequency_penalty: Option<f64>,
    /// −2 to 2, for each token that stands in the answer so far.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "limited::real::<_, -2, 2>")]
    pub presence_penalty: Option<f64>,
    /// Extension, above 0 to 2: divides the likelihood of tokens of prompt and answer; 1 changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "limited::real::<_, 0, 2>")]
    pub repetition_penalty: Option<f64>,
    /// Makes single tokens likelier or less likely.
    #[serde(default, skip_serializing_if = "LogitBias::is_empty")]
    pub logit_bias: LogitBias,
    /// The same seed and arguments give the same answer, as far as the destination can.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "limited::whole::<_, _, { i64::MIN }, { i64::MAX }>"
    )]
    pub seed: Option<i64>,
    /// Strings that end the answer and do not stand in it.
    #[serde(default, skip_serializing_if = "Stop::is_empty")]
    pub stop: Stop,
    /// The caller's own user.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "limited::text::<_, IDENTIFIER_CHARS_MAX>"
    )]
    pub user: Option<String>,
}

impl CompletionRequest {
    /// Tokens of an answer where the caller does not say, as OpenAI documents it.
    pub const ANSWER_TOKENS_DEFAULT: u32 = 16;

    /// Reads a request and checks all that can be known without a destination.
    pub fn parse(body: &[u8]) -> Result<Self, Invalid> {
        let request: Self = strict_json::parse(body)?;
        request.check()?;
        Ok(request)
    }

    /// The request as JSON for a destination that knows the model as `model`. Only what was given is written.
    pub fn to_json(&self, model: &str) -> Bytes {
        write_with_model(model, self)
    }

    /// How many tokens each answer may have.
    pub fn answer_tokens_max(&self) -> u32 {
        self.max_tokens.unwrap_or(Self::ANSWER_TOKENS_DEFAULT)
    }

    /// How many answers are wanted to each prompt.
    pub fn choices(&self) -> u32 {
        self.n.unwrap_or(1)
    }

    /// How many answers are wanted over all prompts.
    pub fn choices_all(&self) -> u32 {
        // Both factors are bounded far below 2^16.
        self.choices().saturating_mul(u32::try_from(self.prompt.count()).unwrap_or(u32::MAX))
    }

    /// Whether the answer is streamed.
    pub fn streams(&self) -> bool {
        self.stream.unwrap_or(false)
    }

    /// Whether a stream ends with an event that tells the usage.
    pub fn includes_usage(&self) -> bool {
        self.stream_options.as_ref().and_then(|options| options.include_usage).unwrap_or(false)
    }

    fn check(&self) -> Result<(), Invalid> {
        check_model(&self.model)?;
        self.prompt.check("prompt")?;
        if self.stream_options.is_some() && !self.streams() {
            return Err(Invalid::value("stream_options", "`stream_options` needs `stream` to be `true`"));
        }
        if self.repetition_penalty == Some(0.0) {
            let message = "`repetition_penalty` is `0`; it must be above 0 and at most 2";
            return Err(Invalid::value("repetition_penalty", message));
        }
        if let Some(best_of) = self.best_of {
            if best_of < self.choices() {
                let message =
                    format!("`best_of` is `{best_of}`; it must be at least `n`, which is `{}`", self.choices());
                return Err(Invalid::value("best_of", message));
            }
            if self.streams() && best_of > self.choices() {
                let message = format!("`best_of` is `{best_of}`; a stream cannot choose the best of several answers");
                return Err(Invalid::value("best_of", message));
            }
        }
        Ok(())
    }
}
