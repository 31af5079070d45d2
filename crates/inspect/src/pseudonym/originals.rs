//! What is hidden in the texts of one request: each original once, with every place where it stands; and what must hold of the
//! pseudonyms that take those places. Knows no shapes.

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::MatchKind;

use super::{DisguiseError, Hiding, Map, REPEATED_MIN, RequestKey, mask, search, shape};
use crate::{Findings, Kind};

/// A place in a text and the original that stands there.
pub(super) type Span = (Range<usize>, usize);

/// Something that is hidden wherever it stands.
pub(super) struct Original {
    kind: Kind,
    pub(super) text: String,
    hiding: Hiding,
}

impl Original {
    /// What stands in its place, or something else in another round.
    pub(super) fn substitute(&self, key: &RequestKey, round: u32) -> String {
        match self.hiding {
            Hiding::Pseudonym => shape::pseudonym(&self.kind, &self.text, key, round),
            Hiding::Mask => mask(&self.kind),
        }
    }
}

/// Everything that is disguised, once.
#[derive(Default)]
pub(super) struct Originals {
    /// Each, in the order in which they were found.
    pub(super) list: Vec<Original>,
    known: HashMap<String, usize>,
}

impl Originals {
    /// The spans of one text: overlapping findings are one.
    pub(super) fn collect(
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
    pub(super) fn add_repeated(
        &self,
        texts: &[(&str, &Findings)],
        spans: &mut [Vec<Span>],
    ) -> Result<(), DisguiseError> {
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
    pub(super) fn pseudonyms<'s>(&self, substitutes: &'s [String]) -> Vec<(usize, &'s str)> {
        let pairs = self.list.iter().zip(substitutes).enumerate();
        let drawn = pairs.filter(|(_, (original, _))| original.hiding == Hiding::Pseudonym);
        drawn.map(|(which, (_, substitute))| (which, substitute.as_str())).collect()
    }

    /// The proof before anything is sent: what was disguised comes back byte for byte, but for what is masked.
    pub(super) fn restores(
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

/// `text` with what stands for the originals at `spans`.
pub(super) fn replace(text: &str, spans: &[Span], substitutes: &[String]) -> String {
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
pub(super) fn ambiguous(
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
