//! The wall's fast role, for measuring: answers fixed bytes as quickly as one thread can, writes nothing down. What it
//! answers is chosen by the model's name: `bench` (whole, or eight events when streamed), `events-N` (N events, a write
//! each), `paced-N-MICROS` (N events so far apart), `held` (one event, then silence).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{Fault, chat_completion, stream_events};
use crate::http1::{Body, Head, chunk};

/// Events of a stream that says no number.
const EVENTS: usize = 8;

/// Serves for ever.
pub async fn serve(listener: TcpListener) -> io::Result<()> {
    let answers = std::sync::Arc::new(Answers::new());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answers = std::sync::Arc::clone(&answers);
        tokio::spawn(async move {
            // A caller that leaves is no fault of this role's, and nothing is written down.
            drop(connection(stream, &answers).await);
        });
    }
}

/// Bytes made once.
struct Answers {
    whole: Vec<u8>,
    stream_head: Vec<u8>,
    event: Vec<u8>,
    last: Vec<u8>,
}

impl Answers {
    fn new() -> Self {
        let request = serde_json::json!({"model": "bench"});
        let body = chat_completion(Fault::None, &request).to_string();
        let mut events = stream_events(Fault::None, &request);
        let done = events.split_off(events.len() - 2).concat();
        let event = events.pop().unwrap_or_default();
        let length = body.len();
        Self {
            whole: format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            )
            .into_bytes(),
            stream_head: b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                .to_vec(),
            event: chunk(event.as_bytes()),
            last: [chunk(done.as_bytes()), chunk(b"")].concat(),
        }
    }
}

async fn connection(mut stream: TcpStream, answers: &Answers) -> io::Result<()> {
    let mut waiting: Vec<u8> = Vec::with_capacity(4096);
    loop {
        let needed = match Head::parse(&waiting).map(|(head, length)| (head.body(), length)) {
            Some((Body::Length(body), head)) => Some(head + body),
            Some((_, head)) => Some(head),
            None => None,
        };
        let Some(needed) = needed.filter(|needed| *needed <= waiting.len()) else {
            if stream.read_buf(&mut waiting).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let request: Vec<u8> = waiting.drain(..needed).collect();
        answer(&mut stream, &request, answers).await?;
    }
}

async fn answer(stream: &mut TcpStream, request: &[u8], answers: &Answers) -> io::Result<()> {
    if !contains(request, b"\"stream\":true") && !contains(request, b"\"stream\": true") {
        return stream.write_all(&answers.whole).await;
    }
    stream.write_all(&answers.stream_head).await?;
    let name = model(request);
    if name == "held" {
        stream.write_all(&answers.event).await?;
        while stream.read(&mut [0; 64]).await? > 0 {}
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    let mut numbers = name.split('-').skip(1).filter_map(|number| number.parse::<u64>().ok());
    let events = numbers.next().unwrap_or(EVENTS as u64);
    let pause = numbers.next().map(Duration::from_micros);
    let mut ticks = pause.map(tokio::time::interval);
    for _ in 0..events {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        stream.write_all(&answers.event).await?;
    }
    stream.write_all(&answers.last).await
}

/// The model's name, found without parsing: the load generator writes it so.
fn model(request: &[u8]) -> String {
    const BEFORE: &[u8] = b"\"model\":\"";
    let at = request.windows(BEFORE.len()).position(|window| window == BEFORE).map(|at| at + BEFORE.len());
    let rest = at.and_then(|at| request.get(at..)).unwrap_or_default();
    String::from_utf8_lossy(rest.split(|byte| *byte == b'"').next().unwrap_or_default()).into_owned()
}

fn contains(bytes: &[u8], sought: &[u8]) -> bool {
    bytes.windows(sought.len()).any(|window| window == sought)
}
