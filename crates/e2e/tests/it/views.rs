//! The three views as one text, for snapshots; and the requests that tests send.

use e2e::client::Answer;
use e2e::entries::Entries;
use e2e::wall::Heard;
use serde_json::{Value, json};

/// What the caller saw, what the provider heard, what the log says.
pub(crate) fn views(answer: &Answer, heard: &Heard, log: &Entries) -> String {
    format!("CALLER\n{answer}\n\nPROVIDER\n{heard}\n\nRECORD\n{log}")
}

/// A chat request of one user message.
pub(crate) fn asking(model: &str, words: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": words}]})
}

/// The same, streamed.
pub(crate) fn streaming(model: &str, words: &str) -> Value {
    let mut request = asking(model, words);
    request["stream"] = true.into();
    request
}

/// `request` with more members.
pub(crate) fn with(mut request: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}
