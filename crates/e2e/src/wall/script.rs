//! What a right answer of the wall says, streamed and whole, in the shapes of OpenAI's chat API. Fixed to the byte, so that
//! a test can name every byte of it. Knows no sockets.

use serde_json::{Value, json};

use super::Fault;
use super::kinds::{ARGUMENTS, Kind};
use super::servers::Server;

/// The text of a right answer, in the pieces that a stream brings it in. Hangul and an emoji stand in it, so that a cut at a
/// byte can fall inside a character.
pub const ANSWER: [&str; 5] = ["Seoul", " (서울)", " is the capital", " 🇰🇷", "."];

/// When every answer of the wall was made, in seconds of the epoch.
const CREATED: u64 = 1_790_000_000;

/// Stands for the text of one huge event, and is made large only when all is JSON: quoting 64 MiB takes seconds.
const HUGE: &str = "huge";
const HUGE_BYTES: usize = 64 << 20;

fn pieces(fault: Fault, request: &Value) -> Vec<String> {
    match fault {
        Fault::Echo => {
            let said = request.pointer("/messages").and_then(Value::as_array).and_then(|messages| messages.last());
            let said = said.and_then(|message| message.get("content")).and_then(Value::as_str).unwrap_or_default();
            vec![said.to_owned()]
        }
        Fault::HugeEvent => vec![HUGE.to_owned()],
        _ => ANSWER.map(str::to_owned).to_vec(),
    }
}

fn usage(pieces: usize) -> Value {
    json!({"prompt_tokens": 7, "completion_tokens": pieces, "total_tokens": 7 + pieces})
}

/// The error body of a status.
pub(super) fn error(status: u16) -> Value {
    json!({"error": {"message": format!("the wall refuses with {status}"), "type": "wall_error", "param": null, "code": format!("wall_{status}")}})
}

/// What is sent as `json` under `fault`.
pub(super) fn enlarged(fault: Fault, json: String) -> String {
    if fault == Fault::HugeEvent { json.replace(HUGE, &"x".repeat(HUGE_BYTES)) } else { json }
}

/// A whole answer to `request`.
pub fn chat_completion(fault: Fault, request: &Value) -> Value {
    let pieces = pieces(fault, request);
    if fault == Fault::ErrorInside {
        return error(500);
    }
    let kind = Kind::of(request["model"].as_str().unwrap_or_default());
    let deltas = told(fault, kind.deltas(request, &pieces));
    let finish = finish(fault, kind);
    let text = |choice: usize, name: &str| {
        let own = deltas.iter().filter(|(of, _)| *of == choice);
        own.filter_map(|(_, delta)| delta[name].as_str()).collect::<String>()
    };
    let message = |choice: usize| {
        let mut message = json!({"role": "assistant", "content": text(choice, "content")});
        if kind == Kind::Tool {
            let function = json!({"name": "weather", "arguments": ARGUMENTS});
            message = json!({"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type": "function", "function": function}]});
        }
        if kind == Kind::Think {
            message["reasoning_content"] = text(choice, "reasoning_content").into();
        }
        message
    };
    let choices: Vec<Value> = (0..=deltas.iter().map(|(choice, _)| *choice).max().unwrap_or(0))
        .map(|choice| json!({"index": choice, "message": message(choice), "finish_reason": finish}))
        .collect();
    let mut answer = json!({
        "id": "chatcmpl-wall", "object": "chat.completion", "created": CREATED, "model": model(request), "choices": choices,
    });
    if fault != Fault::NoUsage {
        answer["usage"] = usage(deltas.len());
    }
    if let Some(server) = server(request) {
        server.dress(&mut answer);
    }
    answer
}

/// What is told of an answer's deltas.
fn told(fault: Fault, mut deltas: Vec<(usize, Value)>) -> Vec<(usize, Value)> {
    match fault {
        Fault::Empty | Fault::Filter { first: true } => deltas.clear(),
        Fault::ErrorInside | Fault::Abort | Fault::Malformed | Fault::Filter { first: false } => deltas.truncate(2),
        _ => {}
    }
    deltas
}

fn finish(fault: Fault, kind: Kind) -> Value {
    match fault {
        Fault::NoFinish => Value::Null,
        Fault::Filter { .. } => json!("content_filter"),
        Fault::Abort => json!("abort"),
        _ => json!(kind.finish()),
    }
}

/// A whole answer to a request for vectors: one for each text, of the text's length and its index. Under
/// [`Fault::NoFinish`] the last one is missing.
pub(super) fn embedding_list(fault: Fault, request: &Value) -> Value {
    let texts = match &request["input"] {
        Value::Array(texts) => texts.clone(),
        text => vec![text.clone()],
    };
    let vector = |(index, text): (usize, &Value)| {
        let length = text.as_str().map_or(0, str::len);
        json!({"object": "embedding", "index": index, "embedding": [length, index]})
    };
    let mut data: Vec<Value> = texts.iter().enumerate().map(vector).collect();
    if fault == Fault::NoFinish {
        data.pop();
    }
    json!({"object": "list", "model": model(request), "data": data, "usage": {"prompt_tokens": 7, "total_tokens": 7}})
}

/// The events of a streamed answer to `request`: each whole, with its blank line, the end marker last.
pub fn stream_events(fault: Fault, request: &Value) -> Vec<String> {
    let chunk = |choice: usize, delta: Value, finish: Value| {
        let choices = json!([{"index": choice, "delta": delta, "finish_reason": finish}]);
        json!({"id": "chatcmpl-wall", "object": "chat.completion.chunk", "created": CREATED, "model": model(request), "choices": choices})
    };
    let kind = Kind::of(request["model"].as_str().unwrap_or_default());
    let deltas = kind.deltas(request, &pieces(fault, request));
    let choices = deltas.iter().map(|(choice, _)| choice + 1).max().unwrap_or(1);
    let deltas = told(fault, deltas);
    let opening = |choice| chunk(choice, json!({"role": "assistant", "content": ""}), Value::Null);
    let mut events: Vec<Value> = (0..choices).map(opening).collect();
    events.extend(deltas.iter().map(|(choice, delta)| chunk(*choice, delta.clone(), Value::Null)));
    match fault {
        Fault::ErrorInside => events.push(error(500)),
        Fault::NoFinish | Fault::Malformed => {}
        _ => events.extend((0..choices).map(|choice| chunk(choice, json!({}), finish(fault, kind)))),
    }
    let wants_usage = request.pointer("/stream_options/include_usage") == Some(&Value::Bool(true));
    let breaks = matches!(fault, Fault::ErrorInside | Fault::Malformed);
    if wants_usage && fault != Fault::NoUsage && !breaks {
        let mut last = chunk(0, json!({}), Value::Null);
        last["choices"] = json!([]);
        last["usage"] = usage(deltas.len());
        events.push(last);
    }
    let server = server(request);
    if let Some(server) = server {
        for event in &mut events {
            server.dress_event(event);
        }
    }
    let before = |number| server.map_or("", |server| server.before(number));
    let data = |(number, event)| format!("{}data: {event}\n\n", before(number));
    let mut events: Vec<String> = events.iter().enumerate().map(data).collect();
    if fault == Fault::Malformed {
        events.push("data: {\"choices\":[{\"index\":\n\n".to_owned());
    }
    let ends_well = fault != Fault::ErrorInside || server.is_some_and(Server::ends_after_errors);
    if fault != Fault::NoDone && ends_well {
        events.push("data: [DONE]\n\n".to_owned());
    }
    events
}

fn server(request: &Value) -> Option<Server> {
    Server::of(request["model"].as_str().unwrap_or_default()).0
}

fn model(request: &Value) -> Value {
    request.get("model").cloned().unwrap_or_default()
}
