//! Facts as a policy sees them: for each kind of fact only the values that its rules tell apart. A request becomes a combination
//! of them, which is all that a decision depends on. Must not know destinations.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::condition::{Ask, Condition};
use crate::{Action, Class, Facts};

/// A fact that has one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Dimension {
    Class,
    Action,
    Unread,
    HighImpact,
    Stream,
    Tenant,
    Team,
    Key,
    Surface,
    Language,
    Purpose,
    UseArea,
    Prompt,
}

/// A fact that is a set of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Set {
    Findings,
    Signals,
    Needs,
}

/// The facts of a request, as far as the rules tell them apart: for each dimension the number of its value, for each set one
/// bit a group of words that the rules mention alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Combination {
    values: [u16; Dimension::ALL.len()],
    bits: [u128; Set::ALL.len()],
}

/// What can vary: a dimension, or one bit of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Variable {
    Value(Dimension),
    Bit(Set, u8),
}

/// A question about a combination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// Whether the dimension has this value.
    Is(Dimension, u16),
    /// Whether it has this value or a higher one.
    From(Dimension, u16),
    /// Whether any of these bits is set.
    Any(Set, u128),
}

/// The values that a policy, or several, tells apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Space {
    /// Of the dimensions that rules name: the words, numbered; what is none of them has the number after the last.
    words: BTreeMap<Dimension, HashMap<Arc<str>, u16>>,
    /// Sizes in KiB at which something changes, ascending.
    sizes: Vec<i64>,
    sets: BTreeMap<Set, Groups>,
}

/// The words of a set that rules mention, in groups that they mention alike.
#[derive(Clone, Debug, Default)]
struct Groups {
    bits: HashMap<Arc<str>, u128>,
    /// Of a word that no rule mentions.
    other: u128,
    count: u8,
}

impl Dimension {
    pub(crate) const ALL: [Self; 13] = [
        Self::Class,
        Self::Action,
        Self::Unread,
        Self::HighImpact,
        Self::Stream,
        Self::Tenant,
        Self::Team,
        Self::Key,
        Self::Surface,
        Self::Language,
        Self::Purpose,
        Self::UseArea,
        Self::Prompt,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Action => "action",
            Self::Unread => "unread",
            Self::HighImpact => "high_impact",
            Self::Stream => "stream",
            Self::Tenant => "tenant",
            Self::Team => "team",
            Self::Key => "key",
            Self::Surface => "surface",
            Self::Language => "language",
            Self::Purpose => "purpose",
            Self::UseArea => "use_area",
            Self::Prompt => "prompt_kib",
        }
    }

    /// All its words, in order, where they are known beforehand.
    fn fixed(self) -> Option<Vec<&'static str>> {
        match self {
            Self::Class => Some(Class::ALL.map(Class::word).to_vec()),
            Self::Action => Some(Action::ALL.map(Action::word).to_vec()),
            Self::Unread | Self::HighImpact | Self::Stream => Some(vec!["false", "true"]),
            Self::Tenant
            | Self::Team
            | Self::Key
            | Self::Surface
            | Self::Language
            | Self::Purpose
            | Self::UseArea
            | Self::Prompt => None,
        }
    }
}

impl Set {
    pub(crate) const ALL: [Self; 3] = [Self::Findings, Self::Signals, Self::Needs];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Findings => "findings",
            Self::Signals => "signals",
            Self::Needs => "needs",
        }
    }
}

impl Combination {
    pub(crate) fn value(&self, dimension: Dimension) -> u16 {
        self.values.get(dimension as usize).copied().unwrap_or_default()
    }

    pub(crate) fn bits(&self, set: Set) -> u128 {
        self.bits.get(set as usize).copied().unwrap_or_default()
    }

    pub(crate) fn get(&self, variable: Variable) -> u16 {
        match variable {
            Variable::Value(dimension) => self.value(dimension),
            Variable::Bit(set, bit) => u16::from(self.bits(set) >> bit & 1 == 1),
        }
    }

    pub(crate) fn set(&mut self, variable: Variable, value: u16) {
        match variable {
            Variable::Value(dimension) => {
                self.values.get_mut(dimension as usize).into_iter().for_each(|place| *place = value);
            }
            Variable::Bit(set, bit) => {
                let bits = self.bits(set) & !(1 << bit) | u128::from(value != 0) << bit;
                self.set_bits(set, bits);
            }
        }
    }

    pub(crate) fn set_bits(&mut self, set: Set, bits: u128) {
        self.bits.get_mut(set as usize).into_iter().for_each(|place| *place = bits);
    }
}

impl Test {
    /// The variables that it depends on.
    pub(crate) fn variables(self) -> Vec<Variable> {
        match self {
            Self::Is(dimension, _) | Self::From(dimension, _) => vec![Variable::Value(dimension)],
            Self::Any(set, bits) => {
                (0..128_u8).filter(|bit| bits >> bit & 1 == 1).map(|bit| Variable::Bit(set, bit)).collect()
            }
        }
    }

    pub(crate) fn holds(self, combination: &Combination) -> bool {
        match self {
            Self::Is(dimension, value) => combination.value(dimension) == value,
            Self::From(dimension, value) => combination.value(dimension) >= value,
            Self::Any(set, bits) => combination.bits(set) & bits != 0,
        }
    }
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
        let mut asks: BTreeMap<Set, Vec<(&BTreeSet<Arc<str>>, bool)>> = BTreeMap::new();
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
    fn of(asks: &[(&BTreeSet<Arc<str>>, bool)]) -> Self {
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
