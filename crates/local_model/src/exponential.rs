//! Exponentials of whole rows of logits. The standard library's takes one number at a time and made up most of the cost of
//! a token; this one the compiler turns into vector instructions. It is also the same on every machine, which the standard
//! library's need not be: a seed draws the same everywhere. Pure.

/// Below this the exponential is less than an `f32` normally holds: 0 here.
const LOWEST: f32 = -87.0;

/// Adding this to a number of moderate size leaves the nearest integer in the sum's lowest bits.
const ROUNDER: f32 = 12_582_912.0;

/// One through the factorials from 6 down to 0; the next would be lost in rounding.
const FACTORS: [f32; 7] = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 1.0 / 2.0, 1.0, 1.0];

/// Sums kept side by side, so that additions need not wait for each other.
const LANES: usize = 8;

/// `e` to the power of `x`, for `x` of 0 or less; 0 for what is not a number. The relative error is below 4e-7 near 0 and
/// grows with `x` as the rounding of `x` itself does, to 6e-6 at the lowest.
pub(crate) fn of_negative(x: f32) -> f32 {
    // e^x = 2^whole · 2^part with part between −0.5 and 0.5; the factors are those of its Taylor series.
    let twos = x.max(LOWEST) * std::f32::consts::LOG2_E;
    let rounded = twos + ROUNDER;
    let part = (twos - (rounded - ROUNDER)) * std::f32::consts::LN_2;
    let series = FACTORS.iter().fold(0.0, |series, factor| series * part + factor);
    let power = f32::from_bits(series.to_bits().wrapping_add(rounded.to_bits() << 23));
    if x >= LOWEST { power } else { 0.0 }
}

/// The sum of many numbers.
pub(crate) fn sum(numbers: &[f32]) -> f64 {
    let (blocks, rest) = numbers.as_chunks::<LANES>();
    let mut lanes = [0.0_f64; LANES];
    for block in blocks {
        for (lane, &number) in lanes.iter_mut().zip(block) {
            *lane += f64::from(number);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().copied().map(f64::from).sum::<f64>()
}

#[cfg(test)]
mod tests;
