//! What was found and where. Holds ranges, never text, so that it can be printed and kept.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::Kind;

/// Findings of one text whose places are kept; beyond them, only how many of each kind there were.
const FINDINGS_MAX: usize = 100_000;

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// The form alone fits.
    Form,
    /// The form fits and a word nearby names it.
    Context,
    /// A check digit, a checksum or a self-describing form holds.
    Checked,
}

/// One identifier in a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Its bytes in the caller's own text; both ends lie on character borders.
    pub range: Range<usize>,
    /// How sure that is.
    pub strength: Strength,
}

/// What a text holds, in order of beginnings. Built-in kinds never overlap; the operator's own may overlap them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    list: Vec<Finding>,
    /// Those whose places are not kept.
    beyond: BTreeMap<Kind, u64>,
}

impl Findings {
    /// How many of each kind, by stable name.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for finding in &self.list {
            *counts.entry(finding.kind.name().into_owned()).or_default() += 1;
        }
        for (kind, count) in &self.beyond {
            *counts.entry(kind.name().into_owned()).or_default() += count;
        }
        counts
    }

    /// Whether there were more than are kept; such a text can be judged, not disguised.
    pub fn is_cut(&self) -> bool {
        !self.beyond.is_empty()
    }

    /// How many of each kind there were beyond those that are kept: a judge must know of them too.
    pub fn beyond(&self) -> &BTreeMap<Kind, u64> {
        &self.beyond
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && self.beyond.is_empty()
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Each, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.list.iter()
    }

    /// Adds what a later piece of the same text held.
    pub fn append(&mut self, later: Self) {
        for finding in later.list {
            self.push(finding);
        }
        for (kind, count) in later.beyond {
            *self.beyond.entry(kind).or_default() += count;
        }
    }

    /// Adds what else was found in the same text; what is found twice is one.
    pub fn join(&mut self, others: Self) {
        self.append(others);
        self.settle();
    }

    /// Keeps those that `wanted` names; what a policy ignores need not be disguised. A text that is cut stays so.
    pub fn retain(&mut self, wanted: impl FnMut(&Finding) -> bool) {
        self.list.retain(wanted);
    }

    pub(crate) fn push(&mut self, finding: Finding) {
        if self.list.len() < FINDINGS_MAX {
            self.list.push(finding);
        } else {
            *self.beyond.entry(finding.kind).or_default() += 1;
        }
    }

    pub(crate) fn sort(&mut self) {
        self.list.sort_by(|a, b| (a.range.start, a.range.end, &a.kind).cmp(&(b.range.start, b.range.end, &b.kind)));
    }

    fn settle(&mut self) {
        self.sort();
        self.list.dedup_by(|next, before| next.kind == before.kind && next.range == before.range);
    }
}

impl FromIterator<Finding> for Findings {
    /// Of one text, in any order; what is given twice is one.
    fn from_iter<I: IntoIterator<Item = Finding>>(given: I) -> Self {
        let mut findings = Self::default();
        for finding in given {
            findings.push(finding);
        }
        findings.settle();
        findings
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::{FINDINGS_MAX, Findings};
    use crate::{Rules, scan};

    #[test]
    fn kinds_beyond_the_limit_are_known() {
        let text = "a@example.com ".repeat(FINDINGS_MAX + 1) + "900101-1234568 AKIAIOSFODNN7EXAMPLE";
        let found = scan(&text, &Rules::default());
        let counts: Vec<_> = found.counts().into_iter().collect();
        let told = [("email", FINDINGS_MAX as u64 + 1), ("kr.resident", 1), ("secret.api_key", 1)];
        assert_eq!(counts, told.map(|(kind, count)| (kind.to_owned(), count)));
        assert!(found.is_cut() && found.len() == FINDINGS_MAX && found.beyond().len() == 3);
        let mut all: Findings = found.iter().cloned().collect();
        assert!(!all.is_cut());
        all.append(found);
        assert_eq!(all.beyond().values().sum::<u64>(), FINDINGS_MAX as u64 + 3);
    }
}
