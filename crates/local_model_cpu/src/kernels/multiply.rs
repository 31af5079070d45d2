//! Matrix times activations, tile by tile. One row of activations (an answer being written) is bound by memory, so
//! weights are asked for ahead where that helps; many rows (a prompt being read) are bound by arithmetic, so each vector of weights,
//! once unpacked, serves up to eight rows.

use std::ops::Range;

use super::Simd;
use crate::activations::{BrainBlock, Panels, QuantBlock};
use crate::buffer::{self, Disjoint, Plain};
use crate::packed::{
    BrainTile, ByteTile, HalfTile, Layout, MINI_CENTRE, MINI_FLOATS, Matrix, MiniTile, NibbleTile, SingleTile, SixTile,
    Strip, TILE_COLUMNS, TILE_ROWS,
};

/// One multiplication: `to[row] (+)= matrix · activations[row]`.
pub(crate) struct Product<'a> {
    pub(crate) matrix: &'a Matrix,
    /// Where the matrix's strips lie.
    pub(crate) memory: &'a [u8],
    /// Rows of `matrix.columns` floats; read where the weights are floats.
    pub(crate) floats: &'a [f32],
    /// The same rows, rounded; read where the weights are quantised.
    pub(crate) blocks: &'a [QuantBlock],
    /// The same rows as bfloat16s; read instead where the panels say so.
    pub(crate) brains: &'a [BrainBlock],
    pub(crate) panels: Panels,
    /// Rows of `matrix.rows` results.
    pub(crate) to: Disjoint<'a, f32>,
    /// Whether results are added to what is there.
    pub(crate) add: bool,
}

/// Bytes of activations that strips go over together: they stay in the second-level cache beside a strip.
const ACTIVATION_BYTES: usize = 256 << 10;
/// How far ahead of its use a weight is asked for when each is used once.
pub(super) const AHEAD_BYTES: usize = 2560;

/// Computes the results of `strips` for all rows. Two threads must not compute the same strip.
#[inline(always)]
pub(super) fn multiply<S: Simd>(simd: S, product: &Product<'_>, strips: Range<usize>) {
    let panels = product.panels;
    let panel_bytes = panels.width * panels.blocks * size_of::<QuantBlock>();
    let together = (ACTIVATION_BYTES / panel_bytes).max(1);
    let mut first = 0;
    while first < panels.count() {
        let some = first..(first + together).min(panels.count());
        for index in strips.clone() {
            match panels.width {
                1 => strip_by_layout::<S, 1>(simd, product, index, some.clone()),
                2 => strip_by_layout::<S, 2>(simd, product, index, some.clone()),
                4 => strip_by_layout::<S, 4>(simd, product, index, some.clone()),
                _ => strip_by_layout::<S, 8>(simd, product, index, some.clone()),
            }
        }
        first = some.end;
    }
}

#[inline(always)]
fn strip_by_layout<S: Simd, const M: usize>(simd: S, product: &Product<'_>, index: usize, panels: Range<usize>) {
    let strip = product.matrix.strip(product.memory, index);
    match strip.layout {
        Layout::Nibble => quantised::<S, NibbleTile, M>(simd, product, strip, index, panels),
        Layout::Mini => quantised::<S, MiniTile, M>(simd, product, strip, index, panels),
        Layout::Six => quantised::<S, SixTile, M>(simd, product, strip, index, panels),
        Layout::Byte => quantised::<S, ByteTile, M>(simd, product, strip, index, panels),
        Layout::Half => floating::<S, HalfTile, M>(simd, product, index, panels),
        Layout::Brain => floating::<S, BrainTile, M>(simd, product, index, panels),
        Layout::Single => floating::<S, SingleTile, M>(simd, product, index, panels),
    }
}

#[inline(always)]
fn quantised<S: Simd, T: QuantTile, const M: usize>(
    simd: S,
    product: &Product<'_>,
    strip: Strip<'_>,
    index: usize,
    panels: Range<usize>,
) {
    let tiles = buffer::cast::<T>(strip.bytes);
    for panel in panels {
        let (blocks, _) = product.blocks[product.panels.range(panel)].as_chunks::<M>();
        let mut sums = [simd.splat(0.0); M];
        for (tile, blocks) in tiles.iter().zip(blocks) {
            if M == 1 && simd.asks_ahead() {
                let ahead = std::ptr::from_ref(tile).cast::<u8>().wrapping_add(AHEAD_BYTES);
                for line in 0..size_of::<T>().div_ceil(64) {
                    simd.prefetch(ahead.wrapping_add(64 * line));
                }
            }
            tile.add_products(simd, blocks, &mut sums);
        }
        write(simd, product, index, panel, &sums);
    }
}

#[inline(always)]
pub(super) fn floating<S: Simd, T: FloatTile, const M: usize>(
    simd: S,
    product: &Product<'_>,
    index: usize,
    panels: Range<usize>,
) {
    let columns = product.matrix.columns;
    let tiles = buffer::cast::<T>(product.matrix.strip(product.memory, index).bytes);
    for panel in panels {
        let mut rows: [&[[f32; TILE_COLUMNS]]; M] = [&[]; M];
        for (row, from) in rows.iter_mut().zip(product.floats[panel * M * columns..].chunks_exact(columns)) {
            *row = from.as_chunks().0;
        }
        let mut sums = [simd.splat(0.0); M];
        for (block, tile) in tiles.iter().enumerate() {
            let mut floats = [&[0.0; TILE_COLUMNS]; M];
            for (floats, row) in floats.iter_mut().zip(rows) {
                *floats = &row[block];
            }
            for column in 0..TILE_COLUMNS {
                let weights = tile.column(simd, column);
                for (sum, floats) in sums.iter_mut().zip(floats) {
                    *sum = simd.mul_add(weights, simd.splat(floats[column]), *sum);
                }
            }
        }
        write(simd, product, index, panel, &sums);
    }
}

#[inline(always)]
pub(super) fn write<S: Simd, const M: usize>(
    simd: S,
    product: &Product<'_>,
    index: usize,
    panel: usize,
    sums: &[S::Floats; M],
) {
    let width = product.matrix.rows;
    let column = index * TILE_ROWS;
    for (row, sum) in (panel * M..product.panels.rows).zip(sums) {
        let end = (column + TILE_ROWS).min(width);
        // SAFETY: only this strip's results, for which the caller answers; a strip is computed by one thread.
        let to = unsafe { product.to.part(row * width + column..row * width + end) };
        if let Some(to) = to.as_mut_array::<TILE_ROWS>() {
            let before = if product.add { simd.load(to) } else { simd.splat(0.0) };
            simd.store(simd.add(*sum, before), to);
        } else {
            let mut all = [0.0; TILE_ROWS];
            simd.store(*sum, &mut all);
            for (to, sum) in to.iter_mut().zip(all) {
                *to = if product.add { *to + sum } else { sum };
            }
        }
    }
}

pub(super) trait QuantTile: Plain {
    /// Adds the products of this tile's 16 rows with one block of each of M rows.
    fn add_products<S: Simd, const M: usize>(&self, simd: S, blocks: &[QuantBlock; M], sums: &mut [S::Floats; M]);
}

impl QuantTile for NibbleTile {
    #[inline(always)]
    fn add_products<S: Simd, const M: usize>(&self, simd: S, blocks: &[QuantBlock; M], sums: &mut [S::Floats; M]) {
        let mut dots = [simd.splat_int(0); M];
        for (vector, nibbles) in self.nibbles.iter().enumerate() {
            let nibbles = simd.load_bytes(nibbles);
            let (low, high) = (simd.low_nibbles(nibbles), simd.high_nibbles(nibbles));
            for row in 0..M {
                dots[row] = simd.dot_small(dots[row], low, blocks[row].values[2 * vector]);
                dots[row] = simd.dot_small(dots[row], high, blocks[row].values[2 * vector + 1]);
            }
        }
        let (scales, minima) = (simd.load_half(&self.scales), simd.load_half(&self.minima));
        for row in 0..M {
            let dot = simd.mul(simd.int_to_float(dots[row]), simd.splat(blocks[row].scale));
            sums[row] = simd.mul_add(dot, scales, sums[row]);
            sums[row] = simd.mul_add(minima, simd.splat(blocks[row].scaled_sum), sums[row]);
        }
    }
}

impl QuantTile for MiniTile {
    #[inline(always)]
    fn add_products<S: Simd, const M: usize>(&self, simd: S, blocks: &[QuantBlock; M], sums: &mut [S::Floats; M]) {
        /// Sums over bytes begin where a centre of 128 is made good.
        const CENTRES: i32 = 128 / MINI_CENTRE as i32;
        let mut dots = [simd.splat_int(0); M];
        for row in 0..M {
            dots[row] = simd.splat_int(blocks[row].byte_start / CENTRES);
        }
        for (vector, nibbles) in self.nibbles.iter().enumerate() {
            let nibbles = simd.load_bytes(nibbles);
            let low = simd.look_up(&MINI_FLOATS, simd.low_nibbles(nibbles));
            let high = simd.look_up(&MINI_FLOATS, simd.high_nibbles(nibbles));
            for row in 0..M {
                dots[row] = simd.dot_small(dots[row], low, blocks[row].values[2 * vector]);
                dots[row] = simd.dot_small(dots[row], high, blocks[row].values[2 * vector + 1]);
            }
        }
        let scales = simd.load_powers(&self.exponents);
        for row in 0..M {
            let dot = simd.mul(simd.int_to_float(dots[row]), simd.splat(blocks[row].scale));
            sums[row] = simd.mul_add(dot, scales, sums[row]);
        }
    }
}

impl SixTile {
    /// The weights of 16 columns, 0 to 63, four columns a vector.
    #[inline(always)]
    pub(super) fn sixes<S: Simd>(&self, simd: S, half: usize) -> [S::Bytes; 4] {
        let first = simd.load_bytes(&self.nibbles[2 * half]);
        let second = simd.load_bytes(&self.nibbles[2 * half + 1]);
        let twos = simd.load_bytes(&self.twos[half]);
        [
            simd.join_two_bits::<0>(simd.low_nibbles(first), twos),
            simd.join_two_bits::<1>(simd.high_nibbles(first), twos),
            simd.join_two_bits::<2>(simd.low_nibbles(second), twos),
            simd.join_two_bits::<3>(simd.high_nibbles(second), twos),
        ]
    }
}

impl QuantTile for SixTile {
    #[inline(always)]
    fn add_products<S: Simd, const M: usize>(&self, simd: S, blocks: &[QuantBlock; M], sums: &mut [S::Floats; M]) {
        for half in 0..2 {
            let mut dots = [simd.splat_int(0); M];
            for row in 0..M {
                dots[row] = simd.splat_int(blocks[row].six_starts[half]);
            }
            for (four, sixes) in self.sixes(simd, half).into_iter().enumerate() {
                for row in 0..M {
                    dots[row] = simd.dot_small(dots[row], sixes, blocks[row].values[4 * half + four]);
                }
            }
            let scales = simd.load_half(&self.scales[half]);
            for row in 0..M {
                let dot = simd.mul(simd.int_to_float(dots[row]), simd.splat(blocks[row].scale));
                sums[row] = simd.mul_add(dot, scales, sums[row]);
            }
        }
    }
}

impl QuantTile for ByteTile {
    #[inline(always)]
    fn add_products<S: Simd, const M: usize>(&self, simd: S, blocks: &[QuantBlock; M], sums: &mut [S::Floats; M]) {
        let mut dots = [simd.splat_int(0); M];
        for row in 0..M {
            dots[row] = simd.splat_int(blocks[row].byte_start);
        }
        for (four, bytes) in self.bytes.iter().enumerate() {
            let bytes = simd.load_bytes(bytes);
            for row in 0..M {
                dots[row] = simd.dot(dots[row], bytes, blocks[row].values[four]);
            }
        }
        let (scales, minima) = (simd.load_half(&self.scales), simd.load_half(&self.minima));
        for row in 0..M {
            let dot = simd.mul(simd.int_to_float(dots[row]), simd.splat(blocks[row].scale));
            sums[row] = simd.mul_add(dot, scales, sums[row]);
            sums[row] = simd.mul_add(minima, simd.splat(blocks[row].scaled_sum), sums[row]);
        }
    }
}

pub(super) trait FloatTile: Plain {
    /// The 16 rows' weights of a column.
    fn column<S: Simd>(&self, simd: S, column: usize) -> S::Floats;
}

impl FloatTile for HalfTile {
    #[inline(always)]
    fn column<S: Simd>(&self, simd: S, column: usize) -> S::Floats {
        simd.load_half(&self.columns[column])
    }
}

impl FloatTile for BrainTile {
    #[inline(always)]
    fn column<S: Simd>(&self, simd: S, column: usize) -> S::Floats {
        simd.load_brain(&self.0.columns[column])
    }
}

impl FloatTile for SingleTile {
    #[inline(always)]
    fn column<S: Simd>(&self, simd: S, column: usize) -> S::Floats {
        simd.load(&self.columns[column])
    }
}
