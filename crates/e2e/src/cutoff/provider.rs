//! A foreign provider that answers until it is told to refuse: with 403 and the words of a sanction, also to those whose answer it has
//! begun. It counts every request that reaches it.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::http1::{Body, Head, chunk};

/// What it answers, a word an event.
const WORDS: &str = "A gate at a frontier is kept by those who live there: they know every road, whose law holds beyond it, and which \
                     of the travellers may pass. When a road is closed, they do not stand and wait; they open the next one.";
/// Between two words.
const PACE: Duration = Duration::from_millis(25);

/// The provider, listening until dropped.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    refuses: watch::Sender<bool>,
    heard: Arc<AtomicU64>,
    broken_off: Arc<AtomicU64>,
    accepting: tokio::task::JoinHandle<()>,
}

/// What connections have in common.
#[derive(Clone)]
struct Shared {
    refuses: watch::Receiver<bool>,
    heard: Arc<AtomicU64>,
    broken_off: Arc<AtomicU64>,
}

impl Provider {
    /// Listens abroad, at any free port.
    ///
    /// # Errors
    /// Where loopback is not to be had.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.3.1:0").await?;
        let address = listener.local_addr()?;
        let refuses = watch::Sender::new(false);
        let (heard, broken_off) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let shared =
            Shared { refuses: refuses.subscribe(), heard: Arc::clone(&heard), broken_off: Arc::clone(&broken_off) };
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = shared.clone();
                // A caller that leaves ends its connection; nothing else is owed.
                tokio::spawn(async move { drop(serve(stream, shared).await) });
            }
        });
        Ok(Self { address, refuses, heard, broken_off, accepting })
    }

    /// What a configuration calls it.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// From now on it refuses, or answers again.
    pub fn refuse(&self, refuses: bool) {
        self.refuses.send_replace(refuses);
    }

    /// Requests that have reached it.
    pub fn heard(&self) -> u64 {
        self.heard.load(Ordering::SeqCst)
    }

    /// Answers that it has broken off in the middle.
    pub fn broken_off(&self) -> u64 {
        self.broken_off.load(Ordering::SeqCst)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: TcpStream, mut shared: Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut waiting = Vec::new();
    loop {
        let (head, length) = loop {
            if let Some(found) = Head::parse(&waiting) {
                break found;
            }
            if stream.read_buf(&mut waiting).await? == 0 {
                return Ok(());
            }
        };
        waiting.drain(..length);
        let Body::Length(length) = head.body() else { return Ok(()) };
        while waiting.len() < length {
            if stream.read_buf(&mut waiting).await? == 0 {
                return Ok(());
            }
        }
        let body: Vec<u8> = waiting.drain(..length).collect();
        if head.line.starts_with("GET ") {
            // A probe without live data: the list of models.
            let (status, models) =
                if *shared.refuses.borrow() { (403, refusal()) } else { (200, json!({"object": "list", "data": []})) };
            stream.write_all(&whole(status, &models)).await?;
            continue;
        }
        let number = shared.heard.fetch_add(1, Ordering::SeqCst);
        if !answer(&mut stream, &serde_json::from_slice(&body).unwrap_or_default(), number, &mut shared).await? {
            return Ok(());
        }
    }
}

/// Answers one request; whether the connection goes on.
async fn answer(stream: &mut TcpStream, request: &Value, number: u64, shared: &mut Shared) -> io::Result<bool> {
    if *shared.refuses.borrow_and_update() {
        stream.write_all(&whole(403, &refusal())).await?;
        return Ok(true);
    }
    let model = request["model"].clone();
    if request["stream"] != Value::Bool(true) {
        tokio::time::sleep(PACE * 8).await;
        if *shared.refuses.borrow() {
            stream.write_all(&whole(403, &refusal())).await?;
            return Ok(true);
        }
        let answer = json!({"id": "chatcmpl-far", "object": "chat.completion", "created": 1_790_000_000, "model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": WORDS}, "finish_reason": "stop"}],
            "usage": usage()});
        stream.write_all(&whole(200, &answer)).await?;
        return Ok(true);
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let event = |delta: Value, finish: Value| {
        json!({"id": "chatcmpl-far", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    send(stream, &event(json!({"role": "assistant", "content": ""}), Value::Null).to_string()).await?;
    for word in WORDS.split_inclusive(' ') {
        tokio::select! {
            () = tokio::time::sleep(PACE) => send(stream, &event(json!({"content": word}), Value::Null).to_string()).await?,
            _ = shared.refuses.changed() => {
                shared.broken_off.fetch_add(1, Ordering::SeqCst);
                // One is told inside its answer, the next is cut without a word.
                if number.is_multiple_of(2) {
                    send(stream, &refusal().to_string()).await?;
                }
                stream.shutdown().await?;
                return Ok(false);
            }
        }
    }
    send(stream, &event(json!({}), json!("stop")).to_string()).await?;
    if request.pointer("/stream_options/include_usage") == Some(&Value::Bool(true)) {
        let mut last = event(json!({}), Value::Null);
        last["choices"] = json!([]);
        last["usage"] = usage();
        send(stream, &last.to_string()).await?;
    }
    send(stream, "[DONE]").await?;
    stream.write_all(&chunk(b"")).await?;
    Ok(true)
}

async fn send(stream: &mut TcpStream, data: &str) -> io::Result<()> {
    stream.write_all(&chunk(format!("data: {data}\n\n").as_bytes())).await
}

fn usage() -> Value {
    let words = WORDS.split(' ').count();
    json!({"prompt_tokens": 20, "completion_tokens": words, "total_tokens": words + 20})
}

fn refusal() -> Value {
    json!({"error": {"type": "permission_error", "code": "unsupported_country_region_territory", "param": null,
        "message": "Country, region, or territory not supported: this account is suspended under export controls"}})
}

fn whole(status: u16, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!("HTTP/1.1 {status} Far\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}
