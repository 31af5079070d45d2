//! What is written beside a stored model file: where it came from, what it hashes to, what it is. The file's format is a
//! promise to later versions: fields are only added.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Digest, ModelName};

/// The number of this form of [`Record`].
pub(crate) const FORMAT: u32 = 1;

/// The record of one stored model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Which form this record has; 1 today.
    pub format: u32,
    /// The name that callers use.
    pub name: ModelName,
    /// Where it was taken from, as it was spelled.
    pub source: String,
    /// SHA-256 of the model file.
    pub sha256: Digest,
    /// Size of the model file in bytes.
    pub bytes: u64,
    /// When it was put here.
    pub pulled_at: Timestamp,
    /// What the file itself says.
    pub facts: Facts,
    /// The files of a model that is a folder, in the order of their paths; empty where it is one file. Then `bytes` is what they
    /// have together, and `sha256` the digest of a line for each: its digest, two blanks, its path (what `sha256sum` writes).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<KeptFile>,
    /// Languages that it answers in, as BCP 47 tags; empty where nobody has said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// SPDX identifier of its licence, or the licence's own name; absent where none is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// What it is asked with where a caller says nothing.
    #[serde(default, skip_serializing_if = "AnswerDefaults::is_empty")]
    pub defaults: AnswerDefaults,
    /// What else its users should know, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One file of a model that is a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptFile {
    /// Its path in the model's folder.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Digest,
}

/// What a model file says of itself, as the `inspect` callback read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The family of networks, such as `llama`.
    pub architecture: String,
    /// Number of weights.
    pub parameters: u64,
    /// How most weights are stored, such as `Q4_1`.
    pub quantisation: String,
    /// Tokens of prompt and answer together that it was made for.
    pub context_tokens: u64,
    /// Size of the vocabulary.
    pub vocabulary: u64,
    /// Whether it brings a chat template.
    pub chat: bool,
    /// Numbers of each vector, of a model that makes vectors of texts; absent: it answers in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<u64>,
    /// The licence that the file states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// The languages that the file states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
}

/// What a model is asked with where a caller says nothing; what is absent is left to the API's own defaults and the model's
/// chat template. Fields are only added, as everywhere in a record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswerDefaults {
    /// The instructions of a conversation that brings none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Temperature, 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Nucleus, over 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
}

impl AnswerDefaults {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
