//! The test's own reading must be right, or it would find faults that are not there.

use super::{Body, Chunks, Head, chunk};

#[test]
fn heads_are_read_once_whole() {
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Type:  text/plain \r\nTransfer-Encoding: chunked\r\n\r\nrest";
    assert_eq!(Head::parse(&bytes[..40]), None);
    let (head, length) = Head::parse(bytes).unwrap();
    assert_eq!(
        (head.line.as_str(), head.get("content-type"), head.body()),
        ("HTTP/1.1 200 OK", Some("text/plain"), Body::Chunked)
    );
    assert_eq!(&bytes[length..], b"rest");
}

#[test]
fn chunks_come_apart_at_any_cut() {
    let mut wire = [chunk(b"hello "), chunk("세계".as_bytes()), chunk(b"")].concat();
    wire.extend_from_slice(b"next");
    for cut in 0..=wire.len() {
        let mut chunks = Chunks::default();
        let mut body = chunks.push(&wire[..cut]);
        body.extend(chunks.push(&wire[cut..]));
        assert_eq!(String::from_utf8(body).unwrap(), "hello 세계", "cut at {cut}");
        assert!(chunks.is_done());
        assert_eq!(chunks.into_rest(), b"next");
    }
}

#[test]
fn damage_is_seen() {
    for wire in ["zz\r\n", "3\r\nabcd\r\n", "0\r\nTrailer: x\r\n"] {
        let mut chunks = Chunks::default();
        chunks.push(wire.as_bytes());
        assert!(chunks.is_damaged(), "{wire:?}");
    }
}
