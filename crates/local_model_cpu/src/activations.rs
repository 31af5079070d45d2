//! What matrices are multiplied with: rows of floats, and the same rounded to 8 bits in blocks of 32. It must not know
//! which layer they come from.
//!
//! Blocks lie as the kernels walk them: panels of 1, 2, 4, 8 or 16 rows, in a panel block after block, in a block row after
//! row. A batch of one row is one panel of width one, hence contiguous.

use std::io;
use std::ops::Range;

use crate::buffer::{Buffer, Plain};
use crate::packed::BLOCK_COLUMNS;
use crate::simd::{LANES, Simd};

/// 32 activations, rounded: `scale · values`. One cache line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct QuantBlock {
    /// Between −127 and 127.
    pub(crate) values: [[i8; 4]; 8],
    pub(crate) scale: f32,
    /// `scale · Σ values`: what a weight's minimum is multiplied with.
    pub(crate) scaled_sum: f32,
    /// −32 · Σ of the first and of the second 16 values: where sums over 6-bit weights begin.
    six_starts: [i32; 2],
    /// −128 · Σ of all values: where sums over 8-bit weights begin.
    byte_start: i32,
    reserved: [i32; 3],
}

// SAFETY: numbers only; 32 + 8 + 8 + 4 + 12 = 64 bytes, no padding.
unsafe impl Plain for QuantBlock {}

impl QuantBlock {
    /// Rounds 32 floats to 255 steps of the greatest magnitude among them.
    #[inline(always)]
    pub(crate) fn of<S: Simd>(simd: S, floats: &[f32; BLOCK_COLUMNS]) -> Self {
        let [first, second] = halves(floats);
        let (first, second) = (simd.load(first), simd.load(second));
        let nothing = simd.splat(0.0);
        let low = simd.min(simd.min(first, second), nothing);
        let high = simd.max(simd.max(first, second), nothing);
        let greatest = simd.greatest(simd.max(high, simd.sub(nothing, low)));
        // What is too small to have an inverse counts as nothing.
        let inverse = simd.splat(if greatest > f32::MIN_POSITIVE * 128.0 { 127.0 / greatest } else { 0.0 });
        let (first, second) = (simd.round(simd.mul(first, inverse)), simd.round(simd.mul(second, inverse)));
        let mut bytes = [[0_i8; LANES]; 2];
        simd.store_bytes(first, &mut bytes[0]);
        simd.store_bytes(second, &mut bytes[1]);
        let mut values = [[0_i8; 4]; 8];
        for (four, from) in values.iter_mut().zip(bytes.as_flattened().as_chunks::<4>().0) {
            *four = *from;
        }
        let sums = [simd.sum(first), simd.sum(second)];
        let scale = greatest / 127.0;
        Self {
            values,
            scale,
            scaled_sum: scale * (sums[0] + sums[1]),
            // Of what is no number the sums mean nothing, and must not be too large either.
            six_starts: sums.map(|sum| (-32_i32).wrapping_mul(sum as i32)),
            byte_start: (-128_i32).wrapping_mul((sums[0] + sums[1]) as i32),
            reserved: [0; 3],
        }
    }

    /// Where a sum begins over weights whose zero is `centre`, a power of two or none: over all columns, or over a half of them,
    /// where it is 32 at most.
    #[inline(always)]
    pub(crate) fn start(&self, centre: u8, half: Option<usize>) -> i32 {
        match (centre, half) {
            (0, _) => 0,
            (centre, None) => self.byte_start / (128 / i32::from(centre)),
            (centre, Some(half)) => self.six_starts[half] / (32 / i32::from(centre)),
        }
    }
}

#[inline(always)]
fn halves(floats: &[f32; BLOCK_COLUMNS]) -> [&[f32; LANES]; 2] {
    let (chunks, _) = floats.as_chunks::<LANES>();
    [&chunks[0], &chunks[1]]
}

/// 32 activations as bfloat16s. One cache line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct BrainBlock(pub(crate) [u16; BLOCK_COLUMNS]);

// SAFETY: numbers only, no padding.
unsafe impl Plain for BrainBlock {}

/// Rows that a kernel reads together at most, the last of them whatever they hold.
pub(crate) const ROWS_TOGETHER_MAX: usize = 32;

/// Rows of activations of one width, for up to a batch.
pub(crate) struct Activations {
    floats: Buffer<f32>,
    blocks: Buffer<QuantBlock>,
    brains: Buffer<BrainBlock>,
    columns: usize,
}

/// How the rows of one batch lie in blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panels {
    /// Rows of the batch.
    pub(crate) rows: usize,
    /// Rows of a panel: 1, 2, 4, 8 or 16.
    pub(crate) width: usize,
    /// Blocks of a row.
    pub(crate) blocks: usize,
    /// What a row is rounded to where weights are quantised.
    pub(crate) rounding: Rounding,
}

/// What activations are rounded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// 8 bits with a scale for each 32: [`QuantBlock`].
    Bytes,
    /// Eight significant bits each: [`BrainBlock`].
    Brains,
}

impl Panels {
    /// Panels for `rows` rows of `columns` columns where a kernel takes up to `rows_max` at once.
    pub(crate) fn new(rows: usize, columns: usize, rows_max: usize) -> Self {
        let width = rows.next_power_of_two().min(rows_max);
        Self { rows, width, blocks: columns / BLOCK_COLUMNS, rounding: Rounding::Bytes }
    }

    /// Number of panels; the last one may be partly filled.
    pub(crate) fn count(&self) -> usize {
        self.rows.div_ceil(self.width)
    }

    /// Rows that are read, those among them that only fill up the last panel or pair of panels.
    pub(crate) fn rows_read(&self) -> usize {
        match self.rounding {
            Rounding::Bytes => self.count() * self.width,
            Rounding::Brains => self.rows.next_multiple_of(ROWS_TOGETHER_MAX),
        }
    }

    /// Where a panel's blocks lie.
    pub(crate) fn range(&self, panel: usize) -> Range<usize> {
        let length = self.width * self.blocks;
        panel * length..(panel + 1) * length
    }

    /// Where a row's block lies.
    pub(crate) fn place(&self, row: usize, block: usize) -> usize {
        (row / self.width * self.blocks + block) * self.width + row % self.width
    }
}

impl Activations {
    /// Room for `rows_max` rows of `columns` columns, a multiple of 32.
    pub(crate) fn new(rows_max: usize, columns: usize) -> io::Result<Self> {
        // Panels are read whole, also where the last one is partly filled.
        let rows = rows_max.next_multiple_of(ROWS_TOGETHER_MAX);
        let count = rows * columns / BLOCK_COLUMNS;
        let (blocks, brains) = (Buffer::zeroed(count)?, Buffer::zeroed(count)?);
        Ok(Self { floats: Buffer::zeroed(rows * columns)?, blocks, brains, columns })
    }

    /// Values in a row.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// All rows as floats.
    pub(crate) fn floats(&self) -> &[f32] {
        self.floats.values()
    }

    /// All blocks.
    pub(crate) fn blocks(&self) -> &[QuantBlock] {
        self.blocks.values()
    }

    /// The same as bfloat16s.
    pub(crate) fn brains(&self) -> &[BrainBlock] {
        self.brains.values()
    }

    /// All of them, to write.
    pub(crate) fn parts_mut(&mut self) -> (&mut [f32], &mut [QuantBlock], &mut [BrainBlock]) {
        (self.floats.values_mut(), self.blocks.values_mut(), self.brains.values_mut())
    }
}

#[cfg(test)]
mod tests;
