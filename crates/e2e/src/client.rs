//! The caller's view: a plain HTTP/1.1 client over raw sockets that keeps every byte of an answer and knows whether it was
//! whole. Shares no code with the gateway, so that what it sees is what any caller sees.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http1::{Body, Chunks, Head};

/// A wait longer than this is a hang, and fails the test that waits. The last of two hundred callers of a real model on a
/// busy machine waits its turn for more than a minute.
const PATIENCE: Duration = Duration::from_mins(3);

/// A caller with one key. Each request has a connection of its own.
#[derive(Clone, Debug)]
pub struct Client {
    /// Whom it calls.
    pub address: SocketAddr,
    /// What it shows; nothing where it has no key.
    pub key: Option<String>,
    /// Further headers of each of its requests.
    pub headers: Vec<(&'static str, String)>,
}

impl Client {
    /// A caller of `address` that shows `key`.
    pub fn new(address: SocketAddr, key: &str) -> Self {
        Self { address, key: Some(key.to_owned()), headers: Vec::new() }
    }

    /// The same caller with another key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self::new(self.address, key)
    }

    /// The same caller, which sends this header too.
    #[must_use]
    pub fn saying(&self, name: &'static str, value: &str) -> Self {
        let mut caller = self.clone();
        caller.headers.push((name, value.to_owned()));
        caller
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.raw(&self.request("GET", path, b"")).await
    }

    /// `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_bytes(path, body.to_string().as_bytes()).await
    }

    /// `POST path` with any body.
    pub async fn post_bytes(&self, path: &str, body: &[u8]) -> Answer {
        self.raw(&self.request("POST", path, body)).await
    }

    /// One chat request and its whole answer.
    pub async fn chat(&self, body: &Value) -> Answer {
        self.post("/v1/chat/completions", body).await
    }

    /// One chat request whose answer is read piece by piece.
    pub async fn open_chat(&self, body: &Value) -> Open {
        self.open(&self.request("POST", "/v1/chat/completions", body.to_string().as_bytes())).await
    }

    /// Bytes as they are, on a connection of their own; whatever comes back.
    pub async fn raw(&self, bytes: &[u8]) -> Answer {
        self.open(bytes).await.rest().await
    }

    /// Bytes as they are; the answer is read by whoever holds the result.
    pub async fn open(&self, bytes: &[u8]) -> Open {
        let stream = patient(TcpStream::connect(self.address)).await.expect("the gateway listens");
        let mut open = Open {
            stream,
            head: None,
            waiting: Vec::new(),
            chunks: Chunks::default(),
            answer: Answer::default(),
            told: 0,
            ended: false,
        };
        // A gateway may refuse and close before all is sent: what it said then is the answer.
        drop(patient(open.stream.write_all(bytes)).await);
        open
    }

    /// The bytes of a request of this caller.
    pub fn request(&self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        let key = self.key.as_ref().map_or(String::new(), |key| format!("authorization: Bearer {key}\r\n"));
        let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
        let more: Vec<String> = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let more = more.concat();
        let (address, length) = (self.address, body.len());
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\n{key}{more}{kind}content-length: {length}\r\n\r\n");
        [head.as_bytes(), body].concat()
    }
}

/// An answer that is still coming.
#[derive(Debug)]
pub struct Open {
    stream: TcpStream,
    /// How the body is framed, once the head is there.
    head: Option<Body>,
    /// Bytes of a head that is not whole yet.
    waiting: Vec<u8>,
    chunks: Chunks,
    answer: Answer,
    /// Bytes of the body's events given out already.
    told: usize,
    ended: bool,
}

impl Open {
    /// The next server-sent event's data; nothing when the answer has ended, whole or not.
    pub async fn next_event(&mut self) -> Option<String> {
        loop {
            let rest = self.answer.body.get(self.told..).unwrap_or_default();
            if let Some(end) = rest.windows(2).position(|window| window == b"\n\n") {
                self.told += end + 2;
                let event = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
                return Some(event.trim_start_matches("data: ").to_owned());
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// All of it, to its end.
    pub async fn rest(mut self) -> Answer {
        while !self.answer.whole && self.more().await {}
        self.answer
    }

    /// Closes the connection now: the caller leaves.
    pub fn hang_up(self) {
        drop(self.stream);
    }

    /// More bytes of request.
    pub async fn send(&mut self, bytes: &[u8]) {
        // As in `Client::open`: a refusal may have come first.
        drop(patient(self.stream.write_all(bytes)).await);
    }

    /// Whether the other side has closed the connection; waits until it has or says more.
    pub async fn is_closed(&mut self) -> bool {
        !self.more().await
    }

    async fn more(&mut self) -> bool {
        if self.ended {
            return false;
        }
        let mut bytes = Vec::new();
        // A reset is an end; that the answer was not whole shows in its framing.
        let count = patient(self.stream.read_buf(&mut bytes)).await.unwrap_or(0);
        self.ended = count == 0;
        self.take(&bytes);
        count > 0
    }

    fn take(&mut self, bytes: &[u8]) {
        let Some(framing) = self.head else {
            self.waiting.extend_from_slice(bytes);
            if let Some((head, length)) = Head::parse(&self.waiting) {
                self.answer.status = head.line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
                self.head = Some(head.body());
                self.answer.head = head;
                let rest = self.waiting.split_off(length);
                self.take(&rest);
            }
            return;
        };
        let answer = &mut self.answer;
        match framing {
            Body::Length(length) => {
                answer.body.extend_from_slice(bytes);
                answer.body.truncate(length);
                answer.whole = answer.body.len() == length;
            }
            Body::Chunked => {
                answer.body.extend(self.chunks.push(bytes));
                answer.whole = self.chunks.is_done();
            }
            Body::UntilTheEnd => {
                answer.body.extend_from_slice(bytes);
                answer.whole = self.ended;
            }
        }
    }
}

async fn patient<T>(waiting: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, waiting).await.expect("an answer within three minutes")
}

/// An answer as it came.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Its status; 0 where not even a head came.
    pub status: u16,
    /// Its first line and headers.
    pub head: Head,
    /// Its body, out of its framing.
    pub body: Vec<u8>,
    /// Whether it came to the end that its framing promised.
    pub whole: bool,
}

impl Answer {
    /// A header's value; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.head
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value.as_str())
    }

    /// The body as JSON; null where it is not.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The data of its events, in order.
    pub fn events(&self) -> Vec<String> {
        let text = self.text();
        text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).map(str::to_owned).collect()
    }

    /// The text of a choice: of a whole answer, or of all of a stream's pieces together.
    pub fn said(&self, choice: usize) -> String {
        if let Some(text) = self.json().pointer(&format!("/choices/{choice}/message/content")) {
            return text.as_str().unwrap_or_default().to_owned();
        }
        let events = self.events().into_iter().filter_map(|event| serde_json::from_str::<Value>(&event).ok());
        let choices = events.flat_map(|event| event["choices"].as_array().cloned().unwrap_or_default());
        let pieces = choices.filter(|piece| piece["index"] == choice);
        pieces.filter_map(|piece| piece["delta"]["content"].as_str().map(str::to_owned)).collect()
    }

    /// Whether a caller may take it for a complete answer: whole, and ended as an answer ends.
    pub fn claims_to_be_complete(&self) -> bool {
        let events = self.events();
        let finished = self.text().contains("\"finish_reason\":\"");
        self.status == 200
            && self.whole
            && finished
            && (events.is_empty() || events.iter().any(|event| event == "[DONE]"))
    }
}

/// For snapshots: status, headers that mean something, body; nothing of chance in it.
impl fmt::Display for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{}{}",
            self.head.line.trim_start_matches("HTTP/1.1 "),
            if self.whole { "" } else { " (cut off)" }
        )?;
        let mut headers: Vec<_> = self.head.headers.iter().collect();
        headers.sort();
        for (name, value) in headers {
            match name.as_str() {
                "date" | "content-length" => {}
                _ if is_chance(name) => writeln!(out, "{name}: …")?,
                _ => writeln!(out, "{name}: {value}")?,
            }
        }
        if self.events().is_empty() {
            write!(out, "\n{}", settled(&self.text()))
        } else {
            self.text().split_inclusive("\n\n").try_for_each(|event| write!(out, "\n{}", settled(event.trim_end())))
        }
    }
}

fn is_chance(header: &str) -> bool {
    matches!(header, "x-request-id" | "x-gwanmun-entry")
}

/// JSON with what differs from run to run taken out; other text as it is.
fn settled(text: &str) -> String {
    let (prefix, json) = text.strip_prefix("data: ").map_or(("", text), |json| ("data: ", json));
    let Ok(mut value) = serde_json::from_str::<Value>(json) else { return text.to_owned() };
    for chance in ["id", "created", "system_fingerprint"] {
        if let Some(found) = value.get_mut(chance).filter(|found| !found.is_null()) {
            *found = "…".into();
        }
    }
    format!("{prefix}{}", in_order(&value))
}

/// JSON with its members sorted, so that it reads the same whichever order a map was built in.
fn in_order(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("\"{name}\":{}", in_order(value))).collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(in_order).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
