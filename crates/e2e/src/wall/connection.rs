//! One connection of the wall: reads requests, answers them as the model's name asks, and watches the other side all the
//! while, so that a caller that leaves is written down when it leaves.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::fault::{Fault, Frame};
use super::heard::{End, Log, Request};
use super::turned::{Turn, Turned};
use super::{Role, kinds, script};
use crate::http1::{Body, Chunks, Head, chunk};

/// What connections have in common.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) log: Arc<Log>,
    pub(super) released: watch::Receiver<u64>,
    pub(super) turned: Turned,
}

/// Accepts for ever; each connection is a task of its own and ends with its sockets.
pub(super) async fn accept(role: Role, listener: TcpListener, shared: Shared) {
    while let Ok((stream, peer)) = listener.accept().await {
        let id = shared.log.open(role, peer);
        tokio::spawn(serve(stream, id, shared.clone()));
    }
}

async fn serve(stream: TcpStream, id: usize, shared: Shared) {
    // Without this the kernel would join small writes, and a test of single bytes would test nothing.
    drop(stream.set_nodelay(true));
    let mut connection = Connection {
        id,
        log: shared.log,
        released: shared.released,
        turned: shared.turned,
        stream,
        waiting: Vec::new(),
    };
    let end = connection.serve().await.unwrap_or(End::Theirs);
    connection.log.end(id, end);
}

struct Connection {
    id: usize,
    log: Arc<Log>,
    released: watch::Receiver<u64>,
    turned: Turned,
    stream: TcpStream,
    /// Read and not yet understood.
    waiting: Vec<u8>,
}

impl Connection {
    /// Until one side ends it. An error of the socket is the other side's doing: the wall makes none.
    async fn serve(&mut self) -> io::Result<End> {
        while let Some(request) = self.request().await? {
            self.log.request(self.id, request.clone());
            if !self.answer(&request).await? {
                return Ok(End::Ours);
            }
        }
        Ok(End::Theirs)
    }

    async fn request(&mut self) -> io::Result<Option<Request>> {
        let head = loop {
            if let Some((head, length)) = Head::parse(&self.waiting) {
                self.waiting.drain(..length);
                break head;
            }
            if self.read().await? == 0 {
                return Ok(None);
            }
        };
        let body = match head.body() {
            Body::Length(length) => {
                while self.waiting.len() < length {
                    if self.read().await? == 0 {
                        return Ok(None);
                    }
                }
                self.waiting.drain(..length).collect()
            }
            Body::Chunked => {
                let (mut chunks, mut body) = (Chunks::default(), Vec::new());
                loop {
                    body.extend(chunks.push(&std::mem::take(&mut self.waiting)));
                    if chunks.is_done() || chunks.is_damaged() {
                        break;
                    }
                    if self.read().await? == 0 {
                        return Ok(None);
                    }
                }
                self.waiting = chunks.into_rest();
                body
            }
            Body::UntilTheEnd => Vec::new(),
        };
        Ok(Some(Request { head, body }))
    }

    async fn read(&mut self) -> io::Result<usize> {
        let before = self.waiting.len();
        let count = self.stream.read_buf(&mut self.waiting).await?;
        self.log.bytes(self.id, self.waiting.get(before..).unwrap_or_default());
        Ok(count)
    }

    /// Answers; whether the connection is kept.
    async fn answer(&mut self, request: &Request) -> io::Result<bool> {
        let fault = match self.turned.of(&request.model()) {
            Turn::Fault(fault) => fault,
            Turn::Says(status, body) => {
                self.send(&told(status, body)).await?;
                return Ok(true);
            }
            Turn::Reset => {
                self.stream.set_zero_linger()?;
                return Ok(false);
            }
        };
        if kinds::refuses_prefill(&request.model(), &request.json()) {
            self.send(&whole(400, &script::error(400).to_string(), "")).await?;
            return Ok(true);
        }
        if fault == Fault::Hang {
            return self.until_they_leave().await;
        }
        if let Fault::Late(after) = fault {
            self.silent_for(Duration::from_millis(after)).await?;
        }
        if let Some(refusal) = instead(fault) {
            self.send(&refusal).await?;
            return Ok(true);
        }
        let json = request.json();
        let streamed = json.get("stream") == Some(&serde_json::Value::Bool(true));
        let frame = if let Fault::Cut(_, frame) = fault { frame } else { Frame::Chunked };
        let parts = if streamed {
            script::stream_events(fault, &json)
        } else {
            let embeds = json.get("input").is_some();
            let answer =
                if embeds { script::embedding_list(fault, &json) } else { script::chat_completion(fault, &json) };
            vec![answer.to_string()]
        };
        let parts = parts.into_iter().map(|part| script::enlarged(fault, part)).collect();
        self.send(&head(streamed && fault != Fault::OtherKind, frame)).await?;
        self.send_body(fault, frame, parts).await
    }

    async fn send_body(&mut self, fault: Fault, frame: Frame, parts: Vec<String>) -> io::Result<bool> {
        let framed =
            |part: &String| if frame == Frame::Chunked { chunk(part.as_bytes()) } else { part.clone().into_bytes() };
        let mut writes: Vec<Vec<u8>> = parts.iter().map(framed).collect();
        if frame == Frame::Chunked {
            writes.push(chunk(b""));
        }
        match fault {
            Fault::HoldAfter(events) => {
                let rest = writes.split_off(events.min(writes.len()));
                self.send_all(&writes).await?;
                self.until_released().await?;
                self.send_all(&rest).await?;
            }
            Fault::Cut(bytes, _) => {
                let body = writes.concat();
                self.send(body.get(..bytes).unwrap_or(&body)).await?;
                self.stream.shutdown().await?;
                return Ok(false);
            }
            Fault::Reset(bytes) => {
                let body = writes.concat();
                self.send(body.get(..bytes).unwrap_or(&body)).await?;
                // Closing with no time to linger is a reset on the wire.
                self.stream.set_zero_linger()?;
                return Ok(false);
            }
            Fault::Stall(bytes) => {
                let body = writes.concat();
                self.send(body.get(..bytes).unwrap_or(&body)).await?;
                return self.until_they_leave().await;
            }
            Fault::OneByte => {
                for byte in writes.concat() {
                    self.send(&[byte]).await?;
                    // Time for the byte to be taken as a piece of its own; correctness does not hang on it.
                    let until = Instant::now() + Duration::from_micros(50);
                    while Instant::now() < until {
                        tokio::task::yield_now().await;
                    }
                }
            }
            _ => self.send_all(&writes).await?,
        }
        Ok(frame == Frame::Chunked)
    }

    async fn send_all(&mut self, writes: &[Vec<u8>]) -> io::Result<()> {
        for write in writes {
            self.send(write).await?;
        }
        Ok(())
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    async fn silent_for(&mut self, time: Duration) -> io::Result<()> {
        let mut over = std::pin::pin!(tokio::time::sleep(time));
        loop {
            tokio::select! {
                () = &mut over => return Ok(()),
                count = self.read() => if count? == 0 {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                },
            }
        }
    }

    async fn until_released(&mut self) -> io::Result<()> {
        let mut released = self.released.clone();
        released.borrow_and_update();
        loop {
            tokio::select! {
                _ = released.changed() => return Ok(()),
                count = self.read() => if count? == 0 {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                },
            }
        }
    }

    /// Nothing more is said: the connection stands until the other side ends it.
    async fn until_they_leave(&mut self) -> io::Result<bool> {
        while self.read().await? > 0 {}
        Err(io::ErrorKind::ConnectionAborted.into())
    }
}

/// What is sent in place of an answer, where the fault is one of those.
fn instead(fault: Fault) -> Option<Vec<u8>> {
    match fault {
        Fault::Status(status) => Some(whole(status, &script::error(status).to_string(), "")),
        Fault::Redirect => {
            let to = "location: http://127.0.3.1:9/v1/chat/completions\r\n";
            Some(whole(307, &script::error(307).to_string(), to))
        }
        Fault::HugeHead => Some(whole(200, "{}", &format!("x-large: {}\r\n", "x".repeat(1 << 20)))),
        Fault::NotJson => Some(whole(200, "<html><title>maintenance</title></html>", "")),
        Fault::GzipBomb => Some(gzip(&bomb())),
        _ => None,
    }
}

fn head(streamed: bool, frame: Frame) -> Vec<u8> {
    let kind = if streamed { "text/event-stream" } else { "application/json" };
    let framing = if frame == Frame::Chunked { "transfer-encoding: chunked" } else { "connection: close" };
    format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{framing}\r\nx-request-id: req-wall\r\n\r\n").into_bytes()
}

fn whole(status: u16, body: &str, headers: &str) -> Vec<u8> {
    let length = body.len();
    let retry = if matches!(status, 429 | 503) { "retry-after: 7\r\n" } else { "" };
    format!("HTTP/1.1 {status} Wall\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{retry}{headers}\r\n{body}")
        .into_bytes()
}

fn told(status: u16, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Wall\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body.as_bytes()].concat()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n";
    [format!("{head}content-length: {length}\r\n\r\n").as_bytes(), body].concat()
}

/// A gzip member of one fixed-Huffman block (RFC 1951, 3.2.6): one letter, then copies of it, 258 bytes in 13 bits, until
/// 64 MiB. Its checksum is left zero: what unpacks before it checks has lost by then.
fn bomb() -> Vec<u8> {
    const UNPACKED_BYTES: usize = 64 << 20;
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let (mut waiting, mut held) = (0u32, 0u32);
    let mut put = |bits: &[u8], bytes: &mut Vec<u8>| {
        for bit in bits {
            waiting |= u32::from(*bit) << held;
            held += 1;
            if held == 8 {
                bytes.push(waiting.to_le_bytes()[0]);
                (waiting, held) = (0, 0);
            }
        }
    };
    put(&[1, 1, 0], &mut bytes); // the last block, fixed codes
    put(&[1, 0, 1, 0, 1, 0, 0, 0], &mut bytes); // the letter x
    for _ in 0..UNPACKED_BYTES / 258 {
        put(&[1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0], &mut bytes); // length 258, distance 1
    }
    put(&[0; 7], &mut bytes); // the end of the block
    put(&[0; 7], &mut bytes); // the rest of the last byte
    bytes.extend_from_slice(&[0; 8]);
    bytes
}
