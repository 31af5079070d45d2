//! Requests as the official package sends them are read whole; what cannot be accepted is refused in exact words;
//! what is sent on reads as the same request.

mod golden;
mod refused;
mod round_trip;

use super::*;

fn parse(json: &serde_json::Value) -> Result<ChatRequest, Invalid> {
    ChatRequest::parse(json.to_string().as_bytes())
}

/// A request that is accepted, with more members.
#[expect(clippy::needless_pass_by_value, reason = "a literal at each call")]
fn with(members: serde_json::Value) -> serde_json::Value {
    let mut body = serde_json::json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
    for (key, value) in members.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

/// A request of this message alone.
#[expect(clippy::needless_pass_by_value, reason = "a literal at each call")]
fn saying(message: serde_json::Value) -> serde_json::Value {
    with(serde_json::json!({ "messages": [message] }))
}
