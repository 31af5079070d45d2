//! Matrices of 4-bit floats whose scales lie apart, as published folders of gpt-oss hold them: a tensor of blocks, one of scales,
//! and gates and ups in turns, row by row. It must not know files.
//!
//! ```text
//!  blocks  [row][block][16 bytes]   byte b: float 2b in its low half, 2b + 1 in its high half
//!  scales  [row][block]             exponents, counted from 127
//! ```

/// Floats of a block.
pub(crate) const BLOCK_FLOATS: usize = 32;
/// Bytes of a block without its scale.
pub(crate) const BLOCK_BYTES: usize = 16;

/// What belongs to a tensor's blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Apart<'a> {
    /// One for each block.
    pub(crate) scales: &'a [u8],
    pub(crate) turns: Turns,
}

/// Which of the blocks' rows are the matrix's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turns {
    pub(crate) first: usize,
    /// From one to the next.
    pub(crate) step: usize,
}

impl<'a> Apart<'a> {
    /// The part of one expert of so many.
    pub(crate) fn of_expert(&self, expert: usize, experts: usize) -> Self {
        let each = self.scales.len() / experts;
        Self { scales: &self.scales[expert * each..][..each], turns: self.turns }
    }

    /// Writes a row as GGUF has MXFP4: each block's scale before it, the first half of its floats in the low halves.
    pub(crate) fn write_row(&self, blocks: &'a [u8], row: usize, row_blocks: usize, to: &mut Vec<u8>) {
        let first = (self.turns.first + row * self.turns.step) * row_blocks;
        let blocks = &blocks.as_chunks::<BLOCK_BYTES>().0[first..first + row_blocks];
        for (block, scale) in blocks.iter().zip(&self.scales[first..first + row_blocks]) {
            let float = |index: usize| block[index / 2] >> (4 * (index % 2)) & 15;
            to.push(*scale);
            to.extend((0..BLOCK_BYTES).map(|byte| float(byte) | float(byte + BLOCK_BYTES) << 4));
        }
    }
}
