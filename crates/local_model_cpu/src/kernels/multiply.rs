//! Matrix times activations, tile by tile. One row of activations (an answer being written) is bound by memory, so
//! weights are asked for ahead where that helps; many rows (a prompt being read) are bound by arithmetic, so each vector of weights,
//! once unpacked, serves up to eight rows.

use std::ops::Range;

use super::Simd;
use super::tiles::QuantTile;
use crate::activations::{BrainBlock, Panels, QuantBlock};
use crate::buffer::{self, Disjoint};
use crate::packed::tiles::{BrainTile, Floats, HalfTile, SingleTile, with_tile};
use crate::packed::{BLOCK_COLUMNS, Matrix, Strip, TILE_ROWS};

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
                1 => strip_of_kind::<S, 1>(simd, product, index, some.clone()),
                2 => strip_of_kind::<S, 2>(simd, product, index, some.clone()),
                4 => strip_of_kind::<S, 4>(simd, product, index, some.clone()),
                _ => strip_of_kind::<S, 8>(simd, product, index, some.clone()),
            }
        }
        first = some.end;
    }
}

#[inline(always)]
fn strip_of_kind<S: Simd, const M: usize>(simd: S, product: &Product<'_>, index: usize, panels: Range<usize>) {
    let strip = product.matrix.strip(product.memory, index);
    with_tile!(
        strip.kind,
        T => quantised::<S, T, M>(simd, product, strip, index, panels),
        F => floating::<S, F, M>(simd, product, index, panels)
    );
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
        for (tile, blocks) in tiles.iter().zip(blocks.chunks_exact(T::BLOCKS)) {
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
        let mut rows: [&[[f32; BLOCK_COLUMNS]]; M] = [&[]; M];
        for (row, from) in rows.iter_mut().zip(product.floats[panel * M * columns..].chunks_exact(columns)) {
            *row = from.as_chunks().0;
        }
        let mut sums = [simd.splat(0.0); M];
        for (block, tile) in tiles.iter().enumerate() {
            let mut floats = [&[0.0; BLOCK_COLUMNS]; M];
            for (floats, row) in floats.iter_mut().zip(rows) {
                *floats = &row[block];
            }
            for column in 0..BLOCK_COLUMNS {
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

pub(super) trait FloatTile: Floats {
    /// The 16 rows' weights of a column.
    fn column<S: Simd>(&self, simd: S, column: usize) -> S::Floats;
}

impl FloatTile for HalfTile {
    #[inline(always)]
    fn column<S: Simd>(&self, simd: S, column: usize) -> S::Floats {
        simd.load_half(&self.0[column])
    }
}

impl FloatTile for BrainTile {
    #[inline(always)]
    fn column<S: Simd>(&self, simd: S, column: usize) -> S::Floats {
        simd.load_brain(&self.0[column])
    }
}

impl FloatTile for SingleTile {
    #[inline(always)]
    fn column<S: Simd>(&self, simd: S, column: usize) -> S::Floats {
        simd.load(&self.0[column])
    }
}
