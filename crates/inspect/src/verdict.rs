//! What a reader of one kind answers about one place, and the arithmetic that several kinds share. Knows no kind's form.

use std::ops::Range;

use crate::cluster::Number;
use crate::view::More;
use crate::{Kind, Strength};

/// An identifier, in places of the view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) range: Range<usize>,
    pub(crate) kind: Kind,
    pub(crate) strength: Strength,
}

impl Match {
    /// All of `number`.
    pub(crate) fn of(number: &Number<'_>, kind: Kind, strength: Strength) -> Self {
        Self { range: number.start..number.end, kind, strength }
    }
}

/// An identifier, none, or not decidable yet.
pub(crate) type Verdict = Result<Option<Match>, More>;

/// The value of an ASCII digit.
pub(crate) fn value(digit: u8) -> u32 {
    u32::from(digit.saturating_sub(b'0'))
}

/// The number that ASCII digits write; at most 18 of them.
pub(crate) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number: u64, digit| number.saturating_mul(10).saturating_add(u64::from(value(*digit))))
}

/// Σ weight · digit.
pub(crate) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| value(*digit) * weight).sum()
}

/// The check of ISO/IEC 7812-1, annex B.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, value(*digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether that day exists.
pub(crate) fn is_date(year: u64, month: u64, day: u64) -> bool {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// Whether digits begin as a moment of our time is written: year, month, day, hour, minute.
pub(crate) fn is_moment(digits: &[u8]) -> bool {
    let part = |range: Range<usize>| digits.get(range).map_or(u64::MAX, number);
    (1970..2100).contains(&part(0..4))
        && is_date(part(0..4), part(4..6), part(6..8))
        && part(8..10) < 24
        && part(10..12) < 60
}

/// Whether all digits are the same: nobody's number, though many checks hold for it.
pub(crate) fn is_uniform(digits: &[u8]) -> bool {
    digits.windows(2).all(|pair| matches!(pair, [a, b] if a == b))
}

/// Whether `byte` goes on with a word.
pub(crate) fn is_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::{is_date, is_moment, luhn};

    #[test]
    fn arithmetic() {
        assert!(luhn(b"4111111111111111") && !luhn(b"4111111111111112"));
        assert!(is_date(2024, 2, 29) && !is_date(1900, 2, 29) && !is_date(2024, 13, 1) && !is_date(2024, 4, 31));
        assert!(is_moment(b"202401021530") && !is_moment(b"202413021530"));
    }
}
