//! Streams cut in every way read the same; limits hold; what is written reads back.

use proptest::prelude::*;

use super::*;

const LIMIT: usize = 1 << 20;

/// The events of a stream that comes in these pieces.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<(String, String)> {
    let mut decoder = Decoder::new(LIMIT);
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        while let Some(event) = decoder.next_event().unwrap() {
            events.push(plain(&event));
        }
    }
    events
}

fn plain(event: &Event) -> (String, String) {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    (event.name.as_ref().map(text).unwrap_or_default(), text(&event.data))
}

fn data(texts: &[&str]) -> Vec<(String, String)> {
    texts.iter().map(|text| (String::new(), (*text).to_owned())).collect()
}

/// Every kind of line end and field that the format has.
const MIXED: &str = "\u{feff}data: one\n\n: comment\r\ndata:two\r\ndata:  2b\r\n\r\nevent: err\rdata: 삼\r\rid: 7\nretry: 10\nnobody: x\n\n\
    data\n\ndata:\n\ndata: {\"a\": \"b: c\"}\n\ndata: [DONE]\n\n";

fn mixed() -> Vec<(String, String)> {
    let mut all = data(&["one", "two\n 2b"]);
    all.push(("err".to_owned(), "삼".to_owned()));
    all.extend(data(&["", "", r#"{"a": "b: c"}"#, "[DONE]"]));
    all
}

#[test]
fn the_format_is_read_as_the_standard_says() {
    assert_eq!(read([MIXED.as_bytes()]), mixed());
}

#[test]
fn two_and_three_pieces_read_the_same_as_one() {
    let bytes = MIXED.as_bytes();
    for first in 0..=bytes.len() {
        let (a, rest) = bytes.split_at(first);
        assert_eq!(read([a, rest]), mixed(), "cut at {first}");
        for second in (0..=rest.len()).step_by(7) {
            let (b, c) = rest.split_at(second);
            assert_eq!(read([a, b, c]), mixed(), "cut at {first} and {second} further");
        }
    }
    assert_eq!(read(bytes.chunks(1)), mixed());
}

#[test]
fn identifier_and_retry_are_told() {
    let mut decoder = Decoder::new(LIMIT);
    decoder.push(b"id: 7\nretry: 250\ndata: x\n\nid: a\0b\nretry: 2s\ndata: y\n\n");
    let first = decoder.next_event().unwrap().unwrap();
    assert_eq!((first.id.as_deref(), first.retry_ms), (Some(&b"7"[..]), Some(250)));
    let second = decoder.next_event().unwrap().unwrap();
    assert_eq!((second.id, second.retry_ms), (None, None));
    assert_eq!(decoder.next_event().unwrap(), None);
}

#[test]
fn an_event_that_the_stream_cuts_off_is_told_apart() {
    let left = |bytes: &[u8]| {
        let mut decoder = Decoder::new(LIMIT);
        decoder.push(bytes);
        while decoder.next_event().unwrap().is_some() {}
        decoder.unfinished().map(|event| event.data)
    };
    assert_eq!(left(b"data: a\n\n"), None);
    assert_eq!(left(b"data: a\r\n\r\n"), None);
    assert_eq!(left(b"data: a\n\ndata: [DONE]\n"), Some(Bytes::from_static(b"[DONE]")));
    assert_eq!(left(b"data: a\n\ndata: [DO"), Some(Bytes::from_static(b"[DO")));
    assert_eq!(left(b": bye"), None);
    assert_eq!(left(b""), None);
}

#[test]
fn an_event_has_a_size_limit_however_it_comes() {
    let limit = 64;
    let streams: [Vec<u8>; 4] = [
        [b"data: ".as_slice(), &[b'x'; 100]].concat(),
        [b"data: ".as_slice(), &[b'x'; 100], b"\n\n"].concat(),
        b"data: x\n".repeat(20),
        b": x\n".repeat(40),
    ];
    for stream in streams {
        for size in [1, 3, stream.len()] {
            let mut decoder = Decoder::new(limit);
            let mut refused = None;
            for piece in stream.chunks(size) {
                decoder.push(piece);
                refused = refused.or_else(|| decoder.next_event().err());
            }
            assert_eq!(refused, Some(TooLarge { limit }), "in pieces of {size}");
        }
    }
    let mut decoder = Decoder::new(limit);
    for _ in 0..1000 {
        decoder.push(b"data: as large as fits in the limit of sixty-four bytes, it is\n\n");
        assert!(decoder.next_event().unwrap().is_some());
    }
}

#[test]
fn many_lines_and_tiny_pieces_take_linear_time() {
    // Quadratic work here would be 10^11 steps or more: the test would not end.
    let lines = 500_000;
    let stream = b"data: 0123\n".repeat(lines);
    let mut decoder = Decoder::new(stream.len() + 1);
    for piece in stream.chunks(5) {
        decoder.push(piece);
        assert_eq!(decoder.next_event().unwrap(), None);
    }
    decoder.push(b"\n");
    assert_eq!(decoder.next_event().unwrap().unwrap().data.len(), lines * 5 - 1);
}

#[test]
fn markers_are_events_of_the_format() {
    assert_eq!(read([DONE]), data(&["[DONE]"]));
    assert_eq!(read([KEEP_ALIVE]), []);
    let mut out = BytesMut::new();
    write_named_event(&mut out, "error\ndata: forged", b"a\r\nb\rc\n");
    assert_eq!(out, "event: error\ndata: a\ndata: b\ndata: c\ndata: \n\n");
    let body = ErrorBody::new(crate::error::Kind::Server, None, "it broke");
    let told = r#"{"error":{"message":"it broke","type":"server_error","param":null,"code":null}}"#;
    assert_eq!(read([error(&body).as_ref()]), data(&[told]));
}

proptest! {
    #[test]
    fn what_is_written_reads_back(texts in prop::collection::vec("[a-z \n:가😀]{0,20}", 0..8), size in 1_usize..16) {
        let mut out = BytesMut::new();
        for text in &texts {
            write_event(&mut out, text.as_bytes());
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        prop_assert_eq!(read(out.chunks(size)), data(&texts));
    }

    #[test]
    fn any_stream_reads_the_same_in_any_pieces(stream in "(data|event|id|:| |\r|\n|\r\n|x|\u{feff}|삼){0,60}", size in 1_usize..9) {
        prop_assert_eq!(read(stream.as_bytes().chunks(size)), read([stream.as_bytes()]));
    }
}
