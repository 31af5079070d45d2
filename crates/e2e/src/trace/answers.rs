//! What callers are told, taken from the bytes that go to them: which entry an answer names, and when it ends. Knows HTTP/1.1
//! and one header; not what is durable.

use crate::http1::{Body, Chunks, Head};

/// What a caller may rely on, once it has these bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// `x-gwanmun-entry: N`: the entry is in the log.
    Entry(u64),
    /// The answer whose head named this entry is over, and was not cut off.
    End(u64),
    /// Nobody can say: its framing is damaged, or there is none.
    Unreadable,
}

/// What has gone to one caller on one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    head: Vec<u8>,
    answer: Option<Answer>,
}

#[derive(Clone, Debug)]
struct Answer {
    entry: Option<u64>,
    rest: Rest,
    /// The end has been told already, by its marker.
    over: bool,
}

#[derive(Clone, Debug)]
enum Rest {
    Length(usize),
    Chunks { chunks: Chunks, last: Vec<u8> },
    UntilTheEnd,
}

/// What ends a stream of events.
const END_MARKER: &[u8] = b"data: [DONE]";

impl Answers {
    /// Takes what goes out next; tells what it claims.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Claim> {
        let mut claims = Vec::new();
        let mut bytes = bytes.to_vec();
        loop {
            match self.answer.take() {
                None => {
                    self.head.append(&mut bytes);
                    let Some((head, length)) = Head::parse(&self.head) else { return claims };
                    bytes = std::mem::take(&mut self.head).split_off(length);
                    let answer = Answer::new(&head);
                    claims.extend(answer.entry.map(Claim::Entry));
                    self.answer = Some(answer);
                }
                Some(mut answer) => {
                    let after = answer.push(&bytes, &mut claims);
                    let Some(after) = after else {
                        self.answer = Some(answer);
                        return claims;
                    };
                    bytes = after;
                    if bytes.is_empty() {
                        return claims;
                    }
                }
            }
        }
    }
}

impl Answer {
    fn new(head: &Head) -> Self {
        let entry = head.get("x-gwanmun-entry").and_then(|entry| entry.parse().ok());
        let rest = match head.body() {
            // What comes before the answer has no body, whatever it says.
            _ if head.line.starts_with("HTTP/1.1 1") => Rest::Length(0),
            Body::Length(length) => Rest::Length(length),
            Body::Chunked => Rest::Chunks { chunks: Chunks::default(), last: Vec::new() },
            Body::UntilTheEnd => Rest::UntilTheEnd,
        };
        Self { entry, rest, over: false }
    }

    /// Takes bytes of the body; what follows the body, once it is whole.
    fn push(&mut self, bytes: &[u8], claims: &mut Vec<Claim>) -> Option<Vec<u8>> {
        let (marked, after) = match &mut self.rest {
            Rest::Length(left) if *left <= bytes.len() => {
                (false, Some(bytes.get(*left..).unwrap_or_default().to_vec()))
            }
            Rest::Length(left) => {
                *left -= bytes.len();
                (false, None)
            }
            Rest::Chunks { chunks, last } => {
                last.extend(chunks.push(bytes));
                let marked = last.windows(END_MARKER.len()).any(|window| window == END_MARKER);
                // Enough of it is kept to find a marker that comes in two pieces.
                last.drain(..last.len().saturating_sub(END_MARKER.len()));
                if chunks.is_damaged() {
                    claims.push(Claim::Unreadable);
                }
                (marked, chunks.is_done().then(|| std::mem::take(chunks).into_rest()))
            }
            Rest::UntilTheEnd => {
                claims.push(Claim::Unreadable);
                (false, None)
            }
        };
        if (marked || after.is_some()) && !self.over {
            self.over = true;
            claims.extend(self.entry.map(Claim::End));
        }
        after
    }
}
