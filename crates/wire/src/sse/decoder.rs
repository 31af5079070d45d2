//! Reads server-sent events from bytes that come in pieces of any size. Time and memory grow with the bytes alone: no
//! byte is looked at twice, and an event has a size limit.

use bytes::{Buf, Bytes, BytesMut};

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The kind, where one was named.
    pub name: Option<Bytes>,
    /// The data, its lines joined by line feeds.
    pub data: Bytes,
    /// The event's identifier, where one was named.
    pub id: Option<Bytes>,
    /// How many milliseconds to wait before connecting again, where that was told.
    pub retry_ms: Option<u64>,
}

/// An event is larger than the limit: the stream cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than {limit} bytes")]
pub struct TooLarge {
    /// The limit in bytes.
    pub limit: usize,
}

/// Reads events: [`push`](Self::push) bytes as they come, and take events with [`next`](Self::next_event) until there is
/// none.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    buffer: BytesMut,
    /// How much of the buffer is known to hold no end of a line.
    searched: usize,
    begun: bool,
    /// The last line ended with a carriage return: a line feed right after it belongs to it.
    after_carriage_return: bool,
    /// Bytes of the lines of the event under way.
    size: usize,
    event: Event,
    has_data: bool,
}

impl Decoder {
    /// A reader of events of at most `event_bytes_max` bytes, names of fields included.
    pub fn new(event_bytes_max: usize) -> Self {
        Self {
            limit: event_bytes_max,
            buffer: BytesMut::new(),
            searched: 0,
            begun: false,
            after_carriage_return: false,
            size: 0,
            event: Event::default(),
            has_data: false,
        }
    }

    /// Adds bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next event that is complete; `None` until more bytes are pushed.
    pub fn next_event(&mut self) -> Result<Option<Event>, TooLarge> {
        while let Some(line) = self.next_line()? {
            if !line.is_empty() {
                self.field(&line);
                continue;
            }
            let event = std::mem::take(&mut self.event);
            self.size = 0;
            if std::mem::take(&mut self.has_data) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// What the stream's end leaves: an event whose closing blank line never came. The standard drops it; some providers
    /// end with one.
    pub fn unfinished(mut self) -> Option<Event> {
        let rest = self.buffer.split().freeze();
        if self.begun && !rest.is_empty() && !(self.after_carriage_return && rest.as_ref() == b"\n") {
            self.field(&rest);
        }
        self.has_data.then_some(self.event)
    }

    fn next_line(&mut self) -> Result<Option<Bytes>, TooLarge> {
        const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        if !self.begun {
            if self.buffer.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&self.buffer) {
                return Ok(None);
            }
            self.begun = true;
            if self.buffer.starts_with(BYTE_ORDER_MARK) {
                self.buffer.advance(BYTE_ORDER_MARK.len());
            }
        }
        if self.after_carriage_return && !self.buffer.is_empty() {
            self.after_carriage_return = false;
            if self.buffer.starts_with(b"\n") {
                self.buffer.advance(1);
            }
        }
        let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(end) = memchr::memchr2(b'\n', b'\r', unsearched).map(|found| self.searched + found) else {
            self.searched = self.buffer.len();
            return if self.size.saturating_add(self.searched) > self.limit { Err(self.too_large()) } else { Ok(None) };
        };
        self.size = self.size.saturating_add(end);
        if self.size > self.limit {
            return Err(self.too_large());
        }
        self.searched = 0;
        let line = self.buffer.split_to(end).freeze();
        self.after_carriage_return = self.buffer.first() == Some(&b'\r');
        self.buffer.advance(1);
        Ok(Some(line))
    }

    fn too_large(&self) -> TooLarge {
        TooLarge { limit: self.limit }
    }

    fn field(&mut self, line: &Bytes) {
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let name = line.slice(..colon);
        let mut value = line.slice((colon + 1).min(line.len())..);
        if value.first() == Some(&b' ') {
            value.advance(1);
        }
        match name.as_ref() {
            b"data" => self.add_data(value),
            b"event" => self.event.name = Some(value),
            // An identifier with a null character is to be passed over.
            b"id" if !value.contains(&0) => self.event.id = Some(value),
            b"retry" => self.event.retry_ms = milliseconds(&value).or(self.event.retry_ms),
            // A comment (no name) or a field that nobody knows.
            _ => {}
        }
    }

    /// Most events have one line of data, which stays where it is; further lines are joined to it.
    fn add_data(&mut self, value: Bytes) {
        if !std::mem::replace(&mut self.has_data, true) {
            self.event.data = value;
            return;
        }
        let first = std::mem::take(&mut self.event.data);
        // Nobody else holds the joined bytes, so they grow in place.
        let mut joined = first.try_into_mut().unwrap_or_else(|shared| BytesMut::from(shared.as_ref()));
        joined.extend_from_slice(b"\n");
        joined.extend_from_slice(&value);
        self.event.data = joined.freeze();
    }
}

fn milliseconds(value: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}
