//! What we write has OpenAI's form to the letter; what providers write is read however they write it.

use bytes::BytesMut;
use serde_json::json;

use super::*;
use crate::chat::Role;

fn chunk(choice: ChunkChoice, usage: ChunkUsage) -> ChatChunk {
    ChatChunk {
        id: "chatcmpl-1".to_owned(),
        object: ChatChunkObject,
        created: 1_700_000_000,
        model: "a \"model\"".to_owned(),
        service_tier: None,
        system_fingerprint: None,
        choices: vec![choice],
        usage,
    }
}

fn scored(token: &str, logprob: f32) -> ScoredToken {
    let top = TopToken { token: token.to_owned(), logprob, bytes: Some(token.as_bytes().to_vec()) };
    ScoredToken { token: token.to_owned(), logprob, bytes: top.bytes.clone(), top_logprobs: vec![top] }
}

#[test]
fn a_whole_answer_has_openais_form() {
    let answer = ChatCompletion {
        id: "chatcmpl-1".to_owned(),
        object: ChatCompletionObject,
        created: 1,
        model: "m".to_owned(),
        choices: vec![ChatChoice {
            index: 0,
            message: AnswerMessage::text("Hi"),
            logprobs: Some(LogProbs::of_text(vec![scored("Hi", -0.25)])),
            finish_reason: Some(FinishReason::Stop),
        }],
        usage: Some(Usage::new(3, 1)),
        service_tier: None,
        system_fingerprint: Some("fp_1".to_owned()),
    };
    let written = serde_json::to_string(&answer).unwrap();
    assert_eq!(
        written,
        concat!(
            r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"#,
            r#""message":{"role":"assistant","content":"Hi","refusal":null},"logprobs":{"content":[{"token":"Hi","#,
            r#""logprob":-0.25,"bytes":[72,105],"top_logprobs":[{"token":"Hi","logprob":-0.25,"bytes":[72,105]}]}],"#,
            r#""refusal":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"#,
            r#""total_tokens":4},"system_fingerprint":"fp_1"}"#
        )
    );
    assert_eq!(serde_json::from_str::<ChatCompletion>(&written).unwrap(), answer);
}

#[test]
fn the_events_of_a_stream_are_written_as_the_types_say() {
    let choice = ChunkChoice { delta: Delta::text("가\n\"\u{2028}"), ..ChunkChoice::default() };
    for (usage, member) in [(false, ChunkUsage::Absent), (true, ChunkUsage::Pending)] {
        let head = StreamHead::new(StreamKind::Chat, "chatcmpl-1", 1_700_000_000, "a \"model\"", None, usage);
        let mut out = BytesMut::new();
        head.write_choice(&mut out, &choice);
        let typed = serde_json::to_string(&chunk(choice.clone(), member)).unwrap();
        assert_eq!(out, format!("data: {typed}\n\n"));
        assert_eq!(std::str::from_utf8(&out).unwrap().matches('\n').count(), 2);
        out.clear();
        head.write_usage(&mut out, &Usage::new(1, 2));
        let told = ChatChunk { choices: Vec::new(), ..chunk(choice.clone(), ChunkUsage::Told(Usage::new(1, 2))) };
        let typed = format!("data: {}\n\n", serde_json::to_string(&told).unwrap());
        assert_eq!(out, if usage { typed } else { String::new() });
    }
}

#[test]
fn a_completions_events_are_written_as_the_types_say() {
    let choice = CompletionChoice {
        text: " there".to_owned(),
        index: 1,
        logprobs: Some(CompletionLogProbs {
            text_offset: vec![0],
            token_logprobs: vec![Some(-1.5), None],
            tokens: vec![" there".to_owned()],
            top_logprobs: Some(vec![
                Some([("a".to_owned(), -1.0), ("a".to_owned(), -2.0)].into_iter().collect()),
                None,
            ]),
        }),
        finish_reason: Some(FinishReason::Length),
    };
    let head = StreamHead::new(StreamKind::Completion, "cmpl-1", 5, "m", Some("fp"), false);
    let mut out = BytesMut::new();
    head.write_choice(&mut out, &choice);
    let typed = Completion {
        id: "cmpl-1".to_owned(),
        object: TextCompletionObject,
        created: 5,
        model: "m".to_owned(),
        system_fingerprint: Some("fp".to_owned()),
        choices: vec![choice],
        usage: ChunkUsage::Absent,
    };
    let written = serde_json::to_string(&typed).unwrap();
    assert_eq!(out, format!("data: {written}\n\n"));
    assert!(written.contains(r#""top_logprobs":[{"a":-1.0},null]"#), "{written}");
    assert_eq!(serde_json::from_str::<Completion>(&written).unwrap(), typed);
}

#[test]
fn a_probability_of_zero_is_still_json() {
    for logprob in [f32::NEG_INFINITY, f32::NAN, f32::MIN] {
        let written = serde_json::to_value(scored("x", logprob)).unwrap();
        assert_eq!(written["logprob"], json!(LOGPROB_MIN));
        assert_eq!(written["top_logprobs"][0]["logprob"], json!(LOGPROB_MIN));
    }
}

#[test]
fn providers_answers_are_read_however_they_are_written() {
    let answer: ChatCompletion = serde_json::from_value(json!({
        "id": "x", "object": "something.else", "created": 1, "model": "m", "provider": "who knows", "prompt_logprobs": null,
        "choices": [{
            "index": 0, "finish_reason": "eos_token", "stop_reason": 2, "content_filter_results": {},
            "message": {
                "role": "assistant", "content": null, "reasoning_content": "hm", "padding": 1,
                "tool_calls": [{"id": "c", "type": "function", "index": 0, "function": {"name": "f", "arguments": "{}"}}],
                "annotations": [{"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 1, "title": "t", "url": "u"}}],
            },
        }],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12, "cost": 0.1, "prompt_tokens_details": {"cached_tokens": 4, "new": 1}},
    }))
    .unwrap();
    let choice = &answer.choices[0];
    assert_eq!(choice.finish_reason, Some(FinishReason::Other("eos_token".to_owned())));
    assert_eq!(choice.message.tool_calls.as_ref().unwrap()[0].function.as_ref().unwrap().name, "f");
    assert_eq!(choice.message.reasoning_content.as_deref(), Some("hm"));
    let usage = answer.usage.unwrap();
    assert_eq!(usage.prompt_tokens_details.unwrap().cached_tokens, Some(4));
}

#[test]
fn providers_events_are_read_however_they_are_written() {
    let read = |value| serde_json::from_value::<ChatChunk>(value).unwrap();
    let first = read(
        json!({"id": "x", "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": null}]}),
    );
    assert_eq!(first.choices[0].delta.role, Some(Role::Assistant));
    assert_eq!((first.usage, first.created), (ChunkUsage::Absent, 0));
    let middle = read(
        json!({"id": "x", "model": "m", "usage": null, "obfuscation": "aa", "choices": [{"delta": {"content": "a"}, "logprobs": null}]}),
    );
    assert_eq!((middle.choices[0].delta.content.as_deref(), &middle.usage), (Some("a"), &ChunkUsage::Pending));
    let call = json!({"id": "x", "model": "m", "choices": [{"index": 1, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}}]});
    let call = &read(call).choices[0];
    assert_eq!(call.delta.tool_calls.as_ref().unwrap()[0].function.as_ref().unwrap().arguments.as_deref(), Some("{"));
    let last =
        read(json!({"id": "x", "model": "m", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}));
    assert_eq!(last.usage.told().map(|usage| usage.completion_tokens), Some(2));
}

#[test]
fn finish_reasons_are_openais_words() {
    for (reason, word) in [
        (FinishReason::Stop, "stop"),
        (FinishReason::Length, "length"),
        (FinishReason::ToolCalls, "tool_calls"),
        (FinishReason::ContentFilter, "content_filter"),
        (FinishReason::FunctionCall, "function_call"),
        (FinishReason::Other("eos".to_owned()), "eos"),
    ] {
        assert_eq!(serde_json::to_value(&reason).unwrap(), json!(word));
        assert_eq!(serde_json::from_value::<FinishReason>(json!(word)).unwrap(), reason);
    }
}

#[test]
fn models_are_listed_in_openais_form() {
    let model = Model { id: "m".to_owned(), object: ModelObject, created: 1, owned_by: "local".to_owned() };
    let list = ModelList { object: ListObject, data: vec![model] };
    let written =
        json!({"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "local"}]});
    assert_eq!(serde_json::to_value(&list).unwrap(), written);
    assert_eq!(serde_json::from_value::<ModelList>(written).unwrap(), list);
}
