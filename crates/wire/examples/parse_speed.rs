//! Prints what reading and writing the wire's words costs: `cargo run --release -p wire --example parse_speed`.
//! A plain tree parse by serde_json stands beside it, for the machine's own speed.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]
#![expect(clippy::disallowed_methods, reason = "a stop watch needs a clock")]

use std::hint::black_box;
use std::time::Instant;

use bytes::BytesMut;
use wire::answer::{ChunkChoice, Delta, StreamHead, StreamKind};
use wire::chat::ChatRequest;
use wire::place;
use wire::sse::Decoder;
use wire::strict_json::walk;

const ROUNDS: usize = 60;
const TURNS: usize = 200;
const ENGLISH: &str =
    r"The quick brown fox isn't lazy at all; it jumps over the dog, and asks what the dog thinks of it.\n";
const KOREAN: &str = r#"빠른 갈색 여우가 게으른 개를 뛰어넘고, 개에게 어떻게 생각하느냐고 \"물었다\".\n"#;

fn main() {
    let small = include_bytes!("../fixtures/sdk/chat_stream.json");
    let tools = include_bytes!("../fixtures/sdk/chat_tools.json");
    let english = conversation(1024, ENGLISH);
    let korean = conversation(1024, KOREAN);
    let long = conversation(32 * 1024, KOREAN);
    let bodies: [(&str, &[u8]); 5] = [
        ("small chat", small),
        ("1 KiB English", &english),
        ("1 KiB Korean", &korean),
        ("32 KiB Korean", &long),
        ("tools", tools),
    ];
    for (name, body) in bodies {
        let Ok(request) = ChatRequest::parse(body) else { continue };
        let ours = time(|| drop(black_box(ChatRequest::parse(black_box(body)))));
        let tree = time(|| drop(black_box(serde_json::from_slice::<serde_json::Value>(black_box(body)))));
        let written = time(|| drop(black_box(request.to_json("upstream"))));
        let read = time(|| {
            let _ = walk(body, |token, path| {
                black_box(place::of_chat(path, token.kind));
            });
        });
        let bytes = body.len();
        println!(
            "{name} ({bytes} B): parse {ours} ns, serde_json tree {tree} ns, to_json {written} ns, walk {read} ns"
        );
    }
    stream();
}

fn stream() {
    let head = StreamHead::new(StreamKind::Chat, "chatcmpl-0123456789abcdef", 1_700_000_000, "smollm2", None, true);
    let mut out = BytesMut::with_capacity(1 << 16);
    let written = time(|| {
        if out.len() > 60_000 {
            out.clear();
        }
        let choice = ChunkChoice { delta: Delta::text(" capital"), ..ChunkChoice::default() };
        head.write_choice(&mut out, black_box(&choice));
    });
    let mut decoder = Decoder::new(1 << 16);
    let event = wire::sse::event(br#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":" capital"}}]}"#);
    let read = time(|| {
        decoder.push(&event);
        black_box(decoder.next_event().ok());
    });
    println!("one event: write {written} ns, read {read} ns");
}

/// A chat of about so many bytes: a system prompt and turns.
fn conversation(bytes: usize, said: &str) -> Vec<u8> {
    let mut body =
        String::from(r#"{"model":"gpt-4o-mini","temperature":0.7,"stream":true,"max_tokens":512,"messages":["#);
    body.push_str(r#"{"role":"system","content":"You are a helpful assistant."}"#);
    while body.len() < bytes {
        body.push_str(r#",{"role":"user","content":""#);
        body.push_str(&said.repeat(2));
        body.push_str(r#""}"#);
    }
    body.push_str("]}");
    body.into_bytes()
}

/// The fastest of several rounds, in nanoseconds a turn: the least disturbed one.
fn time(mut work: impl FnMut()) -> u128 {
    let mut best = u128::MAX;
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        for _ in 0..TURNS {
            work();
        }
        best = best.min(begin.elapsed().as_nanos() / TURNS as u128);
    }
    best
}
