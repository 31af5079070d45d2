//! How numbers are spread, in a few bytes: a histogram whose steps grow with the numbers, so that each is kept to within a
//! thirty-second part. Two of them are joined by adding, which no exact percentile can be. It must not know what is counted.

use std::collections::BTreeMap;

/// Steps from one power of two to the next.
const STEPS: u64 = 32;
const STEPS_LOG2: u32 = 5;

/// A histogram.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spread {
    /// How many numbers each step has, by the step's number.
    steps: BTreeMap<u64, u64>,
}

impl Spread {
    /// Takes in one number.
    pub(crate) fn add(&mut self, number: u64) {
        *self.steps.entry(step_of(number)).or_default() += 1;
    }

    /// Takes in all of another, as [`Spread::to_bytes`] wrote it; of other bytes, what can be read of them.
    pub(crate) fn join(&mut self, bytes: &[u8]) {
        let (mut bytes, mut step) = (bytes.iter(), 0_u64);
        while let Some((further, count)) = read(&mut bytes).zip(read(&mut bytes)) {
            step = step.saturating_add(further);
            let own = self.steps.entry(step).or_default();
            *own = own.saturating_add(count);
        }
    }

    /// The number below which so many thousandths of all lie, at most a thirty-second part too low; none where there is no number.
    pub(crate) fn quantile(&self, thousandths: u64) -> Option<u64> {
        let all = self.steps.values().fold(0_u64, |all, count| all.saturating_add(*count));
        let wanted = all.saturating_mul(thousandths).div_ceil(1000).max(1);
        let mut passed = 0;
        self.steps.iter().find_map(|(step, count)| {
            passed += count;
            (passed >= wanted).then(|| least_of(*step))
        })
    }

    /// Pairs of numbers as LEB128: how far a step is from the one before, and how many it has.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let (mut bytes, mut before) = (Vec::new(), 0);
        for (step, count) in &self.steps {
            write(step - before, &mut bytes);
            write(*count, &mut bytes);
            before = *step;
        }
        bytes
    }
}

fn step_of(number: u64) -> u64 {
    let shift = number.checked_ilog2().unwrap_or(0).saturating_sub(STEPS_LOG2);
    u64::from(shift) * STEPS + (number >> shift)
}

/// The least number that falls into the step.
fn least_of(step: u64) -> u64 {
    let shift = (step / STEPS).saturating_sub(1);
    (step - shift * STEPS).checked_shl(u32::try_from(shift).unwrap_or(u32::MAX)).unwrap_or(u64::MAX)
}

fn write(mut number: u64, bytes: &mut Vec<u8>) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low & 0x7f);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn read<'b>(bytes: &mut impl Iterator<Item = &'b u8>) -> Option<u64> {
    let (mut number, mut shift) = (0_u64, 0);
    loop {
        let byte = bytes.next()?;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_is_kept_to_within_a_thirty_second_part(number: u64) {
            let least = least_of(step_of(number));
            prop_assert!(least <= number && number - least <= number / 32, "{number}: {least}");
        }

        #[test]
        fn what_is_written_is_read_again(numbers: Vec<u64>) {
            let mut spread = Spread::default();
            for number in &numbers {
                spread.add(*number);
            }
            let mut again = Spread::default();
            again.join(&spread.to_bytes());
            prop_assert_eq!(again, spread);
        }
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_numbers() {
        let mut spread = Spread::default();
        assert_eq!(spread.quantile(500), None);
        (1..=1000).for_each(|number| spread.add(number));
        let mut twice = spread.clone();
        twice.join(&spread.to_bytes());
        for (thousandths, exact) in [(1, 1), (500, 500), (950, 950), (990, 990), (1000, 1000)] {
            let told = spread.quantile(thousandths).unwrap();
            assert!(told <= exact && exact - told <= exact / 32, "{thousandths}: {told}");
            assert_eq!(twice.quantile(thousandths), Some(told));
        }
    }
}
