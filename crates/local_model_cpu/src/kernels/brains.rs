//! Matrix times many rows of activations with the processor's matrix registers, in bfloat16: weights are scaled, rounded
//! to eight significant bits and multiplied with activations rounded alike; sums are 32 bits and do not leave the
//! registers for up to 24 blocks of columns. Weights that the file has as floats are multiplied as vectors do.
//!
//! Few rows (answers being written) stay with the vectors, so an answer does not depend on how many others are written
//! beside it until these are 48. Whole numbers in the matrix registers would give the vectors' results to the last bit;
//! measured, they are no faster, as each block's sums must leave the registers to be scaled.
//!
//! ```text
//!  for two strips:  for each piece of their columns:  weights → bfloat16s, in the nearest caches
//!                     for each two panels of 16 rows:  four registers of sums += panels × strips
//! ```

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, _mm512_castps_si512, _mm512_castsi512_ps, _mm512_cvtepi32_ps, _mm512_cvtne2ps_pbh,
    _mm512_fmadd_ps, _mm512_maskz_permutexvar_epi8, _mm512_permutexvar_epi32, _mm512_storeu_si512,
};
use std::cell::RefCell;
use std::ops::Range;

use super::multiply::{Product, floating, write};
use super::tiles::QuantTile;
use crate::activations::{Panels, Rounding};
use crate::buffer;
use crate::gguf::TensorKind;
use crate::packed::Strip;
use crate::packed::tiles::{BrainTile, HalfTile, SingleTile, with_tile};
use crate::simd::amx::{Amx, BrainPairs, Held, Sums};
use crate::simd::avx512::Avx512;
use crate::simd::{LANES, Simd};

/// Rows of activations of a panel.
const WIDTH: usize = 16;
/// Rows from which weights are made bfloat16s, which takes as long as multiplying some 20 rows with vectors.
const ROWS_MIN: usize = 48;
/// Strips that go together.
const STRIPS: usize = 2;
/// Blocks of columns that are made bfloat16s at once: 24 KiB a strip, which stay in the nearest caches.
const BLOCKS: usize = 24;
/// Pairs of panels whose sums are kept between two pieces of columns.
const PAIRS: usize = 8;

/// What a thread works in.
struct Scratch {
    weights: [[BrainPairs; BLOCKS]; STRIPS],
    /// `[pair of panels][strip][panel of the pair]`
    sums: [[[Sums; 2]; STRIPS]; PAIRS],
}

thread_local! {
    static SCRATCH: RefCell<Box<Scratch>> = RefCell::new(Box::new(Scratch {
        weights: [[BrainPairs([[0; 32]; 16]); BLOCKS]; STRIPS],
        sums: [[[Sums([[0.0; LANES]; WIDTH]); 2]; STRIPS]; PAIRS],
    }));
}

/// How so many rows are wanted for the registers; nothing where vectors are better.
pub(super) fn panels(rows: usize, columns: usize) -> Option<Panels> {
    (rows >= ROWS_MIN).then(|| Panels { rounding: Rounding::Brains, ..Panels::new(rows, columns, WIDTH) })
}

/// As [`super::multiply::multiply`], for such panels.
pub(super) fn multiply(amx: Amx, product: &Product<'_>, strips: Range<usize>) {
    // SAFETY: `amx` is the proof that the processor has these instructions. The scratch is borrowed alone, so this thread
    // is in here once and nothing else holds its registers.
    SCRATCH.with_borrow_mut(|scratch| unsafe { multiply_in(amx, product, strips, scratch) });
}

// No closures from here on: they would not be compiled for these instructions.
/// # Safety
/// Nothing else in this thread holds its matrix registers.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,avx512vbmi,avx2,fma,f16c")]
unsafe fn multiply_in(amx: Amx, product: &Product<'_>, strips: Range<usize>, scratch: &mut Scratch) {
    // SAFETY: the caller answers for it.
    let held = unsafe { amx.hold() };
    let simd = amx.vectors();
    let pairs = product.panels.count().div_ceil(2);
    let mut first = strips.start;
    while first < strips.end {
        let some = first..(first + STRIPS).min(strips.end);
        for start in (0..pairs).step_by(PAIRS) {
            let pairs = start..(start + PAIRS).min(pairs);
            some_strips(simd, &held, product, some.clone(), pairs, scratch);
        }
        first = some.end;
    }
}

#[inline(always)]
fn some_strips(
    simd: Avx512,
    held: &Held,
    product: &Product<'_>,
    strips: Range<usize>,
    pairs: Range<usize>,
    scratch: &mut Scratch,
) {
    let panels = product.panels;
    let (rows, _) = product.brains.as_chunks::<WIDTH>();
    for sums in scratch.sums.iter_mut().take(pairs.len()) {
        for sums in sums.as_flattened_mut() {
            for row in &mut sums.0 {
                simd.store(simd.splat(0.0), row);
            }
        }
    }
    // Pieces of about the same size.
    let pieces = panels.blocks.div_ceil(BLOCKS).max(1);
    for piece in 0..pieces {
        let blocks = panels.blocks * piece / pieces..panels.blocks * (piece + 1) / pieces;
        for (index, to) in strips.clone().zip(&mut scratch.weights) {
            expand(simd, product.matrix.strip(product.memory, index), blocks.clone(), to);
        }
        let [first, second] = &scratch.weights;
        for (pair, sums) in pairs.clone().zip(&mut scratch.sums) {
            // The last pair's second panel may be nobody's rows: there is memory for it, and it is not written out.
            let place = 2 * pair * panels.blocks;
            let one = &rows[place..][blocks.clone()];
            let other = &rows[place + panels.blocks..][blocks.clone()];
            held.add_products([one, other], [&first[..blocks.len()], &second[..blocks.len()]], sums);
        }
    }
    for (pair, sums) in pairs.zip(&scratch.sums) {
        for (index, sums) in strips.clone().zip(sums) {
            for (panel, sums) in (2 * pair..panels.count().min(2 * pair + 2)).zip(sums) {
                finish(simd, product, index, panel, sums);
            }
        }
    }
}

/// Writes a strip's results of a panel; those of floats are computed here.
#[inline(always)]
fn finish(simd: Avx512, product: &Product<'_>, index: usize, panel: usize, sums: &Sums) {
    match product.matrix.strip(product.memory, index).kind {
        TensorKind::F16 => floating::<Avx512, HalfTile, WIDTH>(simd, product, index, panel..panel + 1),
        TensorKind::Bf16 => floating::<Avx512, BrainTile, WIDTH>(simd, product, index, panel..panel + 1),
        TensorKind::F32 => floating::<Avx512, SingleTile, WIDTH>(simd, product, index, panel..panel + 1),
        _ => {
            let mut vectors = [simd.splat(0.0); WIDTH];
            for (vector, sums) in vectors.iter_mut().zip(&sums.0) {
                *vector = simd.load(sums);
            }
            write(simd, product, index, panel, &vectors);
        }
    }
}

/// Makes some of a strip's blocks of 32 columns bfloat16s; floats are left out.
#[inline(always)]
fn expand(simd: Avx512, strip: Strip<'_>, blocks: Range<usize>, to: &mut [BrainPairs; BLOCKS]) {
    with_tile!(strip.kind, T => expand_tiles::<T>(simd, strip, blocks, to), F => no_tiles::<F>());
}

fn no_tiles<F>() {}

#[inline(always)]
fn expand_tiles<T: QuantTile>(simd: Avx512, strip: Strip<'_>, blocks: Range<usize>, to: &mut [BrainPairs; BLOCKS]) {
    let spread = Spread::new(simd);
    let tiles = buffer::cast::<T>(strip.bytes);
    for (block, to) in blocks.zip(to) {
        let (tile, block) = (&tiles[block / T::BLOCKS], block % T::BLOCKS);
        tile.ask_ahead(simd, block);
        let halves = if T::HALVES { 2 } else { 1 };
        for (half, to) in to.0.chunks_exact_mut(16 / halves).enumerate() {
            let [scales, minima] = tile.scales(simd, block, half);
            let centre = simd.splat(-f32::from(T::CENTRE));
            let factors = spread.factors(scales, simd.mul_add(scales, centre, minima));
            for (four, to) in to.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                let [first, second] = to;
                spread.columns(tile.four(simd, block, 8 / halves * half + four), &factors, [first, second]);
            }
        }
    }
}

/// How four columns of 16 rows become two vectors of pairs: which byte goes to which 32-bit lane.
struct Spread {
    /// `[pair of columns][half of the rows]`: lane l is row 8·half + l/2, column 2·pair + l mod 2.
    bytes: [[__m512i; 2]; 2],
    /// `[half of the rows]`: lane l is row 8·half + l/2.
    rows: [__m512i; 2],
}

/// Scales and minima of each half of the rows, each row's twice.
struct Factors {
    scales: [__m512; 2],
    minima: [__m512; 2],
}

const LOW_BYTES: u64 = 0x1111_1111_1111_1111;

const fn byte_places(pair: usize, half: usize) -> [i32; LANES] {
    let mut places = [0; LANES];
    let mut lane = 0;
    while lane < LANES {
        places[lane] = (4 * (8 * half + lane / 2) + 2 * pair + lane % 2) as i32;
        lane += 1;
    }
    places
}

const fn row_places(half: usize) -> [i32; LANES] {
    let mut places = [0; LANES];
    let mut lane = 0;
    while lane < LANES {
        places[lane] = (8 * half + lane / 2) as i32;
        lane += 1;
    }
    places
}

impl Spread {
    #[inline(always)]
    fn new(simd: Avx512) -> Self {
        const BYTES: [[[i32; LANES]; 2]; 2] =
            [[byte_places(0, 0), byte_places(0, 1)], [byte_places(1, 0), byte_places(1, 1)]];
        const ROWS: [[i32; LANES]; 2] = [row_places(0), row_places(1)];
        Self {
            bytes: [
                [simd.load_ints(&BYTES[0][0]), simd.load_ints(&BYTES[0][1])],
                [simd.load_ints(&BYTES[1][0]), simd.load_ints(&BYTES[1][1])],
            ],
            rows: [simd.load_ints(&ROWS[0]), simd.load_ints(&ROWS[1])],
        }
    }

    #[inline(always)]
    fn factors(&self, scales: __m512, minima: __m512) -> Factors {
        // SAFETY: who has made `self` had the proof of AVX-512 (F).
        unsafe {
            let (scales, minima) = (_mm512_castps_si512(scales), _mm512_castps_si512(minima));
            Factors {
                scales: [
                    _mm512_castsi512_ps(_mm512_permutexvar_epi32(self.rows[0], scales)),
                    _mm512_castsi512_ps(_mm512_permutexvar_epi32(self.rows[1], scales)),
                ],
                minima: [
                    _mm512_castsi512_ps(_mm512_permutexvar_epi32(self.rows[0], minima)),
                    _mm512_castsi512_ps(_mm512_permutexvar_epi32(self.rows[1], minima)),
                ],
            }
        }
    }

    /// Four columns of whole numbers, scaled.
    #[inline(always)]
    fn columns(&self, bytes: __m512i, factors: &Factors, to: [&mut [u16; 32]; 2]) {
        for (places, to) in self.bytes.iter().zip(to) {
            // SAFETY: what has the matrix registers has AVX-512 with VBMI and BF16, for which `Amx::detect` asks;
            // `to` is as wide as a vector.
            unsafe {
                let low = _mm512_cvtepi32_ps(_mm512_maskz_permutexvar_epi8(LOW_BYTES, places[0], bytes));
                let high = _mm512_cvtepi32_ps(_mm512_maskz_permutexvar_epi8(LOW_BYTES, places[1], bytes));
                let low = _mm512_fmadd_ps(low, factors.scales[0], factors.minima[0]);
                let high = _mm512_fmadd_ps(high, factors.scales[1], factors.minima[1]);
                let pairs = _mm512_cvtne2ps_pbh(high, low);
                _mm512_storeu_si512(to.as_mut_ptr().cast(), std::mem::transmute::<__m512bh, __m512i>(pairs));
            }
        }
    }
}

#[cfg(test)]
mod tests;
