//! No provider key, caller key or prompt in any answer, record, metric (promise 4): canaries, sought raw and encoded.

use e2e::harness::{PROVIDER_KEY, Setup};
use e2e::wall::Role;
use local_model::scripted::Script;

use crate::views::{asking, streaming};

const PROMPT: &str = "PROMPT-CANARY-77aa01";
const MODELS: [&str; 9] = [
    "wall-small",
    "echo",
    "fault-401",
    "fault-403",
    "fault-500",
    "fault-error-inside",
    "fault-cut-at-150",
    "fault-not-json",
    "fault-redirect",
];

/// A secret in the forms in which one could slip out.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let url: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let mut forms = vec![secret.to_owned(), hex.clone(), hex.to_uppercase(), url];
    // Base64 of a text that holds the secret: at each of the three alignments, the part that no neighbour changes.
    for shift in 0..3_usize {
        let encoded = base64(&[&vec![b' '; shift], secret.as_bytes()].concat());
        let start = [0, 2, 3][shift];
        forms.push(encoded[start..encoded.len() - 4].to_owned());
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for group in bytes.chunks(3) {
        let number =
            group.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte)) << (8 * (3 - group.len()));
        for index in 0..4 {
            let letter = LETTERS[number >> (18 - 6 * index) & 63];
            encoded.push(if index <= group.len() { char::from(letter) } else { '=' });
        }
    }
    encoded
}

#[test]
fn the_forms_sought_are_right() {
    assert_eq!(base64(b"any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
    let hidden = base64(b"key=sk-wall-CANARY;");
    assert!(forms("sk-wall-CANARY").iter().any(|form| hidden.contains(form)), "{hidden} {:?}", forms("sk-wall-CANARY"));
}

#[tokio::test]
async fn no_secret_slips_out() {
    let gateway = Setup::local(Script::new()).remote(Role::Foreign, &MODELS).start().await;
    let caller_key = gateway.client.key.clone().unwrap();
    let mut outputs: Vec<(String, String)> = Vec::new();
    for model in MODELS.iter().chain(&["scripted", "unknown-model"]) {
        for request in [asking(model, PROMPT), streaming(model, PROMPT)] {
            let answer = gateway.client.chat(&request).await;
            outputs.push((format!("{model} {:?}", answer.head), format!("{:?}\n{}", answer.head, answer.text())));
        }
    }
    for (name, answer) in [
        (
            "wrong key",
            gateway.client.with_key(&caller_key[..caller_key.len() - 1]).chat(&asking("scripted", PROMPT)).await,
        ),
        ("bad JSON", gateway.client.post_bytes("/v1/chat/completions", format!("{{{PROMPT}").as_bytes()).await),
        ("models", gateway.client.get("/v1/models").await),
        ("metrics", gateway.client.get("/metrics").await),
        ("health", gateway.client.get("/health/ready").await),
        ("unknown path", gateway.client.get("/v1/nothing").await),
    ] {
        outputs.push((name.to_owned(), format!("{:?}\n{}", answer.head, answer.text())));
    }
    // The other way round: the provider is shown its own key, and nothing of the caller's.
    let heard = gateway.wall.heard();
    assert!(heard.contains(PROVIDER_KEY.as_bytes()));
    assert!(!heard.contains(caller_key.as_bytes()), "the caller's key went out to the provider");
    let log = gateway.end().await;
    for form in forms(PROMPT) {
        assert!(!log.0.iter().any(|entry| entry.to_string().contains(&form)), "the prompt stands in the log as {form}");
    }
    outputs.push(("record".to_owned(), log.0.iter().map(ToString::to_string).collect()));
    for secret in [PROVIDER_KEY, &caller_key] {
        for form in forms(secret) {
            for (name, output) in &outputs {
                assert!(!output.contains(&form), "{name} shows a secret as {form}");
            }
        }
    }
}
