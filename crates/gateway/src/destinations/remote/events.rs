//! Cuts a stream's bytes at its events' ends, without copying what arrived whole, and reads what each event says of the
//! answer's progress. It must not know connections, nor change a byte.
//!
//! Only whole events are passed on, so that an error event never lands inside half of another.
//! Source: HTML Standard, 9.2.6 "Interpreting an event stream".

use std::{borrow::Cow, sync::Arc};

use bytes::{Bytes, BytesMut};
use memchr::memchr2;
use serde::Deserialize;
use serde_json::value::RawValue;
use wire::answer::FinishReason;

/// The largest event that is taken; tool arguments and long deltas stay far below.
const EVENT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The longest name of a model, or fingerprint, that is taken note of.
const REPORTED_BYTES_MAX: usize = 256;

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

    /// Whether the stream may end here: nothing has begun, or an end marker that lacks only its blank line.
    pub(crate) fn may_end(&self) -> bool {
        let rest = self.begun.trim_ascii();
        rest.is_empty() || data_of(rest) == Some(b"[DONE]".as_slice())
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
    /// Characters of the answers' texts.
    pub(super) characters: u64,
    /// Why the first choice ended.
    pub(super) finish: Option<&'static str>,
    /// Whether something was said in the field for a refusal.
    pub(super) refused: bool,
    /// Whether a choice ended in a way that needs no word before it.
    ended_without_words: bool,
    /// The model that the provider says answered.
    pub(super) model: Reported,
    /// Its fingerprint, where the provider tells one.
    pub(super) fingerprint: Reported,
}

/// What a provider reports of itself in each chunk: read once, and again only where it changes.
#[derive(Debug, Default)]
pub(super) struct Reported {
    raw: String,
    word: Option<Arc<str>>,
}

impl Reported {
    /// Takes note of the value as it stands in the JSON.
    pub(super) fn note(&mut self, raw: Option<&RawValue>) {
        let Some(raw) = raw.map(RawValue::get).filter(|raw| *raw != self.raw && raw.len() <= REPORTED_BYTES_MAX) else {
            return;
        };
        if let Some(word) = serde_json::from_str::<Option<String>>(raw).ok().flatten().filter(|word| !word.is_empty()) {
            raw.clone_into(&mut self.raw);
            self.word = Some(word.into());
        }
    }

    /// The word last reported.
    pub(super) fn word(&self) -> Option<Arc<str>> {
        self.word.clone()
    }
}

/// What one event's data is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// A part of the answer.
    Part,
    /// The end marker.
    Done,
    /// An error of the provider's, as JSON, or a choice that it says ended by an error: for classifying, never passed on.
    Error(Option<Box<str>>),
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
    #[serde(default, borrow)]
    model: Option<&'a RawValue>,
    #[serde(default, borrow)]
    system_fingerprint: Option<&'a RawValue>,
    #[serde(default, borrow)]
    error: Option<&'a RawValue>,
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
pub(super) struct Delta<'a> {
    #[serde(default, borrow)]
    content: Option<&'a RawValue>,
    #[serde(default, borrow)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(default, borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(default, borrow)]
    refusal: Option<&'a RawValue>,
    #[serde(default, borrow)]
    tool_calls: Option<&'a RawValue>,
    #[serde(default, borrow)]
    function_call: Option<&'a RawValue>,
    #[serde(default, borrow)]
    audio: Option<&'a RawValue>,
}

impl Delta<'_> {
    /// Whether it holds anything of an answer: a role alone is none.
    pub(super) fn says_something(&self) -> bool {
        let words = [self.content, self.reasoning_content, self.reasoning, self.refusal];
        let more = [self.tool_calls, self.function_call, self.audio];
        words.into_iter().chain(more).flatten().any(|part| !is_nothing(part))
    }

    /// Whether it says that the model declines to answer: some say so in a field of its own, and finish as if all were said.
    pub(super) fn declines(&self) -> bool {
        self.refusal.is_some_and(|refusal| !is_nothing(refusal))
    }

    /// Characters of its text.
    pub(super) fn characters(&self) -> u64 {
        self.content.map_or(0, characters)
    }
}

impl ChunkChoice<'_> {
    /// Whether it adds to the answer: the opening role and the finish do not.
    fn says_something(&self) -> bool {
        let is_said = self.delta.as_ref().is_some_and(Delta::says_something);
        is_said || self.text.is_some_and(|text| !is_nothing(text))
    }

    fn characters(&self) -> u64 {
        let said = self.delta.as_ref().map_or(0, Delta::characters);
        said.saturating_add(self.text.map_or(0, characters))
    }
}

/// What providers write where there is nothing to say.
pub(super) fn is_nothing(value: &RawValue) -> bool {
    matches!(value.get(), "null" | "\"\"" | "[]" | "{}")
}

/// Characters of a JSON string, counted without decoding it; 0 where it is none. Of a pair of surrogates only the first counts.
pub(super) fn characters(string: &RawValue) -> u64 {
    let Some(inside) = string.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return 0 };
    let mut letters = inside.chars();
    let mut count = 0_u64;
    while let Some(letter) = letters.next() {
        let escaped = if letter == '\\' { letters.next() } else { None };
        let is_second_half = escaped == Some('u') && {
            let digits: String = letters.by_ref().take(4).collect();
            u16::from_str_radix(&digits, 16).is_ok_and(|unit| (0xdc00..=0xdfff).contains(&unit))
        };
        count = count.saturating_add(u64::from(!is_second_half));
    }
    count
}

/// Whether a finish says that all was said. Others (a filter, a limit, a provider's own word) need no word before them.
pub(super) fn claims_words(reason: &RawValue) -> bool {
    matches!(finish_word(reason), "stop" | "tool_calls" | "function_call")
}

/// A finish reason as entries know it: a provider's own word is not repeated.
pub(super) fn finish_word(reason: &RawValue) -> &'static str {
    serde_json::from_str::<FinishReason>(reason.get()).map_or("other", |reason| reason.word())
}

/// Servers finish what they broke off with these words: no answer has ended so. vLLM and SGLang write `abort` where they are told to
/// stop, and then the end marker as if all were said (vLLM's issue 57082).
pub(super) fn ends_by_error(reason: &RawValue) -> bool {
    matches!(reason.get(), "\"error\"" | "\"abort\"")
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
            characters: 0,
            finish: None,
            refused: false,
            ended_without_words: false,
            model: Reported::default(),
            fingerprint: Reported::default(),
        }
    }

    /// Takes note of one event's data.
    pub(super) fn note(&mut self, data: &[u8]) -> Noted {
        if data == b"[DONE]" {
            return Noted::Done;
        }
        let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(data) else { return Noted::NotJson };
        if let Some(error) = chunk.error {
            return Noted::Error(Some(error.get().into()));
        }
        self.model.note(chunk.model);
        self.fingerprint.note(chunk.system_fingerprint);
        for choice in &chunk.choices {
            self.pieces = self.pieces.saturating_add(u64::from(choice.says_something()));
            self.characters = self.characters.saturating_add(choice.characters());
            self.refused |= choice.delta.as_ref().is_some_and(Delta::declines);
            if choice.finish_reason.is_some_and(ends_by_error) {
                return Noted::Error(None);
            }
            if let Some(reason) = choice.finish_reason.filter(|reason| !is_nothing(reason))
                && let Some(finished @ false) = self.finished.get_mut(choice.index)
            {
                *finished = true;
                self.ended_without_words |= !claims_words(reason);
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

    /// Whether anything of an answer has come.
    pub(super) fn says_something(&self) -> bool {
        self.pieces > 0
    }

    /// Whether it has finished as if all were said, and nothing was. Where a filter or the limit on tokens ended it before a
    /// word, that is the answer: another place must not be asked to get around a filter.
    pub(super) fn is_empty(&self) -> bool {
        self.finished() && self.pieces == 0 && !self.ended_without_words
    }
}

#[cfg(test)]
mod tests;
