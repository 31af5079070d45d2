//! A policy compiled for given destinations: facts in, a verdict out. Total: it always decides, and what fails is refused.
//!
//! Cedar answers once, at compile time, what a rule asks about each destination; what is left are tests of the request, over
//! those facts that the rules name. If these have few enough combinations, all verdicts are found at once and kept in a table;
//! otherwise each is found when it first occurs and kept in a bounded cache. Both are found in the same way.

use std::sync::{Arc, OnceLock};

use crate::bits::Bits;
use crate::cache::Cache;
use crate::condition::Condition;
use crate::outcome::{Applied, Bench, Fixed, Shared, open};
use crate::places::Places;
use crate::prove::Opens;
use crate::space::{Combination, Dimension, Set, Space, Variable};
use crate::table::Table;
use crate::tree::{Answer, Tree};
use crate::{Destination, Facts, Policy, Verdict};

/// More signals than this in one request, told apart by rules whose combinations are too many to prove, close everything.
const MOST_SIGNALS: u32 = 6;

/// A compiled policy.
pub struct Judge {
    pub(crate) policy: Policy,
    pub(crate) destinations: Vec<Destination>,
    pub(crate) compiled: Compiled,
    pub(crate) memory: Memory,
    /// Whether a destination that opens against the order of classes is closed when it is found so.
    guarded: bool,
    pub(crate) opens: OnceLock<Option<Opens>>,
}

pub(crate) enum Memory {
    Table(Table),
    Cache(Cache),
}

/// The rules for given destinations over a space of facts.
pub(crate) struct Compiled {
    pub(crate) space: Space,
    pub(crate) entries: Vec<Entry>,
    /// A set a lane with all of its destinations.
    pub(crate) lanes: Vec<Bits>,
    pub(crate) shared: Shared,
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
        let mut judge = self.compile_without_table(destinations);
        // What a table holds is proved as a whole ([`Judge::prove`]).
        if let Some(table) = Table::of(&judge.compiled, &judge.bench()) {
            judge.memory = Memory::Table(table);
            judge.guarded = false;
        }
        judge
    }

    pub(crate) fn compile_without_table(&self, destinations: Vec<Destination>) -> Judge {
        let compiled = Compiled::of(self, &destinations, space(&[self]));
        let memory = Memory::Cache(Cache::of(destinations.len()));
        Judge { policy: self.clone(), destinations, compiled, memory, guarded: true, opens: OnceLock::new() }
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
            Memory::Table(table) => {
                let verdict = table.verdict(&combination).cloned();
                verdict.unwrap_or_else(|| Arc::new(self.find(&combination)))
            }
            Memory::Cache(cache) => cache.verdict(&combination, || Arc::new(self.find(&combination))),
        }
    }

    /// The verdict on a combination, found from the rules.
    pub(crate) fn find(&self, combination: &Combination) -> Verdict {
        let applied = self.compiled.applied(combination);
        let closed = if self.guarded { self.closed(combination) } else { Vec::new() };
        self.bench().verdict(&applied, fixed(combination), &closed)
    }

    /// The destinations, a set a lane, that a lower class, fewer signals or content that is read would not open: what was not
    /// proved beforehand is checked for this one combination.
    fn closed(&self, combination: &Combination) -> Vec<Bits> {
        let below = below(combination);
        let open = |below: &Combination| self.open(below);
        let mut always = self.compiled.lanes.clone();
        for lanes in below.iter().flatten().map(open) {
            always.iter_mut().zip(lanes).for_each(|(always, open)| *always = always.and(open));
        }
        let everything = self.compiled.lanes.iter();
        match below {
            Some(_) => everything.zip(always).map(|(all, always)| all.without(always)).collect(),
            None => everything.copied().collect(),
        }
    }

    /// The destinations that a combination opens, a set a lane.
    pub(crate) fn open(&self, combination: &Combination) -> Vec<Bits> {
        let (applied, fixed) = (self.compiled.applied(combination), fixed(combination));
        let lane = |lane: usize| open(self.policy.rules(), &applied, u32::try_from(lane).unwrap_or(u32::MAX), fixed);
        (0..self.compiled.lanes.len()).map(lane).collect()
    }

    #[cfg(test)]
    pub(crate) fn unguarded(mut self) -> Self {
        self.guarded = false;
        self
    }

    pub(crate) fn bench(&self) -> Bench<'_> {
        Bench { rules: self.policy.rules(), shared: &self.compiled.shared, destinations: self.destinations.len() }
    }
}

/// The combinations that differ only by a lower class, fewer signals or content that is read. None where a request has so many
/// signals that they are too many.
fn below(combination: &Combination) -> Option<Vec<Combination>> {
    let signals = combination.bits(Set::Signals);
    if signals.count_ones() > MOST_SIGNALS {
        return None;
    }
    let mut list = Vec::new();
    // Every subset of the signals, from all of them down to none.
    let mut subset = signals;
    loop {
        for class in 0..=combination.value(Dimension::Class) {
            for unread in 0..=combination.value(Dimension::Unread) {
                let mut one = *combination;
                one.set_bits(Set::Signals, subset);
                one.set(Variable::Value(Dimension::Class), class);
                one.set(Variable::Value(Dimension::Unread), unread);
                if one != *combination {
                    list.push(one);
                }
            }
        }
        if subset == 0 {
            return Some(list);
        }
        subset = (subset - 1) & signals;
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
        Self { space, entries, lanes, shared: Shared::of(rules) }
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
