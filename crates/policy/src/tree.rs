//! A rule's condition for given destinations: what Cedar said of each is filled in, what is left are tests of the request. It is
//! answered for 256 destinations at once, in three values (yes, no, error), short-circuiting as Cedar does:
//!
//! - `a && b`: yes where both are, error where `a` is one, or `a` is yes and `b` is one;
//! - `a || b`: yes where `a` is, or `a` is no and `b` yes; error where `a` is one, or `a` is no and `b` is one;
//! - `if c then a else b`: what the branch says that `c` chooses; error where `c` is one.
//!
//! Must not know Cedar.

use std::sync::Arc;

use crate::bits::Bits;
use crate::space::{Combination, Set, Test, Variable};

/// For which destinations the answer is yes, and for which there is none. It is no for the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Answer {
    pub(crate) yes: Bits,
    pub(crate) error: Bits,
}

/// A condition of which everything about the destinations is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tree {
    Fixed(Answer),
    Test(Test),
    Not(Arc<Self>),
    And(Arc<Self>, Arc<Self>),
    Or(Arc<Self>, Arc<Self>),
    If(Arc<Self>, Arc<Self>, Arc<Self>),
}

impl Answer {
    pub(crate) const NO: Self = Self { yes: Bits::NONE, error: Bits::NONE };

    pub(crate) fn yes(all: Bits) -> Self {
        Self { yes: all, error: Bits::NONE }
    }

    fn of(value: bool, all: Bits) -> Self {
        if value { Self::yes(all) } else { Self::NO }
    }

    fn no(self, all: Bits) -> Bits {
        all.without(self.yes).without(self.error)
    }

    fn not(self, all: Bits) -> Self {
        Self { yes: self.no(all), error: self.error }
    }

    fn and(self, then: Self) -> Self {
        Self { yes: self.yes.and(then.yes), error: self.error.or(self.yes.and(then.error)) }
    }

    fn or(self, other: Self, all: Bits) -> Self {
        let no = self.no(all);
        Self { yes: self.yes.or(no.and(other.yes)), error: self.error.or(no.and(other.error)) }
    }

    fn choose(self, then: Self, other: Self, all: Bits) -> Self {
        let (yes, no) = (self.yes, self.no(all));
        Self {
            yes: yes.and(then.yes).or(no.and(other.yes)),
            error: self.error.or(yes.and(then.error)).or(no.and(other.error)),
        }
    }
}

impl Tree {
    /// The answer for a combination; `all` are the destinations that there are.
    pub(crate) fn answer(&self, combination: &Combination, all: Bits) -> Answer {
        match self {
            Self::Fixed(answer) => *answer,
            Self::Test(test) => Answer::of(test.holds(combination), all),
            Self::Not(part) => part.answer(combination, all).not(all),
            Self::And(left, right) => {
                let left = left.answer(combination, all);
                if left.yes.is_empty() { left } else { left.and(right.answer(combination, all)) }
            }
            Self::Or(left, right) => {
                let left = left.answer(combination, all);
                if left.no(all).is_empty() { left } else { left.or(right.answer(combination, all), all) }
            }
            Self::If(cond, then, other) => {
                let cond = cond.answer(combination, all);
                if cond.yes == all {
                    return then.answer(combination, all);
                }
                if cond == Answer::NO {
                    return other.answer(combination, all);
                }
                cond.choose(then.answer(combination, all), other.answer(combination, all), all)
            }
        }
    }

    /// The answer, if nothing of it depends on the request any more.
    pub(crate) fn fixed(&self) -> Option<Answer> {
        if let Self::Fixed(answer) = self { Some(*answer) } else { None }
    }

    /// What is left once a variable has a value; none where that makes no difference.
    pub(crate) fn fix(&self, variable: Variable, value: u16, all: Bits) -> Option<Arc<Self>> {
        match self {
            Self::Fixed(_) => None,
            Self::Test(test) => fix_test(*test, variable, value, all).map(Arc::new),
            Self::Not(part) => Some(Self::not(part.fix(variable, value, all)?, all)),
            Self::And(left, right) => {
                let (left, right) = either(left, right, variable, value, all)?;
                Some(Self::and(left, right, all))
            }
            Self::Or(left, right) => {
                let (left, right) = either(left, right, variable, value, all)?;
                Some(Self::or(left, right, all))
            }
            Self::If(cond, then, other) => {
                let fixed = [cond, then, other].map(|part| part.fix(variable, value, all));
                if fixed.iter().all(Option::is_none) {
                    return None;
                }
                let [a, b, c] = fixed;
                let part = |fixed: Option<Arc<Self>>, there: &Arc<Self>| fixed.unwrap_or_else(|| there.clone());
                Some(Self::choose(part(a, cond), part(b, then), part(c, other), all))
            }
        }
    }

    pub(crate) fn not(part: Arc<Self>, all: Bits) -> Arc<Self> {
        match part.fixed() {
            Some(answer) => Arc::new(Self::Fixed(answer.not(all))),
            None => Arc::new(Self::Not(part)),
        }
    }

    pub(crate) fn and(left: Arc<Self>, right: Arc<Self>, all: Bits) -> Arc<Self> {
        match (&*left, &*right) {
            (Self::Fixed(first), Self::Fixed(then)) => Arc::new(Self::Fixed(first.and(*then))),
            (Self::Fixed(first), _) if first.yes.is_empty() => left,
            (Self::Fixed(first), _) if first.yes == all => right,
            (_, Self::Fixed(then)) if *then == Answer::NO && left.is_sure() => right,
            _ => Arc::new(Self::And(left, right)),
        }
    }

    pub(crate) fn or(left: Arc<Self>, right: Arc<Self>, all: Bits) -> Arc<Self> {
        match (&*left, &*right) {
            (Self::Fixed(first), Self::Fixed(other)) => Arc::new(Self::Fixed(first.or(*other, all))),
            (Self::Fixed(first), _) if first.no(all).is_empty() => left,
            (Self::Fixed(first), _) if *first == Answer::NO => right,
            (_, Self::Fixed(other)) if other.yes == all && left.is_sure() => right,
            _ => Arc::new(Self::Or(left, right)),
        }
    }

    pub(crate) fn choose(cond: Arc<Self>, then: Arc<Self>, other: Arc<Self>, all: Bits) -> Arc<Self> {
        match (&*cond, &*then, &*other) {
            (Self::Fixed(cond), _, _) if cond.yes == all => then,
            (Self::Fixed(cond), _, _) if *cond == Answer::NO => other,
            (Self::Fixed(cond), Self::Fixed(then), Self::Fixed(other)) => {
                Arc::new(Self::Fixed(cond.choose(*then, *other, all)))
            }
            _ => Arc::new(Self::If(cond, then, other)),
        }
    }

    /// Whether it has an answer for every destination, whatever the request is.
    fn is_sure(&self) -> bool {
        match self {
            Self::Fixed(answer) => answer.error.is_empty(),
            Self::Test(_) => true,
            Self::Not(part) => part.is_sure(),
            Self::And(left, right) | Self::Or(left, right) => left.is_sure() && right.is_sure(),
            Self::If(cond, then, other) => cond.is_sure() && then.is_sure() && other.is_sure(),
        }
    }

    /// Every test in it.
    pub(crate) fn each_test(&self, see: &mut impl FnMut(Test)) {
        match self {
            Self::Fixed(_) => {}
            Self::Test(test) => see(*test),
            Self::Not(part) => part.each_test(see),
            Self::And(left, right) | Self::Or(left, right) => {
                left.each_test(see);
                right.each_test(see);
            }
            Self::If(cond, then, other) => [cond, then, other].into_iter().for_each(|part| part.each_test(see)),
        }
    }
}

/// Both parts once a variable has a value; none where that changes neither.
fn either(
    left: &Arc<Tree>,
    right: &Arc<Tree>,
    variable: Variable,
    value: u16,
    all: Bits,
) -> Option<(Arc<Tree>, Arc<Tree>)> {
    match (left.fix(variable, value, all), right.fix(variable, value, all)) {
        (None, None) => None,
        (Some(left), None) => Some((left, right.clone())),
        (None, Some(right)) => Some((left.clone(), right)),
        (Some(left), Some(right)) => Some((left, right)),
    }
}

fn fix_test(test: Test, variable: Variable, value: u16, all: Bits) -> Option<Tree> {
    let told = |holds: bool| Some(Tree::Fixed(Answer::of(holds, all)));
    match (test, variable) {
        (Test::Is(dimension, is), Variable::Value(fixed)) if dimension == fixed => told(is == value),
        (Test::From(dimension, from), Variable::Value(fixed)) if dimension == fixed => told(value >= from),
        (Test::Any(set, bits), Variable::Bit(fixed, bit)) if set == fixed => fix_bit(set, bits, bit, value, all),
        (Test::Is(..) | Test::From(..) | Test::Any(..), Variable::Value(_) | Variable::Bit(..)) => None,
    }
}

fn fix_bit(set: Set, bits: u128, bit: u8, value: u16, all: Bits) -> Option<Tree> {
    if bits >> bit & 1 == 0 {
        return None;
    }
    let rest = bits & !(1 << bit);
    Some(match (value, rest) {
        (0, 0) => Tree::Fixed(Answer::NO),
        (0, rest) => Tree::Test(Test::Any(set, rest)),
        _ => Tree::Fixed(Answer::yes(all)),
    })
}
