//! Answers: whole and streamed, of chats and completions, and the lists of models.
//!
//! What we write has OpenAI's members in OpenAI's order. What providers write is read tolerantly: members that we do not
//! know are passed over, words that we do not know are kept as they are. It does not know how answers are made.

mod chat;
mod completion;
mod model;
mod object;
mod score;
mod stream;
#[cfg(test)]
mod tests;
mod usage;

use serde::{Deserialize, Serialize};

pub use chat::{
    Annotation, AnswerAudio, AnswerMessage, CalledCustom, CalledFunction, CalledTool, ChatChoice, ChatChunk,
    ChatCompletion, ChunkChoice, Delta, DeltaFunction, DeltaToolCall, UrlCitation,
};
pub use completion::{Completion, CompletionChoice, CompletionLogProbs, TopTokens};
pub use model::{Model, ModelList};
pub use object::{ChatChunkObject, ChatCompletionObject, ListObject, ModelObject, TextCompletionObject};
pub use score::{LOGPROB_MIN, LogProbs, ScoredToken, TopToken};
pub use stream::{StreamHead, StreamKind};
pub use usage::{ChunkUsage, CompletionTokensDetails, PromptTokensDetails, Usage};

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model had said all, or a stop string came.
    Stop,
    /// The tokens granted were used up, or the context was full.
    Length,
    /// The model calls tools.
    ToolCalls,
    /// A provider held something back.
    ContentFilter,
    /// The model calls a function; the older form.
    FunctionCall,
    /// A provider's own word.
    #[serde(untagged)]
    Other(String),
}

impl FinishReason {
    /// One of a closed set of words, for whoever must not repeat a provider's own: `other` stands for those.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::FunctionCall => "function_call",
            Self::Other(_) => "other",
        }
    }
}
