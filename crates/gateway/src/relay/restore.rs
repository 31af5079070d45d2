//! Brings the originals back into an answer whose request went out under pseudonyms, masks what a policy wants masked in what
//! comes back, and counts what it holds. In whole answers and in streams, however the text is cut.
//!
//! Only strings that are no words of the API are touched; every other byte stays as it came. What cannot be read is not passed on. It must
//! not know what was hidden or why.

mod chunk;
mod field;
mod lines;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use inspect::pseudonym::Map;
use inspect::{Kind, Rules, Wanted};
use wire::error::Code;
use wire::sse;
use wire::strict_json::{quoted, splice};

use self::chunk::{Chunk, Head, Way};
use self::field::Field;
pub(super) use self::lines::events;
use super::Piece;
use crate::error::ApiError;

/// Texts of one answer that may be under way at once: choices, times fields and tool calls.
const FIELDS_MAX: usize = 4096;

/// What is looked for in an answer.
#[derive(Clone)]
pub(crate) struct AnswerMask {
    rules: Rules,
    wanted: Option<Wanted>,
}

/// One answer that is being restored. Its `Debug` shows no text.
pub(crate) struct Restoring {
    stream: bool,
    map: Option<Map>,
    mask: Option<AnswerMask>,
    /// The texts under way, by choice and by their way within it.
    fields: BTreeMap<(u64, Way), Field>,
    /// What the last chunk had beside its choices, for events that are added.
    head: Option<Head>,
    /// What the texts that have ended held.
    counts: BTreeMap<Kind, u64>,
}

/// Why an answer cannot be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// It is not the JSON that it should be.
    Unreadable,
    /// More texts at once than are followed.
    TooMany,
}

impl AnswerMask {
    /// Counts what `rules` find, and masks the kinds that go by one of `names` (kinds, groups, `*`); without names it only
    /// counts.
    pub(crate) fn new(rules: &Rules, names: &[Arc<str>]) -> Self {
        let names: Arc<[Arc<str>]> = names.into();
        let wanted = (!names.is_empty()).then(|| -> Wanted {
            Arc::new(move |kind: &Kind| {
                kind.names().any(|own| names.iter().any(|name| **name == own || &**name == "*"))
            })
        });
        Self { rules: rules.clone(), wanted }
    }
}

impl Restoring {
    /// For an answer, as a stream of events or whole. With neither a map nor a mask, every piece
    /// passes untouched.
    pub(crate) fn new(stream: bool, map: Option<Map>, mask: Option<AnswerMask>) -> Self {
        let map = map.filter(|map| !map.is_empty());
        Self { stream, map, mask, fields: BTreeMap::new(), head: None, counts: BTreeMap::new() }
    }

    /// The piece as the caller may have it. What it holds back comes before, or with, the event in which its choice finishes.
    pub(crate) fn piece(&mut self, piece: Piece) -> Piece {
        if self.map.is_none() && self.mask.is_none() {
            return piece;
        }
        match piece {
            Piece::Part(bytes) => self.read(bytes, false).map_or_else(Piece::Broken, Piece::Part),
            Piece::Complete(bytes) => self.read(bytes, true).map_or_else(Piece::Broken, Piece::Complete),
            Piece::Broken(error) => Piece::Broken(error),
        }
    }

    /// How many of each kind the answer held so far, by stable name; nothing where no mask was given.
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        let under_way = self.fields.values().flat_map(Field::counts);
        for (kind, count) in self.counts.iter().chain(under_way) {
            *counts.entry(kind.name().into_owned()).or_default() += count;
        }
        counts
    }

    /// Whether texts are changed, so that what is told of single tokens would be of others.
    pub(super) fn edits(&self) -> bool {
        self.map.is_some() || self.mask.as_ref().is_some_and(|mask| mask.wanted.is_some())
    }

    fn read(&mut self, bytes: Bytes, last: bool) -> Result<Bytes, ApiError> {
        let read = match (self.stream, last) {
            (true, false) => self.events(&bytes),
            (true, true) => self.last_events(&bytes),
            (false, _) => self.whole(&bytes),
        };
        match read {
            // What is only counted is passed on though it cannot be read: nothing in it had to be changed.
            Err(_) if !self.edits() => Ok(bytes),
            read => read.map_err(ApiError::from),
        }
    }

    fn field(&self, is_json: bool) -> Field {
        Field::new(self.map.as_ref(), self.mask.as_ref(), is_json)
    }

    fn events(&mut self, bytes: &Bytes) -> Result<Bytes, Trouble> {
        let mut out = BytesMut::with_capacity(bytes.len());
        for event in events(bytes) {
            match event.data.as_deref() {
                None | Some(sse::DONE_DATA) => out.extend_from_slice(event.raw),
                Some(data) => match self.chunk(data, &mut out)? {
                    None => out.extend_from_slice(event.raw),
                    Some(restored) => {
                        event.write_other_lines(&mut out);
                        sse::write_event(&mut out, &restored);
                    }
                },
            }
        }
        Ok(out.freeze())
    }

    /// Nothing follows: what is held back yet goes out.
    fn last_events(&mut self, bytes: &Bytes) -> Result<Bytes, Trouble> {
        let mut out = BytesMut::from(self.events(bytes)?);
        let under_way: Vec<(u64, Way)> = self.fields.keys().cloned().collect();
        for (choice, way) in under_way {
            self.flush(choice, &way, &mut out);
        }
        Ok(out.freeze())
    }

    /// One event's data restored; none where nothing in it changes. Events that must come before it are added to `out`.
    fn chunk(&mut self, data: &[u8], out: &mut BytesMut) -> Result<Option<Vec<u8>>, Trouble> {
        let chunk = Chunk::read(data).ok_or(Trouble::Unreadable)?;
        if let Some(head) = &chunk.head {
            self.head = Some(head.clone());
        }
        let mut restored = Vec::with_capacity(chunk.texts.len());
        for said in &chunk.texts {
            restored.push(if said.way.is_streamed() {
                self.streamed(said.choice, &said.way, &said.text, said.is_last)?
            } else {
                self.at_once(said.way.is_json(), &said.text)
            });
        }
        for (choice, way) in self.passed_by(&chunk) {
            match chunk.texts.iter().rposition(|said| said.choice == choice && said.way == way) {
                None => self.flush(choice, &way, out),
                Some(last) => {
                    let rest = self.end(&(choice, way));
                    restored.get_mut(last).into_iter().for_each(|restored| restored.push_str(&rest));
                }
            }
        }
        for choice in &chunk.finished {
            let own = self.fields.range((*choice, Way::default())..).take_while(|((of, _), _)| of == choice);
            let under_way: Vec<Way> = own.map(|((_, way), _)| way.clone()).collect();
            for way in under_way {
                self.flush(*choice, &way, out);
            }
        }
        Ok(self.edited(data, &restored, &chunk))
    }

    /// Texts under way that have ended because of what `chunk` says: calls before one that it speaks of, and thoughts where it
    /// answers. A caller takes them for whole then.
    fn passed_by(&self, chunk: &Chunk) -> Vec<(u64, Way)> {
        let answering = chunk.answering();
        let has_ended =
            |(choice, way): &&(u64, Way)| chunk.is_past(*choice, way) || way.is_thought() && answering.contains(choice);
        self.fields.keys().filter(has_ended).cloned().collect()
    }

    /// `data` with the texts of its choices as they are `restored`, and those beside them; none where nothing changes.
    fn edited(&mut self, data: &[u8], restored: &[String], chunk: &Chunk) -> Option<Vec<u8>> {
        let texts = chunk.texts.iter().zip(restored).filter(|(said, restored)| said.text != **restored);
        let mut edits: Vec<(Range<usize>, String)> =
            texts.map(|(said, restored)| (said.range.clone(), quoted(restored))).collect();
        for (range, text) in &chunk.beside {
            let restored = self.at_once(false, text);
            edits.extend((restored != *text).then(|| (range.clone(), quoted(&restored))));
        }
        if self.edits() {
            edits.extend(chunk.logprobs.iter().map(|range| (range.clone(), "null".to_owned())));
        }
        edits.sort_by_key(|(range, _)| range.start);
        (!edits.is_empty()).then(|| splice(data, edits.iter().map(|(range, with)| (range.clone(), with.as_str()))))
    }

    /// More of a text that comes in pieces; with `last`, all that is left of it.
    fn streamed(&mut self, choice: u64, way: &Way, text: &str, last: bool) -> Result<String, Trouble> {
        let key = (choice, way.clone());
        if !self.fields.contains_key(&key) {
            if self.fields.len() == FIELDS_MAX {
                return Err(Trouble::TooMany);
            }
            let field = self.field(way.is_json());
            self.fields.insert(key.clone(), field);
        }
        let mut restored = self.fields.get_mut(&key).map(|field| field.push(text)).unwrap_or_default();
        if last {
            restored.push_str(&self.end(&key));
        }
        Ok(restored)
    }

    fn at_once(&mut self, is_json: bool, text: &str) -> String {
        let mut field = self.field(is_json);
        let mut restored = field.push(text);
        let (rest, counts) = field.finish();
        self.count(counts);
        restored.push_str(&rest);
        restored
    }

    /// Ends a text, and gives what was held back of it.
    fn end(&mut self, key: &(u64, Way)) -> String {
        let Some(field) = self.fields.remove(key) else { return String::new() };
        let (rest, counts) = field.finish();
        self.count(counts);
        rest
    }

    fn count(&mut self, counts: BTreeMap<Kind, u64>) {
        for (kind, count) in counts {
            *self.counts.entry(kind).or_default() += count;
        }
    }

    /// Adds an event of what was held back of one text.
    fn flush(&mut self, choice: u64, way: &Way, out: &mut BytesMut) {
        let rest = self.end(&(choice, way.clone()));
        if let (Some(head), false) = (&self.head, rest.is_empty()) {
            sse::write_event(out, &head.event(choice, way, &rest));
        }
    }

    fn whole(&mut self, bytes: &Bytes) -> Result<Bytes, Trouble> {
        if bytes.is_empty() {
            return Ok(bytes.clone());
        }
        let chunk = Chunk::read(bytes).ok_or(Trouble::Unreadable)?;
        let restored: Vec<String> =
            chunk.texts.iter().map(|said| self.at_once(said.way.is_json(), &said.text)).collect();
        Ok(self.edited(bytes, &restored, &chunk).map_or_else(|| bytes.clone(), Bytes::from))
    }
}

impl From<Trouble> for ApiError {
    fn from(trouble: Trouble) -> Self {
        let message = "the destination's answer cannot be read, so that nothing of it can be restored or masked";
        Self::destination(StatusCode::BAD_GATEWAY, Code::AnswerInterrupted, message).detail(match trouble {
            Trouble::Unreadable => "not the JSON that an answer is",
            Trouble::TooMany => "more texts at once than are followed",
        })
    }
}

impl fmt::Debug for AnswerMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerMask").field("masks", &self.wanted.is_some()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Restoring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restoring")
            .field("stream", &self.stream)
            .field("restores", &self.map.is_some())
            .field("mask", &self.mask)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
