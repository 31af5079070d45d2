//! Embedding requests as the official package sends them, and what is refused.

use serde_json::{Value, json};

use super::*;
use crate::error::Code;

const BODIES: [&str; 3] = [
    include_str!("../../fixtures/sdk/embedding_plain.json"),
    include_str!("../../fixtures/sdk/embedding_all.json"),
    include_str!("../../fixtures/sdk/embedding_tokens.json"),
];

#[expect(clippy::needless_pass_by_value, reason = "a literal at each call")]
fn parse(members: Value) -> Result<EmbeddingRequest, Invalid> {
    let mut body = json!({"model": "m", "input": "Once"});
    for (key, value) in members.as_object().unwrap() {
        body[key] = value.clone();
    }
    EmbeddingRequest::parse(body.to_string().as_bytes())
}

#[track_caller]
fn refuses(members: Value, param: &str, message: &str) {
    let invalid = parse(members).expect_err("it should be refused");
    let told = invalid.message.split(" (line ").next();
    assert_eq!((told, invalid.param.as_deref()), (Some(message), Some(param)));
}

#[test]
fn what_the_package_sends_is_read_and_sent_on() {
    for body in BODIES {
        let request = EmbeddingRequest::parse(body.as_bytes()).unwrap();
        let given: Value = serde_json::from_str(body).unwrap();
        let sent: Value = serde_json::from_slice(&request.to_json("m")).unwrap();
        assert_eq!(sent, given);
        assert_eq!(EmbeddingRequest::parse(&request.to_json("m")).unwrap(), request);
    }
    let all = EmbeddingRequest::parse(BODIES[1].as_bytes()).unwrap();
    assert_eq!(all.input.texts(), ["서울", "Hà Nội"]);
    assert_eq!((all.dimensions, all.encoding_format), (Some(256), Some(EncodingFormat::Float)));
    assert_eq!(EmbeddingRequest::parse(BODIES[2].as_bytes()).unwrap().input.tokens(), [vec![1, 2], vec![3]]);
}

#[test]
fn what_cannot_be_accepted_is_refused_in_exact_words() {
    let several = "a string, at most 2048 strings, an array of tokens, or at most 2048 of those";
    refuses(json!({"input": vec!["x"; 2049]}), "input", &format!("`input` has length 2049; it must be {several}"));
    refuses(json!({"input": []}), "input", "`input` has length 0; it must be at least one text or token");
    refuses(json!({"input": [[]]}), "input", "`input` holds no token; give at least one, or a text");
    for empty in [json!(""), json!(["a", ""])] {
        let message = "`input` holds an empty text; every text must have a character";
        refuses(json!({ "input": empty }), "input", message);
    }
    let dimensions = "`dimensions` is `0`; it must be an integer from 1 to 65536";
    refuses(json!({"dimensions": 0}), "dimensions", dimensions);
    let unknown = parse(json!({"stream": true})).unwrap_err();
    assert_eq!((unknown.code, unknown.param.as_deref()), (Code::UnknownParameter, Some("stream")));
    let format = parse(json!({"encoding_format": "hex"})).unwrap_err();
    assert_eq!(format.param.as_deref(), Some("encoding_format"));
    assert_eq!(parse(json!({"dimensions": null, "user": null})).unwrap(), parse(json!({})).unwrap());
    assert_eq!(parse(json!({"model": ""})).unwrap_err().param.as_deref(), Some("model"));
}
