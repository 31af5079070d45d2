//! A combination of facts: for each kind of fact the number of a value that rules tell apart, and questions about it. Must not
//! know which words stand behind the numbers.

use crate::{Action, Class};

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
    pub(crate) fn fixed(self) -> Option<Vec<&'static str>> {
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
