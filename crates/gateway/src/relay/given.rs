//! What a caller has been given of a streamed answer, as the caller reads it. Kept only where another destination may have to go
//! on from there, or something is told in the stream's own form at its end. Changes no byte.

use bytes::Bytes;
use serde_json::{Map, Value};
use wire::sse;

use super::Partial;
use super::restore::events;

/// Text that is kept of one answer, at most: a long context's worth.
const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// What all chunks of one stream have in common.
const HEAD: [&str; 6] = ["id", "object", "created", "model", "system_fingerprint", "service_tier"];

/// What was given so far.
#[derive(Default)]
pub(super) struct Given {
    keeps_text: bool,
    text: String,
    head: Map<String, Value>,
    odd: Option<&'static str>,
}

impl Given {
    /// Nothing yet. Without `keeps_text` only the head of the chunks is taken note of.
    pub(super) fn new(keeps_text: bool) -> Self {
        Self { keeps_text, ..Self::default() }
    }

    /// These events are handed over.
    pub(super) fn note(&mut self, handed: &Bytes) {
        if !self.keeps_text && !self.head.is_empty() {
            return;
        }
        for event in events(handed) {
            let chunk = event.data.and_then(|data| serde_json::from_slice::<Value>(&data).ok());
            if let Some(Value::Object(chunk)) = chunk {
                self.note_chunk(chunk);
            }
        }
    }

    fn note_chunk(&mut self, mut chunk: Map<String, Value>) {
        for choice in chunk.get("choices").and_then(Value::as_array).into_iter().flatten() {
            let said = Said::of(choice);
            self.odd = self.odd.or(said.odd);
            if self.text.len().saturating_add(said.text.len()) > TEXT_BYTES_MAX {
                self.odd = Some("it is too long");
            } else if self.keeps_text {
                self.text.push_str(said.text);
            }
        }
        if self.head.is_empty() {
            self.head = HEAD.iter().filter_map(|name| chunk.remove_entry(*name)).collect();
        }
    }

    /// Characters of its text.
    pub(super) fn characters(&self) -> u64 {
        self.text.chars().count() as u64
    }

    /// What it comes to, where it is plain text and nothing else; or what else it is, in words for the caller.
    pub(super) fn partial(&self, tokens: Option<u64>) -> Result<Partial, &'static str> {
        match self.odd {
            None => Ok(Partial::new(self.text.as_str(), tokens)),
            Some(odd) => Err(odd),
        }
    }

    /// A chunk of the same stream with these choices, and with what else is to stand in it.
    pub(super) fn chunk(&self, choices: Value, more: Option<(&str, Value)>) -> Bytes {
        let mut chunk = self.head.clone();
        chunk.insert("choices".to_owned(), choices);
        chunk.extend(more.map(|(name, value)| (name.to_owned(), value)));
        sse::event(Value::Object(chunk).to_string().as_bytes())
    }
}

/// What one choice of a chunk says.
pub(super) struct Said<'c> {
    /// Its text.
    pub(super) text: &'c str,
    /// What it is besides plain text, if it is, in words for the caller.
    pub(super) odd: Option<&'static str>,
    /// Why the choice ends with it.
    pub(super) finish: Option<&'c Value>,
}

impl<'c> Said<'c> {
    /// Reads a choice.
    pub(super) fn of(choice: &'c Value) -> Self {
        let delta =
            |name: &str| choice.get("delta").and_then(|delta| delta.get(name)).filter(|value| is_something(value));
        let is_there = |names: &[&str]| names.iter().any(|name| delta(name).is_some());
        let odds = [
            (is_there(&["tool_calls", "function_call"]), "it calls a tool"),
            (is_there(&["reasoning", "reasoning_content"]), "it holds reasoning"),
            (is_there(&["refusal"]), "it declines to answer"),
            (is_there(&["audio"]), "it is spoken"),
            (choice.get("logprobs").is_some_and(is_something), "it tells log-probabilities"),
            (choice.get("index").and_then(Value::as_u64).is_some_and(|index| index > 0), "there is more than one"),
            (delta("content").is_some_and(|content| !content.is_string()), "it is more than text"),
        ];
        Self {
            text: delta("content").and_then(Value::as_str).unwrap_or_default(),
            odd: odds.into_iter().find_map(|(holds, odd)| holds.then_some(odd)),
            finish: choice.get("finish_reason").filter(|reason| is_something(reason)),
        }
    }
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}
