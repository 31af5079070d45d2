//! The words that a policy may use, handed in by those who know them: places of the catalogue, kinds of findings, signals. A
//! word that nobody knows would be a rule that never applies, so it is a mistake. Must not know where the words come from.

use std::collections::{BTreeMap, BTreeSet};

/// How many letters may differ for a word to be taken for another.
const NEAR: usize = 3;

/// A file of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// As mistakes name it.
    pub name: &'a str,
    /// All of it.
    pub text: &'a str,
}

/// The words that exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// Jurisdictions and blocs, each with every other one within which it lies (`FR` in `EU`, `EEA`, …).
    pub places: BTreeMap<String, BTreeSet<String>>,
    /// Kinds of findings and their groups, each with every group to which it belongs (`kr.resident` to `kr` and `person`).
    pub kinds: BTreeMap<String, BTreeSet<String>>,
    /// Signals of prompt injection.
    pub signals: BTreeSet<String>,
    /// What a request can need beside text; the same words are capabilities of models.
    pub needs: BTreeSet<String>,
    /// Languages that are told apart; `unknown` need not be among them.
    pub languages: BTreeSet<String>,
}

/// `; did you mean …?`, or which words there are if they are few.
pub(crate) fn hint<'w>(word: &str, words: impl IntoIterator<Item = &'w str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    let near = words.iter().map(|known| (strsim::damerau_levenshtein(word, known), *known));
    let near = near.filter(|(far, known)| *far <= NEAR.min(known.chars().count().max(2) / 2)).min();
    match near {
        Some((_, near)) => format!("; did you mean `{near}`?"),
        None if words.len() <= 12 && !words.is_empty() => format!("; there are `{}`", words.join("`, `")),
        None => String::new(),
    }
}
