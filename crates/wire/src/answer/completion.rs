//! Answers to completions; whole and streamed ones have the same form. It does not know how they are made.

use std::collections::BTreeMap;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::object::TextCompletionObject;
use super::score::told;
use super::{ChunkUsage, FinishReason};
use crate::limited::write_pairs;

/// An answer to a completion, or one event of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// The answer's name; the same in all its events.
    pub id: String,
    /// Always `text_completion`.
    #[serde(default)]
    pub object: TextCompletionObject,
    /// When it was begun, in seconds since 1970.
    #[serde(default)]
    pub created: u64,
    /// The model that answered.
    pub model: String,
    /// The set-up that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_fingerprint: Option<String>,
    /// The answers.
    pub choices: Vec<CompletionChoice>,
    /// The tokens taken.
    #[serde(default, skip_serializing_if = "ChunkUsage::is_absent")]
    pub usage: ChunkUsage,
}

/// One answer, or a piece of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CompletionChoice {
    /// The text.
    #[serde(default)]
    pub text: String,
    /// Which answer it is: prompt × n + choice.
    #[serde(default)]
    pub index: u32,
    /// Log-probabilities, if asked for.
    #[serde(default)]
    pub logprobs: Option<CompletionLogProbs>,
    /// Why it ended, once it has.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
}

/// Log-probabilities of tokens; the lists are equally long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompletionLogProbs {
    /// Where each token begins, in characters from the beginning of the text.
    pub text_offset: Vec<u64>,
    /// Their log-probabilities; unknown for a prompt's first token.
    pub token_logprobs: Vec<Option<f32>>,
    /// The tokens as text.
    pub tokens: Vec<String>,
    /// What was likely in the place of each.
    pub top_logprobs: Option<Vec<Option<TopTokens>>>,
}

/// Likely tokens with their log-probabilities, as an object keyed by the tokens' text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopTokens(Vec<(String, f32)>);

impl FromIterator<(String, f32)> for TopTokens {
    /// Where several tokens look the same as text (halves of a character), the first stays.
    fn from_iter<I: IntoIterator<Item = (String, f32)>>(tokens: I) -> Self {
        let mut kept: Vec<(String, f32)> = Vec::new();
        for (token, logprob) in tokens {
            if kept.iter().all(|(known, _)| *known != token) {
                kept.push((token, told(logprob)));
            }
        }
        Self(kept)
    }
}

impl Deref for TopTokens {
    type Target = [(String, f32)];

    fn deref(&self) -> &[(String, f32)] {
        &self.0
    }
}

impl Serialize for TopTokens {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_pairs(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for TopTokens {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(BTreeMap::deserialize(deserializer)?.into_iter().collect()))
    }
}
