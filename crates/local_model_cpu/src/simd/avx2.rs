//! [`Simd`] with AVX2, FMA and F16C: two registers a vector. Has no four-products instruction, so bytes are multiplied
//! in pairs into 16 bits, which must not overflow: see `dot`.

use std::arch::x86_64::{
    __m256, __m256i, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT, _MM_HINT_T0, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32,
    _mm_loadl_epi64, _mm_loadu_si128, _mm_max_ps, _mm_max_ss, _mm_movehdup_ps, _mm_movehl_ps, _mm_packs_epi16,
    _mm_prefetch, _mm_storeu_si128, _mm256_add_epi32, _mm256_add_ps, _mm256_and_si256, _mm256_broadcastsi128_si256,
    _mm256_castps256_ps128, _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_cvtepi8_epi32, _mm256_cvtepi32_ps,
    _mm256_cvtepu8_epi32, _mm256_cvtepu16_epi32, _mm256_cvtph_ps, _mm256_cvtps_epi32, _mm256_cvtps_ph, _mm256_div_ps,
    _mm256_extractf128_ps, _mm256_extracti128_si256, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps, _mm256_or_si256,
    _mm256_packs_epi32, _mm256_permute4x64_epi64, _mm256_round_ps, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_shuffle_epi8, _mm256_slli_epi16, _mm256_slli_epi32, _mm256_srli_epi16,
    _mm256_storeu_ps, _mm256_sub_ps,
};

use super::{LANES, Simd, asking_ahead_pays};

/// Proof that this processor has the instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2 {
    asks_ahead: bool,
}

impl Avx2 {
    /// The proof, where the processor and the operating system have it.
    pub(crate) fn detect() -> Option<Self> {
        let present =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
        present.then(|| Self { asks_ahead: asking_ahead_pays() })
    }
}

type Floats = [__m256; 2];
type Ints = [__m256i; 2];

/// Methods whose bodies are instructions of this file's set.
macro_rules! instructions {
    ($(fn $name:ident $(<const $constant:ident: u32>)? ($self:ident $(, $argument:ident: $kind:ty)*) $(-> $result:ty)? $body:block)*) => {
        $(#[inline(always)]
        fn $name $(<const $constant: u32>)? ($self $(, $argument: $kind)*) $(-> $result)? {
            // SAFETY: `self` exists only where `detect` has found the instructions; memory is reached through
            // references to arrays of the full width, both halves of which lie inside, without alignment asked for.
            unsafe { $body }
        })*
    };
}

impl Simd for Avx2 {
    type Floats = Floats;
    type Ints = Ints;
    type Bytes = Ints;
    const ROWS_MAX: usize = 4;

    #[inline(always)]
    fn asks_ahead(self) -> bool {
        self.asks_ahead
    }

    instructions! {
        fn splat(self, value: f32) -> Floats { [_mm256_set1_ps(value); 2] }
        fn load(self, from: &[f32; LANES]) -> Floats {
            [_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from.as_ptr().add(8))]
        }
        fn store(self, value: Floats, to: &mut [f32; LANES]) {
            _mm256_storeu_ps(to.as_mut_ptr(), value[0]);
            _mm256_storeu_ps(to.as_mut_ptr().add(8), value[1]);
        }
        fn load_half(self, from: &[u16; LANES]) -> Floats {
            let low = _mm_loadu_si128(from.as_ptr().cast());
            let high = _mm_loadu_si128(from.as_ptr().add(8).cast());
            [_mm256_cvtph_ps(low), _mm256_cvtph_ps(high)]
        }
        fn load_brain(self, from: &[u16; LANES]) -> Floats {
            let low = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.as_ptr().cast()));
            let high = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.as_ptr().add(8).cast()));
            [_mm256_castsi256_ps(_mm256_slli_epi32::<16>(low)), _mm256_castsi256_ps(_mm256_slli_epi32::<16>(high))]
        }
        fn load_whole(self, from: &[u8; LANES]) -> Floats {
            let low = _mm256_cvtepu8_epi32(_mm_loadl_epi64(from.as_ptr().cast()));
            let high = _mm256_cvtepu8_epi32(_mm_loadl_epi64(from.as_ptr().add(8).cast()));
            [_mm256_cvtepi32_ps(low), _mm256_cvtepi32_ps(high)]
        }
        fn load_signed(self, from: &[i8; LANES]) -> Floats {
            let low = _mm256_cvtepi8_epi32(_mm_loadl_epi64(from.as_ptr().cast()));
            let high = _mm256_cvtepi8_epi32(_mm_loadl_epi64(from.as_ptr().add(8).cast()));
            [_mm256_cvtepi32_ps(low), _mm256_cvtepi32_ps(high)]
        }
        fn load_powers(self, exponents: &[u8; LANES]) -> Floats {
            let low = _mm256_cvtepu8_epi32(_mm_loadl_epi64(exponents.as_ptr().cast()));
            let high = _mm256_cvtepu8_epi32(_mm_loadl_epi64(exponents.as_ptr().add(8).cast()));
            [_mm256_castsi256_ps(_mm256_slli_epi32::<23>(low)), _mm256_castsi256_ps(_mm256_slli_epi32::<23>(high))]
        }

        fn store_half(self, value: Floats, to: &mut [u16; LANES]) {
            _mm_storeu_si128(to.as_mut_ptr().cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(value[0]));
            _mm_storeu_si128(to.as_mut_ptr().add(8).cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(value[1]));
        }
        fn add(self, a: Floats, b: Floats) -> Floats { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
        fn sub(self, a: Floats, b: Floats) -> Floats { [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])] }
        fn mul(self, a: Floats, b: Floats) -> Floats { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
        fn div(self, a: Floats, b: Floats) -> Floats { [_mm256_div_ps(a[0], b[0]), _mm256_div_ps(a[1], b[1])] }
        fn mul_add(self, a: Floats, b: Floats, c: Floats) -> Floats {
            [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])]
        }
        fn min(self, a: Floats, b: Floats) -> Floats { [_mm256_min_ps(a[0], b[0]), _mm256_min_ps(a[1], b[1])] }
        fn max(self, a: Floats, b: Floats) -> Floats { [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])] }
        fn sum(self, value: Floats) -> f32 {
            let eight = _mm256_add_ps(value[0], value[1]);
            let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
        }
        fn greatest(self, value: Floats) -> f32 {
            let eight = _mm256_max_ps(value[0], value[1]);
            let four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)))
        }
        fn round(self, value: Floats) -> Floats {
            const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
            [_mm256_round_ps::<NEAREST>(value[0]), _mm256_round_ps::<NEAREST>(value[1])]
        }
        fn scale_by_power(self, value: Floats, power: Floats) -> Floats {
            let bias = _mm256_set1_epi32(127);
            let low = _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_cvtps_epi32(power[0]), bias));
            let high = _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_cvtps_epi32(power[1]), bias));
            [_mm256_mul_ps(value[0], _mm256_castsi256_ps(low)), _mm256_mul_ps(value[1], _mm256_castsi256_ps(high))]
        }
        fn store_bytes(self, whole: Floats, to: &mut [i8; LANES]) {
            let words = _mm256_packs_epi32(_mm256_cvtps_epi32(whole[0]), _mm256_cvtps_epi32(whole[1]));
            // The packing works within halves of a register: quarters come out in the order 0, 2, 1, 3.
            let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(words);
            let bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
            _mm_storeu_si128(to.as_mut_ptr().cast(), bytes);
        }

        fn splat_int(self, value: i32) -> Ints { [_mm256_set1_epi32(value); 2] }
        fn int_to_float(self, value: Ints) -> Floats { [_mm256_cvtepi32_ps(value[0]), _mm256_cvtepi32_ps(value[1])] }

        fn load_bytes(self, from: &[u8; 64]) -> Ints {
            [_mm256_loadu_si256(from.as_ptr().cast()), _mm256_loadu_si256(from.as_ptr().add(32).cast())]
        }
        fn low_nibbles(self, bytes: Ints) -> Ints {
            let mask = _mm256_set1_epi8(15);
            [_mm256_and_si256(bytes[0], mask), _mm256_and_si256(bytes[1], mask)]
        }
        fn high_nibbles(self, bytes: Ints) -> Ints {
            self.low_nibbles([_mm256_srli_epi16::<4>(bytes[0]), _mm256_srli_epi16::<4>(bytes[1])])
        }
        fn look_up(self, table: &[u8; LANES], places: Ints) -> Ints {
            let table = _mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast()));
            [_mm256_shuffle_epi8(table, places[0]), _mm256_shuffle_epi8(table, places[1])]
        }
        fn join_bit<const PLACE: u32>(self, low: Ints, high: Ints) -> Ints {
            let mut joined = low;
            for half in 0..2 {
                let placed = match PLACE {
                    0 => _mm256_slli_epi16::<4>(high[half]),
                    1 => _mm256_slli_epi16::<3>(high[half]),
                    2 => _mm256_slli_epi16::<2>(high[half]),
                    3 => _mm256_slli_epi16::<1>(high[half]),
                    4 => high[half],
                    5 => _mm256_srli_epi16::<1>(high[half]),
                    6 => _mm256_srli_epi16::<2>(high[half]),
                    _ => _mm256_srli_epi16::<3>(high[half]),
                };
                joined[half] = _mm256_or_si256(low[half], _mm256_and_si256(placed, _mm256_set1_epi8(0x10)));
            }
            joined
        }
        fn join_two_bits<const PAIR: u32>(self, low: Ints, high: Ints) -> Ints {
            let mut joined = low;
            for half in 0..2 {
                let placed = match PAIR {
                    0 => _mm256_slli_epi16::<4>(high[half]),
                    1 => _mm256_slli_epi16::<2>(high[half]),
                    2 => high[half],
                    _ => _mm256_srli_epi16::<2>(high[half]),
                };
                joined[half] = _mm256_or_si256(low[half], _mm256_and_si256(placed, _mm256_set1_epi8(0x30)));
            }
            joined
        }
        fn dot_small(self, sum: Ints, bytes: Ints, four: [i8; 4]) -> Ints {
            // Pairs sum to at most 2 · 127 · 128, which 16 bits hold.
            let four = _mm256_set1_epi32(i32::from_ne_bytes(four.map(i8::cast_unsigned)));
            let ones = _mm256_set1_epi16(1);
            let pairs = [_mm256_maddubs_epi16(bytes[0], four), _mm256_maddubs_epi16(bytes[1], four)];
            [
                _mm256_add_epi32(sum[0], _mm256_madd_epi16(pairs[0], ones)),
                _mm256_add_epi32(sum[1], _mm256_madd_epi16(pairs[1], ones)),
            ]
        }
        fn dot(self, sum: Ints, bytes: Ints, four: [i8; 4]) -> Ints {
            // Two passes, because pairs of whole bytes would overflow 16 bits: the low seven bits, then the top one.
            let (low, top) = (_mm256_set1_epi8(0x7f), _mm256_set1_epi8(i8::MIN));
            let sum = self.dot_small(sum, [_mm256_and_si256(bytes[0], low), _mm256_and_si256(bytes[1], low)], four);
            self.dot_small(sum, [_mm256_and_si256(bytes[0], top), _mm256_and_si256(bytes[1], top)], four)
        }
        fn prefetch(self, address: *const u8) { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
}
