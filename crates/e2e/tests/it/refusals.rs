//! What is refused before anything is sent, in which words, naming which field. A provider never hears of it.

use e2e::client::{Answer, Client};
use e2e::harness::{Setup, TestGateway};
use e2e::wall::Role;
use insta::assert_snapshot;
use local_model::scripted::Script;
use serde_json::{Value, json};

use crate::views::{asking, with};

async fn gateway() -> TestGateway {
    let setup = Setup::local(Script::new()).remote(Role::Foreign, &["wall-small"]);
    setup.change(|config| config.limits.body_bytes_max = 4096).start().await
}

/// Ends the gateway; what the caller saw and what the log says. The provider must have heard nothing.
async fn refused(gateway: TestGateway, answer: &Answer) -> String {
    assert_eq!(gateway.wall.heard().to_string(), "nothing");
    format!("CALLER\n{answer}\n\nRECORD\n{}", gateway.end().await)
}

#[tokio::test]
async fn no_key() {
    let gateway = gateway().await;
    let nobody = Client { address: gateway.client.address, key: None, headers: Vec::new() };
    let answer = nobody.chat(&asking("scripted", "?")).await;
    assert_snapshot!(refused(gateway, &answer).await);
}

#[tokio::test]
async fn wrong_keys_are_all_told_the_same() {
    let gateway = gateway().await;
    let good = gateway.client.key.clone().unwrap();
    let (mut last_changed, mut longer) = (good.clone(), good.clone());
    let last = last_changed.pop().unwrap();
    last_changed.push(if last == 'A' { 'B' } else { 'A' });
    longer.push('A');
    let mut told = Vec::new();
    for key in [
        "wrong",
        "sk-gwm-",
        &last_changed,
        &longer,
        &good[..good.len() - 1],
        &good.to_uppercase(),
        "sk-gwm-' OR 1=1 --",
    ] {
        let answer = gateway.client.with_key(key).chat(&asking("scripted", "?")).await;
        assert_eq!(answer.status, 401, "{key}: {answer}");
        told.push(answer.to_string());
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(gateway.end().await.to_string(), "");
}

#[tokio::test]
async fn unknown_model() {
    let gateway = gateway().await;
    let answer = gateway.client.chat(&asking("no-such-model", "?")).await;
    assert_snapshot!(refused(gateway, &answer).await);
}

#[tokio::test]
async fn bad_json() {
    let gateway = gateway().await;
    let answer = gateway.client.post_bytes("/v1/chat/completions", b"{\"model\": \"scripted\", }").await;
    assert_snapshot!(refused(gateway, &answer).await);
}

#[tokio::test]
async fn too_large() {
    let gateway = gateway().await;
    let answer = gateway.client.chat(&asking("scripted", &"x".repeat(5000))).await;
    assert_snapshot!(refused(gateway, &answer).await);
}

#[tokio::test]
async fn what_the_local_model_cannot_do() {
    let gateway = gateway().await;
    let answer = gateway.client.chat(&with(asking("scripted", "?"), &json!({"verbosity": "low"}))).await;
    assert_snapshot!(refused(gateway, &answer).await);
}

/// Each row: what is added to a good request, and the field that the refusal must name.
#[tokio::test]
async fn the_field_at_fault_is_named() {
    let gateway = gateway().await;
    let image = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]);
    let rows: Vec<(Value, &str)> = vec![
        (json!({"temperature": 2.1}), "temperature"),
        (json!({"temperature": "hot"}), "temperature"),
        (json!({"top_p": -0.1}), "top_p"),
        (json!({"n": 0}), "n"),
        (json!({"n": 1_000_000_000}), "n"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (json!({"max_tokens": 9_223_372_036_854_775_808_u64}), "max_tokens"),
        (json!({"presence_penalty": 2.5}), "presence_penalty"),
        (json!({"frequency_penalty": -2.5}), "frequency_penalty"),
        (json!({"stop": ["a", "b", "c", "d", "e"]}), "stop"),
        (json!({"top_logprobs": 3}), "top_logprobs"),
        (json!({"logprobs": true, "top_logprobs": 21}), "top_logprobs"),
        (json!({"logit_bias": {"5": 101}}), "logit_bias"),
        (json!({"response_format": {"type": "json_schema"}}), "response_format"),
        (json!({"verbosity": "low"}), "verbosity"),
        (json!({"no_such_field": 1}), "no_such_field"),
        (json!({"messages": []}), "messages"),
        (json!({"messages": [{"role": "user"}]}), "messages[0].content"),
        (json!({"messages": [{"role": "king", "content": "?"}]}), "messages[0].role"),
        (json!({"messages": image}), "messages[0].content[0]"),
    ];
    for (more, field) in rows {
        let answer = gateway.client.chat(&with(asking("scripted", "?"), &more)).await;
        let param = answer.json()["error"]["param"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == 400 && param.starts_with(field), "{more}: named `{param}`\n{answer}");
        assert!(answer.json()["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{more}");
    }
    assert_eq!(gateway.wall.heard().to_string(), "nothing");
    assert_eq!(gateway.end().await.of("decision").count(), 0, "nothing was permitted");
}

/// Bodies that two readers could understand differently (promise 32).
#[tokio::test]
async fn ambiguous_json_is_refused() {
    let gateway = gateway().await;
    let good = r#"{"model":"scripted","messages":[{"role":"user","content":"?"}]}"#;
    let deep = format!(r#"{{"model":"scripted","messages":{}{}}}"#, "[".repeat(2000), "]".repeat(2000));
    let bodies = [
        good.replace(r#""model":"scripted""#, r#""model":"scripted","model":"wall-small""#),
        good.replace(r#""model":"scripted""#, r#""model":"scripted","Model":"wall-small""#),
        format!("\u{feff}{good}"),
        good.replace('?', r"\ud800"),
        format!("{good}{good}"),
        good.replace("scripted", "scripted\u{1}"),
        good.replace("[{", "[{\"role\":\"system\",\"role\":\"user\",\"content\":\"?\"},{"),
        deep,
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
    ];
    for body in bodies {
        let answer = gateway.client.post_bytes("/v1/chat/completions", body.as_bytes()).await;
        assert_eq!(answer.status, 400, "{body:.120}\n{answer}");
        assert_eq!(answer.json()["error"]["type"], "invalid_request_error", "{body:.120}");
    }
    let not_utf8 = [&good.as_bytes()[..40], b"\xff", &good.as_bytes()[40..]].concat();
    assert_eq!(gateway.client.post_bytes("/v1/chat/completions", &not_utf8).await.status, 400);
    assert_eq!(gateway.wall.heard().to_string(), "nothing");
    gateway.end().await;
}

#[tokio::test]
async fn other_addresses_and_methods() {
    let gateway = gateway().await;
    assert_eq!(gateway.client.get("/v1/nothing").await.status, 404);
    let answer = gateway.client.get("/v1/chat/completions").await;
    assert_eq!((answer.status, answer.head.get("allow")), (405, Some("POST")));
    gateway.end().await;
}

#[tokio::test]
async fn a_prompt_longer_than_the_context() {
    let setup = Setup::local(Script::new());
    let gateway = setup.start().await;
    let answer = gateway.client.chat(&asking("scripted", &"long ".repeat(2000))).await;
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].as_str()),
        (400, Some("context_length_exceeded")),
        "{answer}"
    );
    gateway.end().await;
}
