//! A whole answer of Anthropic's, in OpenAI's form.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Counts, finish};
use crate::answer::{
    AnswerMessage, CalledFunction, CalledTool, ChatChoice, ChatCompletion, ChatCompletionObject, FinishReason,
};

/// What came is no answer of this API's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not understood")]
pub struct NotUnderstood;

/// What is read of an answer.
#[derive(Deserialize)]
struct Said<'a> {
    id: String,
    model: String,
    #[serde(borrow)]
    content: Vec<Block<'a>>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Counts,
}

/// A block of content. Its members are those of all kinds, for the tag may stand behind them.
#[derive(Deserialize)]
struct Block<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, borrow)]
    input: Option<&'a RawValue>,
}

/// The answer in OpenAI's form. One that has not ended has no finish reason there either. `created` counts from 1970, in seconds.
pub fn completion(body: &[u8], created: u64) -> Result<Bytes, NotUnderstood> {
    let said: Said<'_> = serde_json::from_slice(body).map_err(|_| NotUnderstood)?;
    let (mut text, mut thought, mut calls) = (String::new(), String::new(), Vec::new());
    for block in said.content {
        match block.kind.as_str() {
            "text" => text.push_str(&block.text.unwrap_or_default()),
            "thinking" => thought.push_str(&block.thinking.unwrap_or_default()),
            // Encrypted, and of use to its provider alone.
            "redacted_thinking" => {}
            "tool_use" => calls.push(CalledTool {
                id: block.id.ok_or(NotUnderstood)?,
                kind: "function".to_owned(),
                function: Some(CalledFunction {
                    name: block.name.ok_or(NotUnderstood)?,
                    arguments: block.input.map_or("{}", RawValue::get).to_owned(),
                }),
                custom: None,
            }),
            // Nothing else was asked for, and nobody would know what it says.
            _ => return Err(NotUnderstood),
        }
    }
    let finish_reason = said.stop_reason.as_deref().and_then(finish);
    let is_refusal = finish_reason == Some(FinishReason::ContentFilter);
    let message = AnswerMessage {
        content: (!text.is_empty() || (calls.is_empty() && !is_refusal)).then_some(text),
        reasoning_content: (!thought.is_empty()).then_some(thought),
        tool_calls: (!calls.is_empty()).then_some(calls),
        ..AnswerMessage::default()
    };
    let answer = ChatCompletion {
        id: said.id,
        object: ChatCompletionObject,
        created,
        model: said.model,
        choices: vec![ChatChoice { index: 0, message, logprobs: None, finish_reason }],
        usage: Some(said.usage.usage()),
        service_tier: None,
        system_fingerprint: None,
    };
    // Our own types to memory: that does not fail.
    Ok(serde_json::to_vec(&answer).unwrap_or_default().into())
}
