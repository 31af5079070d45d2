//! All verdicts of a policy, found at once: a number for each combination, a verdict for each number. Knows nothing of rules.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use crate::Verdict;
use crate::outcome::{Applied, Bench, Fixed};
use crate::space::Combination;
use crate::survey::{Order, Survey};

/// All verdicts.
pub(crate) struct Table {
    pub(crate) survey: Survey,
    pub(crate) verdicts: Vec<Arc<Verdict>>,
}

impl Table {
    /// None where there are too many combinations, or too many different verdicts.
    pub(crate) fn of(compiled: &crate::judge::Compiled, bench: &Bench<'_>) -> Option<Self> {
        let order = Order::of(&compiled.space, &[&compiled.entries])?;
        let mut verdicts: Vec<Arc<Verdict>> = Vec::new();
        let mut numbers = Numbers::default();
        let survey = Survey::of(compiled, order, |applied, fixed| {
            let number = numbers.of(applied, fixed)?;
            if number as usize == verdicts.len() {
                verdicts.push(Arc::new(bench.verdict(applied, fixed, &[])));
            }
            (verdicts.len() <= bench.most_verdicts()).then_some(number)
        })?;
        Some(Self { survey, verdicts })
    }

    pub(crate) fn verdict(&self, combination: &Combination) -> Option<&Arc<Verdict>> {
        self.verdicts.get(self.survey.number(self.survey.order.cell(combination))?)
    }
}

/// Gives the same number to what the rules say alike.
#[derive(Default)]
pub(crate) struct Numbers {
    known: HashMap<Fixed, HashMap<Vec<Applied>, u32, BuildHasherDefault<Quick>>>,
    count: u32,
}

impl Numbers {
    pub(crate) fn of(&mut self, applied: &[Applied], fixed: Fixed) -> Option<u32> {
        let known = self.known.entry(fixed).or_default();
        if let Some(number) = known.get(applied) {
            return Some(*number);
        }
        let number = self.count;
        self.count = number.checked_add(1)?;
        known.insert(applied.to_vec(), number);
        Some(number)
    }
}

/// A hash for keys that nobody outside chooses: one multiplication a word.
#[derive(Default)]
pub(crate) struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let word = chunk.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
            self.write_u64(word);
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

impl Hash for crate::bits::Bits {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.words().into_iter().for_each(|word| state.write_u64(word));
    }
}
