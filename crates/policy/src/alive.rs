//! Whether a rule can ever apply: searched over the facts that it names, with every answer that destinations could give, and with
//! only such facts as a request can have together. Must not know the other rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::Action;
use crate::bits::Bits;
use crate::condition::Condition;
use crate::diagram::Path;
use crate::judge::tree;
use crate::space::{Combination, Dimension, Set, Space, Variable};
use crate::tree::{Answer, Tree};

/// Of so many questions about destinations all answers are tried at once, each way of them as one destination of a lane.
const AT_ONCE: usize = Bits::LANE.ilog2() as usize;
/// Of so many more they are tried one way after the other.
const IN_TURN: usize = 8;
/// A search ends after so many steps, whatever was found.
const MOST_STEPS: u32 = 1 << 16;

/// Whether something can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Can {
    Yes,
    No,
    /// There was too much to try.
    Unknown,
}

/// Kinds of findings, each with the groups to which it belongs.
type Kinds = BTreeMap<String, BTreeSet<String>>;

/// What is searched: requests, over these facts, by this action if one is given.
pub(crate) struct Search<'a> {
    pub(crate) space: &'a Space,
    pub(crate) kinds: &'a Kinds,
    pub(crate) action: Option<Action>,
    /// How many steps may still be taken.
    steps: u32,
}

/// Whether a rule with this condition can apply to some request, by this action if one is given, and some destination.
pub(crate) fn can_apply(condition: &Condition, kinds: &Kinds, action: Option<Action>) -> Can {
    let space = Space::of(std::iter::once(condition), &[Dimension::Action]);
    let mut search = Search::of(&space, kinds, action);
    let mut signs = BTreeMap::new();
    condition.each_sign((true, false), &mut |place, (asked, denied)| {
        let sign = signs.entry(place.to_string()).or_insert((false, false));
        *sign = (sign.0 | asked, sign.1 | denied);
    });
    // What is only asked for is best answered by yes, what is only denied by no: all ways are needed of the others alone.
    let both: Vec<&String> = signs.iter().filter(|(_, sign)| **sign == (true, true)).map(|(place, _)| place).collect();
    let (at_once, in_turn) = both.split_at(both.len().min(AT_ONCE));
    if !in_turn.is_empty() {
        let most = tree(&condition.loosened(true), &space, &|_| Answer::NO, Bits::first(1));
        if search.can_be(&most, Bits::first(1)) == Can::No {
            return Can::No;
        }
    }
    let all = Bits::first(1 << at_once.len());
    let mut can = if in_turn.len() > IN_TURN { Can::Unknown } else { Can::No };
    for way in 0..1_usize << in_turn.len().min(IN_TURN) {
        let place = |place: &str| {
            if let Some(number) = at_once.iter().position(|there| *there == place) {
                return Answer::yes(chosen(at_once.len(), number));
            }
            let yes = match in_turn.iter().position(|there| *there == place) {
                Some(number) => number < IN_TURN && way >> number & 1 == 1,
                None => signs.get(place).is_some_and(|(asked, _)| *asked),
            };
            if yes { Answer::yes(all) } else { Answer::NO }
        };
        let tree = tree(condition, &space, &|told| place(&told.to_string()), all);
        match search.can_be(&tree, all) {
            Can::Yes => return Can::Yes,
            Can::Unknown => can = Can::Unknown,
            Can::No => {}
        }
        if search.steps == 0 {
            return Can::Unknown;
        }
    }
    can
}

/// Of all ways in which so many questions can be answered, those where this one is answered by yes.
fn chosen(questions: usize, number: usize) -> Bits {
    let mut yes = Bits::NONE;
    (0..1_usize << questions).filter(|way| way >> number & 1 == 1).for_each(|way| yes.insert(way));
    yes
}

impl<'a> Search<'a> {
    pub(crate) fn of(space: &'a Space, kinds: &'a Kinds, action: Option<Action>) -> Self {
        Self { space, kinds, action, steps: MOST_STEPS }
    }

    /// Whether a tree is yes for some destination of `all` and some request.
    pub(crate) fn can_be(&mut self, tree: &Arc<Tree>, all: Bits) -> Can {
        let action = Variable::Value(Dimension::Action);
        let only = self.action.map(|only| u16::from(only == Action::Embed));
        let fixed = only.and_then(|only| tree.fix(action, only, all));
        let tree = fixed.as_ref().unwrap_or(tree);
        let pins = [action, Variable::Value(Dimension::Surface)];
        let mut asked = BTreeSet::new();
        tree.each_test(&mut |test| asked.extend(test.variables()));
        let mut variables = self.space.variables();
        variables.retain(|(variable, _)| pins.contains(variable) || asked.contains(variable));
        variables.sort_by_key(|(variable, _)| (!pins.contains(variable), *variable));
        let pinned = variables.iter().filter(|(variable, _)| pins.contains(variable)).count();
        let possible = Possible::of(self.space, self.kinds);
        let mut dive = Dive { all, variables, pinned, possible, action: only, steps: &mut self.steps };
        dive.on(tree, 0, Combination::default(), 0)
    }
}

struct Dive<'s> {
    all: Bits,
    variables: Vec<(Variable, u16)>,
    pinned: usize,
    possible: Possible,
    action: Option<u16>,
    steps: &'s mut u32,
}

impl Dive<'_> {
    /// `absent` are the findings of which it is settled that they are not there.
    fn on(&mut self, tree: &Arc<Tree>, level: usize, at: Combination, absent: u128) -> Can {
        let Some(steps) = self.steps.checked_sub(1) else { return Can::Unknown };
        *self.steps = steps;
        if let Tree::Fixed(answer) = &**tree {
            if answer.yes.is_empty() {
                return Can::No;
            }
            if level >= self.pinned {
                let holds = self.possible.findings(at.bits(Set::Findings), absent);
                return if holds { Can::Yes } else { Can::No };
            }
        }
        let Some((variable, values)) = self.variables.get(level).copied() else { return Can::No };
        if level >= self.pinned && tree.fix(variable, 0, self.all).is_none() {
            return self.on(tree, level + 1, at, absent);
        }
        let mut can = Can::No;
        for value in 0..values {
            let mut at = at;
            at.set(variable, value);
            if variable == Variable::Value(Dimension::Action) && self.action.is_some_and(|action| action != value) {
                continue;
            }
            if level + 1 == self.pinned && !self.possible.surface(&at) {
                continue;
            }
            let gone = match variable {
                Variable::Bit(Set::Findings, bit) if value == 0 => 1 << bit,
                Variable::Bit(..) | Variable::Value(_) => 0,
            };
            let rest = tree.fix(variable, value, self.all).unwrap_or_else(|| tree.clone());
            match self.on(&rest, level + 1, at, absent | gone) {
                Can::Yes => return Can::Yes,
                Can::Unknown => can = Can::Unknown,
                Can::No => {}
            }
        }
        can
    }
}

/// Which facts a request can have together.
#[derive(Clone, Debug)]
pub(crate) struct Possible {
    /// A group of findings, by its bit, and the bits of the groups to which all of it belongs.
    implied: Vec<(u8, u128)>,
    /// For each surface that is told apart whether vectors can be asked for there, and whether anything else can.
    surfaces: Option<Vec<(bool, bool)>>,
}

impl Possible {
    pub(crate) fn of(space: &Space, kinds: &Kinds) -> Self {
        let groups: BTreeMap<u8, Vec<String>> =
            (0..128).map(|bit| (bit, space.group(Set::Findings, bit))).filter(|(_, words)| !words.is_empty()).collect();
        let implied = groups.iter().map(|(bit, words)| {
            let belongs = |word: &String, group: &String| kinds.get(word).is_some_and(|around| around.contains(group));
            let all = |group: &&Vec<String>| {
                group.iter().any(|group| words.iter().all(|word| word == group || belongs(word, group)))
            };
            let needed = groups.iter().filter(|(other, group)| *other != bit && all(group));
            (*bit, needed.fold(0, |bits, (other, _)| bits | 1 << other))
        });
        let surfaces = space.words_of(Dimension::Surface).filter(|_| space.words_of(Dimension::Action).is_some());
        let surfaces = surfaces.map(|words| {
            let named = words.iter().any(|word| word == "embeddings");
            let of = |word: &String| (word == "embeddings", word != "embeddings");
            words.iter().map(of).chain([(!named, true)]).collect()
        });
        Self { implied: implied.filter(|(_, needed)| *needed != 0).collect(), surfaces }
    }

    /// Whether a request can have such facts, the others being as they may.
    pub(crate) fn path(&self, path: &Path) -> bool {
        let (mut at, mut absent, mut known) = (Combination::default(), 0, 0);
        for (variable, values) in path {
            match (variable, values.as_slice()) {
                (Variable::Bit(Set::Findings, bit), [0]) => absent |= 1 << bit,
                (Variable::Value(Dimension::Action | Dimension::Surface), [value]) => {
                    known += 1;
                    at.set(*variable, *value);
                }
                (_, [value]) => at.set(*variable, *value),
                _ => {}
            }
        }
        self.findings(at.bits(Set::Findings), absent) && (known < 2 || self.surface(&at))
    }

    /// Whether a request can be such a combination.
    pub(crate) fn holds(&self, combination: &Combination) -> bool {
        let findings = combination.bits(Set::Findings);
        self.surface(combination) && self.findings(findings, !findings)
    }

    /// Whether findings can be there while others are not: a kind never comes without its groups.
    fn findings(&self, there: u128, absent: u128) -> bool {
        self.implied.iter().all(|(bit, needed)| there >> bit & 1 == 0 || needed & absent == 0)
    }

    /// Whether the action and the surface fit.
    fn surface(&self, combination: &Combination) -> bool {
        let surface = usize::from(combination.value(Dimension::Surface));
        let can = self.surfaces.as_ref().and_then(|surfaces| surfaces.get(surface));
        can.is_none_or(|(embed, other)| if combination.value(Dimension::Action) == 1 { *embed } else { *other })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{read, vocabulary};

    #[test]
    fn a_search_that_runs_out_of_steps_says_neither_yes_nor_no() {
        let rule = "@id(\"a\")\npermit (principal, action, resource) when { context.stream && context.unread };";
        let policy = read(rule).unwrap();
        let condition = &policy.rules()[0].condition;
        let space = Space::of(std::iter::once(condition), &[Dimension::Action]);
        let kinds = vocabulary().kinds;
        let all = Bits::first(1);
        let tree = tree(condition, &space, &|_| Answer::NO, all);
        for (steps, can) in [(0, Can::Unknown), (2, Can::Unknown), (64, Can::Yes)] {
            let mut search = Search { steps, ..Search::of(&space, &kinds, None) };
            assert_eq!(search.can_be(&tree, all), can, "{steps}");
        }
    }
}
