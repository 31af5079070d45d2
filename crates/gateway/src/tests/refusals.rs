//! Everything that is refused, with the exact words that the caller reads, and nothing sent anywhere.

use axum::body::Body;
use http::Request;
use local_model::scripted::Script;
use serde_json::{Value, json};

use super::rig::{Act, FakeRemote, Rig};

fn ask() -> Value {
    json!({"model": "scripted", "messages": [{"role": "user", "content": "hello"}]})
}

fn error(message: &str, kind: &str, param: Option<&str>, code: &str) -> Value {
    json!({"error": {"message": message, "type": kind, "param": param, "code": code}})
}

#[tokio::test]
async fn whatever_is_wrong_with_a_key_is_told_the_same() {
    let mut rig = Rig::new(Some(Script::new()), "");
    let own = format!("Bearer {}", rig.key);
    let wrong: [&[(&str, &str)]; 7] = [
        &[],
        &[("authorization", "Bearer sk-gwm-nonsense")],
        &[("authorization", "Basic dXNlcjpwYXNz")],
        &[("x-api-key", "sk-gwm-nonsense")],
        &[("authorization", &own), ("x-api-key", "another")],
        &[("authorization", &own), ("authorization", "Basic dXNlcjpwYXNz")],
        &[("authorization", &rig.key)],
    ];
    let mut bodies = Vec::new();
    for headers in wrong {
        let mut request = Request::post("/v1/chat/completions");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let got = rig.send(request.body(Body::from(ask().to_string())).unwrap()).await;
        assert_eq!(got.status, 401, "{headers:?}");
        assert!(!got.header("x-request-id").is_empty());
        bodies.push(got.body);
    }
    bodies.dedup();
    let message = "a valid API key is required: send one key as `Authorization: Bearer …`";
    assert_eq!(bodies.len(), 1);
    let told: Value = serde_json::from_str(&bodies[0]).unwrap();
    assert_eq!(told, error(message, "authentication_error", None, "invalid_api_key"));
    assert!(rig.entries().is_empty());
}

#[tokio::test]
async fn every_header_that_clients_use_is_taken() {
    let rig = Rig::new(Some(Script::new()), "");
    for (name, value) in [
        ("authorization", format!("bearer {}", rig.key)),
        ("x-api-key", rig.key.clone()),
        ("api-key", rig.key.clone()),
        ("x-goog-api-key", rig.key.clone()),
    ] {
        let request = Request::get("/v1/models").header(name, value).body(Body::empty()).unwrap();
        assert_eq!(rig.send(request).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn bodies_that_are_no_request_are_refused_before_anything_else() {
    let mut rig = Rig::new(Some(Script::new()), "[limits]\nbody_bytes_max = 2000\n");
    let large = rig.send(rig.request("POST", "/v1/chat/completions", " ".repeat(2001))).await;
    assert_eq!(large.status, 413);
    let told = error(
        "the body is larger than 2000 bytes, the most that is taken",
        "invalid_request_error",
        None,
        "request_too_large",
    );
    assert_eq!(large.json(), told);
    let mut form = rig.request("POST", "/v1/chat/completions", "a=b");
    form.headers_mut().insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    assert_eq!(rig.send(form).await.status, 415);
    let broken = rig.send(rig.request("POST", "/v1/chat/completions", "{")).await;
    assert_eq!((broken.status.as_u16(), &broken.json()["error"]["code"]), (400, &json!("invalid_json")));
    let unknown =
        rig.chat(json!({"model": "scripted", "messages": [{"role": "user", "content": "x"}], "temprature": 1})).await;
    assert_eq!((unknown.status.as_u16(), &unknown.json()["error"]["param"]), (400, &json!("temprature")));
    assert!(rig.entries().is_empty());
}

#[tokio::test]
async fn what_the_model_cannot_do_names_the_field() {
    let mut rig = Rig::new(Some(Script::new()), "");
    let mut body = ask();
    body["verbosity"] = json!("low");
    let got = rig.chat(body).await;
    assert_eq!(got.status, 400);
    let message = "the model `scripted` does not support verbosity, which `verbosity` asks for";
    assert_eq!(got.json(), error(message, "invalid_request_error", Some("verbosity"), "unsupported_parameter"));
    let mut body = ask();
    body["logit_bias"] = json!({"999": 1});
    let got = rig.chat(body).await;
    let message = "`logit_bias` names token `999`; this model has tokens 0 to 261";
    assert_eq!(got.json(), error(message, "invalid_request_error", Some("logit_bias.999"), "invalid_value"));
    let mut body = ask();
    body["messages"][0]["content"] = json!("x".repeat(5000));
    let got = rig.chat(body).await;
    let message = "the prompt has 5004 tokens; the local model holds 4096, prompt and answer together";
    assert_eq!(got.json(), error(message, "invalid_request_error", Some("messages"), "context_length_exceeded"));
    let body = json!({"model": "scripted", "prompt": "x".repeat(5000)}).to_string();
    let got = rig.send(rig.request("POST", "/v1/completions", body)).await;
    assert_eq!(got.json()["error"]["param"], "prompt");
    let kinds: Vec<Value> = rig.entries().iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!(kinds, ["refusal", "decision", "outcome", "decision", "outcome", "decision", "outcome"]);
}

#[tokio::test]
async fn unknown_models_are_never_answered_by_another_and_forbidden_ones_hear_nothing() {
    let remote = FakeRemote::new(&crate::tasks::Tasks::new(crate::clock::Clock::system()), vec![Act::Stall]).await;
    let mut rig = Rig::new(Some(Script::new()), &remote.config("local"));
    let mut body = ask();
    body["model"] = json!("gpt-9");
    let got = rig.chat(body.clone()).await;
    assert_eq!(got.status, 404);
    let message = "there is no model `gpt-9` here; ask for `scripted`";
    assert_eq!(got.json(), error(message, "invalid_request_error", Some("model"), "model_not_found"));
    body["model"] = json!("far");
    let got = rig.chat(body).await;
    assert_eq!(got.status, 403);
    let message = "policy `local` permits no destination that has the model `far` for sensitive data";
    assert_eq!(got.json(), error(message, "permission_error", Some("model"), "not_permitted"));
    assert!(remote.heard().is_empty());
    let entries = rig.entries();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0]["model"], Value::Null);
    assert_eq!(entries[1]["reason"], "not_permitted");
    assert_eq!(got.header("x-gwanmun-entry"), entries[1]["seq"].to_string());
}

#[tokio::test]
async fn without_a_log_nothing_is_sent_and_the_answer_is_503() {
    let tasks = crate::tasks::Tasks::new(crate::clock::Clock::system());
    let remote = FakeRemote::new(&tasks, vec![Act::Stall]).await;
    let mut rig = Rig::new(Some(Script::new()), &remote.config("open"));
    rig.end_log();
    for model in ["scripted", "far", "gpt-9"] {
        let mut body = ask();
        body["model"] = json!(model);
        let got = rig.chat(body).await;
        assert_eq!(got.status, 503, "{model}");
        assert_eq!(got.header("retry-after"), "1");
        assert_eq!(got.json()["error"]["type"], "overloaded_error");
    }
    assert!(remote.heard().is_empty());
}

#[tokio::test]
async fn limits_of_a_key_are_told_with_when_to_come_back() {
    let config = "[admission]\nrequests_per_minute_per_key = 1\n";
    let rig = Rig::new(Some(Script::new()), config);
    assert_eq!(rig.chat(ask()).await.status, 200);
    let got = rig.chat(ask()).await;
    assert_eq!(got.status, 429);
    assert_eq!(
        got.json(),
        error("this key may begin 1 requests a minute", "rate_limit_error", None, "rate_limit_exceeded")
    );
    let wait: u64 = got.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_draining_gateway_is_not_ready_and_takes_nothing() {
    let rig = Rig::new(Some(Script::new()), "");
    assert_eq!(rig.send(rig.request("GET", "/health/ready", "")).await.status, 200);
    rig.tasks.drain();
    assert_eq!(rig.send(rig.request("GET", "/health/live", "")).await.status, 200);
    assert_eq!(rig.send(rig.request("GET", "/health/ready", "")).await.status, 503);
    let got = rig.chat(ask()).await;
    assert_eq!((got.status.as_u16(), &got.json()["error"]["code"]), (503, &json!("server_stopping")));
}

#[tokio::test]
async fn addresses_and_methods_that_do_not_exist_are_told_in_the_same_shape() {
    let rig = Rig::new(Some(Script::new()), "");
    let got = rig.send(rig.request("GET", "/v2/nothing", "")).await;
    assert_eq!(got.status, 404);
    let message = "there is nothing at `GET /v2/nothing`; the API's addresses begin with `/v1/`";
    assert_eq!(got.json(), error(message, "invalid_request_error", None, "unknown_url"));
    let got = rig.send(rig.request("GET", "/v1/chat/completions", "")).await;
    assert_eq!(got.status, 405);
    assert_eq!(got.header("allow"), "POST");
    assert_eq!(got.json()["error"]["code"], "method_not_allowed");
    let got = rig.send(rig.request("GET", "/v1/models", "")).await.json();
    assert_eq!(got["data"][0]["id"], "scripted");
    assert_eq!(rig.send(rig.request("GET", "/v1/models/scripted", "")).await.json()["owned_by"], "local");
    assert_eq!(rig.send(rig.request("GET", "/v1/models/gpt-9", "")).await.status, 404);
    let metrics = rig.send(rig.request("GET", "/metrics", "")).await.body;
    assert!(
        metrics.contains("gwanmun_requests_total{endpoint=\"other\",status=\"404\",destination=\"none\"} 1"),
        "{metrics}"
    );
    assert!(!metrics.contains("gpt-9") && !metrics.contains("nothing"));
}
