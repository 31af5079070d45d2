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
    /// What a request can need beside text.
    pub needs: BTreeSet<String>,
    /// Languages that are told apart; `unknown` need not be among them.
    pub languages: BTreeSet<String>,
    /// Of those attributes of destinations that are names or words of the catalogue (`provider`, `training_on_input`, …), by
    /// the attribute's name, which words there are. One that is not here can be any.
    pub attributes: BTreeMap<String, BTreeSet<String>>,
}

impl Vocabulary {
    /// What is wrong with a word that an attribute of a destination is to be; none if it can be that.
    pub(crate) fn wrong(&self, attribute: &str, word: &str) -> Option<String> {
        let known = self.attributes.get(attribute)?;
        let what = match attribute {
            "provider" => "provider",
            "region" => "region of a provider",
            "card" => "model of the catalogue",
            "developer" => "organisation",
            "languages" => "language of models",
            "capabilities" => "capability",
            "transfer_basis" => "basis of a transfer",
            "commercial_use" | "offer_to_third_parties" => "term of a licence",
            _ => return missing(&format!("`{attribute}`"), word, known.iter().map(String::as_str)),
        };
        missing(what, word, known.iter().map(String::as_str))
    }
}

/// That there is no such word, if it is none of these.
pub(crate) fn missing<'w>(what: &str, word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    (!known.contains(&word)).then(|| format!("there is no {what} `{word}`{}", hint(word, known)))
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
