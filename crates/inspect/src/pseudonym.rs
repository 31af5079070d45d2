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

/// Texts that must not stand anywhere: what was hidden, looked for in what is sent. Its `Debug` shows nothing.
pub struct Watch(Option<AhoCorasick>);

impl Watch {
    /// For `hidden`; those too short to be told from an accident are left out.
    pub fn new<'t>(hidden: impl IntoIterator<Item = &'t str>) -> Result<Self, DisguiseError> {
        let mut patterns: Vec<String> =
            hidden.into_iter().filter(|text| text.len() >= REPEATED_MIN).map(str::to_owned).collect();
        patterns.sort_unstable();
        patterns.dedup();
        Ok(Self(if patterns.is_empty() { None } else { Some(search(&patterns, MatchKind::Standard)?) }))
    }

    /// Whether one of them stands in `text`.
    pub fn sees(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|search| search.is_match(text))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Watch(hidden)")
    }
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

/// How a finding is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hiding {
    /// By another of the same shape, which the map restores.
    Pseudonym,
    /// By the name of its kind, for good.
    Mask,
}

/// What stands for a masked finding: its kind in brackets, of letters that every JSON string takes as they are.
pub fn mask(kind: &Kind) -> String {
    format!("[{kind}]")
}

/// Disguises what `findings` name in `text`.
pub fn disguise(text: &str, findings: &Findings, key: &RequestKey) -> Result<(String, Map), DisguiseError> {
    let (mut texts, map) = disguise_all(&[(text, findings)], key, |_| Hiding::Pseudonym)?;
    Ok((texts.pop().unwrap_or_default(), map))
}

/// Disguises all texts of one request under one map: the same original has the same pseudonym in each, or is masked in each.
pub fn disguise_all(
    texts: &[(&str, &Findings)],
    key: &RequestKey,
    hide: impl Fn(&Kind) -> Hiding,
) -> Result<(Vec<String>, Map), DisguiseError> {
    let mut originals = Originals::default();
    let mut spans = Vec::with_capacity(texts.len());
    for (text, findings) in texts {
        spans.push(originals.collect(text, findings, &hide)?);
    }
    originals.add_repeated(texts, &mut spans)?;
    let mut drawn: Vec<u32> = vec![0; originals.list.len()];
    for _ in 0..ROUNDS_MAX {
        let substitutes: Vec<String> =
            originals.list.iter().zip(&drawn).map(|(original, round)| original.substitute(key, *round)).collect();
        let disguised: Vec<String> =
            texts.iter().zip(&spans).map(|((text, _), spans)| replace(text, spans, &substitutes)).collect();
        let ambiguous = ambiguous(texts, &spans, &originals.pseudonyms(&substitutes), &substitutes, &disguised)?;
        if ambiguous.is_empty() {
            let pairs = originals.pseudonyms(&substitutes).into_iter().map(|(which, pseudonym)| {
                let original = originals.list.get(which).map_or("", |original| original.text.as_str());
                (pseudonym.to_owned(), original.to_owned())
            });
            let map = Map(Arc::new(Pairs::new(pairs.collect())?));
            return if originals.restores(&map, texts, &spans, &substitutes, &disguised) {
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

/// Something that is hidden wherever it stands.
struct Original {
    kind: Kind,
    text: String,
    hiding: Hiding,
}

impl Original {
    /// What stands in its place, or something else in another round.
    fn substitute(&self, key: &RequestKey, round: u32) -> String {
        match self.hiding {
            Hiding::Pseudonym => shape::pseudonym(&self.kind, &self.text, key, round),
            Hiding::Mask => mask(&self.kind),
        }
    }
}

/// Everything that is disguised, once.
#[derive(Default)]
struct Originals {
    list: Vec<Original>,
    known: HashMap<String, usize>,
}

impl Originals {
    /// The spans of one text: overlapping findings are one.
    fn collect(
        &mut self,
        text: &str,
        findings: &Findings,
        hide: &impl Fn(&Kind) -> Hiding,
    ) -> Result<Vec<Span>, DisguiseError> {
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
                    // A mask hides more; and what everybody knows says more of a shape than what one operator does.
                    let (before, now) = (hide(of) == Hiding::Mask, hide(kind) == Hiding::Mask);
                    if now && !before || now == before && matches!(of, Kind::Own(_)) {
                        *of = kind;
                    }
                }
                _ => merged.push((range, kind)),
            }
        }
        merged.into_iter().map(|(range, kind)| self.span(text, range, kind, hide(kind))).collect()
    }

    fn span(&mut self, text: &str, range: Range<usize>, kind: &Kind, hiding: Hiding) -> Result<Span, DisguiseError> {
        let text = text.get(range.clone()).filter(|it| !it.is_empty()).ok_or(DisguiseError::OtherText)?;
        let next = self.list.len();
        let which = *self.known.entry(text.to_owned()).or_insert(next);
        match self.list.get_mut(which) {
            None => self.list.push(Original { kind: kind.clone(), text: text.to_owned(), hiding }),
            // What is masked in one place is masked in all.
            Some(known) if hiding == Hiding::Mask && known.hiding == Hiding::Pseudonym => {
                *known = Original { kind: kind.clone(), text: text.to_owned(), hiding };
            }
            Some(_) => {}
        }
        Ok((range, which))
    }

    /// Adds the places where an original stands again without having been found there.
    fn add_repeated(&self, texts: &[(&str, &Findings)], spans: &mut [Vec<Span>]) -> Result<(), DisguiseError> {
        let (which, patterns): (Vec<usize>, Vec<String>) = self
            .list
            .iter()
            .enumerate()
            .filter(|(_, original)| original.text.len() >= REPEATED_MIN)
            .map(|(which, original)| (which, original.text.clone()))
            .unzip();
        if patterns.is_empty() {
            return Ok(());
        }
        let search = search(&patterns, MatchKind::LeftmostLongest)?;
        for ((text, _), spans) in texts.iter().zip(spans) {
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
        }
        Ok(())
    }

    /// Of what stands for each original, the pseudonyms, with the original's place in the list.
    fn pseudonyms<'s>(&self, substitutes: &'s [String]) -> Vec<(usize, &'s str)> {
        let pairs = self.list.iter().zip(substitutes).enumerate();
        let drawn = pairs.filter(|(_, (original, _))| original.hiding == Hiding::Pseudonym);
        drawn.map(|(which, (_, substitute))| (which, substitute.as_str())).collect()
    }

    /// The proof before anything is sent: what was disguised comes back byte for byte, but for what is masked.
    fn restores(
        &self,
        map: &Map,
        texts: &[(&str, &Findings)],
        spans: &[Vec<Span>],
        substitutes: &[String],
        disguised: &[String],
    ) -> bool {
        let is_masked = |(_, which): &&Span| self.list.get(*which).is_some_and(|it| it.hiding == Hiding::Mask);
        texts.iter().zip(spans).zip(disguised).all(|(((text, _), spans), sent)| {
            let mut restorer = map.restorer();
            let mut back = restorer.push(sent);
            back.push_str(&restorer.finish());
            let masked: Vec<Span> = spans.iter().filter(is_masked).cloned().collect();
            back == replace(text, &masked, substitutes)
        })
    }
}

fn replace(text: &str, spans: &[Span], substitutes: &[String]) -> String {
    let (mut disguised, mut from) = (String::with_capacity(text.len()), 0);
    for (range, which) in spans {
        disguised.push_str(text.get(from..range.start).unwrap_or_default());
        disguised.push_str(substitutes.get(*which).map_or("", String::as_str));
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
    pseudonyms: &[(usize, &str)],
    substitutes: &[String],
    disguised: &[String],
) -> Result<Vec<usize>, DisguiseError> {
    if pseudonyms.is_empty() {
        return Ok(Vec::new());
    }
    let patterns: Vec<String> = pseudonyms.iter().map(|(_, pseudonym)| (*pseudonym).to_owned()).collect();
    let search = search(&patterns, MatchKind::Standard)?;
    let of = |found: &aho_corasick::Match| pseudonyms.get(found.pattern().as_usize()).map_or(usize::MAX, |it| it.0);
    let mut again = Vec::new();
    for (which, pseudonym) in pseudonyms {
        // Alike ones share one pattern's matches, so that each of them is seen from the other.
        let contains_another = search.find_overlapping_iter(pseudonym).any(|found| of(&found) != *which);
        again.extend(contains_another.then_some(*which));
    }
    for (text, _) in texts {
        again.extend(search.find_overlapping_iter(text).map(|found| of(&found)));
    }
    for (disguised, own_spans) in disguised.iter().zip(spans) {
        let (mut shift, mut put) = (0_isize, Vec::with_capacity(own_spans.len()));
        for (range, which) in own_spans {
            let length = substitutes.get(*which).map_or(0, String::len);
            put.push((range.start.saturating_add_signed(shift), *which));
            shift += isize::try_from(length).unwrap_or(0) - isize::try_from(range.len()).unwrap_or(0);
        }
        let misplaced = |found: &aho_corasick::Match| put.binary_search(&(found.start(), of(found))).is_err();
        again.extend(search.find_overlapping_iter(disguised).filter(misplaced).map(|found| of(&found)));
    }
    again.sort_unstable();
    again.dedup();
    Ok(again)
}

#[cfg(test)]
mod tests;
