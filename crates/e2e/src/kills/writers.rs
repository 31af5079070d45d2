//! Callers that never tire: each sends requests on a kept connection, connects again when it breaks, and notes every promise
//! that it was given. Raw sockets, so that a promise counts by the bytes that came, whatever came after them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::http1::{Body, Chunks, Head};

/// What an answer promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// `x-gwanmun-entry`: that decision is in the log.
    pub entry: u64,
    /// `x-request-id`: it is this request's.
    pub request: String,
    /// The answer came to its end, a stream with its end marker: its outcome is in the log.
    pub whole: bool,
}

/// Writers at work.
#[derive(Debug)]
pub struct Writers {
    told: Arc<Told>,
    writing: JoinSet<Vec<Promise>>,
}

#[derive(Debug, Default)]
struct Told {
    promises: watch::Sender<u64>,
    stop: watch::Sender<bool>,
}

impl Writers {
    /// Starts so many, to an address where nobody needs to listen yet. Each sends all of `bodies` in turn.
    pub fn start(count: usize, to: SocketAddr, key: &str, bodies: &[String]) -> Self {
        let told = Arc::new(Told::default());
        let requests: Arc<[Vec<u8>]> = bodies.iter().map(|body| request(to, key, body)).collect();
        let mut writing = JoinSet::new();
        for number in 0..count {
            writing.spawn(write(to, Arc::clone(&requests), number, Arc::clone(&told)));
        }
        Self { told, writing }
    }

    /// Waits until this many promises have been given in all.
    pub async fn until(&self, promises: u64) {
        let mut told = self.told.promises.subscribe();
        told.wait_for(|told| *told >= promises).await.expect("the count outlives who waits");
    }

    /// Whether any promise has been given.
    pub fn promised(&self) -> bool {
        *self.told.promises.borrow() > 0
    }

    /// Tells them to stop once their connections break, and gives all that was promised.
    pub async fn finish(self) -> Vec<Promise> {
        self.told.stop.send_replace(true);
        self.writing.join_all().await.concat()
    }
}

fn request(to: SocketAddr, key: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {to}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

async fn write(to: SocketAddr, requests: Arc<[Vec<u8>]>, number: usize, told: Arc<Told>) -> Vec<Promise> {
    let mut promises = Vec::new();
    let mut turns = requests.iter().cycle().skip(number);
    while !*told.stop.borrow() {
        let Ok(mut stream) = TcpStream::connect(to).await else {
            // Nobody listens yet: not so often that trying is what slows the start down.
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        while let Some(promise) = exchange(&mut stream, turns.next().expect("requests to send"), &told).await {
            let whole = promise.whole;
            promises.push(promise);
            // An answer that was cut off has taken its connection with it.
            if !whole || *told.stop.borrow() {
                break;
            }
        }
    }
    promises
}

/// One request and what came of it; nothing where no head came.
async fn exchange(stream: &mut TcpStream, request: &[u8], told: &Told) -> Option<Promise> {
    stream.write_all(request).await.ok()?;
    let mut buffer = Vec::with_capacity(4096);
    let (head, length) = loop {
        if let Some(parsed) = Head::parse(&buffer) {
            break parsed;
        }
        if stream.read_buf(&mut buffer).await.ok()? == 0 {
            return None;
        }
    };
    assert!(head.line.contains(" 200 "), "a writer was refused: {head:?}");
    let named = |name| head.get(name).unwrap_or_else(|| panic!("an answer without `{name}`: {head:?}"));
    let entry = named("x-gwanmun-entry").parse().expect("the number of an entry");
    let mut promise = Promise { entry, request: named("x-request-id").to_owned(), whole: false };
    told.promises.send_modify(|promises| *promises += 1);
    let mut body = Framed { framing: head.body(), chunks: Chunks::default(), body: Vec::new() };
    let mut came = buffer.split_off(length);
    loop {
        body.push(&came);
        promise.whole |= body.is_complete();
        if body.is_over() {
            return Some(promise);
        }
        came.clear();
        // A reset is an end.
        if stream.read_buf(&mut came).await.unwrap_or(0) == 0 {
            return Some(promise);
        }
    }
}

struct Framed {
    framing: Body,
    chunks: Chunks,
    body: Vec<u8>,
}

impl Framed {
    fn push(&mut self, bytes: &[u8]) {
        match self.framing {
            Body::Chunked => self.body.extend(self.chunks.push(bytes)),
            Body::Length(_) | Body::UntilTheEnd => self.body.extend_from_slice(bytes),
        }
    }

    /// A caller may take it for the whole answer: for a stream its end marker says so, though the last chunk is still to come.
    fn is_complete(&self) -> bool {
        self.body.ends_with(b"data: [DONE]\n\n") || (self.framing != Body::Chunked && self.is_over())
    }

    /// The next answer may follow on the connection.
    fn is_over(&self) -> bool {
        match self.framing {
            Body::Length(length) => self.body.len() >= length,
            Body::Chunked => self.chunks.is_done(),
            Body::UntilTheEnd => false,
        }
    }
}
