//! Puts originals back into a stream of JSON text: pseudonyms are looked for in the decoded strings, originals are written
//! escaped, all other bytes stay as they came.

use std::fmt;
use std::sync::Arc;

use super::Pairs;
use crate::json_text::{decode, escape};

/// One stream of JSON: a whole document in pieces (a tool call's arguments), or the body of a string.
pub struct JsonRestorer {
    pairs: Arc<Pairs>,
    /// As it came, from the first byte that was not passed on.
    raw: String,
    /// What of it is decoded, and up to where.
    decoded: String,
    read: usize,
    /// For each decoded character where it ends: in the decoded text and in the raw one.
    ends: Vec<(usize, usize)>,
}

impl fmt::Debug for JsonRestorer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JsonRestorer(hidden)")
    }
}

impl JsonRestorer {
    pub(super) fn new(pairs: Arc<Pairs>) -> Self {
        Self { pairs, raw: String::new(), decoded: String::new(), read: 0, ends: Vec::new() }
    }

    /// What can be passed on with this piece; it may be cut within an escape.
    pub fn push(&mut self, piece: &str) -> String {
        self.raw.push_str(piece);
        while let Some((character, length)) = self.raw.get(self.read..).and_then(|rest| decode(rest, false)) {
            self.take(character, length);
        }
        self.pass_on(false)
    }

    /// The rest: nothing follows.
    pub fn finish(mut self) -> String {
        while let Some((character, length)) = self.raw.get(self.read..).and_then(|rest| decode(rest, true)) {
            self.take(character, length);
        }
        self.pass_on(true)
    }

    fn take(&mut self, character: char, length: usize) {
        self.decoded.push(character);
        self.read += length;
        self.ends.push((self.decoded.len(), self.read));
    }

    fn pass_on(&mut self, last: bool) -> String {
        let mut passed = String::with_capacity(self.raw.len());
        let mut from = 0;
        for (start, end, original) in self.pairs.matches(&self.decoded) {
            passed.push_str(self.raw_between(from, start));
            escape(original, &mut passed);
            from = end;
        }
        if last {
            passed.push_str(self.raw.get(self.raw_at(from)..).unwrap_or_default());
            return passed;
        }
        let keep = self.pairs.begins_at(&self.decoded, from);
        passed.push_str(self.raw_between(from, keep));
        let raw_keep = self.raw_at(keep);
        self.raw.drain(..raw_keep);
        self.decoded.drain(..keep);
        self.read -= raw_keep;
        self.ends.retain(|(decoded, _)| *decoded > keep);
        for (decoded, raw) in &mut self.ends {
            *decoded -= keep;
            *raw -= raw_keep;
        }
        passed
    }

    fn raw_between(&self, from: usize, to: usize) -> &str {
        self.raw.get(self.raw_at(from)..self.raw_at(to)).unwrap_or_default()
    }

    /// Where in the raw text the decoded character begins that stands at `decoded`.
    fn raw_at(&self, decoded: usize) -> usize {
        let before = self.ends.partition_point(|(end, _)| *end <= decoded);
        before.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |(_, raw)| *raw)
    }
}
