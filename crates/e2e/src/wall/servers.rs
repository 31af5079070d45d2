//! How servers that an organisation runs on its own machines say what the wall says: the fields that are theirs alone, where they put
//! thoughts, what they send between events and after an error. Chosen by what stands first in the model's name (`vllm--…`). As read in
//! vLLM 0.32, SGLang 0.5.23 and the README of llama.cpp's server, November 2026. Knows no sockets.

use serde_json::{Value, json};

/// Which server the wall plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    /// `vllm--`
    Vllm,
    /// `sglang--`
    Sglang,
    /// `llama-cpp--`
    LlamaCpp,
}

/// A comment, which keeps a quiet connection open (HTML Standard, 9.2.7): llama.cpp's server sends one now and then.
const KEEP_ALIVE: &str = ":\n\n";

impl Server {
    /// The one that a model's name begins with, and the rest of the name.
    pub(super) fn of(model: &str) -> (Option<Self>, &str) {
        match model.split_once("--") {
            Some(("vllm", rest)) => (Some(Self::Vllm), rest),
            Some(("sglang", rest)) => (Some(Self::Sglang), rest),
            Some(("llama-cpp", rest)) => (Some(Self::LlamaCpp), rest),
            _ => (None, model),
        }
    }

    /// A whole answer as it says it.
    pub(super) fn dress(self, answer: &mut Value) {
        if answer.get("error").is_some() {
            return;
        }
        for choice in answer.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
            choice["logprobs"] = Value::Null;
            self.dress_choice(choice);
            self.dress_thought(&mut choice["message"]);
        }
        self.dress_usage(answer);
        match self {
            Self::Vllm => add(
                answer,
                &json!({"service_tier": null, "system_fingerprint": null, "prompt_logprobs": null, "prompt_token_ids": null,
                    "kv_transfer_params": null}),
            ),
            Self::Sglang => add(answer, &json!({"metadata": {"weight_version": "default"}})),
            Self::LlamaCpp => add(answer, &own_figures()),
        }
    }

    /// An event of a stream as it says it.
    pub(super) fn dress_event(self, event: &mut Value) {
        let ends = event.pointer("/choices/0/finish_reason").is_some_and(|reason| !reason.is_null());
        for choice in event.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
            choice["logprobs"] = Value::Null;
            self.dress_choice(choice);
            self.dress_thought(&mut choice["delta"]);
        }
        if event.get("usage").is_some() {
            self.dress_usage(event);
        } else if self == Self::Sglang && event.get("choices").is_some() {
            event["usage"] = Value::Null;
        }
        if self == Self::LlamaCpp && ends {
            add(event, &own_figures());
        }
    }

    /// What it sends before the event of that number, which is nothing to whoever reads events.
    pub(super) fn before(self, event: usize) -> &'static str {
        if self == Self::LlamaCpp && event % 2 == 1 { KEEP_ALIVE } else { "" }
    }

    /// Whether its end marker follows an error too, as if all had been said.
    pub(super) fn ends_after_errors(self) -> bool {
        matches!(self, Self::Vllm | Self::Sglang)
    }

    fn dress_choice(self, choice: &mut Value) {
        match self {
            Self::Vllm => add(choice, &json!({"stop_reason": null, "token_ids": null})),
            // The number of the token that ended it.
            Self::Sglang => {
                choice["matched_stop"] = if choice["finish_reason"] == "stop" { json!(2) } else { Value::Null }
            }
            Self::LlamaCpp => {}
        }
    }

    /// vLLM says `reasoning`; SGLang has its field everywhere, with or without a thought in it.
    fn dress_thought(self, said: &mut Value) {
        let Some(members) = said.as_object_mut() else { return };
        let thought = members.remove("reasoning_content");
        let (field, thought) = match (self, thought) {
            (Self::Vllm, Some(thought)) => ("reasoning", thought),
            (Self::Sglang, thought) => ("reasoning_content", thought.unwrap_or_default()),
            (Self::LlamaCpp, Some(thought)) => ("reasoning_content", thought),
            (Self::Vllm | Self::LlamaCpp, None) => return,
        };
        members.insert(field.to_owned(), thought);
    }

    fn dress_usage(self, of: &mut Value) {
        if !of["usage"].is_object() {
            return;
        }
        let own = match self {
            Self::Vllm => json!({"prompt_tokens_details": null}),
            Self::Sglang => json!({"prompt_tokens_details": null, "reasoning_tokens": 0}),
            Self::LlamaCpp => json!({"prompt_tokens_details": {"cached_tokens": 0}}),
        };
        add(&mut of["usage"], &own);
    }
}

/// What llama.cpp's server tells of its own work.
fn own_figures() -> Value {
    json!({"system_fingerprint": "b8681-0123456",
        "timings": {"prompt_n": 7, "prompt_ms": 20.5, "predicted_n": 5, "predicted_ms": 51.0, "predicted_per_second": 98.0}})
}

fn add(to: &mut Value, more: &Value) {
    for (name, value) in more.as_object().into_iter().flatten() {
        to[name.as_str()] = value.clone();
    }
}
