//! The few vector operations that the kernels are written in, so that each kernel exists once and runs on every
//! instruction set. It must not know weights, models or threads.
//!
//! A value of a type that implements [`Simd`] is the proof that this processor has its instructions: only `detect`
//! makes one. The methods are therefore safe to call; they are fast only when inlined into a function that is compiled
//! for the same instructions, which `kernels` sees to. Vectors are 16 lanes wide everywhere, because the packed weights
//! lie in tiles of 16 rows: one register with AVX-512, two with AVX2, an array elsewhere.

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
pub(crate) mod portable;

use half::{bf16, f16};

/// Lanes of every vector.
pub(crate) const LANES: usize = 16;

/// 16-lane arithmetic. Floats round to nearest even; `mul_add` may or may not round in between.
pub(crate) trait Simd: Copy {
    /// 16 × f32.
    type Floats: Copy;
    /// 16 × i32.
    type Ints: Copy;
    /// 64 × u8: four for each lane.
    type Bytes: Copy;
    /// Rows of activations that one pass over a tile of weights serves: what the registers hold.
    const ROWS_MAX: usize;

    fn splat(self, value: f32) -> Self::Floats;
    fn load(self, from: &[f32; LANES]) -> Self::Floats;
    fn store(self, value: Self::Floats, to: &mut [f32; LANES]);
    /// IEEE halves as floats.
    fn load_half(self, from: &[u16; LANES]) -> Self::Floats;
    /// bfloat16 as floats.
    fn load_brain(self, from: &[u16; LANES]) -> Self::Floats;
    /// Whole numbers as floats.
    fn load_whole(self, from: &[u8; LANES]) -> Self::Floats;
    /// Whole numbers with a sign as floats.
    fn load_signed(self, from: &[i8; LANES]) -> Self::Floats;
    /// The powers of two with these exponents, counted from 127 as floats do; zero for a zero.
    fn load_powers(self, exponents: &[u8; LANES]) -> Self::Floats;

    /// Floats as bfloat16, ties to even; what is not a number stays none.
    #[inline(always)]
    fn store_brain(self, value: Self::Floats, to: &mut [u16; LANES]) {
        let mut lanes = [0.0; LANES];
        self.store(value, &mut lanes);
        for (to, lane) in to.iter_mut().zip(lanes) {
            *to = bf16::from_f32(lane).to_bits();
        }
    }

    /// Floats as IEEE halves, ties to even.
    #[inline(always)]
    fn store_half(self, value: Self::Floats, to: &mut [u16; LANES]) {
        let mut lanes = [0.0; LANES];
        self.store(value, &mut lanes);
        for (to, lane) in to.iter_mut().zip(lanes) {
            *to = f16::from_f32(lane).to_bits();
        }
    }

    fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn sub(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn mul(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn div(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a * b + c`.
    fn mul_add(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    fn min(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn max(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// The sum of the lanes.
    fn sum(self, value: Self::Floats) -> f32;
    /// The greatest of the lanes.
    fn greatest(self, value: Self::Floats) -> f32;
    /// To the nearest whole number, ties to even.
    fn round(self, value: Self::Floats) -> Self::Floats;
    /// `value * 2^power`, `power` whole and between −126 and 127.
    fn scale_by_power(self, value: Self::Floats, power: Self::Floats) -> Self::Floats;
    /// Whole numbers between −128 and 127 as bytes.
    fn store_bytes(self, whole: Self::Floats, to: &mut [i8; LANES]);

    fn splat_int(self, value: i32) -> Self::Ints;
    fn int_to_float(self, value: Self::Ints) -> Self::Floats;

    fn load_bytes(self, from: &[u8; 64]) -> Self::Bytes;
    fn low_nibbles(self, bytes: Self::Bytes) -> Self::Bytes;
    fn high_nibbles(self, bytes: Self::Bytes) -> Self::Bytes;
    /// What stands in the table at each of the places, which are below 16.
    fn look_up(self, table: &[u8; LANES], places: Self::Bytes) -> Self::Bytes;
    /// `low | one << 4`, where `one` is the bit `PLACE` of each byte of `high`.
    fn join_bit<const PLACE: u32>(self, low: Self::Bytes, high: Self::Bytes) -> Self::Bytes;
    /// `low | two << 4`, where `two` are the bits `2 * PAIR` and `2 * PAIR + 1` of each byte of `high`.
    fn join_two_bits<const PAIR: u32>(self, low: Self::Bytes, high: Self::Bytes) -> Self::Bytes;
    /// Adds to each lane the dot product of its four bytes, each at most 127, with four activations.
    fn dot_small(self, sum: Self::Ints, bytes: Self::Bytes, four: [i8; 4]) -> Self::Ints;
    /// As [`Simd::dot_small`] for bytes up to 255 and activations of at least −127.
    fn dot(self, sum: Self::Ints, bytes: Self::Bytes, four: [i8; 4]) -> Self::Ints;

    /// Whether it pays to ask for weights before they are used.
    fn asks_ahead(self) -> bool;
    /// Asks for the cache line that holds `address`, whatever it is.
    fn prefetch(self, address: *const u8);

    /// e to the power of each lane, to about two units in the last place; below −87 it stays at e^−87.
    #[inline(always)]
    fn exp(self, value: Self::Floats) -> Self::Floats {
        // ln 2 in two parts, so that the reduction is exact; the polynomial is Cephes' for |x| ≤ ln 2 / 2.
        const LN2_HIGH: f32 = 0.693_359_4;
        const LN2_LOW: f32 = -2.121_944_4e-4;
        const FIRST: f32 = 1.987_569_1e-4;
        const OTHERS: [f32; 5] = [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5];
        let x = self.min(self.max(value, self.splat(-87.0)), self.splat(88.0));
        let power = self.round(self.mul(x, self.splat(std::f32::consts::LOG2_E)));
        let rest = self.mul_add(power, self.splat(-LN2_HIGH), x);
        let rest = self.mul_add(power, self.splat(-LN2_LOW), rest);
        let mut sum = self.splat(FIRST);
        for coefficient in OTHERS {
            sum = self.mul_add(sum, rest, self.splat(coefficient));
        }
        let sum = self.mul_add(sum, self.mul(rest, rest), self.add(rest, self.splat(1.0)));
        self.scale_by_power(sum, power)
    }
}

/// Whether to ask for weights ahead. AMD's processors notice by themselves that memory is read from one end to the other, and
/// are slowed down by being asked: a thread of a Zen 4 reads 4-bit weights at 25.7 GB/s unasked and at 20.0 asked, 6-bit ones at
/// 22.7 and 15.3.
#[cfg(target_arch = "x86_64")]
fn asking_ahead_pays() -> bool {
    let vendor = std::arch::x86_64::__cpuid(0);
    let name = [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes);
    ![*b"AuthenticAMD", *b"HygonGenuine"].contains(name.as_flattened().as_array().unwrap_or(&[0; 12]))
}

#[cfg(test)]
mod tests;
