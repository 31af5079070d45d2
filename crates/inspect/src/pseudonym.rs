//! Pseudonyms: what may leave only disguised goes out under another's shape and comes back under its own. Of one request:
//! derived from its key, kept in a map that nobody can print and that dies with it. Knows no policy and no wire format.

mod json;
mod restore;
mod shape;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};

pub use self::json::JsonRestorer;
pub use self::restore::Restorer;
use crate::{Findings, Kind};

/// How often a pseudonym that stands in the text already, or is part of another, is drawn again.
const ROUNDS_MAX: u32 = 16;

/// What is found in one place is hidden in every other, where it is long enough to be no accident.
const REPEATED_MIN: usize = 8;

/// The key of one request: 32 bytes that no other request has. Whoever makes it mixes in the tenant.
pub struct RequestKey([u8; 32]);

impl RequestKey {
    /// From bytes that were drawn, or derived by a keyed hash, for this request alone.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for RequestKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RequestKey(hidden)")
    }
}

/// Why a text cannot be disguised; then it must not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DisguiseError {
    /// More was found than is kept.
    #[error("the text holds more identifiers than can be disguised: send less at a time")]
    TooMany,
    /// Not of this text.
    #[error("the findings are not of this text: scan the text that is disguised")]
    OtherText,
    /// The text holds all shapes that were drawn.
    #[error("no pseudonym could be found that the text does not hold already: send less at a time")]
    Ambiguous,
}

/// Each pseudonym and what it stands for. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct Map(Arc<Pairs>);

impl fmt::Debug for Map {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Map(hidden)")
    }
}

/// No pseudonym contains another.
struct Pairs {
    /// In order, so that a prefix is found by halves.
    pseudonyms: Vec<String>,
    originals: Vec<String>,
    /// None where there are no pairs.
    search: Option<AhoCorasick>,
    longest: usize,
}

impl Map {
    /// How many pseudonyms.
    pub fn len(&self) -> usize {
        self.0.pseudonyms.len()
    }

    /// Whether nothing was disguised.
    pub fn is_empty(&self) -> bool {
        self.0.pseudonyms.is_empty()
    }

    /// Bytes of the longest pseudonym: the most that a restorer holds back.
    pub fn longest(&self) -> usize {
        self.0.longest
    }

    /// Restores one stream of text; each choice and each block of an answer takes its own.
    pub fn restorer(&self) -> Restorer {
        Restorer::new(Arc::clone(&self.0))
    }

    /// Restores one stream of JSON text, such as a tool call's arguments, on the decoded strings.
    pub fn json_restorer(&self) -> JsonRestorer {
        JsonRestorer::new(Arc::clone(&self.0))
    }
}

impl Pairs {
    fn new(mut pairs: Vec<(String, String)>) -> Result<Self, DisguiseError> {
        pairs.sort();
        let (pseudonyms, originals): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let search = if pseudonyms.is_empty() { None } else { Some(search(&pseudonyms, MatchKind::LeftmostLongest)?) };
        let longest = pseudonyms.iter().map(String::len).max().unwrap_or_default();
        Ok(Self { pseudonyms, originals, search, longest })
    }
}

fn search(patterns: &[String], kind: MatchKind) -> Result<AhoCorasick, DisguiseError> {
    AhoCorasick::builder().match_kind(kind).build(patterns).map_err(|_| DisguiseError::TooMany)
}

/// Disguises what `findings` name in `text`.
pub fn disguise(text: &str, findings: &Findings, key: &RequestKey) -> Result<(String, Map), DisguiseError> {
    let (mut texts, map) = disguise_all(&[(text, findings)], key)?;
    Ok((texts.pop().unwrap_or_default(), map))
}

/// Disguises all texts of one request under one map: the same original has the same pseudonym in each.
pub fn disguise_all(texts: &[(&str, &Findings)], key: &RequestKey) -> Result<(Vec<String>, Map), DisguiseError> {
    let mut originals = Originals::default();
    let mut spans = Vec::with_capacity(texts.len());
    for (text, findings) in texts {
        spans.push(originals.collect(text, findings)?);
    }
    for ((text, _), spans) in texts.iter().zip(&mut spans) {
        originals.add_repeated(text, spans)?;
    }
    let mut drawn: Vec<u32> = vec![0; originals.list.len()];
    for _ in 0..ROUNDS_MAX {
        let pseudonyms: Vec<String> = originals
            .list
            .iter()
            .zip(&drawn)
            .map(|((kind, original), round)| shape::pseudonym(kind, original, key, *round))
            .collect();
        let disguised: Vec<String> =
            texts.iter().zip(&spans).map(|((text, _), spans)| replace(text, spans, &pseudonyms)).collect();
        let ambiguous = ambiguous(texts, &spans, &pseudonyms, &disguised)?;
        if ambiguous.is_empty() {
            let pairs = pseudonyms.into_iter().zip(originals.list.into_iter().map(|(_, original)| original)).collect();
            let map = Map(Arc::new(Pairs::new(pairs)?));
            return if restores(&map, texts, &disguised) {
                Ok((disguised, map))
            } else {
                Err(DisguiseError::Ambiguous)
            };
        }
        for which in ambiguous {
            if let Some(round) = drawn.get_mut(which) {
                *round += 1;
            }
        }
    }
    Err(DisguiseError::Ambiguous)
}

/// A place in a text and the original that stands there.
type Span = (Range<usize>, usize);

/// Everything that is disguised, once.
#[derive(Default)]
struct Originals {
    list: Vec<(Kind, String)>,
    known: HashMap<String, usize>,
}

impl Originals {
    /// The spans of one text: overlapping findings are one.
    fn collect(&mut self, text: &str, findings: &Findings) -> Result<Vec<Span>, DisguiseError> {
        if findings.is_cut() {
            return Err(DisguiseError::TooMany);
        }
        let mut sorted: Vec<(Range<usize>, &Kind)> = findings.iter().map(|it| (it.range.clone(), &it.kind)).collect();
        sorted.sort_by_key(|(range, _)| (range.start, range.end));
        let mut merged: Vec<(Range<usize>, &Kind)> = Vec::new();
        for (range, kind) in sorted {
            match merged.last_mut() {
                Some((last, of)) if range.start < last.end => {
                    last.end = last.end.max(range.end);
                    // What everybody knows says more of a shape than what one operator does.
                    if matches!(of, Kind::Own(_)) {
                        *of = kind;
                    }
                }
                _ => merged.push((range, kind)),
            }
        }
        merged.into_iter().map(|(range, kind)| self.span(text, range, kind)).collect()
    }

    fn span(&mut self, text: &str, range: Range<usize>, kind: &Kind) -> Result<Span, DisguiseError> {
        let original = text.get(range.clone()).filter(|it| !it.is_empty()).ok_or(DisguiseError::OtherText)?;
        let next = self.list.len();
        let which = *self.known.entry(original.to_owned()).or_insert(next);
        if which == next {
            self.list.push((kind.clone(), original.to_owned()));
        }
        Ok((range, which))
    }

    /// Adds the places where an original stands again without having been found there.
    fn add_repeated(&self, text: &str, spans: &mut Vec<Span>) -> Result<(), DisguiseError> {
        let (which, patterns): (Vec<usize>, Vec<String>) = self
            .list
            .iter()
            .enumerate()
            .filter(|(_, (_, original))| original.len() >= REPEATED_MIN)
            .map(|(which, (_, original))| (which, original.clone()))
            .unzip();
        if patterns.is_empty() {
            return Ok(());
        }
        let search = search(&patterns, MatchKind::LeftmostLongest)?;
        let mut gaps = Vec::new();
        let mut from = 0;
        for (range, _) in spans.iter() {
            gaps.push(from..range.start);
            from = range.end;
        }
        gaps.push(from..text.len());
        for gap in gaps {
            for found in search.find_iter(text.get(gap.clone()).unwrap_or_default()) {
                let range = gap.start + found.start()..gap.start + found.end();
                spans.extend(which.get(found.pattern().as_usize()).map(|which| (range, *which)));
            }
        }
        spans.sort_by_key(|(range, _)| range.start);
        Ok(())
    }
}

fn replace(text: &str, spans: &[Span], pseudonyms: &[String]) -> String {
    let (mut disguised, mut from) = (String::with_capacity(text.len()), 0);
    for (range, which) in spans {
        disguised.push_str(text.get(from..range.start).unwrap_or_default());
        disguised.push_str(pseudonyms.get(*which).map_or("", String::as_str));
        from = range.end;
    }
    disguised.push_str(text.get(from..).unwrap_or_default());
    disguised
}

/// Pseudonyms that must be drawn again: those that a text held before, that another contains, or that come about where
/// they were not put.
fn ambiguous(
    texts: &[(&str, &Findings)],
    spans: &[Vec<Span>],
    pseudonyms: &[String],
    disguised: &[String],
) -> Result<Vec<usize>, DisguiseError> {
    if pseudonyms.is_empty() {
        return Ok(Vec::new());
    }
    let search = search(pseudonyms, MatchKind::Standard)?;
    let mut again = Vec::new();
    for (which, pseudonym) in pseudonyms.iter().enumerate() {
        // Alike ones share one pattern's matches, so that each of them is seen from the other.
        let contains_another = search.find_overlapping_iter(pseudonym).any(|found| found.pattern().as_usize() != which);
        again.extend(contains_another.then_some(which));
    }
    for (text, _) in texts {
        again.extend(search.find_overlapping_iter(text).map(|found| found.pattern().as_usize()));
    }
    for (disguised, own_spans) in disguised.iter().zip(spans) {
        let (mut shift, mut put) = (0_isize, Vec::with_capacity(own_spans.len()));
        for (range, which) in own_spans {
            let length = pseudonyms.get(*which).map_or(0, String::len);
            put.push((range.start.saturating_add_signed(shift), *which));
            shift += isize::try_from(length).unwrap_or(0) - isize::try_from(range.len()).unwrap_or(0);
        }
        let misplaced =
            |found: &aho_corasick::Match| put.binary_search(&(found.start(), found.pattern().as_usize())).is_err();
        again.extend(search.find_overlapping_iter(disguised).filter(misplaced).map(|found| found.pattern().as_usize()));
    }
    again.sort_unstable();
    again.dedup();
    Ok(again)
}

/// The proof before anything is sent: what was disguised comes back byte for byte.
fn restores(map: &Map, texts: &[(&str, &Findings)], disguised: &[String]) -> bool {
    texts.iter().zip(disguised).all(|((text, _), sent)| {
        let mut restorer = map.restorer();
        let mut back = restorer.push(sent);
        back.push_str(&restorer.finish());
        back == *text
    })
}

#[cfg(test)]
mod tests;
