//! Pseudonyms: what may leave only disguised goes out under another's shape and comes back under its own. Of one request:
//! derived from its key, kept in a map that nobody can print and that dies with it. Knows no policy and no wire format.

mod json;
mod originals;
mod restore;
mod shape;

use std::fmt;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};

pub use self::json::JsonRestorer;
use self::originals::{Originals, ambiguous, replace};
pub use self::restore::Restorer;
use crate::{Findings, Kind};

/// How often a pseudonym that stands in the text already, or is part of another, is drawn again.
const ROUNDS_MAX: u32 = 16;

/// Different originals of one request. The map of as many pseudonyms is held until the answer ends, at about 900 bytes each.
const ORIGINALS_MAX: usize = 10_000;

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
    /// More was found than is kept, or more different ones than are disguised at once.
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
        if originals.list.len() > ORIGINALS_MAX {
            return Err(DisguiseError::TooMany);
        }
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

#[cfg(test)]
mod tests;
