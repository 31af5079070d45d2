//! The least of HTTP/1.1 that a test needs, on bytes alone: heads, bodies by length, bodies in chunks. Written anew and not
//! taken from the gateway's stack, so that the two ends of a test share no code with what stands between them.

/// A request's or an answer's first line and headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The first line, without its end.
    pub line: String,
    /// Names in small letters, values without the spaces around them, in the order they came.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// The head at the start of `bytes` and its length, once its blank line is there.
    pub fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let length = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let text = String::from_utf8_lossy(bytes.get(..length)?).into_owned();
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        Some((Self { line, headers }, length + 4))
    }

    /// The first value of a header, by its name in small letters.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// How the body after this head is framed. Without a word, a request has none and an answer lasts until the end.
    pub fn body(&self) -> Body {
        if self.get("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return Body::Chunked;
        }
        match self.get("content-length").and_then(|value| value.parse().ok()) {
            Some(length) => Body::Length(length),
            None => Body::UntilTheEnd,
        }
    }
}

/// How a body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// So many bytes.
    Length(usize),
    /// In chunks.
    Chunked,
    /// Not framed: all until the connection ends.
    UntilTheEnd,
}

/// Takes a chunked body apart, whatever pieces it comes in. Trailers are not expected and count as damage.
#[derive(Clone, Debug, Default)]
pub struct Chunks {
    waiting: Vec<u8>,
    state: ChunkState,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ChunkState {
    #[default]
    Size,
    Data(usize),
    DataEnd,
    LastEnd,
    Done,
    Damaged,
}

impl Chunks {
    /// Takes bytes in; gives the body's bytes that are now known.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.waiting.extend_from_slice(bytes);
        let mut body = Vec::new();
        while self.step(&mut body) {}
        body
    }

    /// Whether the last chunk and its blank line have come.
    pub fn is_done(&self) -> bool {
        self.state == ChunkState::Done
    }

    /// Whether it is not chunked as the standard says.
    pub fn is_damaged(&self) -> bool {
        self.state == ChunkState::Damaged
    }

    /// What came after the end: on a kept connection the next answer's first bytes.
    pub fn into_rest(self) -> Vec<u8> {
        self.waiting
    }

    fn step(&mut self, body: &mut Vec<u8>) -> bool {
        match self.state {
            ChunkState::Size => {
                let Some(end) = self.waiting.windows(2).position(|window| window == b"\r\n") else { return false };
                let line: Vec<u8> = self.waiting.drain(..end + 2).take(end).collect();
                let size = std::str::from_utf8(&line).ok().and_then(|line| usize::from_str_radix(line, 16).ok());
                self.state = match size {
                    Some(0) => ChunkState::LastEnd,
                    Some(size) => ChunkState::Data(size),
                    None => ChunkState::Damaged,
                };
            }
            ChunkState::Data(left) => {
                let taken = left.min(self.waiting.len());
                body.extend(self.waiting.drain(..taken));
                self.state = if taken == left { ChunkState::DataEnd } else { ChunkState::Data(left - taken) };
                return taken == left;
            }
            ChunkState::DataEnd | ChunkState::LastEnd => {
                if self.waiting.len() < 2 {
                    return false;
                }
                let good = self.waiting.drain(..2).eq(*b"\r\n");
                self.state = match (good, self.state) {
                    (true, ChunkState::DataEnd) => ChunkState::Size,
                    (true, _) => ChunkState::Done,
                    (false, _) => ChunkState::Damaged,
                };
            }
            ChunkState::Done | ChunkState::Damaged => return false,
        }
        true
    }
}

/// One chunk.
pub fn chunk(data: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{:x}\r\n", data.len()).into_bytes();
    bytes.extend_from_slice(data);
    bytes.extend_from_slice(b"\r\n");
    bytes
}

#[cfg(test)]
mod tests;
