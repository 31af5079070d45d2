//! [`Simd`] in plain Rust: the reference for the others, and what runs where neither AVX2 nor AVX-512 is at hand.
//! The loops are of fixed length, so the compiler makes of them what the target has (NEON, SSE).

use half::{bf16, f16};

use super::{LANES, Simd};

/// Needs no instructions that the target does not have by definition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable;

type Floats = [f32; LANES];

#[inline(always)]
fn lanes(a: Floats, b: Floats, operation: impl Fn(f32, f32) -> f32) -> Floats {
    let mut result = [0.0; LANES];
    for lane in 0..LANES {
        result[lane] = operation(a[lane], b[lane]);
    }
    result
}

impl Simd for Portable {
    type Floats = Floats;
    type Ints = [i32; LANES];
    type Bytes = [u8; 64];
    const ROWS_MAX: usize = 4;

    #[inline(always)]
    fn splat(self, value: f32) -> Floats {
        [value; LANES]
    }
    #[inline(always)]
    fn load(self, from: &Floats) -> Floats {
        *from
    }
    #[inline(always)]
    fn store(self, value: Floats, to: &mut Floats) {
        *to = value;
    }
    #[inline(always)]
    fn load_half(self, from: &[u16; LANES]) -> Floats {
        from.map(|bits| f16::from_bits(bits).to_f32())
    }
    #[inline(always)]
    fn load_brain(self, from: &[u16; LANES]) -> Floats {
        from.map(|bits| bf16::from_bits(bits).to_f32())
    }

    #[inline(always)]
    fn load_whole(self, from: &[u8; LANES]) -> Floats {
        from.map(f32::from)
    }
    #[inline(always)]
    fn load_signed(self, from: &[i8; LANES]) -> Floats {
        from.map(f32::from)
    }
    #[inline(always)]
    fn load_powers(self, exponents: &[u8; LANES]) -> Floats {
        exponents.map(|exponent| f32::from_bits(u32::from(exponent) << 23))
    }

    #[inline(always)]
    fn store_brain(self, value: Floats, to: &mut [u16; LANES]) {
        *to = value.map(|lane| bf16::from_f32(lane).to_bits());
    }
    #[inline(always)]
    fn add(self, a: Floats, b: Floats) -> Floats {
        lanes(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: Floats, b: Floats) -> Floats {
        lanes(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: Floats, b: Floats) -> Floats {
        lanes(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: Floats, b: Floats) -> Floats {
        lanes(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn mul_add(self, a: Floats, b: Floats, c: Floats) -> Floats {
        // Not `f32::mul_add`, which is a call into the C library where the target has no such instruction.
        self.add(self.mul(a, b), c)
    }
    #[inline(always)]
    fn min(self, a: Floats, b: Floats) -> Floats {
        lanes(a, b, f32::min)
    }
    #[inline(always)]
    fn max(self, a: Floats, b: Floats) -> Floats {
        lanes(a, b, f32::max)
    }
    #[inline(always)]
    fn sum(self, value: Floats) -> f32 {
        value.iter().sum()
    }
    #[inline(always)]
    fn greatest(self, value: Floats) -> f32 {
        value.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }
    #[inline(always)]
    fn round(self, value: Floats) -> Floats {
        value.map(f32::round_ties_even)
    }
    #[inline(always)]
    fn scale_by_power(self, value: Floats, power: Floats) -> Floats {
        lanes(value, power, |value, power| value * f32::from_bits(((power as i32 + 127) as u32) << 23))
    }
    #[inline(always)]
    fn store_bytes(self, whole: Floats, to: &mut [i8; LANES]) {
        *to = whole.map(|lane| lane as i8);
    }

    #[inline(always)]
    fn splat_int(self, value: i32) -> [i32; LANES] {
        [value; LANES]
    }
    #[inline(always)]
    fn int_to_float(self, value: [i32; LANES]) -> Floats {
        value.map(|lane| lane as f32)
    }

    #[inline(always)]
    fn load_bytes(self, from: &[u8; 64]) -> [u8; 64] {
        *from
    }
    #[inline(always)]
    fn low_nibbles(self, bytes: [u8; 64]) -> [u8; 64] {
        bytes.map(|byte| byte & 15)
    }
    #[inline(always)]
    fn high_nibbles(self, bytes: [u8; 64]) -> [u8; 64] {
        bytes.map(|byte| byte >> 4)
    }
    #[inline(always)]
    fn look_up(self, table: &[u8; LANES], places: [u8; 64]) -> [u8; 64] {
        places.map(|place| table[usize::from(place) % LANES])
    }
    #[inline(always)]
    fn join_bit<const PLACE: u32>(self, low: [u8; 64], high: [u8; 64]) -> [u8; 64] {
        let mut joined = low;
        for (byte, high) in joined.iter_mut().zip(high) {
            *byte |= ((high >> PLACE) & 1) << 4;
        }
        joined
    }
    #[inline(always)]
    fn join_two_bits<const PAIR: u32>(self, low: [u8; 64], high: [u8; 64]) -> [u8; 64] {
        let mut joined = low;
        for (byte, high) in joined.iter_mut().zip(high) {
            *byte |= ((high >> (2 * PAIR)) & 3) << 4;
        }
        joined
    }
    #[inline(always)]
    fn dot_small(self, sum: [i32; LANES], bytes: [u8; 64], four: [i8; 4]) -> [i32; LANES] {
        self.dot(sum, bytes, four)
    }
    #[inline(always)]
    fn dot(self, mut sum: [i32; LANES], bytes: [u8; 64], four: [i8; 4]) -> [i32; LANES] {
        for (sum, bytes) in sum.iter_mut().zip(bytes.as_chunks::<4>().0) {
            for (byte, activation) in bytes.iter().zip(four) {
                *sum = sum.wrapping_add(i32::from(*byte) * i32::from(activation));
            }
        }
        sum
    }

    #[inline(always)]
    fn asks_ahead(self) -> bool {
        false
    }

    #[inline(always)]
    fn prefetch(self, _address: *const u8) {}
}
