//! Server-sent events: writing them, and reading them however the bytes are cut.
//!
//! It knows the event stream format (WHATWG HTML, section 9.2) and OpenAI's end marker, and nothing of what events mean.

mod decoder;
#[cfg(test)]
mod tests;

use bytes::{Bytes, BytesMut};

pub use decoder::{Decoder, Event, TooLarge};

use crate::error::ErrorBody;

/// The event that ends a complete answer.
pub const DONE: &[u8] = b"data: [DONE]\n\n";

/// The data of [`DONE`].
pub const DONE_DATA: &[u8] = b"[DONE]";

/// A line that readers pass over, and that keeps a quiet connection open.
pub const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// One event with this data.
pub fn event(data: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(data.len() + 8);
    write_event(&mut out, data);
    out.freeze()
}

/// The event that tells an error in the midst of a stream, as OpenAI does.
pub fn error(body: &ErrorBody) -> Bytes {
    event(&body.to_json())
}

/// Adds one event with this data to `out`. Each line of the data becomes a line of the event.
pub fn write_event(out: &mut BytesMut, data: &[u8]) {
    for line in lines(data) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.extend_from_slice(b"\n");
    }
    out.extend_from_slice(b"\n");
}

/// Adds one event of a named kind to `out`. A line break in the name would end it: such a name is cut there.
pub fn write_named_event(out: &mut BytesMut, name: &str, data: &[u8]) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(lines(name.as_bytes()).next().unwrap_or_default());
    out.extend_from_slice(b"\n");
    write_event(out, data);
}

/// A carriage return ends a line of the format too, alone or before a line feed.
fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(data);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let Some((line, after)) = memchr::memchr2(b'\n', b'\r', bytes).and_then(|end| bytes.split_at_checked(end))
        else {
            rest = None;
            return Some(bytes);
        };
        rest = Some(after.strip_prefix(b"\r\n").or_else(|| after.get(1..)).unwrap_or_default());
        Some(line)
    })
}
