//! The built command with the real model: outside clients that know nothing of the gateway, and 200 streams at once.
//! Needs what `cargo xtask test` prepares; without it each test says that it proves nothing and ends.

use std::process::Stdio;

use e2e::command::{Server, python};
use serde_json::json;
use tokio::process::Command;

use crate::views::{asking, streaming, with};

/// Under its template's default instructions the starter model answers the question asked here in poor French.
const INSTRUCTIONS: &str = "You are a helpful assistant.";

/// Runs to the end; what it said, and whether it succeeded.
async fn said(command: &mut Command) -> (String, bool) {
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    let all = [output.stdout, output.stderr].concat();
    (String::from_utf8_lossy(&all).into_owned(), output.status.success())
}

#[tokio::test]
async fn the_official_openai_package() {
    let Some(server) = Server::start(&[]).await else { return };
    let Some(python) = python() else { return };
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/test_openai.py"));
    command.env("GWANMUN_URL", server.url()).env("GWANMUN_KEY", &server.key).env("GWANMUN_MODEL", &server.model);
    let (words, good) = said(&mut command).await;
    assert!(good, "{words}");
    let ran: usize = words.split("Ran ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).unwrap();
    assert!(ran >= 20 && !words.contains("skipped"), "{words}");
    // The test that leaves in the middle left no work behind.
    server.until_metric("gwanmun_local_running", 0.0).await;
    server.end().await;
}

#[tokio::test]
async fn curl_whole_and_streamed() {
    let Some(server) = Server::start(&[]).await else { return };
    let messages = json!([{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": "What is the capital of France?"}]);
    let more = json!({"temperature": 0, "max_tokens": 24, "messages": messages});
    let curl = async |body: String| {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--no-buffer", &format!("{}/v1/chat/completions", server.url())]);
        command.args(["--header", &format!("Authorization: Bearer {}", server.key), "--json", &body]);
        said(&mut command).await.0
    };
    let whole = curl(with(asking(&server.model, ""), &more).to_string()).await;
    assert!(whole.contains("Paris"), "{whole}");
    let streamed = curl(with(streaming(&server.model, ""), &more).to_string()).await;
    assert!(streamed.starts_with("data: ") && streamed.trim_end().ends_with("data: [DONE]"), "{streamed}");
    server.end().await;
}

#[tokio::test]
async fn ask_in_the_terminal() {
    let Some(server) = Server::start(&[]).await else { return };
    let settings = ["--max-tokens", "24", "--temperature", "0", "--system", INSTRUCTIONS];
    let (data, url) = (server.data_dir(), server.url());
    let (elsewhere, here) = (["ask", "--url", &url, "--key", &server.key], ["ask", "--data-dir", &data]);
    for place in [elsewhere.as_slice(), &here] {
        let (words, good) = said(server.command(place).args(settings).arg("What is the capital of France?")).await;
        assert!(good && words.contains("Paris"), "{place:?}: {words}");
    }
    server.end().await;
}

/// All that stay are answered whole; the work of those that leave stops; memory stays bounded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_streams_and_half_of_them_leave() {
    let Some(server) = Server::start(&[]).await else { return };
    let client = server.client();
    // Once alone, so that all that is made at first use is there before memory is read.
    client.chat(&with(asking(&server.model, "Say hello."), &json!({"max_tokens": 8}))).await;
    let before = server.resident_mib();
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..200 {
        let (client, model) = (client.clone(), server.model.clone());
        callers.spawn(async move {
            let question = format!("Tell me about the number {number}.");
            if number % 2 == 0 {
                let request = with(streaming(&model, &question), &json!({"max_tokens": 4}));
                let answer = client.chat(&request).await;
                assert!(answer.claims_to_be_complete(), "{number}: {answer}");
            } else {
                let request = with(streaming(&model, &question), &json!({"max_tokens": 1000}));
                let mut answer = client.open_chat(&request).await;
                for _ in 0..3 {
                    answer.next_event().await.unwrap();
                }
                answer.hang_up();
            }
        });
    }
    callers.join_all().await;
    server.until_metric("gwanmun_local_running", 0.0).await;
    let grown = server.resident_mib() - before;
    assert!(grown < 1200.0, "200 streams took {grown:.0} MiB, more than the cache of 1,024 MiB and a little");
    server.end().await;
}

/// What cannot work is told in words and by the exit code, before a port is open.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test's own files, which no crash can harm")]
async fn bad_input_is_told() {
    let Some(server) = Server::start(&[]).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let not_a_model = folder.path().join("not.gguf");
    std::fs::write(&not_a_model, "this is text").unwrap();
    let config = folder.path().join("gwanmun.toml");
    std::fs::write(&config, "[server]\nlisten = 5\n[nothing]\n").unwrap();
    let (data, model, config) = (folder.path().join("data"), not_a_model.to_str().unwrap(), config.to_str().unwrap());
    let taken = server.address.to_string();
    let rows: [(&[&str], &str); 3] = [
        (&["--listen", "127.0.0.1:0", "--console", "127.0.0.1:0", "--model", model], "not.gguf"),
        (&["--config", config, "--no-model"], "gwanmun.toml:2"),
        (&["--listen", &taken, "--no-model"], "taken"),
    ];
    for (arguments, word) in rows {
        let mut serve = server.command(&["serve", "--data-dir", data.to_str().unwrap()]);
        let (words, good) = said(serve.args(arguments)).await;
        assert!(!good && words.contains(word), "{arguments:?}: {words}");
    }
    server.end().await;
}
