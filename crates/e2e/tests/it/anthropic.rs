//! A provider of Anthropic's API behind the gateway: what it hears, what the caller gets, what the log says; and a stream of its
//! that is cut anywhere.

#![expect(clippy::disallowed_methods, reason = "a provider of the test's own runs beside it")]

use std::sync::{Arc, Mutex};

use e2e::harness::{Setup, TestGateway};
use e2e::http1::Head;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const EVENTS: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude-x\",\"usage\":{\"input_tokens\":11,\"cache_read_input_tokens\":4,\"output_tokens\":1}}}\n\n\
event: ping\ndata: {\"type\":\"ping\"}\n\n\
event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"The gate \"}}\n\n\
event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"관문 stands.\"}}\n\n\
event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":7}}\n\n\
event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

const TRUTH: &str = "The gate 관문 stands.";

/// Hears every request; sends of the stream as many bytes as the model's name says, then closes.
struct Provider {
    port: u16,
    heard: Arc<Mutex<Vec<(Head, Value)>>>,
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.3.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&told)));
            }
        });
        Self { port, heard }
    }

    async fn gateway(&self, models: &[String]) -> TestGateway {
        let text = format!(
            "[policy]\nuse = \"open\"\nhome = \"KR\"\n[[destination]]\nname = \"claude\"\napi = \"anthropic\"\n\
             base_url = \"http://127.0.3.1:{}/v1\"\nmodels = {models:?}\n",
            self.port
        );
        Setup::empty().configured(&text, "").start().await
    }
}

async fn answer(mut stream: TcpStream, told: Arc<Mutex<Vec<(Head, Value)>>>) {
    let mut waiting = Vec::new();
    let (head, asked) = loop {
        if stream.read_buf(&mut waiting).await.unwrap_or(0) == 0 {
            return;
        }
        let Some((head, length)) = Head::parse(&waiting) else { continue };
        if let Ok(asked) = serde_json::from_slice::<Value>(&waiting[length..]) {
            break (head, asked);
        }
    };
    let model = asked["model"].as_str().unwrap_or_default().to_owned();
    told.lock().unwrap().push((head, asked));
    let bytes = model.rsplit_once('-').and_then(|(_, bytes)| bytes.parse().ok()).unwrap_or(EVENTS.len());
    let sent = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    drop(stream.write_all(sent.as_bytes()).await);
    drop(stream.write_all(&EVENTS.as_bytes()[..bytes.min(EVENTS.len())]).await);
}

fn asking(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "what stands?"}],
        "stream": true, "stream_options": {"include_usage": true}})
}

#[tokio::test]
async fn a_chat_is_heard_in_its_words_and_read_in_ours() {
    let provider = Provider::start().await;
    let gateway = provider.gateway(&["claude-x".to_owned()]).await;
    let answer = gateway.client.chat(&asking("claude-x")).await;
    assert!(answer.claims_to_be_complete() && answer.said(0) == TRUTH, "{answer}");
    let (head, asked) = provider.heard.lock().unwrap().pop().unwrap();
    assert_eq!((head.get("anthropic-version"), head.get("authorization")), (Some("2023-06-01"), None));
    let wanted = json!({"model": "claude-x", "max_tokens": 4096, "stream": true, "system": [{"type": "text", "text": "be brief"}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "what stands?"}]}]});
    assert_eq!(asked, wanted);
    let log = gateway.end().await;
    let outcome = log.of("outcome").next().unwrap();
    assert_eq!((&outcome["prompt_tokens"], &outcome["completion_tokens"]), (&json!(15), &json!(7)));
}

/// Promise 8 in the other dialect: cut at every byte, it is the whole truth or says that it is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_cut_anywhere_is_never_shown_as_complete() {
    let provider = Provider::start().await;
    let cuts: Vec<usize> = (0..=EVENTS.len()).step_by(9).chain([EVENTS.len() - 1]).collect();
    let models: Vec<String> = cuts.iter().map(|bytes| format!("cut-{bytes}")).collect();
    let gateway = provider.gateway(&models[..models.len().min(120)]).await;
    let mut complete = 0;
    for model in models.iter().take(120) {
        let answer = gateway.client.chat(&asking(model)).await;
        if answer.claims_to_be_complete() {
            assert_eq!(answer.said(0), TRUTH, "{model}: {answer}");
            complete += 1;
        } else {
            assert!(TRUTH.starts_with(&answer.said(0)) && !answer.text().contains("[DONE]"), "{model}: {answer}");
            assert!(answer.text().contains("\"error\""), "{model}: not complete and no error told\n{answer}");
        }
    }
    assert!(complete < models.len(), "{complete}");
    gateway.end().await;
}
