//! Facts as a policy sees them: for each kind of fact only the values that its rules tell apart. A request becomes a combination
//! of them, which is all that a decision depends on. Must not know destinations.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::Facts;
use crate::condition::{Ask, Condition};

pub(crate) use crate::combination::{Combination, Dimension, Set, Test, Variable};

/// The values that a policy, or several, tells apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Space {
    /// Of the dimensions that rules name: the words, numbered; what is none of them has the number after the last.
    words: BTreeMap<Dimension, HashMap<Arc<str>, u16>>,
    /// Sizes in KiB at which something changes, ascending.
    sizes: Vec<i64>,
    sets: BTreeMap<Set, Groups>,
}

/// Words that a rule mentions together, and whether it means those or all others.
type Mention<'c> = (&'c BTreeSet<Arc<str>>, bool);

/// The words of a set that rules mention, in groups that they mention alike.
#[derive(Clone, Debug, Default)]
struct Groups {
    bits: HashMap<Arc<str>, u128>,
    /// Of a word that no rule mentions.
    other: u128,
    count: u8,
}

impl Space {
    /// The most groups of words that one set can have.
    pub(crate) const MOST_GROUPS: usize = 128;
    /// The most words of one dimension.
    pub(crate) const MOST_WORDS: usize = 60_000;

    /// What these conditions tell apart; `always` are dimensions that count though no rule names them.
    pub(crate) fn of<'c>(conditions: impl Iterator<Item = &'c Condition> + Clone, always: &[Dimension]) -> Self {
        let mut words: BTreeMap<Dimension, BTreeSet<Arc<str>>> = BTreeMap::new();
        words.extend(always.iter().map(|dimension| (*dimension, BTreeSet::new())));
        let mut sizes = BTreeSet::new();
        let mut asks: BTreeMap<Set, Vec<Mention<'_>>> = BTreeMap::new();
        for condition in conditions {
            condition.each_ask(&mut |ask| match ask {
                Ask::Is(dimension, word) => words.entry(*dimension).or_default().extend([word.clone()]),
                Ask::SizeFrom(size) => sizes.extend([*size]),
                Ask::Any { set, words, outside } => asks.entry(*set).or_default().push((words, *outside)),
            });
        }
        let number = |(dimension, words): (Dimension, BTreeSet<Arc<str>>)| {
            let fixed = dimension.fixed().map(|fixed| fixed.into_iter().map(Arc::from).collect::<Vec<_>>());
            let words = fixed.unwrap_or_else(|| words.into_iter().collect());
            (dimension, words.into_iter().zip(0_u16..).collect())
        };
        Self {
            words: words.into_iter().map(number).collect(),
            sizes: sizes.into_iter().collect(),
            sets: asks.into_iter().map(|(set, asks)| (set, Groups::of(&asks))).collect(),
        }
    }

    /// The question as a test of this space's combinations.
    pub(crate) fn test(&self, ask: &Ask) -> Test {
        match ask {
            Ask::Is(dimension, word) => {
                let number = self.words.get(dimension).and_then(|words| words.get(word));
                Test::Is(*dimension, number.copied().unwrap_or(u16::MAX))
            }
            Ask::SizeFrom(size) => {
                let number = self.sizes.iter().take_while(|there| *there <= size).count();
                Test::From(Dimension::Prompt, u16::try_from(number).unwrap_or(u16::MAX))
            }
            Ask::Any { set, words, outside } => {
                let groups = self.sets.get(set).cloned().unwrap_or_default();
                let bits = |inside: bool| {
                    let known = groups.bits.iter().filter(|(word, _)| words.contains(*word) == inside);
                    known.fold(0, |bits, (_, bit)| bits | bit)
                };
                Test::Any(*set, if *outside { bits(false) | groups.other } else { bits(true) })
            }
        }
    }

    /// What can vary, and how many values each variable has.
    pub(crate) fn variables(&self) -> Vec<(Variable, u16)> {
        let values = self.words.iter().map(|(dimension, words)| {
            let others = u16::from(dimension.fixed().is_none());
            (Variable::Value(*dimension), u16::try_from(words.len()).unwrap_or(u16::MAX).saturating_add(others))
        });
        let sizes = u16::try_from(self.sizes.len()).unwrap_or(u16::MAX).saturating_add(1);
        let size = (sizes > 1).then_some((Variable::Value(Dimension::Prompt), sizes));
        let bits =
            self.sets.iter().flat_map(|(set, groups)| (0..groups.count).map(|bit| (Variable::Bit(*set, bit), 2)));
        values.chain(size).chain(bits).collect()
    }

    /// The combination that a request is.
    pub(crate) fn place(&self, facts: &Facts<'_>) -> Combination {
        let mut combination = Combination::default();
        for (dimension, words) in &self.words {
            let flag = |flag: bool| if flag { "true" } else { "false" };
            let word = match dimension {
                Dimension::Class => facts.class.word(),
                Dimension::Action => facts.action.word(),
                Dimension::Unread => flag(facts.unread),
                Dimension::HighImpact => flag(facts.high_impact),
                Dimension::Stream => flag(facts.stream),
                Dimension::Tenant => facts.tenant,
                Dimension::Team => facts.team,
                Dimension::Key => facts.key,
                Dimension::Surface => facts.surface,
                Dimension::Language => facts.language,
                Dimension::Purpose => facts.purpose,
                Dimension::UseArea => facts.use_area,
                Dimension::Prompt => continue,
            };
            let others = u16::try_from(words.len()).unwrap_or(u16::MAX);
            combination.set(Variable::Value(*dimension), words.get(word).copied().unwrap_or(others));
        }
        let kib = i64::try_from(facts.prompt_kib).unwrap_or(i64::MAX);
        let passed = self.sizes.iter().take_while(|size| **size <= kib).count();
        combination.set(Variable::Value(Dimension::Prompt), u16::try_from(passed).unwrap_or(u16::MAX));
        for (set, groups) in &self.sets {
            let words = match set {
                Set::Findings => facts.findings,
                Set::Signals => facts.signals,
                Set::Needs => facts.needs,
            };
            let bit = |word: &&str| groups.bits.get(*word).copied().unwrap_or(groups.other);
            combination.set_bits(*set, words.iter().map(bit).fold(0, |bits, bit| bits | bit));
        }
        combination
    }

    /// A value in words.
    pub(crate) fn tell(&self, variable: Variable, value: u16) -> String {
        match variable {
            Variable::Value(Dimension::Prompt) => {
                let at = |number: u16| self.sizes.get(usize::from(number)).copied();
                let from = value.checked_sub(1).and_then(at).unwrap_or(0);
                match at(value) {
                    Some(below) if below - 1 == from => format!("prompt_kib={from}"),
                    Some(below) => format!("prompt_kib={from}..{}", below - 1),
                    None => format!("prompt_kib={from}.."),
                }
            }
            Variable::Value(dimension) => {
                let words = self.words.get(&dimension);
                let word = words.and_then(|words| words.iter().find(|(_, number)| **number == value));
                match word {
                    Some((word, _)) if word.is_empty() => format!("{}=\"\"", dimension.word()),
                    Some((word, _)) => format!("{}={word}", dimension.word()),
                    None => format!("{}=(any other)", dimension.word()),
                }
            }
            Variable::Bit(set, bit) => {
                let sign = if value == 0 { "no " } else { "" };
                format!("{sign}{}={}", set.word(), self.group(set, bit).join("|"))
            }
        }
    }

    /// The words of a dimension in the order of their numbers; none if no rule names it.
    pub(crate) fn words_of(&self, dimension: Dimension) -> Option<Vec<String>> {
        let words = self.words.get(&dimension)?;
        let mut words: Vec<(u16, String)> = words.iter().map(|(word, number)| (*number, word.to_string())).collect();
        words.sort();
        Some(words.into_iter().map(|(_, word)| word).collect())
    }

    /// The words of a group, sorted; a group of what no rule mentions as `(any other)`.
    pub(crate) fn group(&self, set: Set, bit: u8) -> Vec<String> {
        let Some(groups) = self.sets.get(&set) else { return Vec::new() };
        let there = groups.bits.iter().filter(|(_, bits)| **bits >> bit & 1 == 1);
        let mut words: Vec<String> = there.map(|(word, _)| word.to_string()).collect();
        words.sort();
        if groups.other >> bit & 1 == 1 {
            words.push("(any other)".to_owned());
        }
        words
    }
}

impl Groups {
    /// Words that the same questions mention are one group; those that none mentions are in no group.
    fn of(asks: &[Mention<'_>]) -> Self {
        let all: BTreeSet<&Arc<str>> = asks.iter().flat_map(|(words, _)| words.iter()).collect();
        let other: Vec<bool> = asks.iter().map(|(_, outside)| *outside).collect();
        let mut groups = Self::default();
        let mut numbers: BTreeMap<Vec<bool>, u128> = BTreeMap::new();
        let mut bit = |mentions: Vec<bool>, groups: &mut Self| {
            if !mentions.contains(&true) {
                return 0;
            }
            *numbers.entry(mentions).or_insert_with(|| {
                let bit = 1_u128.checked_shl(groups.count.into()).unwrap_or_default();
                groups.count = groups.count.saturating_add(u8::from(bit != 0));
                bit
            })
        };
        for word in all {
            let mentions = asks.iter().map(|(words, outside)| words.contains(word) != *outside).collect();
            let bits = bit(mentions, &mut groups);
            groups.bits.insert(word.clone(), bits);
        }
        groups.other = bit(other, &mut groups);
        groups
    }
}
