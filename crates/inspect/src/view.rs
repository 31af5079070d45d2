//! The folded copy of a text, as far as it is known, and the way back to the original. Knows nothing of what is searched.

use std::ops::Range;

/// The end of what is known was reached before it was decided: come again with more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct More;

/// What is kept before the place that is being decided: the longest look back.
pub(crate) const KEPT_BEFORE: usize = 256;

/// How much must have become useless before it is given up, so that the bytes are not moved at each step.
const TRIMMED_AT: usize = 32 * 1024;

/// A stretch of the view and where it came from; it lasts until the next one begins.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    view: usize,
    original: usize,
    /// Bytes of the original that the whole stretch stands for; none where each byte stands for itself.
    block: Option<usize>,
}

/// Folded bytes from `base` on; every place is counted from the beginning of the text.
#[derive(Debug, Default)]
pub(crate) struct View {
    bytes: Vec<u8>,
    base: usize,
    /// Where in the original the next byte stands.
    original: usize,
    stretches: Vec<Stretch>,
    is_whole: bool,
}

impl View {
    /// Where the known bytes end.
    pub(crate) fn end(&self) -> usize {
        self.base + self.bytes.len()
    }

    /// Whether nothing follows.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Nothing follows.
    pub(crate) fn close(&mut self) {
        self.is_whole = true;
    }

    /// The byte at `at`; none after the end of the text.
    pub(crate) fn at(&self, at: usize) -> Result<Option<u8>, More> {
        match at.checked_sub(self.base).and_then(|at| self.bytes.get(at)) {
            Some(byte) => Ok(Some(*byte)),
            None if self.is_whole => Ok(None),
            None => Err(More),
        }
    }

    /// The byte `back` places before `at`; none before the beginning.
    pub(crate) fn before(&self, at: usize, back: usize) -> Option<u8> {
        self.bytes.get(at.checked_sub(back)?.checked_sub(self.base)?).copied()
    }

    /// The bytes of `range`, as far as they are known.
    pub(crate) fn slice(&self, range: Range<usize>) -> &[u8] {
        let start = range.start.saturating_sub(self.base).min(self.bytes.len());
        let end = range.end.saturating_sub(self.base).clamp(start, self.bytes.len());
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The known bytes with the place of the first: what a search over everything takes.
    pub(crate) fn known(&self) -> (&[u8], usize) {
        (&self.bytes, self.base)
    }

    /// The bytes from `from` to `to`, all of which must be known unless the text ends before.
    pub(crate) fn ahead(&self, from: usize, to: usize) -> Result<&[u8], More> {
        if self.end() < to && !self.is_whole {
            return Err(More);
        }
        Ok(self.slice(from..to))
    }

    /// Adds bytes that stand for themselves.
    pub(crate) fn push_verbatim(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let (view, original) = (self.end(), self.original);
        let continues = self.stretches.last().is_some_and(|last| {
            last.block.is_none() && original.checked_sub(last.original) == view.checked_sub(last.view)
        });
        if !continues {
            self.stretches.push(Stretch { view, original, block: None });
        }
        self.bytes.extend_from_slice(bytes);
        self.original += bytes.len();
    }

    /// Adds what `length` bytes of the original fold to, as one block; an empty one is left out of the view.
    pub(crate) fn push_block(&mut self, folded: &[u8], length: usize) {
        if !folded.is_empty() {
            self.stretches.push(Stretch { view: self.end(), original: self.original, block: Some(length) });
            self.bytes.extend_from_slice(folded);
        }
        self.original += length;
    }

    /// Adds what `original` folds to; where it folds to itself it stands for itself.
    pub(crate) fn push_folded(&mut self, folded: impl Iterator<Item = char>, original: &str) {
        let (view, before) = (self.end(), self.bytes.len());
        let mut buffer = [0; 4];
        for character in folded {
            self.bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        }
        if self.bytes.get(before..) == Some(original.as_bytes()) {
            self.bytes.truncate(before);
            self.push_verbatim(original.as_bytes());
            return;
        }
        if self.bytes.len() > before {
            self.stretches.push(Stretch { view, original: self.original, block: Some(original.len()) });
        }
        self.original += original.len();
    }

    /// The last byte, which decides how some characters fold.
    pub(crate) fn last(&self) -> Option<u8> {
        self.bytes.last().copied()
    }

    /// The range of the original that `range` stands for, widened to whole characters.
    pub(crate) fn original(&self, range: Range<usize>) -> Range<usize> {
        let start = self.char_start(range.start);
        let mut end = range.end.max(start + 1);
        while end < self.end() && self.is_continuation(end) {
            end += 1;
        }
        self.original_start(start)..self.original_end(end)
    }

    fn char_start(&self, mut at: usize) -> usize {
        while at > self.base && self.is_continuation(at) {
            at -= 1;
        }
        at
    }

    fn is_continuation(&self, at: usize) -> bool {
        at.checked_sub(self.base).and_then(|at| self.bytes.get(at)).is_some_and(|byte| byte & 0xC0 == 0x80)
    }

    fn original_start(&self, at: usize) -> usize {
        self.stretch(at).map_or(at, |stretch| match stretch.block {
            None => stretch.original + at.saturating_sub(stretch.view),
            Some(_) => stretch.original,
        })
    }

    fn original_end(&self, end: usize) -> usize {
        let last = end.saturating_sub(1);
        self.stretch(last).map_or(end, |stretch| match stretch.block {
            None => stretch.original + last.saturating_sub(stretch.view) + 1,
            Some(length) => stretch.original + length,
        })
    }

    fn stretch(&self, at: usize) -> Option<&Stretch> {
        let after = self.stretches.partition_point(|stretch| stretch.view <= at);
        self.stretches.get(after.checked_sub(1)?)
    }

    /// Where in the original the character at `at` begins, or the next one will.
    pub(crate) fn original_at(&self, at: usize) -> usize {
        let at = self.char_start(at);
        if at >= self.end() { self.original } else { self.original_start(at) }
    }

    /// Gives up what lies further than [`KEPT_BEFORE`] before `decided`.
    pub(crate) fn trim(&mut self, decided: usize) {
        let useless = decided.saturating_sub(KEPT_BEFORE).saturating_sub(self.base).min(self.bytes.len());
        if useless < TRIMMED_AT {
            return;
        }
        self.bytes.drain(..useless);
        self.base += useless;
        let first = self.stretches.partition_point(|stretch| stretch.view <= self.base);
        self.stretches.drain(..first.saturating_sub(1));
    }
}
