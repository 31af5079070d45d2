//! How numbers are spread, in bounded memory: each is kept to within a thirty-second part.

use std::collections::BTreeMap;

/// Bits of a number that are kept: five after the first.
const KEPT: u32 = 5;

/// What is taken in by its share counts so many times, so that small shares are not lost: such a spread is not joined with others.
const SCALE: u128 = 1 << 20;

/// A histogram whose steps grow with the numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    steps: BTreeMap<u64, u64>,
    count: u64,
}

impl Spread {
    /// Takes in one number.
    pub fn add(&mut self, number: u64) {
        *self.steps.entry(step(number)).or_default() += 1;
        self.count += 1;
    }

    /// Takes in all of another.
    pub fn join(&mut self, other: &Self) {
        for (step, count) in &other.steps {
            *self.steps.entry(*step).or_default() += count;
        }
        self.count += other.count;
    }

    /// Takes in another as if so many numbers were in it, spread as they are.
    pub fn join_as(&mut self, other: &Self, count: u64) {
        for (step, of_step) in &other.steps {
            let share = u128::from(*of_step) * u128::from(count) * SCALE / u128::from(other.count.max(1));
            let share = u64::try_from(share).unwrap_or(u64::MAX);
            *self.steps.entry(*step).or_default() += share;
            self.count += share;
        }
    }

    /// How many numbers were taken in.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The number below which so many thousandths of all lie, at most a thirty-second part too low; none where there is no number.
    pub fn quantile(&self, thousandths: u64) -> Option<u64> {
        let wanted = self.count.saturating_mul(thousandths).div_ceil(1000).max(1);
        let mut passed = 0;
        self.steps.iter().find_map(|(step, count)| {
            passed += count;
            (passed >= wanted).then_some(*step)
        })
    }
}

/// The number with all but its first bits at zero.
fn step(number: u64) -> u64 {
    let shift = number.checked_ilog2().unwrap_or(0).saturating_sub(KEPT);
    (number >> shift) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_within_a_thirty_second_part() {
        let mut spread = Spread::default();
        (1..=10_000).for_each(|number| spread.add(number * 37));
        for (thousandths, exact) in [(500, 185_000_u64), (950, 351_500), (1000, 370_000)] {
            let told = spread.quantile(thousandths).unwrap();
            assert!(told <= exact && exact - told <= exact / 32, "{thousandths}: {told}, {exact}");
        }
        assert_eq!((spread.quantile(1), Spread::default().quantile(500)), (Some(368), None));
    }

    #[test]
    fn joined_spreads_count_as_one() {
        let (mut one, mut both) = (Spread::default(), Spread::default());
        one.add(5);
        both.join(&one);
        both.join(&one);
        assert_eq!((both.count(), both.quantile(950)), (2, Some(5)));
    }

    #[test]
    fn shares_count_by_their_requests_and_not_by_what_was_seen() {
        let (mut slow, mut fast, mut mixed) = (Spread::default(), Spread::default(), Spread::default());
        (0..1000).for_each(|_| slow.add(900));
        fast.add(10);
        mixed.join_as(&slow, 1);
        mixed.join_as(&fast, 3);
        assert_eq!((mixed.quantile(500), mixed.quantile(950)), (Some(10), Some(896)));
    }
}
