//! A model's card: what is known of a set of weights. Facts only; nothing here computes.

use serde::{Deserialize, Serialize};

/// What is known of a set of weights. What is not known is absent, never guessed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// The name that callers use, such as `smollm2-135m-instruct-q4_1`.
    pub name: String,
    /// The family of networks that it belongs to, as GGUF names it, such as `llama` or `qwen2`.
    pub architecture: String,
    /// Number of weights.
    pub parameters: u64,
    /// How most weights are stored, as GGUF names it, such as `Q4_1`.
    pub quantisation: String,
    /// Tokens of prompt and answer together that it was made for.
    pub context_tokens: u64,
    /// Size of the vocabulary.
    pub vocabulary: u64,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Whether the file brings a chat template.
    pub chat: bool,
    /// Whether it can reason before it answers.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub reasons: bool,
    /// SPDX identifier or the licence's own name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub licence: Option<String>,
    /// Languages that it is made for, as BCP 47 tags; empty where the file does not say.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub languages: Vec<String>,
    /// SHA-256 of the file, in lower-case hex, where it has been computed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<String>,
    /// Numbers of each vector, of a model that makes vectors of texts; absent: it answers in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dimensions: Option<u64>,
    /// What holds where a caller says nothing.
    #[serde(default)]
    pub defaults: AnswerDefaults,
}

/// What this model is asked with where a caller says nothing. Small models need it more than large ones: without it they
/// ramble at the temperature that the API calls its default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswerDefaults {
    /// The instructions of a conversation that brings none; absent: whatever the model's chat template says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub system: Option<String>,
    /// Temperature, 0 to 2; absent: 1, as the API says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub temperature: Option<f32>,
    /// Nucleus, over 0 to 1; absent: 1, as the API says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub top_p: Option<f32>,
}
