//! What a caller is told about bytes that are not taken as a request: one constant for each reason.
//!
//! Each says what is wrong and, where it is not plain, how to mend it. Knows nothing of how it is found.

use http::StatusCode;

use super::Refusal;

const fn bad(code: &'static str, message: &'static str) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, code, message }
}

const fn slow(code: &'static str, message: &'static str) -> Refusal {
    Refusal { status: StatusCode::REQUEST_TIMEOUT, code, message }
}

const fn large(code: &'static str, message: &'static str) -> Refusal {
    Refusal { status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, code, message }
}

pub(super) const NOT_HTTP: Refusal =
    bad("not_http", "this is not an HTTP/1.1 request; this port speaks plain HTTP: use `http://`, not `https://`");
pub(super) const HTTP2: Refusal = bad("http2_preface", "this port speaks HTTP/1.1, not HTTP/2");
pub(super) const REQUEST_LINE: Refusal =
    bad("bad_request_line", "the request line must be a method, a target and `HTTP/1.1`, with one space between them");
pub(super) const VERSION: Refusal = bad("bad_http_version", "the HTTP version must be `HTTP/1.1` or `HTTP/1.0`");
pub(super) const TARGET: Refusal = bad(
    "bad_request_target",
    "the request target must be a path that begins with `/`, without characters that a URL does not allow",
);
pub(super) const CONNECT: Refusal = bad("connect_refused", "this is not a forward proxy: `CONNECT` is not taken");
pub(super) const LINE_END: Refusal =
    bad("bad_line_end", "every line of the head must end in CR LF; a lone CR or LF is not taken");
pub(super) const FOLDED: Refusal = bad("folded_header", "a header line must not begin with a space or a tab");
pub(super) const HEADER_NAME: Refusal =
    bad("bad_header_name", "a header must be a name, directly followed by a colon, and a value");
pub(super) const HEADER_VALUE: Refusal = bad("bad_header_value", "a header value must not contain control characters");
pub(super) const HEADERS_MANY: Refusal = large("too_many_headers", "the request has more than 100 headers");
pub(super) const HEAD_LARGE: Refusal =
    large("head_too_large", "the request line and headers together are larger than is taken");
pub(super) const HOST_MISSING: Refusal = bad("host_missing", "a request of HTTP/1.1 must have a `Host` header");
pub(super) const HOST_TWICE: Refusal = bad("host_twice", "the request has more than one `Host` header");
pub(super) const HOST_BAD: Refusal =
    bad("bad_host", "the `Host` header must be a host name or address, with or without a port");
pub(super) const HOST_OTHER: Refusal =
    bad("host_mismatch", "the request target names another host than the `Host` header");
pub(super) const LENGTH_TWICE: Refusal =
    bad("content_length_twice", "the request has more than one `Content-Length` header");
pub(super) const LENGTH_BAD: Refusal =
    bad("bad_content_length", "`Content-Length` must be one number in decimal digits");
pub(super) const CODING_TWICE: Refusal =
    bad("transfer_encoding_twice", "the request has more than one `Transfer-Encoding` header");
pub(super) const CODING_BAD: Refusal = bad("bad_transfer_encoding", "`Transfer-Encoding` must be exactly `chunked`");
pub(super) const CODING_OLD: Refusal = bad("transfer_encoding_in_http_1_0", "HTTP/1.0 has no `Transfer-Encoding`");
pub(super) const LENGTH_AND_CODING: Refusal = bad(
    "content_length_and_transfer_encoding",
    "a request must not have both `Content-Length` and `Transfer-Encoding`",
);
pub(super) const UPGRADE: Refusal = bad("upgrade_refused", "the connection is not upgraded to another protocol here");
pub(super) const EXPECTATION: Refusal = Refusal {
    status: StatusCode::EXPECTATION_FAILED,
    code: "unknown_expectation",
    message: "`Expect` may only be `100-continue`",
};
pub(super) const CHUNK_SIZE: Refusal =
    bad("bad_chunk_size", "a chunk's size must be one to sixteen hexadecimal digits, followed by CR LF");
pub(super) const CHUNK_EXTENSION: Refusal =
    bad("bad_chunk_extension", "the chunk extensions are too long, or contain control characters");
pub(super) const CHUNK_END: Refusal =
    bad("bad_chunk_end", "a chunk must be as long as its size says, and end in CR LF");
pub(super) const TRAILERS: Refusal = bad("trailers_refused", "header fields after the body are not taken");
pub(super) const HEAD_SLOW: Refusal = slow("head_timeout", "the request line and headers did not arrive in time");
pub(super) const BODY_SLOW: Refusal = slow("body_timeout", "the body did not arrive in time");
