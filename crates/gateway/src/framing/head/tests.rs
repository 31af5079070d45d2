//! What a head means for the framing, and what is refused: one row each.

use super::{BodyFraming, Head, may_be_whole, read};

fn verdict(head: impl AsRef<[u8]>) -> Result<Option<Head>, &'static str> {
    read(head.as_ref()).map_err(|refusal| refusal.code)
}

fn taken(head: &str, body: BodyFraming) {
    assert_eq!(verdict(head), Ok(Some(Head { bytes: head.len(), body, last: false })), "{head:?}");
    let longer = format!("{head}GET / HT");
    assert_eq!(verdict(longer), verdict(head), "what follows changes nothing: {head:?}");
    // Whatever part of it has come, it is no reason to refuse, and no whole head.
    for end in 0..head.len() {
        assert_eq!(verdict(&head.as_bytes()[..end]), Ok(None), "{head:?} up to {end}");
    }
}

#[test]
fn proper_heads_are_taken_and_only_when_whole() {
    taken("GET / HTTP/1.1\r\nHost: a\r\n\r\n", BodyFraming::Absent);
    taken("GET /v1/models?x=%20&y=[1] HTTP/1.1\r\nHost: [::1]:4000\r\nX: \t\u{e9} \r\n\r\n", BodyFraming::Absent);
    taken("OPTIONS * HTTP/1.1\r\nhOsT:\ta.example:80\t\r\n\r\n", BodyFraming::Absent);
    taken("GET http://A.example:80/x HTTP/1.1\r\nHost: a.EXAMPLE:80\r\n\r\n", BodyFraming::Absent);
    taken("GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n", BodyFraming::Absent);
    taken("GET / HTTP/1.0\r\n\r\n", BodyFraming::Absent);
    taken("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", BodyFraming::Absent);
    taken("POST / HTTP/1.0\r\nContent-Length:0012 \r\n\r\n", BodyFraming::Sized(12));
    taken(
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\ncontent-length: 9999999999999999999\r\n\r\n",
        BodyFraming::Sized(9_999_999_999_999_999_999),
    );
    taken("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked \r\n\r\n", BodyFraming::Chunked);
}

#[test]
fn a_hundred_headers_are_taken_and_one_more_is_not() {
    let head = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
    taken(&head(100), BodyFraming::Absent);
    assert_eq!(verdict(head(101)), Err("too_many_headers"));
}

#[test]
fn an_upgrade_to_h2c_is_ignored_and_ends_the_connection() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\nContent-Length: 3\r\n\r\n";
    assert_eq!(verdict(head), Ok(Some(Head { bytes: head.len(), body: BodyFraming::Sized(3), last: true })));
}

/// Everything that has to be refused: its code and the head.
pub(crate) const REFUSED: &[(&str, &str)] = &[
    ("bad_line_end", "GET / HTTP/1.1\nHost: a\r\n\r\n"),
    ("bad_line_end", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"),
    ("bad_line_end", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
    ("bad_line_end", "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n"),
    ("bad_line_end", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"),
    ("not_http", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("not_http", "\u{16}\u{3}\u{1}\u{2}"),
    ("not_http", "{\"model\":1}"),
    ("http2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("bad_request_line", "GET /\r\nHost: a\r\n\r\n"),
    ("bad_request_line", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad_request_line", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
    ("bad_request_line", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad_request_line", "GE\tT / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad_http_version", "GET / HTTP/1.32\r\nHost: a\r\n\r\n"),
    ("bad_http_version", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
    ("bad_http_version", "GET / http/1.1\r\nHost: a\r\n\r\n"),
    ("bad_http_version", "GET / HTTP/0.9\r\nHost: a\r\n\r\n"),
    ("connect_refused", "CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\n\r\n"),
    ("bad_request_target", "GET evil HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad_request_target", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad_request_target", "GET /# HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad_request_target", "GET /\\evil HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad_request_target", "GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad_request_target", "GET /\u{0} HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad_request_target", "GET /\t HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad_request_target", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad_request_target", "GET http:/a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("host_missing", "GET / HTTP/1.1\r\n\r\n"),
    ("host_missing", "GET http://a/ HTTP/1.1\r\n\r\n"),
    ("host_missing", "GET http://a/ HTTP/1.0\r\n\r\n"),
    ("host_twice", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    ("host_twice", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhost: b\r\n\r\n"),
    ("host_mismatch", "GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("host_mismatch", "GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("host_mismatch", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad_host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    ("bad_host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    ("bad_host", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"),
    ("bad_host", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    ("bad_host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    ("bad_host", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"),
    ("bad_host", "GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n"),
    ("bad_host", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
    ("bad_host", "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"),
    ("bad_host", "GET / HTTP/1.1\r\nHost: []\r\n\r\n"),
    ("bad_host", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"),
    ("folded_header", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    ("folded_header", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n"),
    ("folded_header", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\n\r\n"),
    ("bad_header_name", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
    ("bad_header_name", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 4\r\n\r\n"),
    ("bad_header_name", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"),
    ("bad_header_name", "GET / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n"),
    ("bad_header_name", "GET / HTTP/1.1\r\nHost: a\r\nX\u{0}: y\r\n\r\n"),
    ("bad_header_name", "GET / HTTP/1.1\r\nHost: a\r\nX(y): z\r\n\r\n"),
    ("bad_header_value", "GET / HTTP/1.1\r\nHost: a\r\nX: y\u{0}\r\n\r\n"),
    ("bad_header_value", "GET / HTTP/1.1\r\nHost: a\r\nX: \u{1b}[2J\r\n\r\n"),
    ("bad_header_value", "GET / HTTP/1.1\r\nHost: a\r\nX: \u{7f}\r\n\r\n"),
    ("content_length_twice", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd"),
    ("content_length_twice", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"),
    ("bad_content_length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd"),
    ("bad_content_length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -4\r\n\r\nabcd"),
    ("bad_content_length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\nabcd"),
    ("bad_content_length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4 4\r\n\r\nabcd"),
    ("bad_content_length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x4\r\n\r\nabcd"),
    ("bad_content_length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"),
    ("bad_content_length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551620\r\n\r\nabcd"),
    (
        "content_length_and_transfer_encoding",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "content_length_and_transfer_encoding",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
    ),
    (
        "transfer_encoding_twice",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    ("bad_transfer_encoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("bad_transfer_encoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    ("bad_transfer_encoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ("bad_transfer_encoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n"),
    ("bad_transfer_encoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
    ("bad_transfer_encoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n"),
    ("transfer_encoding_in_http_1_0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (
        "upgrade_refused",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET /2 HTTP/1.1\r\n",
    ),
    ("upgrade_refused", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nUpgrade: h2c\r\n\r\n"),
    ("upgrade_refused", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c, websocket\r\n\r\n"),
    ("unknown_expectation", "POST / HTTP/1.1\r\nHost: a\r\nExpect: a-pony\r\nContent-Length: 4\r\n\r\nabcd"),
];

#[test]
fn what_two_readers_could_understand_differently_is_refused() {
    for (code, head) in REFUSED {
        assert_eq!(verdict(head), Err(*code), "{head:?}");
    }
}

#[test]
fn the_end_of_a_head_is_seen_wherever_it_is_split() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for split in 1..head.len() {
        assert!(may_be_whole(head, head.len() - split), "split at {split}");
    }
    assert!(may_be_whole(b"a\n\n", 1) && may_be_whole(b"a\n\r\n", 1));
    assert!(!may_be_whole(b"a\r\nb\r\n", 6) && !may_be_whole(b"\n", 1) && !may_be_whole(b"", 0));
}
