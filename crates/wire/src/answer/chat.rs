//! Answers to chats: whole, and as the events of a stream. It does not know how they are made.

use serde::{Deserialize, Serialize};

use super::object::{ChatChunkObject, ChatCompletionObject};
use super::{ChunkUsage, FinishReason, LogProbs, Usage};
use crate::chat::Role;

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatCompletion {
    /// The answer's name.
    pub id: String,
    /// Always `chat.completion`.
    #[serde(default)]
    pub object: ChatCompletionObject,
    /// When it was begun, in seconds since 1970.
    #[serde(default)]
    pub created: u64,
    /// The model that answered.
    pub model: String,
    /// The answers, as many as `n`.
    pub choices: Vec<ChatChoice>,
    /// The tokens taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The class of service given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// The set-up that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_fingerprint: Option<String>,
}

/// One of the answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatChoice {
    /// Which it is, from 0.
    #[serde(default)]
    pub index: u32,
    /// What was said.
    pub message: AnswerMessage,
    /// Log-probabilities, if asked for.
    #[serde(default)]
    pub logprobs: Option<LogProbs>,
    /// Why it ended.
    pub finish_reason: Option<FinishReason>,
}

/// What was said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerMessage {
    /// `assistant`.
    #[serde(default = "assistant")]
    pub role: Role,
    /// The text.
    #[serde(default)]
    pub content: Option<String>,
    /// Why the model refused.
    #[serde(default)]
    pub refusal: Option<String>,
    /// What the model thought first, where a server tells (an extension of vLLM and others).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// The tools that it calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<CalledTool>>,
    /// The older form of `tool_calls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_call: Option<CalledFunction>,
    /// Where on the web it has things from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Vec<Annotation>>,
    /// The spoken answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<AnswerAudio>,
}

impl AnswerMessage {
    /// An answer in text.
    pub fn text(content: impl Into<String>) -> Self {
        Self { content: Some(content.into()), ..Self::default() }
    }
}

impl Default for AnswerMessage {
    fn default() -> Self {
        Self {
            role: Role::Assistant,
            content: None,
            refusal: None,
            reasoning_content: None,
            tool_calls: None,
            function_call: None,
            annotations: None,
            audio: None,
        }
    }
}

fn assistant() -> Role {
    Role::Assistant
}

/// A tool that the model calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledTool {
    /// The call's own name, which the tool's message repeats.
    pub id: String,
    /// `function` or `custom`.
    #[serde(rename = "type", default = "function_word")]
    pub kind: String,
    /// The function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<CalledFunction>,
    /// The custom tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<CalledCustom>,
}

fn function_word() -> String {
    "function".to_owned()
}

/// A function that the model calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledFunction {
    /// Its name.
    pub name: String,
    /// Its arguments as the model wrote them.
    pub arguments: String,
}

/// A custom tool that the model calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledCustom {
    /// Its name.
    pub name: String,
    /// Its input.
    pub input: String,
}

/// A note on a piece of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// `url_citation`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The page cited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_citation: Option<UrlCitation>,
}

/// A page that a piece of the text has its matter from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrlCitation {
    /// Where the piece begins, in characters.
    pub start_index: u64,
    /// Where the piece ends, in characters.
    pub end_index: u64,
    /// The page's title.
    pub title: String,
    /// The page's address.
    pub url: String,
}

/// A spoken answer, or a piece of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnswerAudio {
    /// The provider's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The sound in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Until when the provider keeps it, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// What is said in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
}

/// One event of a streamed answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatChunk {
    /// The answer's name; the same in all its events.
    pub id: String,
    /// Always `chat.completion.chunk`.
    #[serde(default)]
    pub object: ChatChunkObject,
    /// When the answer was begun, in seconds since 1970.
    #[serde(default)]
    pub created: u64,
    /// The model that answers.
    pub model: String,
    /// The class of service given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// The set-up that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_fingerprint: Option<String>,
    /// Pieces of the answers; none in the event that tells the usage.
    #[serde(default)]
    pub choices: Vec<ChunkChoice>,
    /// The tokens taken.
    #[serde(default, skip_serializing_if = "ChunkUsage::is_absent")]
    pub usage: ChunkUsage,
}

/// A piece of one of the answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChunkChoice {
    /// Which answer it belongs to, from 0.
    #[serde(default)]
    pub index: u32,
    /// What is new.
    #[serde(default)]
    pub delta: Delta,
    /// Log-probabilities of what is new, if asked for.
    #[serde(default)]
    pub logprobs: Option<LogProbs>,
    /// Why the answer ended, once it has.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
}

/// What is new in a piece of an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Delta {
    /// `assistant`, in the first piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// More text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// More of why the model refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// More of what the model thinks, where a server tells (an extension of vLLM and others).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// More of the tools that it calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<DeltaToolCall>>,
    /// The older form of `tool_calls`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_call: Option<DeltaFunction>,
    /// More of the spoken answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<AnswerAudio>,
}

impl Delta {
    /// The first piece of an answer: who speaks, and no text yet.
    pub fn opening() -> Self {
        Self { role: Some(Role::Assistant), content: Some(String::new()), ..Self::default() }
    }

    /// More text.
    pub fn text(content: impl Into<String>) -> Self {
        Self { content: Some(content.into()), ..Self::default() }
    }
}

/// More of a tool that the model calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeltaToolCall {
    /// Which call it belongs to, from 0.
    pub index: u32,
    /// The call's own name, in its first piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `function`, in its first piece.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// More of the function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<DeltaFunction>,
}

/// More of a function that the model calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeltaFunction {
    /// Its name, in its first piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// More of its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
}
