//! Sealed payloads, over the whole road: what caller and provider saw is what is kept, nothing of it lies open on the disk,
//! and what is erased is gone while the log still holds.

use std::path::Path;
use std::time::Duration;

use e2e::harness::{Setup, TestGateway};
use e2e::payloads::SealedPayloads;
use e2e::wall::Role;
use gateway::config;
use gateway::payloads::ReadError;
use local_model::scripted::Script;
use serde_json::Value;

use crate::secrets::forms;
use crate::views::{asking, streaming};

const ASKED: &str = "PROMPT-CANARY-5f0c21";
const ANSWERED: &str = "ANSWER-CANARY-b77e90";

/// Longer than anything here takes, on a machine with other work.
const PATIENCE: Duration = Duration::from_mins(1);

fn setup(script: Script) -> Setup {
    let sealed = |config: &mut config::Config| config.audit_log.payloads = config::Payloads::Sealed;
    Setup::local(script).remote(Role::Foreign, &["echo", "fault-500", "fault-cut-at-150"]).change(sealed)
}

fn sealed(gateway: &TestGateway) -> &SealedPayloads {
    gateway.payloads.as_ref().expect("payloads are sealed")
}

fn script() -> Script {
    Script::new().answer(ASKED, ANSWERED)
}

/// The last decision or refusal, and the outcome that follows it.
fn last(gateway: &TestGateway) -> (Value, Option<Value>) {
    let log = gateway.log();
    let decided = |entry: &&Value| entry["kind"] == "decision" || entry["kind"] == "refusal";
    let decision = log.0.iter().rev().find(decided).expect("something was decided").clone();
    let outcome = log.of("outcome").find(|outcome| outcome["decision"] == decision["seq"]).cloned();
    (decision, outcome)
}

/// The body of an answer up to its end marker.
fn before_the_end(body: &[u8]) -> &[u8] {
    body.strip_suffix(b"data: [DONE]\n\n").unwrap_or(body)
}

#[tokio::test]
async fn what_was_said_is_what_is_kept() {
    let gateway = setup(script()).start().await;
    for model in ["scripted", "echo", "fault-500", "fault-cut-at-150", "unknown-model"] {
        for request in [asking(model, ASKED), streaming(model, ASKED)] {
            let answer = gateway.client.chat(&request).await;
            let (decision, outcome) = last(&gateway);
            let kept = sealed(&gateway).read(&decision).await.expect(model);
            assert_eq!(kept.damage, None);
            assert!(kept.request.whole);
            assert_eq!(kept.request.bytes, request.to_string().as_bytes(), "{model}: what the caller sent");
            assert!(sealed(&gateway).committed(&decision, outcome.as_ref(), &kept), "{model}: {decision} {outcome:?}");
            let ending = outcome.as_ref().map(|outcome| outcome["ending"].as_str().unwrap_or_default());
            match ending {
                Some("answered") => {
                    let told = kept.answer.expect("an answer");
                    assert!(told.whole, "{model}");
                    assert_eq!(told.bytes, before_the_end(&answer.body), "{model}: what the caller was given");
                }
                // What the caller was given before the error.
                Some("failed") => match kept.answer {
                    Some(told) => assert!(told.whole && answer.body.starts_with(&told.bytes), "{model}"),
                    None => assert_eq!(outcome.expect("an outcome")["answer_bytes"], 0, "{model}"),
                },
                None => assert!(kept.answer.is_none() && model == "unknown-model", "{model}"),
                Some(other) => panic!("{model} ended {other}"),
            }
        }
    }
    gateway.end().await;
}

#[tokio::test]
async fn a_caller_that_leaves_leaves_what_it_was_given() {
    let gateway = setup(Script::new().endless("count", ANSWERED)).start().await;
    let mut open = gateway.client.open_chat(&streaming("scripted", "count")).await;
    for _ in 0..10 {
        open.next_event().await.expect("it goes on");
    }
    open.hang_up();
    let (decision, outcome) = soon(async || {
        gateway.client.get("/health/live").await;
        let (decision, outcome) = last(&gateway);
        outcome.map(|outcome| (decision, outcome))
    })
    .await;
    // The outcome is in the log only when the answer is kept.
    let kept = sealed(&gateway).read(&decision).await.expect("it is kept");
    assert_eq!(outcome["ending"], "cancelled");
    assert!(sealed(&gateway).committed(&decision, Some(&outcome), &kept));
    let answer = kept.answer.expect("what was handed over");
    assert!(answer.whole, "its end is marked");
    assert_eq!(answer.bytes.len() as u64, outcome["answer_bytes"].as_u64().unwrap_or_default());
    gateway.end().await;
}

/// Tries until there is something; a wait that no test has reason for is a hang.
async fn soon<T>(mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let tried = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(found) = attempt().await {
                return found;
            }
        }
    });
    tried.await.expect("it comes within patience")
}

#[tokio::test]
async fn nothing_that_was_said_lies_open_on_the_disk() {
    let gateway = setup(script()).start().await;
    for model in ["scripted", "echo"] {
        for request in [asking(model, ASKED), streaming(model, ASKED)] {
            assert!(gateway.client.chat(&request).await.said(0).contains("CANARY"), "{model} says it");
        }
    }
    let folder = gateway.log_dir().parent().expect("the log lies in a folder").to_owned();
    let (mut files, mut said) = (Vec::new(), Vec::new());
    for secret in [ASKED, ANSWERED] {
        said.extend(forms(secret));
    }
    // While it serves, and once it has ended.
    search(&folder, &said, &mut files);
    assert!(files.iter().any(|file| file.ends_with("00000001.sealed")), "{files:?}");
    let entries = gateway.end().await;
    assert_eq!(entries.of("outcome").count(), 4);
}

/// Seeks `secrets` in every file below.
fn search(folder: &Path, secrets: &[String], files: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a folder can be read").path();
        if path.is_dir() {
            search(&path, secrets, files);
            continue;
        }
        let Ok(bytes) = std::fs::read(&path) else { continue };
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "`{}` holds `{secret}`", path.display());
        }
        files.push(path.display().to_string());
    }
}

#[tokio::test]
async fn what_is_erased_is_gone_and_the_log_still_holds() {
    let gateway = setup(script()).start().await;
    let request = streaming("scripted", ASKED);
    gateway.client.chat(&request).await;
    let (before, _) = last(&gateway);
    assert!(sealed(&gateway).read(&before).await.is_ok());
    let erased = sealed(&gateway).erase("testers").await.expect("there is something to erase");
    assert_eq!(erased.keys.len(), 1);
    let gone = sealed(&gateway).read(&before).await;
    assert!(matches!(gone, Err(ReadError::Erased { .. })), "{gone:?}");
    // The gateway goes on: within a second it keeps what is said under a new key.
    let (after, outcome, kept) = soon(async || {
        gateway.client.chat(&request).await;
        let (after, outcome) = last(&gateway);
        match sealed(&gateway).read(&after).await {
            Ok(kept) => Some((after, outcome, kept)),
            Err(ReadError::Erased { .. }) => None,
            Err(error) => panic!("{error}"),
        }
    })
    .await;
    assert!(sealed(&gateway).committed(&after, outcome.as_ref(), &kept));
    let again = sealed(&gateway).read(&before).await;
    assert!(matches!(again, Err(ReadError::Erased { .. })), "{again:?}");
    // `end` has the verifier look at the log.
    gateway.end().await;
}

#[tokio::test]
async fn where_a_request_cannot_be_kept_nothing_is_sent() {
    let mut gateway = setup(script()).start().await;
    // A disk that does not take it: its folder is gone.
    std::fs::remove_dir(&sealed(&gateway).folder).expect("it is empty");
    for model in ["scripted", "echo", "unknown-model"] {
        for request in [asking(model, ASKED), streaming(model, ASKED)] {
            let answer = gateway.client.chat(&request).await;
            assert_eq!(answer.status, 503, "{model}: {}", answer.text());
            assert!(!answer.text().contains(ANSWERED), "{model}");
        }
    }
    assert_eq!(gateway.client.get("/health/ready").await.status, 503);
    assert_eq!(gateway.wall.heard().requests().count(), 0, "nothing was sent");
    assert!(gateway.engine().seen().sequences.is_empty(), "nothing was computed");
    let mut payloads = gateway.payloads.take().expect("payloads are sealed");
    let entries = gateway.end().await;
    assert!(entries.of("outcome").all(|outcome| outcome["ending"] == "abandoned"), "{entries}");
    assert!(payloads.finish().is_err(), "it says so");
}
