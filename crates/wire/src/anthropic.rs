//! Anthropic's Messages API, spoken for callers of OpenAI's: a chat request in its form, and its answers, whole and streamed, in
//! OpenAI's. What cannot be said in it is refused by name and never left out.
//!
//! It does not know connections. Source: Anthropic's API reference, version header `2023-06-01`, as of autumn 2026.

mod answer;
mod request;
mod stream;
#[cfg(test)]
mod tests;

pub use answer::{NotUnderstood, completion};
pub use request::{ANSWER_TOKENS_DEFAULT, request};
pub use stream::Translator;

use serde::Deserialize;

use crate::answer::{CompletionTokensDetails, FinishReason, PromptTokensDetails, Usage};

/// Counts of tokens. Those of caches are not among `input_tokens`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Counts {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
    #[serde(default)]
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct OutputDetails {
    #[serde(default)]
    thinking_tokens: Option<u64>,
}

impl Counts {
    /// What is known later, over what was known before: counts in a stream are of the whole so far.
    fn then(self, later: Self) -> Self {
        Self {
            input_tokens: later.input_tokens.or(self.input_tokens),
            cache_creation_input_tokens: later.cache_creation_input_tokens.or(self.cache_creation_input_tokens),
            cache_read_input_tokens: later.cache_read_input_tokens.or(self.cache_read_input_tokens),
            output_tokens: later.output_tokens.or(self.output_tokens),
            output_tokens_details: later.output_tokens_details.or(self.output_tokens_details),
        }
    }

    fn usage(self) -> Usage {
        let of = |count: Option<u64>| count.unwrap_or(0);
        let (read, written) = (self.cache_read_input_tokens, self.cache_creation_input_tokens);
        let prompt = of(self.input_tokens).saturating_add(of(read)).saturating_add(of(written));
        let mut usage = Usage::new(prompt, of(self.output_tokens));
        if read.is_some() || written.is_some() {
            let cached = PromptTokensDetails { cached_tokens: read, cache_write_tokens: written, ..Default::default() };
            usage.prompt_tokens_details = Some(cached);
        }
        if let Some(thought) = self.output_tokens_details.and_then(|details| details.thinking_tokens) {
            let details = CompletionTokensDetails { reasoning_tokens: Some(thought), ..Default::default() };
            usage.completion_tokens_details = Some(details);
        }
        usage
    }
}

/// Why an answer ended, in OpenAI's words; nothing where it has not ended: the provider paused in the middle of a turn.
fn finish(stop_reason: &str) -> Option<FinishReason> {
    Some(match stop_reason {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::ContentFilter,
        "pause_turn" => return None,
        other => FinishReason::Other(other.to_owned()),
    })
}
