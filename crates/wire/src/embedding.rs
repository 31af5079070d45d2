//! An embedding request: OpenAI's `POST /v1/embeddings`, typed. It does not know what a model makes of a text.
//! Source: OpenAI's API reference, as of the `openai` Python package 3.52.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::chat::{IDENTIFIER_CHARS_MAX, check_model, write_with_model};
use crate::completion::{Prompt, one_or_several};
use crate::error::Invalid;
use crate::needs::{Need, Needed};
use crate::{limited, strict_json};

/// Texts in one request, as OpenAI documents it.
pub const INPUTS_MAX: usize = 2048;
/// Numbers of one vector; more than any model in use gives.
pub const DIMENSIONS_MAX: i64 = 1 << 16;

/// What a caller asks of a model that makes vectors of texts. Absent and `null` are the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingRequest {
    /// The model asked for. Written by [`to_json`](Self::to_json), which may put another in its place.
    #[serde(skip_serializing)]
    pub model: String,
    /// What is embedded: one text or several, none of them empty, as text or as tokens.
    #[serde(deserialize_with = "one_or_several::<_, INPUTS_MAX>")]
    pub input: Prompt,
    /// How many numbers each vector has, where the model can do with fewer.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "limited::whole::<_, _, 1, DIMENSIONS_MAX>"
    )]
    pub dimensions: Option<u32>,
    /// How vectors are written; as numbers where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding_format: Option<EncodingFormat>,
    /// The caller's own user.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "limited::text::<_, IDENTIFIER_CHARS_MAX>"
    )]
    pub user: Option<String>,
}

/// The answer: a vector for each text, in their order.
#[derive(Debug, Serialize)]
pub struct EmbeddingAnswer<'a> {
    /// Always `list`.
    pub object: &'static str,
    /// The vectors.
    pub data: Vec<Embedding>,
    /// The model that made them.
    pub model: &'a str,
    /// What it took.
    pub usage: EmbeddingUsage,
}

/// One text's vector.
#[derive(Debug, Serialize)]
pub struct Embedding {
    /// Always `embedding`.
    pub object: &'static str,
    /// Which text, from 0.
    pub index: usize,
    /// Its numbers.
    pub embedding: Vector,
}

/// A vector as it is written.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Vector {
    /// [`EncodingFormat::Float`]
    Numbers(Vec<f32>),
    /// [`EncodingFormat::Base64`]
    Base64(String),
}

/// Tokens of all texts.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct EmbeddingUsage {
    /// Those that the model read.
    pub prompt_tokens: u64,
    /// The same: nothing is answered in tokens.
    pub total_tokens: u64,
}

/// How a vector is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EncodingFormat {
    /// An array of numbers.
    Float,
    /// The bytes of little-endian `f32`s in base64.
    Base64,
}

impl EmbeddingRequest {
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

    /// What it needs: all of it.
    pub fn needs(&self) -> Vec<Needed> {
        vec![Needed::new(Need::Embeddings, "input")]
    }

    fn check(&self) -> Result<(), Invalid> {
        check_model(&self.model)?;
        self.input.check("input")?;
        if self.input.texts().iter().any(String::is_empty) {
            return Err(Invalid::value("input", "`input` holds an empty text; every text must have a character"));
        }
        Ok(())
    }
}
