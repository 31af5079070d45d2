//! A policy compiled for given destinations: facts in, a verdict out. Total: it always decides, and what fails is refused.
//!
//! Cedar answers once, at compile time, what a rule asks about each destination; what is left are tests of the request, over
//! those facts that the rules name. If these have few enough combinations, all verdicts are found at once and kept in a table;
//! otherwise each is found when it first occurs and kept in a bounded cache. Both are found in the same way.

use std::sync::Arc;

use crate::bits::Bits;
use crate::cache::Cache;
use crate::condition::Condition;
use crate::outcome::{Applied, Bench, Denials, Fixed};
use crate::places::Places;
use crate::space::{Combination, Dimension, Space, Variable};
use crate::tree::{Answer, Tree};
use crate::{Destination, Facts, Policy, Verdict};

/// A compiled policy.
pub struct Judge {
    pub(crate) policy: Policy,
    pub(crate) destinations: Vec<Destination>,
    pub(crate) compiled: Compiled,
    memory: Memory,
}

enum Memory {
    Cache(Cache),
}

/// The rules for given destinations over a space of facts.
pub(crate) struct Compiled {
    pub(crate) space: Space,
    pub(crate) entries: Vec<Entry>,
    /// A set a lane with all of its destinations.
    pub(crate) lanes: Vec<Bits>,
    pub(crate) denials: Denials,
}

/// One rule for one lane of destinations.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) lane: u32,
    pub(crate) rule: u32,
    pub(crate) tree: Arc<Tree>,
}

impl Policy {
    /// Compiles it for these destinations.
    pub fn compile(&self, destinations: Vec<Destination>) -> Judge {
        let compiled = Compiled::of(self, &destinations, space(&[self]));
        let memory = Memory::Cache(Cache::of(destinations.len()));
        Judge { policy: self.clone(), destinations, compiled, memory }
    }
}

impl Judge {
    /// The policy that it judges by.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Those that it judges, in the order of its verdicts.
    pub fn destinations(&self) -> &[Destination] {
        &self.destinations
    }

    /// Where a request may go.
    pub fn decide(&self, facts: &Facts<'_>) -> Arc<Verdict> {
        let combination = self.compiled.space.place(facts);
        match &self.memory {
            Memory::Cache(cache) => cache.verdict(&combination, || Arc::new(self.find(&combination))),
        }
    }

    /// The verdict on a combination, found from the rules.
    fn find(&self, combination: &Combination) -> Verdict {
        let applied = self.compiled.applied(combination);
        self.bench().verdict(&applied, fixed(combination), &[])
    }

    pub(crate) fn bench(&self) -> Bench<'_> {
        Bench { rules: self.policy.rules(), denials: &self.compiled.denials, destinations: self.destinations.len() }
    }
}

/// The facts that these policies name, and those that their edits depend on.
pub(crate) fn space(policies: &[&Policy]) -> Space {
    let rules = || policies.iter().flat_map(|policy| policy.rules());
    let edits = rules().any(|rule| rule.edit.is_some());
    let always: &[Dimension] = if edits { &[Dimension::Unread, Dimension::Action] } else { &[] };
    Space::of(rules().map(|rule| &rule.condition), always)
}

/// What about a combination makes an edit impossible.
pub(crate) fn fixed(combination: &Combination) -> Fixed {
    let is = |dimension| combination.get(Variable::Value(dimension)) == 1;
    Fixed { unread: is(Dimension::Unread), embed: is(Dimension::Action) }
}

impl Compiled {
    pub(crate) fn of(policy: &Policy, destinations: &[Destination], space: Space) -> Self {
        let rules = policy.rules();
        let places = Places::of(rules, destinations);
        let lanes: Vec<Bits> = destinations.chunks(Bits::LANE).map(|lane| Bits::first(lane.len())).collect();
        let mut entries = Vec::new();
        for (lane, all) in lanes.iter().enumerate() {
            for (number, rule) in rules.iter().enumerate() {
                let tree = tree(&rule.condition, &space, &|place| places.answer(place, lane, *all), *all);
                let (Ok(lane), Ok(rule)) = (u32::try_from(lane), u32::try_from(number)) else { continue };
                if *tree != Tree::Fixed(Answer::NO) {
                    entries.push(Entry { lane, rule, tree });
                }
            }
        }
        Self { space, entries, lanes, denials: Denials::of(rules) }
    }

    pub(crate) fn all(&self, lane: u32) -> Bits {
        self.lanes.get(lane as usize).copied().unwrap_or_default()
    }

    /// What the rules say of a combination: every one that says something.
    pub(crate) fn applied(&self, combination: &Combination) -> Vec<Applied> {
        let answer = |entry: &Entry| Applied {
            lane: entry.lane,
            rule: entry.rule,
            answer: entry.tree.answer(combination, self.all(entry.lane)),
        };
        self.entries.iter().map(answer).filter(|applied| applied.answer != Answer::NO).collect()
    }
}

/// A condition as a tree, given what is known of the destinations.
pub(crate) fn tree(
    condition: &Condition,
    space: &Space,
    place: &dyn Fn(&cedar_policy::pst::Expr) -> Answer,
    all: Bits,
) -> Arc<Tree> {
    let part = |condition: &Condition| tree(condition, space, place, all);
    match condition {
        Condition::Constant(value) => Arc::new(Tree::Fixed(if *value { Answer::yes(all) } else { Answer::NO })),
        Condition::Ask(ask) => Arc::new(Tree::Test(space.test(ask))),
        Condition::Place(expression) => Arc::new(Tree::Fixed(place(expression))),
        Condition::Not(inner) => Tree::not(part(inner), all),
        Condition::And(left, right) => Tree::and(part(left), part(right), all),
        Condition::Or(left, right) => Tree::or(part(left), part(right), all),
        Condition::If(cond, then, other) => Tree::choose(part(cond), part(then), part(other), all),
    }
}
