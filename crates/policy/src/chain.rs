//! What a policy makes of a fallback chain: which of its destinations no request of a class can reach, and where a failure moves a
//! request to a place or under a law that it was not under before. Must not know how chains are configured.

use std::collections::{BTreeMap, BTreeSet};

use crate::condition::mentions_any;
use crate::prove::Opens;
use crate::{Axis, Class, Destination, Judge, Note, Outcome, Rule};

/// Where a request is processed, and under whose control.
const AXES: [(&str, &[&str]); 2] = [
    ("where it is processed", &["processed_in", "processed_within"]),
    ("whose law reaches it", &["controlled_by", "controlled_within"]),
];
/// Attributes by which a rule names a destination itself.
const NAMES: [&str; 7] = ["local", "name", "model", "provider", "region", "card", ""];

impl Judge {
    /// Lists what is to be known of a chain of destinations, given by their numbers in the order in which they are tried.
    pub fn prove_chain(&self, name: &str, chain: &[usize]) -> Vec<Note> {
        let Some(opens) = self.opens() else {
            let what = format!("chain `{name}`: too many combinations of facts to walk through");
            return vec![Note { at: None, what }];
        };
        let mut told: BTreeMap<Note, BTreeSet<Class>> = BTreeMap::new();
        let by_class = opens.classes.len() > 1;
        for (class, cells) in Class::ALL.into_iter().zip(&opens.classes) {
            let walk = Walk { judge: self, opens, cells };
            for (number, destination) in chain.iter().enumerate() {
                let before = chain.get(..number).unwrap_or_default();
                for note in walk.notes(before, *destination) {
                    told.entry(note).or_default().insert(class);
                }
            }
        }
        let note = |(note, classes): (Note, BTreeSet<Class>)| {
            let every = !by_class || classes.len() == Class::ALL.len();
            let words: Vec<&str> = classes.into_iter().map(Class::word).collect();
            let whose = if every { "any class".to_owned() } else { format!("class {}", words.join(", ")) };
            Note { at: note.at, what: format!("chain `{name}`, {whose}: {}", note.what) }
        };
        told.into_iter().map(note).collect()
    }
}

/// One class of requests.
struct Walk<'a> {
    judge: &'a Judge,
    opens: &'a Opens,
    /// One combination for each outcome.
    cells: &'a [usize],
}

impl Walk<'_> {
    /// What is to be known of a destination that is tried after those before it.
    fn notes(&self, before: &[usize], destination: usize) -> Vec<Note> {
        let Some(there) = self.judge.destinations.get(destination) else { return Vec::new() };
        let Some(cell) = self.cells.iter().find(|cell| self.opens.is_open(**cell, destination)) else {
            return vec![self.closed(there, destination)];
        };
        let permits = self.permits(*cell, destination);
        let at = permits.first().map(|rule| (self.judge.policy.file().clone(), rule.line));
        let by = permits.first().map(|rule| rule.id.to_string()).unwrap_or_default();
        let mut notes = Vec::new();
        for (axis, attributes) in AXES {
            if !permits.iter().any(|rule| asks(rule, attributes)) && !self.forbids(attributes) {
                let what = format!("`{}` is reached by `{by}`, and no rule asks {axis}", there.id);
                notes.push(Note { at: at.clone(), what });
            }
        }
        let moved = before.iter().find_map(|first| self.moved(*first, destination));
        notes.extend(moved.map(|what| Note { at, what: format!("{what}; `{by}` permits it") }));
        notes
    }

    fn closed(&self, there: &Destination, destination: usize) -> Note {
        let combination = self.cells.first().map(|cell| self.opens.survey.order.combination(*cell));
        let verdict = combination.map(|combination| self.judge.find(&combination));
        let rule = match verdict.as_ref().and_then(|verdict| verdict.of(destination)) {
            Some(Outcome::Refused(denial)) => denial.rule.clone(),
            Some(Outcome::Permitted(_)) | None => None,
        };
        let rules = self.judge.policy.rules();
        let rule = rule.and_then(|id| rules.iter().find(|rule| rule.id == id));
        match rule {
            Some(rule) => {
                let at = Some((self.judge.policy.file().clone(), rule.line));
                Note { at, what: format!("`{}` is never reached: `{}` keeps it out", there.id, rule.id) }
            }
            None => Note { at: None, what: format!("`{}` is never reached: no rule permits it", there.id) },
        }
    }

    fn permits(&self, cell: usize, destination: usize) -> Vec<&Rule> {
        let verdict = self.judge.find(&self.opens.survey.order.combination(cell));
        let terms = verdict.of(destination).and_then(Outcome::terms).cloned().unwrap_or_default();
        self.judge.policy.rules().iter().filter(|rule| terms.rules.contains(&rule.id)).collect()
    }

    /// Whether a rule of the policy forbids by an axis.
    fn forbids(&self, attributes: &[&str]) -> bool {
        let rules = self.judge.policy.rules().iter();
        rules.into_iter().any(|rule| rule.effect == crate::Effect::Forbid && asks(rule, attributes))
    }

    /// What one destination adds to another before it, where the same request can reach both.
    fn moved(&self, first: usize, then: usize) -> Option<String> {
        let both = |cell: &&usize| self.opens.is_open(**cell, first) && self.opens.is_open(**cell, then);
        self.cells.iter().find(both)?;
        let [from, to] = [first, then].map(|number| self.judge.destinations.get(number));
        let (from, to) = from.zip(to)?;
        let added = |from: &Axis, to: &Axis| -> Option<String> {
            if to.known.is_empty() {
                return (!from.known.is_empty()).then(|| "what is not known".to_owned());
            }
            let new: Vec<&str> = to.known.difference(&from.known).map(|place| &**place).collect();
            (!new.is_empty()).then(|| format!("`{}`", new.join("`, `")))
        };
        let axes = [(&from.processed_in, &to.processed_in), (&from.controlled_by, &to.controlled_by)];
        let added: Vec<String> = axes
            .into_iter()
            .zip(AXES)
            .filter_map(|((from, to), (axis, _))| Some(format!("{} to {axis}", added(from, to)?)))
            .collect();
        (!added.is_empty())
            .then(|| format!("when `{}` fails, `{}` may answer, which adds {}", from.id, to.id, added.join(" and ")))
    }
}

/// Whether a rule asks about one of these attributes, or names destinations themselves.
fn asks(rule: &Rule, attributes: &[&str]) -> bool {
    let mut asks = false;
    rule.condition.each_place(&mut |place| {
        asks |= mentions_any(place, attributes) || rule.effect == crate::Effect::Permit && mentions_any(place, &NAMES);
    });
    asks
}
