//! Matrices as the kernels read them: tiles of 16 rows, so that one 512-bit load serves 16 rows at once. It knows how
//! tiles lie in memory and how to fill them; it must not know networks, threads or instruction sets.
//!
//! ```text
//!            32 columns = one block of activations; of the K kinds eight such are one tile
//!          ┌────────┬────────┬─ … ─┬────────┐
//!  16 rows │ tile 0 │ tile 1 │     │ K/32−1 │  = one strip, contiguous; a matrix is its strips
//!          └────────┴────────┴─ … ─┴────────┘
//!
//!  64 bytes of weights = one vector:   lane (row)   0        1              15
//!                                                ┌────────┬────────┬─ … ─┬────────┐
//!  four neighbouring columns a lane, as the      │c c c c │c c c c │     │c c c c │
//!  four-products instruction wants them          └────────┴────────┴─ … ─┴────────┘
//! ```
//!
//! A tile holds exactly what the file holds, in another order: weights with their bits, scales as they are. Floats that are
//! rounded to 8 bits become what Q8_0 is.
//!
//! | kind | weights of 32 columns | beside them | bits a weight |
//! |---|---|---|---|
//! | Q4_0, Q4_1 | 4 vectors; low nibbles columns 8j..8j+4, high ones 8j+4..8j+8 | scale; scale and minimum | 4.5, 5 |
//! | Q5_0, Q5_1 | the same, and a vector with the fifth bits | the same | 5.5, 6 |
//! | Q8_0 | 8 vectors, biased by 128 | scale | 8.5 |
//! | Q4_K, Q5_K | as Q4_0, as Q5_0 | steps of scale and minimum; of 256 columns their units | 4.625, 5.625 |
//! | Q6_K | as Q4_0, and 2 vectors with the upper two bits | steps of 2 scales; of 256 columns their unit | 6.5625 |
//! | MXFP4 | as Q4_0, 4-bit floats | a power of two | 4.25 |
//! | F16, BF16, F32 | a vector of 16 rows for each column | – | 16, 16, 32 |

pub(crate) mod blocks;
pub(crate) mod tiles;

use half::f16;

use crate::buffer;
use crate::gguf::TensorKind;
use tiles::{Floats, Quants, with_tile};

/// Rows of a tile.
pub(crate) const TILE_ROWS: usize = 16;
/// Columns of a block of activations; a tile has one such or several.
pub(crate) const BLOCK_COLUMNS: usize = 32;
/// What strips begin at multiples of, in bytes: what a processor loads at once then lies whole in a cache line, in most tiles.
pub(crate) const STRIP_ALIGNMENT: usize = 64;

/// Bytes of a strip of so many columns.
pub(crate) fn strip_bytes(kind: TensorKind, columns: usize) -> usize {
    with_tile!(kind, T => columns / T::COLUMNS * size_of::<T>(), F => columns / BLOCK_COLUMNS * size_of::<F>())
}

/// Bytes from one strip to the next.
pub(crate) fn step_bytes(kind: TensorKind, columns: usize) -> usize {
    strip_bytes(kind, columns).next_multiple_of(STRIP_ALIGNMENT)
}

/// 16 rows of a matrix.
#[derive(Clone, Copy)]
pub(crate) struct Strip<'a> {
    /// What its tiles hold.
    pub(crate) kind: TensorKind,
    pub(crate) bytes: &'a [u8],
}

/// Where a strip lies in the weights' memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// What its tiles hold.
    pub(crate) kind: TensorKind,
    /// Offset of its first byte; a multiple of [`STRIP_ALIGNMENT`].
    pub(crate) offset: usize,
}

/// A matrix whose strips lie in the weights' memory; several of a file's matrices may be joined in one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matrix {
    /// Columns: the length of what it is multiplied with; a multiple of 32.
    pub(crate) columns: usize,
    /// Rows: the length of what comes out; the last strip may have fewer than 16.
    pub(crate) rows: usize,
    pub(crate) strips: Vec<Place>,
}

impl Matrix {
    /// One of its strips, `memory` being where they lie.
    pub(crate) fn strip<'a>(&self, memory: &'a [u8], index: usize) -> Strip<'a> {
        let Place { kind, offset } = self.strips[index];
        Strip { kind, bytes: &memory[offset..offset + strip_bytes(kind, self.columns)] }
    }

    /// One of its rows as floats.
    pub(crate) fn unpack_row(&self, memory: &[u8], row: usize, to: &mut [f32]) {
        let Strip { kind, bytes } = self.strip(memory, row / TILE_ROWS);
        let row = row % TILE_ROWS;
        with_tile!(kind, T => unpack_quants::<T>(bytes, row, to), F => unpack_floats::<F>(bytes, row, to));
    }
}

/// Fills a strip of tiles of kind `packed` from up to 16 rows of a file's matrix, stored in kind `stored`; missing rows become
/// zeros. The two are the same, or `packed` is [`TensorKind::Q8_0`] and `stored` a kind of floats, which are then rounded.
pub(crate) fn pack_strip(packed: TensorKind, stored: TensorKind, rows: &[&[u8]], to: &mut [u8]) {
    for (row, bytes) in rows.iter().enumerate().take(TILE_ROWS) {
        with_tile!(packed, T => pack_quants::<T>(stored, row, bytes, to), F => pack_floats::<F>(row, bytes, to));
    }
}

/// Whether all scales of a strip are finite, of kinds of which that is asked: [`TensorKind::Q8_0`], of which one is not where a
/// float that was rounded was not, or was too great; and [`TensorKind::Mxfp4`], whose greatest exponent stands for no number.
pub(crate) fn scales_are_finite(kind: TensorKind, strip: &[u8]) -> bool {
    match kind {
        TensorKind::Q8_0 => {
            let mut scales = buffer::cast::<tiles::Q8_0>(strip).iter().flat_map(|tile| &tile.scales.scales);
            scales.all(|scale| f16::from_bits(*scale).is_finite())
        }
        TensorKind::Mxfp4 => {
            let mut exponents = buffer::cast::<tiles::Mxfp4>(strip).iter().flat_map(|tile| &tile.scales.exponents);
            exponents.all(|exponent| *exponent < blocks::NO_EXPONENT)
        }
        _ => true,
    }
}

fn pack_quants<T: Quants>(stored: TensorKind, row: usize, bytes: &[u8], to: &mut [u8]) {
    for (index, tile) in buffer::cast_mut::<T>(to).iter_mut().enumerate() {
        tile.put(row, |block| blocks::group(stored, bytes, index * T::COLUMNS / BLOCK_COLUMNS + block));
    }
}

fn unpack_quants<T: Quants>(bytes: &[u8], row: usize, to: &mut [f32]) {
    for (to, tile) in to.chunks_exact_mut(T::COLUMNS).zip(buffer::cast::<T>(bytes)) {
        for (column, to) in to.iter_mut().enumerate() {
            *to = tile.weight(row, column);
        }
    }
}

fn pack_floats<F: Floats>(row: usize, bytes: &[u8], to: &mut [u8]) {
    let columns = buffer::cast_mut::<F>(to).iter_mut().flat_map(F::columns_mut);
    for (column, bits) in columns.zip(bytes.chunks_exact(size_of::<F::Stored>())) {
        column[row] = F::stored(bits);
    }
}

fn unpack_floats<F: Floats>(bytes: &[u8], row: usize, to: &mut [f32]) {
    let columns = buffer::cast::<F>(bytes).iter().flat_map(F::columns);
    for (to, column) in to.iter_mut().zip(columns) {
        *to = F::float(column[row]);
    }
}

#[cfg(test)]
mod tests;
