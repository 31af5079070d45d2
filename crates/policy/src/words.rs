//! Checks the words of a policy against those that exist: a rule about a class or a place that nobody knows would never apply, and
//! nobody would see it. Must not know what a rule does with them.

#![expect(clippy::wildcard_enum_match_arm, reason = "Cedar's tree may grow: what is not known here is no word")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cedar_policy::pst::{Expr, Literal, Var};

use crate::condition::{Ask, Condition};
use crate::mistakes::Found;
use crate::space::{Dimension, Set, Space};
use crate::split::{Piece, position};
use crate::vocabulary::missing;
use crate::{Class, Vocabulary};

const SURFACES: [&str; 3] = ["chat", "completions", "embeddings"];

/// The words that exist, and those that the rules use of each set.
pub(crate) struct Words<'v> {
    vocabulary: &'v Vocabulary,
    used: BTreeMap<Set, BTreeSet<Arc<str>>>,
    named: BTreeMap<Dimension, BTreeSet<Arc<str>>>,
}

impl<'v> Words<'v> {
    pub(crate) fn of(vocabulary: &'v Vocabulary) -> Self {
        Self { vocabulary, used: BTreeMap::new(), named: BTreeMap::new() }
    }

    /// Every word of a condition.
    pub(crate) fn check(&mut self, condition: &Condition, piece: Piece<'_>, found: &mut Found<'_>) {
        let mut wrong: Vec<(Arc<str>, String)> = Vec::new();
        condition.each_ask(&mut |ask| match ask {
            Ask::Is(dimension, word) => {
                self.named.entry(*dimension).or_default().insert(word.clone());
                wrong.extend(self.dimension(*dimension, word).map(|what| (word.clone(), what)));
            }
            Ask::Any { set, words, .. } => {
                self.used.entry(*set).or_default().extend(words.iter().cloned());
                wrong.extend(words.iter().filter_map(|word| Some((word.clone(), self.set(*set, word)?))));
            }
            Ask::SizeFrom(_) => {}
        });
        condition.each_place(&mut |place| {
            wrong.extend(self.place(place).into_iter().map(|(word, what)| (Arc::from(word), what)));
        });
        for (word, what) in wrong {
            let at = position(piece.text, &format!("\"{word}\"")).unwrap_or(0);
            found.add(piece.at + at, what);
        }
    }

    /// Limits on the words of all rules together.
    pub(crate) fn finish(self, found: &mut Found<'_>) {
        for (set, words) in self.used.into_iter().filter(|(_, words)| words.len() >= Space::MOST_GROUPS) {
            let (count, most) = (words.len(), Space::MOST_GROUPS - 1);
            found.add(0, format!("the rules name {count} words of `{}`; at most {most} can be told apart", set.word()));
        }
        for (dimension, words) in self.named.into_iter().filter(|(_, words)| words.len() > Space::MOST_WORDS) {
            let (count, most) = (words.len(), Space::MOST_WORDS);
            found.add(0, format!("the rules name {count} of `{}`; at most {most} can be", dimension.word()));
        }
    }

    fn dimension(&self, dimension: Dimension, word: &str) -> Option<String> {
        match dimension {
            Dimension::Class => missing("class", word, Class::ALL.map(Class::word)),
            Dimension::Surface => missing("surface", word, SURFACES),
            Dimension::Language => {
                let known = self.vocabulary.languages.iter().map(String::as_str).chain(["unknown"]);
                missing("language", word, known)
            }
            Dimension::Action
            | Dimension::Unread
            | Dimension::HighImpact
            | Dimension::Stream
            | Dimension::Tenant
            | Dimension::Team
            | Dimension::Key
            | Dimension::Purpose
            | Dimension::UseArea
            | Dimension::Prompt => None,
        }
    }

    fn set(&self, set: Set, word: &str) -> Option<String> {
        let words = self.vocabulary;
        match set {
            Set::Findings => missing("kind or group of findings", word, words.kinds.keys().map(String::as_str)),
            Set::Signals => missing("signal", word, words.signals.iter().map(String::as_str)),
            Set::Needs => missing("need", word, words.needs.iter().map(String::as_str)),
        }
    }

    /// The words that an expression compares with attributes of a destination.
    fn place(&self, expression: &Expr) -> Vec<(String, String)> {
        let see = |part: &Expr| -> Option<Vec<(String, String)>> {
            let Expr::BinaryOp { left, right, .. } = part else { return None };
            let (attribute, other) = match (attribute(left), attribute(right)) {
                (Some(attribute), None) => (attribute, right),
                (None, Some(attribute)) => (attribute, left),
                _ => return None,
            };
            let wrong = |word: &String| Some((word.clone(), self.attribute(attribute, word)?));
            Some(texts(other).iter().filter_map(wrong).collect())
        };
        let both = |mut one: Vec<_>, other: Vec<_>| {
            one.extend(other);
            one
        };
        expression.reduce(&see, &both, Vec::new())
    }

    fn attribute(&self, attribute: &str, word: &str) -> Option<String> {
        match attribute {
            "processed_in" | "processed_within" | "controlled_by" | "controlled_within" => {
                missing("jurisdiction or bloc", word, self.vocabulary.places.keys().map(String::as_str))
            }
            _ => self.vocabulary.wrong(attribute, word),
        }
    }
}

/// The attribute, if an expression is one of a destination.
pub(crate) fn attribute(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::GetAttr { expr, attr } if matches!(**expr, Expr::Var(Var::Resource)) => Some(attr.as_str()),
        _ => None,
    }
}

fn texts(expression: &Expr) -> Vec<String> {
    let see = |part: &Expr| match part {
        Expr::Literal(Literal::String(text)) => Some(vec![text.to_string()]),
        _ => None,
    };
    let both = |mut one: Vec<String>, other: Vec<String>| {
        one.extend(other);
        one
    };
    expression.reduce(&see, &both, Vec::new())
}
