//! What a right answer looks like, from the local model and from a provider, streamed and whole.

use e2e::client::Answer;
use e2e::harness::{Setup, TestGateway};
use e2e::wall::{ANSWER, Role};
use insta::assert_snapshot;
use local_model::scripted::Script;
use serde_json::{Value, json};

use crate::views::{asking, streaming, views, with};

fn script() -> Script {
    Script::new().answer("capital of France", "Paris, 프랑스의 수도.")
}

async fn local() -> TestGateway {
    Setup::local(script()).start().await
}

/// Ends the gateway and tells what happened.
async fn told(gateway: TestGateway, answer: &Answer) -> String {
    let heard = gateway.wall.heard();
    views(answer, &heard, &gateway.end().await)
}

#[tokio::test]
async fn local_whole() {
    let gateway = local().await;
    let answer = gateway.client.chat(&asking("scripted", "capital of France?")).await;
    assert_snapshot!(told(gateway, &answer).await);
}

#[tokio::test]
async fn local_streamed() {
    let gateway = local().await;
    let answer = gateway.client.chat(&streaming("scripted", "capital of France?")).await;
    assert!(answer.claims_to_be_complete());
    assert_eq!(answer.said(0), "Paris, 프랑스의 수도.");
    assert_snapshot!(told(gateway, &answer).await);
}

#[tokio::test]
async fn local_streamed_with_usage() {
    let gateway = local().await;
    let request =
        with(streaming("scripted", "capital of France?"), &json!({"stream_options": {"include_usage": true}}));
    let whole = gateway.client.chat(&asking("scripted", "capital of France?")).await.json()["usage"].clone();
    let events = gateway.client.chat(&request).await.events();
    let last: Value = serde_json::from_str(&events[events.len() - 2]).unwrap();
    assert_eq!((last["choices"].clone(), last["usage"].clone()), (json!([]), whole));
    gateway.end().await;
}

#[tokio::test]
async fn local_choices_stop_and_length() {
    let gateway = local().await;
    let asked = asking("scripted", "capital of France?");
    let several = gateway.client.chat(&with(asked.clone(), &json!({"n": 3}))).await;
    assert_eq!(
        [several.said(0), several.said(1), several.said(2)].map(|said| said == "Paris, 프랑스의 수도."),
        [true; 3]
    );
    let stopped = gateway.client.chat(&with(asked.clone(), &json!({"stop": ["의"]}))).await;
    assert_eq!(
        (stopped.said(0).as_str(), &stopped.json()["choices"][0]["finish_reason"]),
        ("Paris, 프랑스", &json!("stop"))
    );
    // The scripted model's tokens are bytes: eight of them end inside a character, which is left out whole.
    let short = gateway.client.chat(&with(asked, &json!({"max_tokens": 8}))).await;
    assert_eq!(short.json()["choices"][0]["finish_reason"], "length");
    assert_eq!(short.json()["usage"]["completion_tokens"], 8);
    assert!("Paris, 프랑스의 수도.".starts_with(short.said(0).trim_end_matches('\u{fffd}')), "{}", short.said(0));
    gateway.end().await;
}

#[tokio::test]
async fn local_completion() {
    let gateway = local().await;
    let request = json!({"model": "scripted", "prompt": "capital of France?", "max_tokens": 64});
    let answer = gateway.client.post("/v1/completions", &request).await;
    assert_snapshot!(told(gateway, &answer).await);
}

#[tokio::test]
async fn remote_whole() {
    let gateway = Setup::empty().remote(Role::National, &["wall-small"]).start().await;
    let answer = gateway.client.chat(&asking("wall-small", "capital of Korea?")).await;
    assert_eq!(answer.said(0), ANSWER.concat());
    assert_snapshot!(told(gateway, &answer).await);
}

#[tokio::test]
async fn remote_streamed() {
    let gateway = Setup::empty().remote(Role::National, &["wall-small"]).start().await;
    let answer = gateway.client.chat(&streaming("wall-small", "capital of Korea?")).await;
    assert!(answer.claims_to_be_complete());
    assert_eq!(answer.said(0), ANSWER.concat());
    assert_snapshot!(told(gateway, &answer).await);
}

#[tokio::test]
async fn remote_takes_what_it_understands_as_it_was_asked() {
    let gateway = Setup::empty().remote(Role::National, &["wall-small"]).start().await;
    let tool = json!({"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}});
    let more =
        json!({"tools": [tool], "tool_choice": "auto", "temperature": 0.5, "seed": 7, "max_tokens": 33, "user": "u-1"});
    let asked = with(asking("wall-small", "날씨?"), &more);
    let answer = gateway.client.chat(&asked).await;
    assert_eq!(answer.status, 200, "{answer}");
    let heard = gateway.wall.heard().requests().next().unwrap().json();
    for (name, value) in asked.as_object().unwrap() {
        assert_eq!(&heard[name], value, "`{name}` went out as it came in");
    }
    gateway.end().await;
}

#[tokio::test]
async fn models_and_health() {
    let gateway = Setup::local(script()).remote(Role::National, &["wall-small"]).start().await;
    let models = gateway.client.get("/v1/models").await.json();
    let names: Vec<&str> = models["data"].as_array().unwrap().iter().filter_map(|model| model["id"].as_str()).collect();
    assert_eq!(names, ["scripted", "wall-small"]);
    assert_eq!(gateway.client.get("/v1/models/wall-small").await.json()["id"], "wall-small");
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(gateway.client.get(path).await.status, 200, "{path}");
    }
    gateway.end().await;
}

#[tokio::test]
async fn the_same_seed_says_the_same() {
    let gateway = Setup::local(Script::new().chance("draw", 24)).start().await;
    let said = async |seed: u64| {
        let request = with(asking("scripted", "draw"), &json!({"seed": seed, "temperature": 1.0}));
        gateway.client.chat(&request).await.said(0)
    };
    let (first, again, other) = (said(5).await, said(5).await, said(6).await);
    assert_eq!(first, again);
    assert_ne!(first, other);
    gateway.end().await;
}
