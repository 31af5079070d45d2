//! Cuts a stream's bytes at its events' ends, without copying what arrived whole, and reads what each event says of the
//! answer's progress. It must not know connections, nor change a byte.
//!
//! Only whole events are passed on, so that an error event never lands inside half of another.
//! Source: HTML Standard, 9.2.6 "Interpreting an event stream".

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use memchr::memchr2;
use serde::Deserialize;
use serde_json::value::RawValue;
use wire::answer::FinishReason;

/// The largest event that is taken; tool arguments and long deltas stay far below.
const EVENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Cuts at events' ends, across chunks. Looks at no byte twice, however small the chunks are.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    /// The beginning of an event whose end has not come.
    begun: BytesMut,
    /// How far that was looked at.
    seen: Seen,
}

/// An event larger than is taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than {EVENT_BYTES_MAX} bytes")]
pub(crate) struct EventTooLarge;

impl Splitter {
    /// Takes a chunk, gives the whole events that end in it, possibly none.
    pub(crate) fn push(&mut self, mut chunk: Bytes) -> Result<Bytes, EventTooLarge> {
        if self.begun.is_empty() {
            let end = self.seen.last_event_end(&chunk);
            let whole = chunk.split_to(end);
            self.hold(&chunk)?;
            return Ok(whole);
        }
        self.hold(&chunk)?;
        let end = self.seen.last_event_end(&self.begun);
        Ok(self.begun.split_to(end).freeze())
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), EventTooLarge> {
        if self.begun.len().saturating_add(bytes.len()) > EVENT_BYTES_MAX {
            return Err(EventTooLarge);
        }
        self.begun.extend_from_slice(bytes);
        Ok(())
    }
}

/// How far bytes were looked at for the ends of lines: LF, CR LF or CR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Where the line begins whose end has not come.
    line: usize,
    /// Up to here it has no end.
    looked: usize,
}

impl Seen {
    /// Where the last whole event in `bytes` ends: after its blank line. 0 where none ends. From then on counts from there.
    fn last_event_end(&mut self, bytes: &[u8]) -> usize {
        let mut end = 0;
        while let Some((line, after)) = self.next_line(bytes) {
            if line.is_empty() {
                end = after;
            }
        }
        // Neither is before the end of a line.
        *self = Self { line: self.line.saturating_sub(end), looked: self.looked.saturating_sub(end) };
        end
    }

    /// The next line that has an end, and where it ends. A CR at the very end may be half of a CR LF: it waits.
    fn next_line<'a>(&mut self, bytes: &'a [u8]) -> Option<(&'a [u8], usize)> {
        let found = memchr2(b'\n', b'\r', bytes.get(self.looked..)?);
        self.looked = found.map_or(bytes.len(), |found| self.looked.saturating_add(found));
        let ending_bytes = match bytes.get(self.looked..)? {
            [] | [b'\r'] => return None,
            [b'\r', b'\n', ..] => 2,
            _ => 1,
        };
        let line = bytes.get(self.line..self.looked)?;
        self.looked = self.looked.saturating_add(ending_bytes);
        self.line = self.looked;
        Some((line, self.line))
    }
}

/// One event of a stream: where it begins, and its data.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event<'a> {
    /// Offset of its first byte.
    pub(super) start: usize,
    /// Its data lines, joined by LF.
    pub(super) data: Cow<'a, [u8]>,
}

/// The events in `whole`, which ends at an event's end. Those without data are left out.
pub(super) fn events(whole: &[u8]) -> impl Iterator<Item = Event<'_>> {
    let mut seen = Seen::default();
    std::iter::from_fn(move || {
        let mut start = seen.line;
        let mut data: Option<Cow<'_, [u8]>> = None;
        loop {
            let (line, after) = seen.next_line(whole)?;
            match (data_of(line), &mut data) {
                (Some(more), None) => data = Some(Cow::Borrowed(more)),
                (Some(more), Some(data)) => {
                    data.to_mut().push(b'\n');
                    data.to_mut().extend_from_slice(more);
                }
                (None, _) if !line.is_empty() => {}
                (None, Some(_)) => return data.map(|data| Event { start, data }),
                (None, None) => start = after,
            }
        }
    })
}

fn data_of(line: &[u8]) -> Option<&[u8]> {
    let data = line.strip_prefix(b"data:")?;
    Some(data.strip_prefix(b" ").unwrap_or(data))
}

/// How far an answer has come, by its events so far.
#[derive(Debug)]
pub(super) struct Progress {
    /// Of each choice that was asked for, whether it has finished.
    finished: Vec<bool>,
    /// Choices that have not.
    unfinished: usize,
    /// Tokens of the prompt, as the provider counts.
    pub(super) prompt_tokens: Option<u64>,
    /// Tokens of the answer, as the provider counts.
    pub(super) completion_tokens: Option<u64>,
    /// Pieces of an answer that said something.
    pub(super) pieces: u64,
    /// Why the first choice ended.
    pub(super) finish: Option<&'static str>,
}

/// What one event's data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// A part of the answer.
    Part,
    /// The end marker.
    Done,
    /// An error object of the provider's.
    Error,
    /// Nothing that is understood.
    NotJson,
}

/// What is read of a chunk; all else is passed on unread.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(default, borrow)]
    choices: Vec<ChunkChoice<'a>>,
    #[serde(default)]
    usage: Option<ChunkUsage>,
    #[serde(default)]
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct ChunkChoice<'a> {
    #[serde(default)]
    index: usize,
    #[serde(default, borrow)]
    finish_reason: Option<&'a RawValue>,
    #[serde(default, borrow)]
    delta: Option<Delta<'a>>,
    /// The older surface's piece of text.
    #[serde(default, borrow)]
    text: Option<&'a RawValue>,
}

/// What a chunk adds to an answer, unread but for whether there is anything.
#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(default, borrow)]
    content: Option<&'a RawValue>,
    #[serde(default, borrow)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(default, borrow)]
    refusal: Option<&'a RawValue>,
    #[serde(default, borrow)]
    tool_calls: Option<&'a RawValue>,
}

impl ChunkChoice<'_> {
    /// Whether it adds to the answer: the opening role and the finish do not.
    fn says_something(&self) -> bool {
        let delta = self.delta.as_ref();
        let parts = [self.text, delta.and_then(|delta| delta.content), delta.and_then(|delta| delta.reasoning_content)];
        let more = [delta.and_then(|delta| delta.refusal), delta.and_then(|delta| delta.tool_calls)];
        parts.into_iter().chain(more).flatten().any(|part| !is_nothing(part))
    }
}

/// What providers write where there is nothing to say.
fn is_nothing(value: &RawValue) -> bool {
    matches!(value.get(), "null" | "\"\"" | "[]")
}

/// A finish reason as entries know it: a provider's own word is not repeated.
pub(super) fn finish_word(reason: &RawValue) -> &'static str {
    serde_json::from_str::<FinishReason>(reason.get()).map_or("other", |reason| reason.word())
}

/// A provider's count of tokens.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct ChunkUsage {
    #[serde(default)]
    pub(super) prompt_tokens: Option<u64>,
    #[serde(default)]
    pub(super) completion_tokens: Option<u64>,
}

impl Progress {
    /// Nothing has come of `choices` answers.
    pub(super) fn new(choices: u32) -> Self {
        let unfinished = usize::try_from(choices).unwrap_or(usize::MAX);
        Self {
            finished: vec![false; unfinished],
            unfinished,
            prompt_tokens: None,
            completion_tokens: None,
            pieces: 0,
            finish: None,
        }
    }

    /// Takes note of one event's data.
    pub(super) fn note(&mut self, data: &[u8]) -> Noted {
        if data == b"[DONE]" {
            return Noted::Done;
        }
        let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(data) else { return Noted::NotJson };
        if chunk.error.is_some() {
            return Noted::Error;
        }
        for choice in &chunk.choices {
            self.pieces = self.pieces.saturating_add(u64::from(choice.says_something()));
            if let Some(reason) = choice.finish_reason.filter(|reason| !is_nothing(reason))
                && let Some(finished @ false) = self.finished.get_mut(choice.index)
            {
                *finished = true;
                if choice.index == 0 {
                    self.finish = Some(finish_word(reason));
                }
                self.unfinished = self.unfinished.saturating_sub(1);
            }
        }
        if let Some(usage) = chunk.usage {
            self.prompt_tokens = usage.prompt_tokens.or(self.prompt_tokens);
            self.completion_tokens = usage.completion_tokens.or(self.completion_tokens);
        }
        Noted::Part
    }

    /// Whether every choice has its finish reason.
    pub(super) fn finished(&self) -> bool {
        self.unfinished == 0
    }
}

#[cfg(test)]
mod tests;
