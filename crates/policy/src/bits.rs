//! Sets of destinations, 256 at a time. Must not know what a destination is.

/// A set of up to 256 destinations, by their number within their lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bits([u64; 4]);

impl Bits {
    /// How many destinations one set holds.
    pub(crate) const LANE: usize = 256;
    pub(crate) const NONE: Self = Self([0; 4]);

    /// The first so many.
    pub(crate) fn first(count: usize) -> Self {
        let mut bits = Self::NONE;
        (0..count.min(Self::LANE)).for_each(|number| bits.insert(number));
        bits
    }

    pub(crate) fn insert(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }

    pub(crate) fn has(self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == [0; 4]
    }

    pub(crate) fn and(self, other: Self) -> Self {
        self.zip(other, |one, other| one & other)
    }

    pub(crate) fn or(self, other: Self) -> Self {
        self.zip(other, |one, other| one | other)
    }

    pub(crate) fn without(self, other: Self) -> Self {
        self.zip(other, |one, other| one & !other)
    }

    pub(crate) fn words(self) -> [u64; 4] {
        self.0
    }

    /// The numbers in it, ascending.
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().zip([0, 64, 128, 192]).flat_map(|(mut word, base)| {
            std::iter::from_fn(move || {
                let number = word.trailing_zeros() as usize;
                word &= word.wrapping_sub(1);
                (number < 64).then_some(base + number)
            })
        })
    }

    fn zip(self, other: Self, join: impl Fn(u64, u64) -> u64) -> Self {
        let mut words = self.0;
        words.iter_mut().zip(other.0).for_each(|(word, other)| *word = join(*word, other));
        Self(words)
    }
}
