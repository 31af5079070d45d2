//! Whether a rule can ever apply: searched over the facts that it names, with every answer that destinations could give, and with
//! only such facts as a request can have together. Must not know the other rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::bits::Bits;
use crate::condition::Condition;
use crate::diagram::Path;
use crate::judge::tree;
use crate::space::{Combination, Dimension, Set, Space, Variable};
use crate::tree::{Answer, Tree};

/// So many different questions about destinations have all their answers tried: each doubles the destinations that could be.
const MOST_PLACES: usize = 8;
/// A rule that is still not decided after so many steps counts as one that can apply.
const MOST_STEPS: u32 = 1 << 16;

/// Whether a rule with this condition can apply to some request and some destination; for `embed` too, or only at all.
pub(crate) fn can_apply(condition: &Condition, kinds: &BTreeMap<String, BTreeSet<String>>, embed: bool) -> bool {
    let mut places = BTreeSet::new();
    condition.each_place(&mut |place| places.extend([place.to_string()]));
    if places.len() > MOST_PLACES {
        return true;
    }
    // Every way in which destinations could answer is one destination.
    let all = Bits::first(1 << places.len());
    let answer = |told: &str| {
        let number = places.iter().position(|place| place == told).unwrap_or_default();
        let mut yes = Bits::NONE;
        (0..1_usize << places.len()).filter(|way| way >> number & 1 == 1).for_each(|way| yes.insert(way));
        Answer::yes(yes)
    };
    let space = Space::of(std::iter::once(condition), &[Dimension::Action]);
    let tree = tree(condition, &space, &|place| answer(&place.to_string()), all);
    can_be(&tree, all, &space, kinds, embed.then_some(1))
}

/// Whether a tree is yes for some destination and some request, with this action if one is given.
pub(crate) fn can_be(
    tree: &Arc<Tree>,
    all: Bits,
    space: &Space,
    kinds: &BTreeMap<String, BTreeSet<String>>,
    action: Option<u16>,
) -> bool {
    let pins = [Variable::Value(Dimension::Action), Variable::Value(Dimension::Surface)];
    let mut asked = BTreeSet::new();
    tree.each_test(&mut |test| asked.extend(test.variables()));
    let mut variables = space.variables();
    variables.retain(|(variable, _)| pins.contains(variable) || asked.contains(variable));
    variables.sort_by_key(|(variable, _)| (!pins.contains(variable), *variable));
    let pinned = variables.iter().filter(|(variable, _)| pins.contains(variable)).count();
    let possible = Possible::of(space, kinds);
    let mut search = Search { all, variables, pinned, possible, action, steps: 0 };
    search.dive(tree, 0, Combination::default(), 0)
}

struct Search {
    all: Bits,
    variables: Vec<(Variable, u16)>,
    pinned: usize,
    possible: Possible,
    action: Option<u16>,
    steps: u32,
}

impl Search {
    /// `absent` are the findings of which it is settled that they are not there.
    fn dive(&mut self, tree: &Arc<Tree>, level: usize, at: Combination, absent: u128) -> bool {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return true;
        }
        if let Tree::Fixed(answer) = &**tree {
            if answer.yes.is_empty() {
                return false;
            }
            if level >= self.pinned {
                return self.possible.findings(at.bits(Set::Findings), absent);
            }
        }
        let Some((variable, values)) = self.variables.get(level).copied() else { return false };
        (0..values).any(|value| {
            let mut at = at;
            at.set(variable, value);
            if variable == Variable::Value(Dimension::Action) && self.action.is_some_and(|action| action != value) {
                return false;
            }
            if level + 1 == self.pinned && !self.possible.surface(&at) {
                return false;
            }
            let gone = match variable {
                Variable::Bit(Set::Findings, bit) if value == 0 => 1 << bit,
                Variable::Bit(..) | Variable::Value(_) => 0,
            };
            let rest = tree.fix(variable, value, self.all).unwrap_or_else(|| tree.clone());
            self.dive(&rest, level + 1, at, absent | gone)
        })
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
    pub(crate) fn of(space: &Space, kinds: &BTreeMap<String, BTreeSet<String>>) -> Self {
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
