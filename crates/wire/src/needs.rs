//! What a request needs of a destination beyond plain text in and plain text out: one list for all the surfaces.
//! It does not know who offers what.

use std::fmt;

/// Something that not every destination can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Need {
    /// Calling tools, or going on after they were called.
    Tools,
    /// Seeing pictures.
    Images,
    /// Hearing sound.
    AudioInput,
    /// Speaking.
    AudioOutput,
    /// Reading files.
    Files,
    /// Answering in some JSON object.
    JsonObject,
    /// Answering in JSON that follows a schema.
    JsonSchema,
    /// Answering in the language of an expression or a grammar.
    Grammar,
    /// Reasoning before the answer, as much as is asked.
    Reasoning,
    /// Being brief or long-winded.
    Verbosity,
    /// Searching the web.
    WebSearch,
    /// Having request and answer moderated.
    Moderation,
    /// Keeping the answer.
    Storage,
    /// A class of service.
    ServiceTier,
    /// Telling speakers of the same role apart.
    Names,
    /// Padding the stream's events.
    Obfuscation,
    /// Filling in between the prompt and a text that comes after.
    Suffix,
    /// Giving the likeliest of several answers.
    BestOf,
    /// Telling the log-probabilities of the prompt's own tokens.
    PromptLogprobs,
    /// Making vectors of texts.
    Embeddings,
}

/// A need, and the field that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// What is needed.
    pub need: Need,
    /// The way to the field, such as `messages[2].content[0]`.
    pub param: String,
}

impl Needed {
    pub(crate) fn new(need: Need, param: impl Into<String>) -> Self {
        Self { need, param: param.into() }
    }
}

impl Need {
    /// The need as a word for policies, metrics and messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Images => "images",
            Self::AudioInput => "audio_input",
            Self::AudioOutput => "audio_output",
            Self::Files => "files",
            Self::JsonObject => "json_object",
            Self::JsonSchema => "json_schema",
            Self::Grammar => "grammar",
            Self::Reasoning => "reasoning",
            Self::Verbosity => "verbosity",
            Self::WebSearch => "web_search",
            Self::Moderation => "moderation",
            Self::Storage => "storage",
            Self::ServiceTier => "service_tier",
            Self::Names => "names",
            Self::Obfuscation => "obfuscation",
            Self::Suffix => "suffix",
            Self::BestOf => "best_of",
            Self::PromptLogprobs => "prompt_logprobs",
            Self::Embeddings => "embeddings",
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}
