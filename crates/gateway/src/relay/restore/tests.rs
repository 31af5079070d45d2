//! An answer full of pseudonyms comes back byte for byte, whatever its cuts, spelling and fields; nothing is held back beyond
//! its choice's finish; what cannot be read is not passed on.

mod cuts;
mod reading;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use inspect::pseudonym::{Map, RequestKey, disguise};
use inspect::{Rules, scan};
use serde_json::{Value, json};
use wire::sse;

use super::{AnswerMask, Restoring};
use crate::relay::Piece;

const TEXT: &str = "주민 900101-1234568, 메일 kim@example.co.kr, 전화 010-1234-5678 \"끝\".";

/// Short enough for every cut of every spelling.
const SHORT: &str = "전화 010-1234-5678.";

/// `text` as it is sent, and what brings it back.
fn disguised(text: &str) -> (String, Map) {
    let (out, map) = disguise(text, &scan(text, &Rules::default()), &RequestKey::new([3; 32])).unwrap();
    assert!(!map.is_empty() && !out.contains("1234568") && !out.contains("kim@") && !out.contains("1234-5678"));
    (out, map)
}

fn restoring(map: &Map) -> Restoring {
    Restoring::new(true, Some(map.clone()), None)
}

fn masking(names: &[&str]) -> AnswerMask {
    let names: Vec<Arc<str>> = names.iter().map(|name| Arc::from(*name)).collect();
    AnswerMask::new(&Rules::default(), &names)
}

fn chunk(choice: &Value) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})
}

fn delta(index: u64, delta: &Value) -> Value {
    chunk(&json!({"index": index, "delta": delta, "finish_reason": null}))
}

fn finish(index: u64) -> Value {
    chunk(&json!({"index": index, "delta": {}, "finish_reason": "stop"}))
}

fn usage() -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": {"prompt_tokens": 1}})
}

fn event(data: &Value) -> Bytes {
    sse::event(data.to_string().as_bytes())
}

/// The bytes of the pieces that come out; an error if one is broken.
fn pass(restoring: &mut Restoring, pieces: impl IntoIterator<Item = Bytes>, rest: Bytes) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    for piece in pieces.into_iter().map(Piece::Part).chain([Piece::Complete(rest)]) {
        match restoring.piece(piece) {
            Piece::Part(bytes) | Piece::Complete(bytes) => out.extend_from_slice(&bytes),
            Piece::Broken(error) => return Err(format!("{error:?}")),
        }
    }
    Ok(out)
}

/// The chunks of a stream.
fn chunks(stream: &[u8]) -> Vec<Value> {
    let mut decoder = sse::Decoder::new(1 << 20);
    decoder.push(stream);
    std::iter::from_fn(|| decoder.next_event().unwrap())
        .map(|event| serde_json::from_slice(&event.data).unwrap())
        .collect()
}

/// What each text of each choice says in all, as a client would join it. Nothing may be said after a choice's finish.
fn joined(stream: &[u8]) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    let mut finished = Vec::new();
    for chunk in chunks(stream) {
        for choice in chunk["choices"].as_array().unwrap() {
            let index = &choice["index"];
            let mut say = |way: String, text: &Value| {
                if let Some(text) = text.as_str().filter(|text| !text.is_empty()) {
                    assert!(!finished.contains(index), "{way} goes on after its finish");
                    texts.entry(format!("{index} {way}")).or_default().push_str(text);
                }
            };
            say("text".to_owned(), &choice["text"]);
            for (member, value) in choice["delta"].as_object().into_iter().flatten() {
                say(member.clone(), value);
                for (inner, value) in value.as_object().into_iter().flatten() {
                    say(format!("{member} {inner}"), value);
                }
                for call in value.as_array().into_iter().flatten() {
                    say(format!("{member} {} arguments", call["index"]), &call["function"]["arguments"]);
                    say(format!("{member} {} input", call["index"]), &call["custom"]["input"]);
                }
            }
            if !choice["finish_reason"].is_null() {
                finished.push(index.clone());
            }
        }
    }
    texts
}
