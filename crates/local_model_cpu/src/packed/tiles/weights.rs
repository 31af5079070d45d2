//! Weights of 16 rows and 32 columns as whole numbers of few bits.

use crate::buffer::Plain;
use crate::packed::BLOCK_COLUMNS;

/// Weights of 16 rows and 32 columns as whole numbers.
pub(crate) trait Weights: Plain {
    /// The number that stands for zero.
    const CENTRE: u8;

    /// Puts a row in.
    fn put(&mut self, row: usize, quants: &[u8; BLOCK_COLUMNS]);

    /// One of them, as a number that its centre is taken from.
    fn get(&self, row: usize, column: usize) -> u8;
}

/// 4 bits.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Nibbles<const CENTRE: u8>(pub(crate) [[u8; 64]; 4]);

/// 4-bit floats (E2M1: a sign, two bits of exponent, one of mantissa).
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Minis(pub(crate) [[u8; 64]; 4]);

/// 5 bits.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Fives<const CENTRE: u8> {
    pub(crate) nibbles: [[u8; 64]; 4],
    /// Bit p of a byte belongs to columns 4p..4p+4.
    pub(crate) fifths: [u8; 64],
}

/// 6 bits.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Sixes {
    pub(crate) nibbles: [[u8; 64]; 4],
    /// Vector h holds columns 16h..16h+16; bits 2p and 2p+1 of a byte belong to columns 16h+4p..16h+4p+4.
    pub(crate) twos: [[u8; 64]; 2],
}

/// 8 bits.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Bytes(pub(crate) [[u8; 64]; 8]);

// SAFETY: bytes in arrays; what has two fields has arrays of bytes only.
unsafe impl<const CENTRE: u8> Plain for Nibbles<CENTRE> {}
// SAFETY: as above.
unsafe impl Plain for Minis {}
// SAFETY: as above.
unsafe impl<const CENTRE: u8> Plain for Fives<CENTRE> {}
// SAFETY: as above.
unsafe impl Plain for Sixes {}
// SAFETY: as above.
unsafe impl Plain for Bytes {}

fn put_nibbles(nibbles: &mut [[u8; 64]; 4], row: usize, quants: &[u8; BLOCK_COLUMNS]) {
    for (vector, quants) in nibbles.iter_mut().zip(quants.as_chunks::<8>().0) {
        for byte in 0..4 {
            vector[4 * row + byte] = (quants[byte] & 15) | (quants[byte + 4] & 15) << 4;
        }
    }
}

fn nibble(nibbles: &[[u8; 64]; 4], row: usize, column: usize) -> u8 {
    let byte = nibbles[column / 8][4 * row + column % 4];
    if column % 8 < 4 { byte & 15 } else { byte >> 4 }
}

impl<const CENTRE: u8> Weights for Nibbles<CENTRE> {
    const CENTRE: u8 = CENTRE;

    fn put(&mut self, row: usize, quants: &[u8; BLOCK_COLUMNS]) {
        put_nibbles(&mut self.0, row, quants);
    }

    fn get(&self, row: usize, column: usize) -> u8 {
        nibble(&self.0, row, column)
    }
}

impl Minis {
    /// What the sixteen floats (0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives) are, twice and moved by the centre.
    pub(crate) const FLOATS: [u8; 16] = [16, 17, 18, 19, 20, 22, 24, 28, 16, 15, 14, 13, 12, 10, 8, 4];
}

impl Weights for Minis {
    const CENTRE: u8 = 16;

    fn put(&mut self, row: usize, quants: &[u8; BLOCK_COLUMNS]) {
        put_nibbles(&mut self.0, row, quants);
    }

    fn get(&self, row: usize, column: usize) -> u8 {
        Self::FLOATS[usize::from(nibble(&self.0, row, column))]
    }
}

impl<const CENTRE: u8> Weights for Fives<CENTRE> {
    const CENTRE: u8 = CENTRE;

    fn put(&mut self, row: usize, quants: &[u8; BLOCK_COLUMNS]) {
        put_nibbles(&mut self.nibbles, row, quants);
        for (column, quant) in quants.iter().enumerate() {
            self.fifths[4 * row + column % 4] |= (quant >> 4 & 1) << (column / 4);
        }
    }

    fn get(&self, row: usize, column: usize) -> u8 {
        let fifth = self.fifths[4 * row + column % 4] >> (column / 4) & 1;
        nibble(&self.nibbles, row, column) | fifth << 4
    }
}

impl Weights for Sixes {
    const CENTRE: u8 = 32;

    fn put(&mut self, row: usize, quants: &[u8; BLOCK_COLUMNS]) {
        put_nibbles(&mut self.nibbles, row, quants);
        for (column, quant) in quants.iter().enumerate() {
            self.twos[column / 16][4 * row + column % 4] |= (quant >> 4) << (column % 16 / 4 * 2);
        }
    }

    fn get(&self, row: usize, column: usize) -> u8 {
        let two = self.twos[column / 16][4 * row + column % 4] >> (column % 16 / 4 * 2) & 3;
        nibble(&self.nibbles, row, column) | two << 4
    }
}

impl Weights for Bytes {
    const CENTRE: u8 = 128;

    fn put(&mut self, row: usize, quants: &[u8; BLOCK_COLUMNS]) {
        for (vector, quants) in self.0.iter_mut().zip(quants.as_chunks::<4>().0) {
            vector[4 * row..4 * row + 4].copy_from_slice(quants);
        }
    }

    fn get(&self, row: usize, column: usize) -> u8 {
        self.0[column / 4][4 * row + column % 4]
    }
}
