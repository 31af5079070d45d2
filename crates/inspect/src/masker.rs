//! Masks and counts what a stream of text holds, piece by piece, holding back only what is not decided yet. Knows no policy:
//! which kinds are masked is asked.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::json_text::JsonDecoder;
use crate::pseudonym::mask;
use crate::{Kind, Rules, Scanner};

/// Whether a kind is masked.
pub type Wanted = Arc<dyn Fn(&Kind) -> bool + Send + Sync>;

/// One stream of text, or of JSON text such as a tool call's arguments, which is read decoded and written escaped.
pub struct Masker {
    scanner: Scanner,
    counts: BTreeMap<Kind, u64>,
    /// None where only is counted.
    wanted: Option<Wanted>,
    /// Of JSON: what undoes its escapes.
    decoder: Option<JsonDecoder>,
    /// What was not passed on, as it came; and where it begins in the text that was scanned.
    held: String,
    begins: usize,
    /// Findings to mask in it.
    found: Vec<(Range<usize>, Kind)>,
}

impl fmt::Debug for Masker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Masker(hidden)")
    }
}

impl Masker {
    /// One that counts what `rules` find and masks the kinds that are `wanted`; none of them: nothing is held back.
    pub fn new(rules: &Rules, wanted: Option<Wanted>, json: bool) -> Self {
        Self {
            scanner: Scanner::new(rules),
            counts: BTreeMap::new(),
            wanted,
            decoder: json.then(JsonDecoder::default),
            held: String::new(),
            begins: 0,
            found: Vec::new(),
        }
    }

    /// What can be passed on with this piece.
    pub fn push(&mut self, piece: &str) -> String {
        let findings = match &mut self.decoder {
            None => self.scanner.push(piece),
            Some(decoder) => self.scanner.push(decoder.push(piece, false)),
        };
        self.note(&findings);
        if self.wanted.is_none() {
            if let Some(decoder) = &mut self.decoder {
                decoder.forget(decoder.said());
            }
            return piece.to_owned();
        }
        self.held.push_str(piece);
        self.pass_on(self.scanner.settled())
    }

    /// The rest: nothing follows. With how many of each kind there were in all.
    pub fn finish(mut self) -> (String, BTreeMap<Kind, u64>) {
        let mut scanner = std::mem::replace(&mut self.scanner, Scanner::new(&Rules::default()));
        if let Some(decoder) = &mut self.decoder {
            let last = scanner.push(decoder.push("", true));
            self.note(&last);
        }
        let last = scanner.finish();
        self.note(&last);
        let rest = if self.wanted.is_none() { String::new() } else { self.pass_on(usize::MAX) };
        (rest, self.counts)
    }

    /// How many of each kind so far.
    pub fn counts(&self) -> &BTreeMap<Kind, u64> {
        &self.counts
    }

    fn note(&mut self, findings: &crate::Findings) {
        for finding in findings {
            *self.counts.entry(finding.kind.clone()).or_default() += 1;
            if self.wanted.as_ref().is_some_and(|wanted| wanted(&finding.kind)) {
                self.found.push((finding.range.clone(), finding.kind.clone()));
            }
        }
    }

    /// Passes on what lies before `settled`, where no further finding begins, and findings that reach over it whole.
    fn pass_on(&mut self, settled: usize) -> String {
        self.found.sort_by_key(|(range, _)| (range.start, range.end));
        let later = self.found.partition_point(|(range, _)| range.start < settled);
        let rest = self.found.split_off(later);
        let ready = std::mem::replace(&mut self.found, rest);
        let mut passed = String::with_capacity(self.held.len());
        let mut from = self.begins;
        for (range, kind) in ready {
            if range.start < from {
                // It overlaps one that is masked already: what is left of it goes too.
                from = from.max(range.end);
                continue;
            }
            passed.push_str(self.raw(from, range.start));
            let is_in_string = self.decoder.as_ref().is_none_or(|decoder| decoder.is_in_string(range.start));
            // In place of a number, the mask is a string.
            let quote = if is_in_string { "" } else { "\"" };
            passed.extend([quote, &mask(&kind), quote]);
            from = range.end;
        }
        let to = settled.max(from);
        passed.push_str(self.raw(from, to));
        let length = self.raw_at(to);
        self.held.drain(..length);
        match &mut self.decoder {
            None => self.begins += length,
            Some(decoder) => {
                decoder.forget(to);
                self.begins = decoder.begins();
            }
        }
        passed
    }

    fn raw(&self, from: usize, to: usize) -> &str {
        self.held.get(self.raw_at(from)..self.raw_at(to)).unwrap_or_default()
    }

    /// Where in what is held the place of the scanned text stands.
    fn raw_at(&self, place: usize) -> usize {
        match &self.decoder {
            None => place.saturating_sub(self.begins).min(self.held.len()),
            Some(_) if place == usize::MAX => self.held.len(),
            Some(decoder) => decoder.raw_at(place).min(self.held.len()),
        }
    }
}

#[cfg(test)]
mod tests;
