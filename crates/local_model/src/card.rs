//! A model's card: what is known of a set of weights. Facts only; nothing here computes.

use serde::{Deserialize, Serialize};

/// What is known of a set of weights. What is not known is absent, never guessed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// SPDX identifier or the licence's own name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub licence: Option<String>,
    /// Languages that it is made for, as BCP 47 tags; empty where the file does not say.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub languages: Vec<String>,
    /// SHA-256 of the file, in lower-case hex, where it has been computed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<String>,
}
