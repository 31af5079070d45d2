//! Puts originals back into a stream of text, whatever its cuts, holding back only what may yet become a pseudonym.

use std::fmt;
use std::sync::Arc;

use super::Pairs;

/// One stream. What it holds back is a suffix that begins a pseudonym, never longer than the longest one.
pub struct Restorer {
    pairs: Arc<Pairs>,
    held: String,
    restored: u64,
}

impl fmt::Debug for Restorer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Restorer(hidden)")
    }
}

impl Restorer {
    pub(super) fn new(pairs: Arc<Pairs>) -> Self {
        Self { pairs, held: String::new(), restored: 0 }
    }

    /// What can be passed on with this piece.
    pub fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        let mut passed = String::with_capacity(self.held.len());
        let mut from = 0;
        for (start, end, original) in self.pairs.matches(&self.held) {
            passed.push_str(self.held.get(from..start).unwrap_or_default());
            passed.push_str(original);
            self.restored += 1;
            from = end;
        }
        let keep = self.pairs.begins_at(&self.held, from);
        passed.push_str(self.held.get(from..keep).unwrap_or_default());
        self.held.drain(..keep);
        passed
    }

    /// What was held back: nothing follows, so it is no pseudonym.
    pub fn finish(self) -> String {
        self.held
    }

    /// Bytes that are held back now.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// How many pseudonyms were restored.
    pub fn restored(&self) -> u64 {
        self.restored
    }
}

impl Pairs {
    /// Each pseudonym in `text` with its original.
    pub(super) fn matches<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (usize, usize, &'a str)> {
        let found = self.search.as_ref().map(|search| search.find_iter(text));
        found.into_iter().flatten().filter_map(|found| {
            let original = self.originals.get(found.pattern().as_usize())?;
            Some((found.start(), found.end(), original.as_str()))
        })
    }

    /// Where, from `from` on, the longest suffix of `text` stands that begins a pseudonym; the end if none does.
    pub(super) fn begins_at(&self, text: &str, from: usize) -> usize {
        let mut at = from.max(text.len().saturating_sub(self.longest.saturating_sub(1)));
        while at < text.len() {
            if text.get(at..).is_some_and(|suffix| self.begins(suffix)) {
                return at;
            }
            at += 1;
        }
        text.len()
    }

    /// Whether a pseudonym begins with `suffix` and is longer.
    fn begins(&self, suffix: &str) -> bool {
        let next = self.pseudonyms.partition_point(|pseudonym| pseudonym.as_str() <= suffix);
        self.pseudonyms.get(next).is_some_and(|pseudonym| pseudonym.starts_with(suffix))
    }
}
