//! Completions as the official package sends them, and what is refused.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::error::Code;
use crate::needs::Need;

const BODIES: [&str; 4] = [
    include_str!("../../fixtures/sdk/completion_plain.json"),
    include_str!("../../fixtures/sdk/completion_all.json"),
    include_str!("../../fixtures/sdk/completion_tokens.json"),
    include_str!("../../fixtures/sdk/completion_many_tokens.json"),
];

#[expect(clippy::needless_pass_by_value, reason = "a literal at each call")]
fn parse(members: Value) -> Result<CompletionRequest, Invalid> {
    let mut body = json!({"model": "m", "prompt": "Once"});
    for (key, value) in members.as_object().unwrap() {
        body[key] = value.clone();
    }
    CompletionRequest::parse(body.to_string().as_bytes())
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
        let request = CompletionRequest::parse(body.as_bytes()).unwrap();
        let given: Value = serde_json::from_str(body).unwrap();
        let sent: Value = serde_json::from_slice(&request.to_json("m")).unwrap();
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(keys(&sent), keys(&given));
        assert_eq!(CompletionRequest::parse(&request.to_json("m")).unwrap(), request);
    }
}

#[test]
fn all_arguments_have_their_values() {
    let request = CompletionRequest::parse(BODIES[1].as_bytes()).unwrap();
    assert_eq!(request.prompt, Prompt::Texts(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!((request.choices(), request.choices_all(), request.best_of), (2, 4, Some(3)));
    assert_eq!(
        (request.answer_tokens_max(), request.logprobs, request.seed, request.top_k),
        (7, Some(5), Some(-1), Some(-1))
    );
    assert_eq!(&*request.stop, ["\n"]);
    let needs: Vec<(Need, String)> = request.needs().into_iter().map(|needed| (needed.need, needed.param)).collect();
    let wanted = [(Need::Suffix, "suffix"), (Need::BestOf, "best_of"), (Need::PromptLogprobs, "echo")];
    assert_eq!(needs, wanted.map(|(need, param)| (need, param.to_owned())));
    let plain = CompletionRequest::parse(BODIES[0].as_bytes()).unwrap();
    assert_eq!((plain.answer_tokens_max(), plain.choices_all(), plain.needs()), (16, 1, Vec::new()));
}

#[test]
fn prompts_come_in_four_forms() {
    let prompt = |value: Value| parse(json!({ "prompt": value })).map(|request| request.prompt);
    assert_eq!(prompt(json!("")).unwrap().texts(), [""]);
    assert_eq!(prompt(json!([1, 2])).unwrap(), Prompt::Tokens(vec![1, 2]));
    assert_eq!(prompt(json!([[1], [2, 3]])).unwrap().tokens(), [vec![1], vec![2, 3]]);
    let wanted = "a string, at most 128 strings, an array of tokens, or at most 128 of those";
    refuses(json!({"prompt": ["a", 1]}), "prompt", &format!("`prompt` is of another type; it must be {wanted}"));
    refuses(json!({"prompt": {}}), "prompt", &format!("`prompt` is an object; it must be {wanted}"));
    refuses(json!({"prompt": []}), "prompt", "`prompt` has length 0; it must be at least one text or token");
    refuses(json!({"prompt": [[]]}), "prompt", "`prompt` holds no token; give at least one, or a text");
    refuses(json!({"prompt": vec!["x"; 129]}), "prompt", &format!("`prompt` has length 129; it must be {wanted}"));
    refuses(
        json!({"prompt": [-1]}),
        "prompt[0]",
        "`prompt[0]` is `-1`; it must be a token's number from 0 to 4294967295",
    );
    refuses(
        json!({"prompt": [[1, 4_294_967_296_u64]]}),
        "prompt[0][1]",
        "`prompt[0][1]` is `4294967296`; it must be a token's number from 0 to 4294967295",
    );
    assert!(prompt(json!(vec![7; 100_000])).is_ok(), "one long prompt of tokens is one prompt");
}

#[test]
fn arguments_have_ranges_and_go_together() {
    refuses(json!({"logprobs": 6}), "logprobs", "`logprobs` is `6`; it must be an integer from 0 to 5");
    refuses(json!({"logprobs": true}), "logprobs", "`logprobs` is a boolean; it must be an integer from 0 to 5");
    refuses(json!({"best_of": 17}), "best_of", "`best_of` is `17`; it must be an integer from 1 to 16");
    refuses(json!({"best_of": 1, "n": 2}), "best_of", "`best_of` is `1`; it must be at least `n`, which is `2`");
    refuses(
        json!({"best_of": 2, "stream": true}),
        "best_of",
        "`best_of` is `2`; a stream cannot choose the best of several answers",
    );
    refuses(json!({"stream_options": {}}), "stream_options", "`stream_options` needs `stream` to be `true`");
    let unknown = parse(json!({"messages": []})).unwrap_err();
    assert_eq!((unknown.code, unknown.param.as_deref()), (Code::UnknownParameter, Some("messages")));
    let missing = CompletionRequest::parse(br#"{"model":"m"}"#).unwrap_err();
    assert_eq!((missing.code, missing.param.as_deref()), (Code::MissingRequiredParameter, Some("prompt")));
    assert_eq!(parse(json!({"max_tokens": 0})).unwrap().answer_tokens_max(), 0);
}
