//! Matrices as the kernels read them: tiles of 16 rows × 32 columns, so that one 512-bit load serves 16 rows at once.
//! It knows how tiles lie in memory and how to fill them; it must not know networks, threads or instruction sets.
//!
//! ```text
//!            32 columns = one block of activations
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
//! | tile | for | weights | beside them | bytes |
//! |---|---|---|---|---|
//! | [`NibbleTile`] | Q4_0, Q4_1, Q4_K | 4 vectors; low nibbles columns 8j..8j+4, high ones 8j+4..8j+8 | scale, minimum | 320 |
//! | [`MiniTile`] | MXFP4 | the same, 4-bit floats | a power of two | 272 |
//! | [`SixTile`] | Q6_K | the same, and 2 vectors with the upper two bits | 2 scales | 448 |
//! | [`ByteTile`] | Q5_0, Q5_1, Q5_K, Q8_0, floats rounded | 8 vectors, biased by 128 | scale, minimum | 576 |
//! | [`HalfTile`], [`BrainTile`] | F16, BF16 | a vector of 16 rows for each column | – | 1024 |
//! | [`SingleTile`] | F32 | the same | – | 2048 |
//!
//! Scales are f16 as in the file. Q4_K and Q5_K multiply an f16 by a 6-bit, Q6_K by an 8-bit number: the product is
//! rounded to f16, an error of at most 2^-12 of a weight, a sixtieth of what 4 or 6 bits have already cost.

pub(crate) mod blocks;

use half::{bf16, f16};

use crate::buffer::{self, Plain};
use crate::gguf::TensorKind;
use blocks::Group;

/// Rows of a tile.
pub(crate) const TILE_ROWS: usize = 16;
/// Columns of a tile.
pub(crate) const TILE_COLUMNS: usize = 32;
/// What strips begin at multiples of, in bytes: tiles ask for no more.
pub(crate) const STRIP_ALIGNMENT: usize = 64;

/// 4-bit weights: `scale · q + minimum`.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct NibbleTile {
    pub(crate) nibbles: [[u8; 64]; 4],
    pub(crate) scales: [u16; TILE_ROWS],
    pub(crate) minima: [u16; TILE_ROWS],
}

/// 4-bit floats (E2M1: a sign, two bits of exponent, one of mantissa): `2^(exponent − 127) · (MINI_FLOATS[q] − MINI_CENTRE)`.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(crate) struct MiniTile {
    pub(crate) nibbles: [[u8; 64]; 4],
    /// As 32-bit floats have them. Zero means zero: 2^-127 is nothing beside other weights.
    pub(crate) exponents: [u8; TILE_ROWS],
}

/// What the sixteen E2M1 floats (0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives) are, twice and moved above zero.
pub(crate) const MINI_FLOATS: [u8; 16] = [16, 17, 18, 19, 20, 22, 24, 28, 16, 15, 14, 13, 12, 10, 8, 4];
/// What stands for zero there.
pub(crate) const MINI_CENTRE: u8 = 16;

/// 6-bit weights: `scale · (q − 32)`, a scale for each 16 columns.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct SixTile {
    pub(crate) nibbles: [[u8; 64]; 4],
    /// Vector h holds columns 16h..16h+16; bits 2p and 2p+1 of a byte belong to columns 16h+4p..16h+4p+4.
    pub(crate) twos: [[u8; 64]; 2],
    pub(crate) scales: [[u16; TILE_ROWS]; 2],
}

/// 8-bit weights: `scale · (q − 128) + minimum`.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct ByteTile {
    pub(crate) bytes: [[u8; 64]; 8],
    pub(crate) scales: [u16; TILE_ROWS],
    pub(crate) minima: [u16; TILE_ROWS],
}

/// 16-bit floats, `[column][row]`.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct HalfTile {
    pub(crate) columns: [[u16; TILE_ROWS]; TILE_COLUMNS],
}

/// bfloat16s, `[column][row]`.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct BrainTile(pub(crate) HalfTile);

/// 32-bit floats, `[column][row]`.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct SingleTile {
    pub(crate) columns: [[f32; TILE_ROWS]; TILE_COLUMNS],
}

// SAFETY: numbers in arrays, sizes that are multiples of the alignment: no padding.
unsafe impl Plain for NibbleTile {}
// SAFETY: as above.
unsafe impl Plain for MiniTile {}
// SAFETY: as above.
unsafe impl Plain for SixTile {}
// SAFETY: as above.
unsafe impl Plain for ByteTile {}
// SAFETY: as above.
unsafe impl Plain for HalfTile {}
// SAFETY: as above.
unsafe impl Plain for BrainTile {}
// SAFETY: as above.
unsafe impl Plain for SingleTile {}

/// Which tiles a strip is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    Nibble,
    /// 4-bit floats.
    Mini,
    Six,
    Byte,
    /// IEEE halves.
    Half,
    /// bfloat16.
    Brain,
    Single,
}

impl Layout {
    /// The tiles that hold what a file stores in this way.
    pub(crate) fn of(kind: TensorKind) -> Self {
        match kind {
            TensorKind::Q4_0 | TensorKind::Q4_1 | TensorKind::Q4K => Self::Nibble,
            TensorKind::Mxfp4 => Self::Mini,
            TensorKind::Q6K => Self::Six,
            TensorKind::Q5_0 | TensorKind::Q5_1 | TensorKind::Q5K | TensorKind::Q8_0 => Self::Byte,
            TensorKind::F16 => Self::Half,
            TensorKind::Bf16 => Self::Brain,
            TensorKind::F32 => Self::Single,
        }
    }

    /// Bytes of a strip's tiles.
    pub(crate) fn strip_bytes(self, columns: usize) -> usize {
        columns / TILE_COLUMNS * self.tile_bytes()
    }

    /// Bytes from one strip to the next, each lying on [`STRIP_ALIGNMENT`].
    pub(crate) fn step_bytes(self, columns: usize) -> usize {
        self.strip_bytes(columns).next_multiple_of(STRIP_ALIGNMENT)
    }

    /// Bytes of one tile.
    pub(crate) fn tile_bytes(self) -> usize {
        match self {
            Self::Nibble => size_of::<NibbleTile>(),
            Self::Mini => size_of::<MiniTile>(),
            Self::Six => size_of::<SixTile>(),
            Self::Byte => size_of::<ByteTile>(),
            Self::Half | Self::Brain => size_of::<HalfTile>(),
            Self::Single => size_of::<SingleTile>(),
        }
    }
}

/// 16 rows of a matrix.
#[derive(Clone, Copy)]
pub(crate) struct Strip<'a> {
    pub(crate) layout: Layout,
    /// Its tiles, one for each 32 columns.
    pub(crate) bytes: &'a [u8],
}

/// Where a strip lies in the weights' memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) layout: Layout,
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
        let place = self.strips[index];
        let length = place.layout.strip_bytes(self.columns);
        Strip { layout: place.layout, bytes: &memory[place.offset..place.offset + length] }
    }

    /// One of its rows as floats.
    pub(crate) fn unpack_row(&self, memory: &[u8], row: usize, to: &mut [f32]) {
        unpack_row(self.strip(memory, row / TILE_ROWS), row % TILE_ROWS, to);
    }
}

/// Fills a strip from up to 16 rows of a file's matrix, stored in this kind; missing rows become zeros. The layout is the
/// kind's own, or that of bytes for a kind of floats, which are then rounded to 8 bits.
pub(crate) fn pack_strip(layout: Layout, kind: TensorKind, rows: &[&[u8]], to: &mut [u8]) {
    for (row, bytes) in rows.iter().enumerate().take(TILE_ROWS) {
        match layout {
            Layout::Nibble => {
                for (index, tile) in buffer::cast_mut(to).iter_mut().enumerate() {
                    pack_nibbles(tile, row, &blocks::group(kind, bytes, index));
                }
            }
            Layout::Mini => {
                for (index, tile) in buffer::cast_mut(to).iter_mut().enumerate() {
                    pack_minis(tile, row, &blocks::group(kind, bytes, index));
                }
            }
            Layout::Six => {
                for (index, tile) in buffer::cast_mut(to).iter_mut().enumerate() {
                    pack_six(tile, row, &blocks::group(kind, bytes, index));
                }
            }
            Layout::Byte => {
                for (index, tile) in buffer::cast_mut(to).iter_mut().enumerate() {
                    pack_bytes(tile, row, &blocks::group(kind, bytes, index));
                }
            }
            Layout::Half | Layout::Brain => {
                let columns = buffer::cast_mut::<HalfTile>(to).iter_mut().flat_map(|tile| &mut tile.columns);
                for (column, bits) in columns.zip(bytes.as_chunks::<2>().0) {
                    column[row] = u16::from_le_bytes(*bits);
                }
            }
            Layout::Single => {
                let columns = buffer::cast_mut::<SingleTile>(to).iter_mut().flat_map(|tile| &mut tile.columns);
                for (column, bits) in columns.zip(bytes.as_chunks::<4>().0) {
                    column[row] = f32::from_le_bytes(*bits);
                }
            }
        }
    }
}

/// Whether all scales of a strip of bytes are finite: of rounded floats one is not where a weight was not, or was too great.
pub(crate) fn scales_are_finite(strip: &[u8]) -> bool {
    let mut scales = buffer::cast::<ByteTile>(strip).iter().flat_map(|tile| &tile.scales);
    scales.all(|scale| f16::from_bits(*scale).is_finite())
}

fn pack_nibbles(tile: &mut NibbleTile, row: usize, group: &Group) {
    pack_low_bits(&mut tile.nibbles, row, group);
    tile.scales[row] = f16::from_f32(group.scales[0]).to_bits();
    tile.minima[row] = f16::from_f32(group.minimum).to_bits();
}

fn pack_minis(tile: &mut MiniTile, row: usize, group: &Group) {
    pack_low_bits(&mut tile.nibbles, row, group);
    tile.exponents[row] = (group.scales[0].to_bits() >> 23) as u8;
}

fn pack_six(tile: &mut SixTile, row: usize, group: &Group) {
    pack_low_bits(&mut tile.nibbles, row, group);
    for (column, quant) in group.quants.iter().enumerate() {
        let (vector, pair, byte) = (column / 16, column % 16 / 4, column % 4);
        tile.twos[vector][4 * row + byte] |= (quant >> 4) << (2 * pair);
    }
    for (scales, scale) in tile.scales.iter_mut().zip(group.scales) {
        scales[row] = f16::from_f32(scale).to_bits();
    }
}

fn pack_bytes(tile: &mut ByteTile, row: usize, group: &Group) {
    for (four, quants) in group.quants.as_chunks::<4>().0.iter().enumerate() {
        tile.bytes[four][4 * row..4 * row + 4].copy_from_slice(quants);
    }
    tile.scales[row] = f16::from_f32(group.scales[0]).to_bits();
    tile.minima[row] = f16::from_f32(group.minimum).to_bits();
}

fn pack_low_bits(nibbles: &mut [[u8; 64]; 4], row: usize, group: &Group) {
    for (vector, quants) in nibbles.iter_mut().zip(group.quants.as_chunks::<8>().0) {
        for byte in 0..4 {
            vector[4 * row + byte] = (quants[byte] & 15) | (quants[byte + 4] & 15) << 4;
        }
    }
}

/// One row of a strip as floats: what the kernels compute with, before activations are rounded.
fn unpack_row(strip: Strip<'_>, row: usize, to: &mut [f32]) {
    let float = |bits: u16| f16::from_bits(bits).to_f32();
    let groups = to.as_chunks_mut::<TILE_COLUMNS>().0;
    match strip.layout {
        Layout::Nibble => {
            for (to, tile) in groups.iter_mut().zip(buffer::cast::<NibbleTile>(strip.bytes)) {
                for (column, to) in to.iter_mut().enumerate() {
                    let quant = f32::from(low_bits(&tile.nibbles, row, column));
                    *to = float(tile.scales[row]) * quant + float(tile.minima[row]);
                }
            }
        }
        Layout::Mini => {
            for (to, tile) in groups.iter_mut().zip(buffer::cast::<MiniTile>(strip.bytes)) {
                let scale = f32::from_bits(u32::from(tile.exponents[row]) << 23);
                for (column, to) in to.iter_mut().enumerate() {
                    let float = MINI_FLOATS[usize::from(low_bits(&tile.nibbles, row, column))];
                    *to = scale * (f32::from(float) - f32::from(MINI_CENTRE));
                }
            }
        }
        Layout::Six => {
            for (to, tile) in groups.iter_mut().zip(buffer::cast::<SixTile>(strip.bytes)) {
                for (column, to) in to.iter_mut().enumerate() {
                    let two = tile.twos[column / 16][4 * row + column % 4] >> (2 * (column % 16 / 4)) & 3;
                    let quant = f32::from(low_bits(&tile.nibbles, row, column) | two << 4);
                    *to = float(tile.scales[column / 16][row]) * (quant - 32.0);
                }
            }
        }
        Layout::Byte => {
            for (to, tile) in groups.iter_mut().zip(buffer::cast::<ByteTile>(strip.bytes)) {
                for (column, to) in to.iter_mut().enumerate() {
                    let quant = f32::from(tile.bytes[column / 4][4 * row + column % 4]);
                    *to = float(tile.scales[row]) * (quant - 128.0) + float(tile.minima[row]);
                }
            }
        }
        Layout::Half | Layout::Brain => {
            let brain = strip.layout == Layout::Brain;
            let columns = buffer::cast::<HalfTile>(strip.bytes).iter().flat_map(|tile| &tile.columns);
            for (to, column) in to.iter_mut().zip(columns) {
                *to = if brain { bf16::from_bits(column[row]).to_f32() } else { float(column[row]) };
            }
        }
        Layout::Single => {
            let columns = buffer::cast::<SingleTile>(strip.bytes).iter().flat_map(|tile| &tile.columns);
            for (to, column) in to.iter_mut().zip(columns) {
                *to = column[row];
            }
        }
    }
}

fn low_bits(nibbles: &[[u8; 64]; 4], row: usize, column: usize) -> u8 {
    let byte = nibbles[column / 8][4 * row + column % 4];
    if column % 8 < 4 { byte & 15 } else { byte >> 4 }
}

#[cfg(test)]
mod tests;
