//! The wall itself: each way of answering, as bytes on a socket.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{ANSWER, End, Role, Wall};
use crate::http1::{Body, Chunks, Head};

async fn ask(wall: &Wall, model: &str, stream: bool) -> TcpStream {
    let body = format!(r#"{{"model":"{model}","stream":{stream},"messages":[{{"role":"user","content":"안녕"}}]}}"#);
    let mut socket = TcpStream::connect(wall.address(Role::National)).await.unwrap();
    let head = format!("POST /v1/chat/completions HTTP/1.1\r\nhost: wall\r\ncontent-length: {}\r\n\r\n", body.len());
    socket.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.unwrap();
    socket
}

/// Reads until the answer is whole or the connection ends: head, body, and whether it was whole.
async fn answer(socket: &mut TcpStream) -> (Head, String, bool) {
    let mut bytes = Vec::new();
    loop {
        let parsed = Head::parse(&bytes);
        if let Some((head, length)) = parsed {
            let rest = &bytes[length..];
            let (body, whole) = match head.body() {
                Body::Length(length) => (rest.to_vec(), rest.len() == length),
                Body::Chunked => {
                    let mut chunks = Chunks::default();
                    let body = chunks.push(rest);
                    let whole = chunks.is_done();
                    (body, whole)
                }
                Body::UntilTheEnd => (rest.to_vec(), false),
            };
            if whole || socket.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return (head, String::from_utf8_lossy(&body).into_owned(), whole);
            }
        } else if socket.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return (Head::default(), String::new(), false);
        }
    }
}

#[tokio::test]
async fn a_right_answer_is_heard_and_kept() {
    let wall = Wall::start().await;
    let mut socket = ask(&wall, "any", false).await;
    let (head, body, whole) = answer(&mut socket).await;
    assert!(whole && head.line.contains("200") && body.contains(&ANSWER.concat()), "{head:?} {body}");
    let all = wall.heard();
    assert_eq!((all.of(Role::National).count(), all.of(Role::Foreign).count(), all.open()), (1, 0, 1));
    assert!(all.contains("안녕".as_bytes()) && !all.contains(b"bonjour"));
    drop(socket);
    assert_eq!(wall.until(|heard| heard.open() == 0).await.0[0].end, Some(End::Theirs));
}

#[tokio::test]
async fn a_stream_ends_with_its_marker() {
    let wall = Wall::start().await;
    for model in ["any", "fault-one-byte"] {
        let (_, body, whole) = answer(&mut ask(&wall, model, true).await).await;
        assert!(whole && body.ends_with("data: [DONE]\n\n") && body.contains("서울"), "{body}");
    }
}

#[tokio::test]
async fn cuts_fall_where_they_are_asked_for() {
    let wall = Wall::start().await;
    for (model, bytes) in [("fault-cut-close-at-0", 0), ("fault-cut-close-at-11", 11), ("fault-cut-close-at-150", 150)]
    {
        let (_, body, whole) = answer(&mut ask(&wall, model, true).await).await;
        assert!(!whole && body.len() == bytes, "{model}: {} bytes", body.len());
    }
    let (_, _, whole) = answer(&mut ask(&wall, "fault-cut-at-120", true).await).await;
    assert!(!whole);
    let mut socket = ask(&wall, "fault-rst-at-20", true).await;
    let mut bytes = Vec::new();
    let error = socket.read_to_end(&mut bytes).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn statuses_come_before_any_answer() {
    let wall = Wall::start().await;
    for (model, line) in [
        ("fault-401", "HTTP/1.1 401 Wall"),
        ("fault-503", "HTTP/1.1 503 Wall"),
        ("fault-redirect", "HTTP/1.1 307 Wall"),
    ] {
        let (head, body, whole) = answer(&mut ask(&wall, model, true).await).await;
        assert!(whole && head.line == line && body.contains("wall_error"), "{head:?} {body}");
    }
}

#[tokio::test]
async fn a_held_answer_goes_on_when_released_or_ends_when_left() {
    let wall = Wall::start().await;
    let mut socket = ask(&wall, "hold-after-2", true).await;
    let mut begun = Vec::new();
    while !String::from_utf8_lossy(&begun).contains("Seoul") {
        socket.read_buf(&mut begun).await.unwrap();
    }
    assert!(!String::from_utf8_lossy(&begun).contains("DONE"));
    wall.release();
    let mut rest = Vec::new();
    while !String::from_utf8_lossy(&rest).contains("DONE") {
        socket.read_buf(&mut rest).await.unwrap();
    }
    for model in ["hold-after-1", "hang", "late-60000", "fault-stall-at-10"] {
        drop(ask(&wall, model, true).await);
    }
    drop(socket);
    wall.until(|heard| heard.0.len() == 5 && heard.open() == 0).await;
}

#[tokio::test]
async fn the_gzip_bomb_is_small_on_the_wire_and_large_unpacked() {
    let wall = Wall::start().await;
    let mut socket = ask(&wall, "fault-gzip-bomb", false).await;
    let mut bytes = Vec::new();
    let body = loop {
        if let Some((head, length)) = Head::parse(&bytes)
            && head.body() == Body::Length(bytes.len() - length)
        {
            break bytes.split_off(length);
        }
        assert!(socket.read_buf(&mut bytes).await.unwrap() > 0);
    };
    assert!(body.len() < 512 << 10, "{}", body.len());
    // The system's own unpacker stands for what a gateway might use; it complains of the checksum only after the last byte.
    let mut unpacker = std::process::Command::new("gzip")
        .arg("-dc")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = unpacker.stdin.take().unwrap();
    let feeding = std::thread::scope(|scope| {
        scope.spawn(move || std::io::Write::write_all(&mut stdin, &body));
        unpacker.wait_with_output().unwrap()
    });
    assert!(feeding.stdout.len() > 60 << 20, "{}", feeding.stdout.len());
}
