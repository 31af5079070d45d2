//! What a policy says of one request: for each destination whether it may go there, under which terms, or why not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The outcome for each destination of a judge, in the judge's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict(pub(crate) Vec<Outcome>);

/// What is said of one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It may go there, under these terms.
    Permitted(Arc<Terms>),
    /// It may not.
    Refused(Arc<Denial>),
}

/// What a permission asks for: the strictest of every rule that permits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The rules that permit, by name, in the order of the file.
    pub rules: Vec<Arc<str>>,
    /// What must be hidden before it goes there: kinds and groups of findings, `*` for every one.
    pub edits: BTreeMap<Arc<str>, Hide>,
    /// Which rule asks for which of these, in the order of the file: its name, and the kinds and groups that it names.
    pub edit_rules: Vec<(Arc<str>, BTreeSet<Arc<str>>)>,
    /// Kinds and groups that are masked in what comes back.
    pub answer: Vec<Arc<str>>,
    /// Labels of the answer.
    pub labels: Vec<Arc<str>>,
    /// Whether a person must review the answer before it is used.
    pub review: bool,
}

/// How a finding is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hide {
    /// By another of the same shape, undone in the answer.
    Pseudonymise,
    /// For good.
    Mask,
}

/// Why a request may not go there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The rule that forbids it; none where no rule permits it.
    pub rule: Option<Arc<str>>,
    /// The code that callers are told.
    pub code: Arc<str>,
    /// A sentence for people.
    pub why: Option<Arc<str>>,
}

impl Hide {
    /// As `@edit` says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pseudonymise => "pseudonymise",
            Self::Mask => "mask",
        }
    }
}

impl Verdict {
    /// The outcome of the destination at that place; none beyond the last.
    pub fn of(&self, destination: usize) -> Option<&Outcome> {
        self.0.get(destination)
    }

    /// Each destination's outcome, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Outcome> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Verdict {
    type Item = &'a Outcome;
    type IntoIter = std::slice::Iter<'a, Outcome>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl Terms {
    /// How a finding that goes by these names (its kind and groups) must be hidden, if it must.
    pub fn hides<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Option<Hide> {
        names.into_iter().chain(["*"]).filter_map(|name| self.edits.get(name)).max().copied()
    }

    /// The first rule of the file that asks for a finding that goes by these names (its kind and groups) to be hidden.
    pub fn rule_that_hides<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Option<&Arc<str>> {
        let names: Vec<&str> = names.into_iter().chain(["*"]).collect();
        let covers = |kinds: &BTreeSet<Arc<str>>| names.iter().any(|name| kinds.contains(*name));
        self.edit_rules.iter().find(|(_, kinds)| covers(kinds)).map(|(rule, _)| rule)
    }
}

impl Outcome {
    /// The terms, if it may go there.
    pub fn terms(&self) -> Option<&Arc<Terms>> {
        match self {
            Self::Permitted(terms) => Some(terms),
            Self::Refused(_) => None,
        }
    }
}
