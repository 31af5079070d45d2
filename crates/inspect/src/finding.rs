//! What was found and where. Holds ranges, never text, so that it can be printed and kept.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::Kind;

/// Findings that one text may have; beyond them, `Findings::is_cut` tells that there were more.
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
    is_cut: bool,
}

impl Findings {
    /// How many of each kind, by stable name.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for finding in &self.list {
            *counts.entry(finding.kind.name().into_owned()).or_default() += 1;
        }
        counts
    }

    /// Whether there were more than are kept; such a text can be judged, not disguised.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
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
        self.is_cut |= later.is_cut;
    }

    /// Keeps those that `wanted` names; what a policy ignores need not be disguised.
    pub fn retain(&mut self, wanted: impl FnMut(&Finding) -> bool) {
        self.list.retain(wanted);
    }

    pub(crate) fn push(&mut self, finding: Finding) {
        if self.list.len() < FINDINGS_MAX {
            self.list.push(finding);
        } else {
            self.is_cut = true;
        }
    }

    pub(crate) fn sort(&mut self) {
        self.list.sort_by(|a, b| (a.range.start, a.range.end, &a.kind).cmp(&(b.range.start, b.range.end, &b.kind)));
    }
}

impl FromIterator<Finding> for Findings {
    /// Of one text, in any order; what is given twice is one.
    fn from_iter<I: IntoIterator<Item = Finding>>(given: I) -> Self {
        let mut findings = Self::default();
        for finding in given {
            findings.push(finding);
        }
        findings.sort();
        findings.list.dedup_by(|next, before| next.kind == before.kind && next.range == before.range);
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
