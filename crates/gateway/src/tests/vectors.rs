//! Vectors made on this machine, through the whole road.

use local_model::scripted::Script;
use serde_json::{Value, json};

use super::rig::{Got, Rig};

const MODEL: &str = "counter";

fn rig(config: &str) -> Rig {
    Rig::with_embedder(Some(Script::new().answer("capital", "Paris.")), MODEL, config)
}

async fn made(rig: &Rig, body: Value) -> Got {
    rig.send(rig.request("POST", "/v1/embeddings", body.to_string())).await
}

#[tokio::test]
async fn vectors_have_openais_shape_and_are_recorded_and_metered() {
    let mut rig = rig("");
    let got = made(&rig, json!({"model": MODEL, "input": ["aab", "c"]})).await;
    assert_eq!(got.status, 200, "{}", got.body);
    // Bytes 97 to 99 leave 1, 2 and 3.
    let expected = json!({
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]},
            {"object": "embedding", "index": 1, "embedding": [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]},
        ],
        "model": MODEL,
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    });
    assert_eq!(got.json(), expected);
    assert_eq!((got.header("x-gwanmun-destination"), got.header("x-gwanmun-model")), ("local", MODEL));
    let entries = rig.entries();
    assert_eq!(entries.len(), 2, "{entries:?}");
    assert_eq!((&entries[0]["kind"], &entries[0]["surface"]), (&json!("decision"), &json!("embeddings")));
    assert_eq!(entries[0]["destinations"], json!(["local"]));
    assert_eq!((&entries[1]["ending"], &entries[1]["prompt_tokens"]), (&json!("answered"), &json!(8)));
    assert_eq!(entries[1]["answer_bytes"], got.body.len());
}

#[tokio::test]
async fn every_form_of_input_and_output() {
    let rig = rig("");
    let vector = json!([0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    // The tokens are bytes; 256 begins a text, 257 ends it.
    for input in [json!("aab"), json!(["aab"]), json!([97, 97, 98]), json!([[256, 97, 97, 98, 257]])] {
        let got =
            made(&rig, json!({"model": MODEL, "input": input, "dimensions": 8, "encoding_format": "float"})).await;
        assert_eq!(got.json()["data"][0]["embedding"], vector, "{input}: {}", got.body);
        assert_eq!(got.json()["usage"]["prompt_tokens"], 5);
    }
    let got = made(&rig, json!({"model": MODEL, "input": "aab", "encoding_format": "base64"})).await;
    let written = "AAAAAAAAAEAAAIA/AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert_eq!(got.json()["data"][0]["embedding"], written);
}

#[tokio::test]
async fn what_the_model_cannot_do_names_the_field() {
    let rig = rig("");
    let table = [
        (json!({"input": "a", "dimensions": 4}), "dimensions", "have 8 numbers"),
        (
            json!({"input": ["a", "b".repeat(63)]}),
            "input",
            "text 1 has 65 tokens; the model `counter` embeds at most 64",
        ),
        (json!({"input": [900]}), "", "token 900"),
        (json!({"input": "a", "model": "scripted"}), "input", "embeddings"),
    ];
    for (more, param, says) in table {
        let mut body = json!({"model": MODEL});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let got = made(&rig, body).await;
        let error = &got.json()["error"];
        assert_eq!((got.status.as_u16(), error["param"].as_str().unwrap_or_default()), (400, param), "{}", got.body);
        assert!(error["message"].as_str().unwrap().contains(says), "{}", got.body);
    }
    let got = rig.chat(json!({"model": MODEL, "messages": [{"role": "user", "content": "hello"}]})).await;
    assert_eq!((got.status.as_u16(), &got.json()["error"]["param"]), (400, &json!("model")), "{}", got.body);
    assert!(got.body.contains("POST /v1/embeddings"), "{}", got.body);
}

#[tokio::test]
async fn it_is_listed_beside_the_floor_and_stands_in_for_nobody() {
    let rig = rig("");
    let listed = rig.send(rig.request("GET", "/v1/models", "")).await.json();
    let names: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(names, ["scripted", MODEL]);
    let alone = Rig::with_embedder(None, MODEL, "");
    assert_eq!(made(&alone, json!({"model": MODEL, "input": "a"})).await.status, 200);
    let got = made(&rig, json!({"model": "another", "input": "a"})).await;
    assert_eq!(got.status, 404, "{}", got.body);
}

#[tokio::test]
async fn policy_decides_on_vectors_as_on_answers() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("none.cedar");
    #[expect(clippy::disallowed_methods, reason = "a test's own file, which no crash can harm")]
    std::fs::write(&policy, "@id(\"words-only\")\npermit (principal, action == Action::\"infer\", resource);").unwrap();
    let mut rig = rig(&format!("[policy]\nuse = \"{}\"\n", policy.display()));
    let got = made(&rig, json!({"model": MODEL, "input": "a"})).await;
    assert_eq!(got.status, 403, "{}", got.body);
    let got = rig.chat(json!({"model": "scripted", "messages": [{"role": "user", "content": "capital"}]})).await;
    assert_eq!(got.status, 200, "{}", got.body);
    assert_eq!(rig.entries()[0]["kind"], "refusal");
}
