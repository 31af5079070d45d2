//! [`Simd`] with AVX-512 (F, BW, VL, DQ, VNNI) and F16C: one register a vector; four products a lane in one instruction.

use std::arch::x86_64::{
    __m512, __m512i, _CMP_UNORD_Q, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT, _MM_HINT_T0, _mm_loadu_si128,
    _mm_prefetch, _mm_storeu_si128, _mm256_loadu_si256, _mm256_storeu_si256, _mm512_add_epi32, _mm512_add_ps,
    _mm512_and_si512, _mm512_broadcast_i32x4, _mm512_castps_si512, _mm512_castsi512_ps, _mm512_cmp_ps_mask,
    _mm512_cvtepi8_epi32, _mm512_cvtepi32_epi16, _mm512_cvtepi32_ps, _mm512_cvtepu8_epi32, _mm512_cvtepu16_epi32,
    _mm512_cvtph_ps, _mm512_cvtps_epi32, _mm512_cvtps_ph, _mm512_cvtsepi32_epi8, _mm512_div_ps, _mm512_dpbusd_epi32,
    _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_mov_epi32, _mm512_max_ps, _mm512_min_ps,
    _mm512_mul_ps, _mm512_or_si512, _mm512_reduce_add_ps, _mm512_reduce_max_ps, _mm512_roundscale_ps, _mm512_scalef_ps,
    _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_ps, _mm512_shuffle_epi8, _mm512_slli_epi16, _mm512_slli_epi32,
    _mm512_srli_epi16, _mm512_srli_epi32, _mm512_storeu_ps, _mm512_sub_ps,
};

use super::{LANES, Simd, asking_ahead_pays};

/// Proof that this processor has the instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512 {
    asks_ahead: bool,
}

impl Avx512 {
    /// The proof, where the processor and the operating system have it.
    pub(crate) fn detect() -> Option<Self> {
        let present = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vnni")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("f16c")
            && is_x86_feature_detected!("fma");
        present.then(|| Self { asks_ahead: asking_ahead_pays() })
    }

    /// Whole numbers.
    #[expect(clippy::unused_self, reason = "the value is the proof that the instructions are there")]
    #[inline(always)]
    pub(crate) fn load_ints(self, from: &[i32; LANES]) -> __m512i {
        // SAFETY: `self` is the proof that the instruction is there; the reference is to the whole width.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }
}

/// Methods whose bodies are instructions of this file's set.
macro_rules! instructions {
    ($(fn $name:ident $(<const $constant:ident: u32>)? ($self:ident $(, $argument:ident: $kind:ty)*) $(-> $result:ty)? $body:block)*) => {
        $(#[inline(always)]
        fn $name $(<const $constant: u32>)? ($self $(, $argument: $kind)*) $(-> $result)? {
            // SAFETY: `self` exists only where `detect` has found the instructions; memory is reached through
            // references to arrays of the full width, by instructions that ask for no alignment.
            unsafe { $body }
        })*
    };
}

impl Simd for Avx512 {
    type Floats = __m512;
    type Ints = __m512i;
    type Bytes = __m512i;
    const ROWS_MAX: usize = 8;

    #[inline(always)]
    fn asks_ahead(self) -> bool {
        self.asks_ahead
    }

    instructions! {
        fn splat(self, value: f32) -> __m512 { _mm512_set1_ps(value) }
        fn load(self, from: &[f32; LANES]) -> __m512 { _mm512_loadu_ps(from.as_ptr()) }
        fn store(self, value: __m512, to: &mut [f32; LANES]) { _mm512_storeu_ps(to.as_mut_ptr(), value) }
        fn load_half(self, from: &[u16; LANES]) -> __m512 { _mm512_cvtph_ps(_mm256_loadu_si256(from.as_ptr().cast())) }
        fn load_brain(self, from: &[u16; LANES]) -> __m512 {
            let wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.as_ptr().cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(wide))
        }
        fn load_whole(self, from: &[u8; LANES]) -> __m512 {
            _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.as_ptr().cast())))
        }
        fn load_signed(self, from: &[i8; LANES]) -> __m512 {
            _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(from.as_ptr().cast())))
        }
        fn load_powers(self, exponents: &[u8; LANES]) -> __m512 {
            let wide = _mm512_cvtepu8_epi32(_mm_loadu_si128(exponents.as_ptr().cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(wide))
        }

        fn store_brain(self, value: __m512, to: &mut [u16; LANES]) {
            // Half of what is cut off is added, less one bit where what stays is even: a tie goes to even.
            let bits = _mm512_castps_si512(value);
            let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
            let rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
            let none = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(value, value);
            let rounded = _mm512_mask_mov_epi32(rounded, none, _mm512_set1_epi32(0x7fc0_0000));
            _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm512_cvtepi32_epi16(_mm512_srli_epi32::<16>(rounded)));
        }
        fn store_half(self, value: __m512, to: &mut [u16; LANES]) {
            let halves = _mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(value);
            _mm256_storeu_si256(to.as_mut_ptr().cast(), halves);
        }
        fn add(self, a: __m512, b: __m512) -> __m512 { _mm512_add_ps(a, b) }
        fn sub(self, a: __m512, b: __m512) -> __m512 { _mm512_sub_ps(a, b) }
        fn mul(self, a: __m512, b: __m512) -> __m512 { _mm512_mul_ps(a, b) }
        fn div(self, a: __m512, b: __m512) -> __m512 { _mm512_div_ps(a, b) }
        fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 { _mm512_fmadd_ps(a, b, c) }
        fn min(self, a: __m512, b: __m512) -> __m512 { _mm512_min_ps(a, b) }
        fn max(self, a: __m512, b: __m512) -> __m512 { _mm512_max_ps(a, b) }
        fn sum(self, value: __m512) -> f32 { _mm512_reduce_add_ps(value) }
        fn greatest(self, value: __m512) -> f32 { _mm512_reduce_max_ps(value) }
        fn round(self, value: __m512) -> __m512 { _mm512_roundscale_ps::<_MM_FROUND_TO_NEAREST_INT>(value) }
        fn scale_by_power(self, value: __m512, power: __m512) -> __m512 { _mm512_scalef_ps(value, power) }
        fn store_bytes(self, whole: __m512, to: &mut [i8; LANES]) {
            let bytes = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(whole));
            _mm_storeu_si128(to.as_mut_ptr().cast(), bytes);
        }

        fn splat_int(self, value: i32) -> __m512i { _mm512_set1_epi32(value) }
        fn int_to_float(self, value: __m512i) -> __m512 { _mm512_cvtepi32_ps(value) }

        fn load_bytes(self, from: &[u8; 64]) -> __m512i { _mm512_loadu_si512(from.as_ptr().cast()) }
        fn low_nibbles(self, bytes: __m512i) -> __m512i { _mm512_and_si512(bytes, _mm512_set1_epi8(15)) }
        fn high_nibbles(self, bytes: __m512i) -> __m512i {
            _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), _mm512_set1_epi8(15))
        }
        fn look_up(self, table: &[u8; LANES], places: __m512i) -> __m512i {
            let table = _mm512_broadcast_i32x4(_mm_loadu_si128(table.as_ptr().cast()));
            _mm512_shuffle_epi8(table, places)
        }
        fn join_bit<const PLACE: u32>(self, low: __m512i, high: __m512i) -> __m512i {
            let placed = match PLACE {
                0 => _mm512_slli_epi16::<4>(high),
                1 => _mm512_slli_epi16::<3>(high),
                2 => _mm512_slli_epi16::<2>(high),
                3 => _mm512_slli_epi16::<1>(high),
                4 => high,
                5 => _mm512_srli_epi16::<1>(high),
                6 => _mm512_srli_epi16::<2>(high),
                _ => _mm512_srli_epi16::<3>(high),
            };
            _mm512_or_si512(low, _mm512_and_si512(placed, _mm512_set1_epi8(0x10)))
        }
        fn join_two_bits<const PAIR: u32>(self, low: __m512i, high: __m512i) -> __m512i {
            let placed = match PAIR {
                0 => _mm512_slli_epi16::<4>(high),
                1 => _mm512_slli_epi16::<2>(high),
                2 => high,
                _ => _mm512_srli_epi16::<2>(high),
            };
            _mm512_or_si512(low, _mm512_and_si512(placed, _mm512_set1_epi8(0x30)))
        }
        fn dot_small(self, sum: __m512i, bytes: __m512i, four: [i8; 4]) -> __m512i {
            let four = i32::from_ne_bytes(four.map(i8::cast_unsigned));
            _mm512_dpbusd_epi32(sum, bytes, _mm512_set1_epi32(four))
        }
        fn dot(self, sum: __m512i, bytes: __m512i, four: [i8; 4]) -> __m512i {
            let four = i32::from_ne_bytes(four.map(i8::cast_unsigned));
            _mm512_dpbusd_epi32(sum, bytes, _mm512_set1_epi32(four))
        }
        fn prefetch(self, address: *const u8) { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
}
