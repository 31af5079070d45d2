//! One request in, one request understood (promise 30): bytes that two readers could understand differently are refused
//! and the connection is closed; no part of them is taken for a second request.

use e2e::harness::{Setup, TestGateway};
use local_model::scripted::Script;

use crate::views::asking;

const CHAT: &str = "POST /v1/chat/completions HTTP/1.1";

async fn gateway() -> TestGateway {
    Setup::local(Script::new()).start().await
}

/// A request with these header lines in place of the usual framing; `KEY` stands for a good key.
fn request(gateway: &TestGateway, head: &str, body: &str) -> Vec<u8> {
    let key = gateway.client.key.clone().unwrap();
    format!("{head}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n\r\n{body}").into_bytes()
}

#[tokio::test]
async fn what_is_ambiguous_is_refused() {
    let gateway = gateway().await;
    let body = asking("scripted", "?").to_string();
    let (length, chunked) = (body.len(), format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()));
    let host = format!("Host: {}", gateway.client.address);
    let framed = format!("Content-Length: {length}");
    let rows: Vec<(&str, String, &str)> = vec![
        ("length and coding", format!("{CHAT}\r\n{host}\r\n{framed}\r\nTransfer-Encoding: chunked"), &chunked),
        ("coding and length", format!("{CHAT}\r\n{host}\r\nTransfer-Encoding: chunked\r\n{framed}"), &chunked),
        (
            "two codings",
            format!("{CHAT}\r\n{host}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
            &chunked,
        ),
        ("coding listed twice", format!("{CHAT}\r\n{host}\r\nTransfer-Encoding: chunked, chunked"), &chunked),
        ("coding unknown", format!("{CHAT}\r\n{host}\r\nTransfer-Encoding: xchunked"), &chunked),
        ("coding then identity", format!("{CHAT}\r\n{host}\r\nTransfer-Encoding: chunked, identity"), &chunked),
        (
            "coding in HTTP/1.0",
            format!("POST /v1/chat/completions HTTP/1.0\r\n{host}\r\nTransfer-Encoding: chunked"),
            &chunked,
        ),
        ("two lengths that differ", format!("{CHAT}\r\n{host}\r\n{framed}\r\nContent-Length: 4"), &body),
        ("two lengths alike", format!("{CHAT}\r\n{host}\r\n{framed}\r\n{framed}"), &body),
        ("a list of lengths", format!("{CHAT}\r\n{host}\r\nContent-Length: {length}, {length}"), &body),
        ("a length with a sign", format!("{CHAT}\r\n{host}\r\nContent-Length: +{length}"), &body),
        ("no host", format!("{CHAT}\r\n{framed}"), &body),
        ("two hosts", format!("{CHAT}\r\n{host}\r\nHost: other\r\n{framed}"), &body),
        ("two hosts alike", format!("{CHAT}\r\n{host}\r\n{host}\r\n{framed}"), &body),
        (
            "another host in the target",
            format!("POST http://other/v1/chat/completions HTTP/1.1\r\n{host}\r\n{framed}"),
            &body,
        ),
        ("a bare line feed", format!("{CHAT}\r\n{host}\n{framed}"), &body),
        ("a bare line feed after the first line", format!("{CHAT}\n{host}\r\n{framed}"), &body),
        ("a bare carriage return", format!("{CHAT}\r\n{host}\r\nX: a\rb\r\n{framed}"), &body),
        ("a space before the colon", format!("{CHAT}\r\n{host}\r\nContent-Length : {length}"), &body),
        ("a folded line", format!("{CHAT}\r\n{host}\r\nX: a\r\n b\r\n{framed}"), &body),
        ("a NUL in a value", format!("{CHAT}\r\n{host}\r\nX: a\0b\r\n{framed}"), &body),
        ("a version that is none", format!("POST /v1/chat/completions HTTP/1.32\r\n{host}\r\n{framed}"), &body),
    ];
    for (name, head, body) in rows {
        let mut sent = request(&gateway, &head, body);
        // A second request behind it: a reader that frames differently would answer it.
        sent.extend(gateway.client.request("GET", "/v1/models", b""));
        let answer = gateway.client.raw(&sent).await;
        assert_eq!(answer.status, 400, "{name}: {answer}");
        assert_eq!(answer.json()["error"]["type"], "invalid_request_error", "{name}: {answer}");
        assert!(answer.head.get("connection").is_some_and(|value| value == "close"), "{name}: {answer}");
    }
    assert_eq!(gateway.end().await.to_string(), "", "nothing of it was taken for a request");
}

/// An upgrade is not made: the request is answered as it stands, and what follows it is not taken for another one.
#[tokio::test]
async fn upgrades_are_not_made() {
    let gateway = gateway().await;
    let body = asking("scripted", "hello").to_string();
    let host = gateway.client.address;
    let head =
        format!("{CHAT}\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: {}", body.len());
    let mut sent = request(&gateway, &head, &body);
    sent.extend(gateway.client.request(
        "POST",
        "/v1/chat/completions",
        asking("scripted", "second").to_string().as_bytes(),
    ));
    let answer = gateway.client.raw(&sent).await;
    assert_eq!(
        (answer.status, answer.head.get("connection"), answer.said(0).as_str()),
        (200, Some("close"), "hello"),
        "{answer}"
    );
    assert_eq!(gateway.end().await.of("decision").count(), 1);
}

/// Bodies in chunks that are not: the head is good, so the refusal may come as an answer or as a close, never as success.
#[tokio::test]
async fn chunks_that_are_none_are_refused() {
    let gateway = gateway().await;
    let body = asking("scripted", "?").to_string();
    let head = format!("{CHAT}\r\nHost: {}\r\nTransfer-Encoding: chunked", gateway.client.address);
    let size = format!("{:x}", body.len());
    let rows = [
        ("a prefix", format!("0x{size}\r\n{body}\r\n0\r\n\r\n")),
        ("an underscore", format!("{}_{}\r\n{body}\r\n0\r\n\r\n", &size[..1], &size[1..])),
        ("a bare line feed", format!("{size}\n{body}\r\n0\r\n\r\n")),
        ("a line feed in an extension", format!("{size};a\nb\r\n{body}\r\n0\r\n\r\n")),
        ("a size of 17 digits", format!("{size:0>17}\r\n{body}\r\n0\r\n\r\n")),
        ("no size", format!("\r\n{body}\r\n0\r\n\r\n")),
        ("too little", format!("{size}\r\n{}\r\n0\r\n\r\n", &body[1..])),
    ];
    for (name, chunks) in rows {
        let answer = gateway.client.raw(&request(&gateway, &head, &chunks)).await;
        assert!(answer.status == 400 || answer.status == 0, "{name}: {answer}");
    }
    let good = gateway.client.raw(&request(&gateway, &head, &format!("{size}\r\n{body}\r\n0\r\n\r\n"))).await;
    assert_eq!(good.status, 200, "{good}");
    assert_eq!(gateway.end().await.of("decision").count(), 1, "only the good one was decided");
}

/// What is well framed is taken, however it is cut into packets.
#[tokio::test]
async fn a_good_request_is_taken_byte_by_byte_and_after_another() {
    let gateway = gateway().await;
    let bytes =
        gateway.client.request("POST", "/v1/chat/completions", asking("scripted", "hello").to_string().as_bytes());
    let (first, rest) = bytes.split_at(1);
    let mut answer = gateway.client.open(first).await;
    for byte in rest {
        answer.send(&[*byte]).await;
    }
    assert_eq!(answer.rest().await.said(0), "hello");
    let twice = [bytes.clone(), bytes].concat();
    assert_eq!(gateway.client.raw(&twice).await.status, 200);
    gateway.end().await;
}

/// A caller that dawdles is let go within the limits, with a word.
#[tokio::test]
async fn dawdlers_are_let_go() {
    let limit = std::time::Duration::from_millis(300);
    let setup = Setup::local(Script::new()).change(|config| {
        config.limits.head_time_max = limit;
        config.limits.body_time_max = limit;
        config.limits.idle_time_max = limit;
    });
    let gateway = setup.start().await;
    let bytes =
        gateway.client.request("POST", "/v1/chat/completions", asking("scripted", "hello").to_string().as_bytes());
    for part in [20, bytes.len() - 5] {
        let answer = gateway.client.raw(&bytes[..part]).await;
        assert_eq!(answer.status, 408, "{part} of {} bytes: {answer}", bytes.len());
    }
    let mut idle = gateway.client.open(b"").await;
    assert!(idle.is_closed().await, "a connection that says nothing is closed without a word");
    gateway.end().await;
}
