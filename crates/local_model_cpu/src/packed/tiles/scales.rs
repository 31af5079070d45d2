//! What whole numbers of 16 rows are multiplied with, and what is added then.

use half::f16;

use crate::buffer::Plain;
use crate::packed::TILE_ROWS;
use crate::packed::blocks::Group;

/// What whole numbers of 16 rows are multiplied with, and what is added then.
pub(crate) trait Scales: Plain {
    /// Puts in what belongs to a row's 32 columns, the `block`-th of the tile.
    fn put(&mut self, block: usize, row: usize, group: &Group);

    /// The factor of the first or second 16 columns of a block.
    fn scale(&self, block: usize, row: usize, half: usize) -> f32;

    /// What is added to a block's weights.
    fn minimum(&self, _block: usize, _row: usize) -> f32 {
        0.0
    }
}

/// A factor.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Scale {
    pub(crate) scales: [u16; TILE_ROWS],
}

/// A factor, and what is added.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct ScaleAndMinimum {
    pub(crate) scales: [u16; TILE_ROWS],
    pub(crate) minima: [u16; TILE_ROWS],
}

/// A power of two, as 32-bit floats have their exponents. Zero means zero: 2^-127 is nothing beside other weights.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Power {
    pub(crate) exponents: [u8; TILE_ROWS],
}

/// Whole steps of what eight blocks have in common.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Stepped {
    pub(crate) steps: [[u8; TILE_ROWS]; 8],
    pub(crate) minimum_steps: [[u8; TILE_ROWS]; 8],
    pub(crate) units: [u16; TILE_ROWS],
    pub(crate) minimum_units: [u16; TILE_ROWS],
}

/// Whole steps, a factor for each 16 columns.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct HalvesStepped {
    pub(crate) steps: [[[i8; TILE_ROWS]; 2]; 8],
    pub(crate) units: [u16; TILE_ROWS],
}

// SAFETY: numbers in arrays of even sizes: no padding.
unsafe impl Plain for Scale {}
// SAFETY: as above.
unsafe impl Plain for ScaleAndMinimum {}
// SAFETY: as above.
unsafe impl Plain for Power {}
// SAFETY: as above.
unsafe impl Plain for Stepped {}
// SAFETY: as above.
unsafe impl Plain for HalvesStepped {}

fn half(bits: u16) -> f32 {
    f16::from_bits(bits).to_f32()
}

impl Scales for Scale {
    fn put(&mut self, _: usize, row: usize, group: &Group) {
        self.scales[row] = group.unit;
    }

    fn scale(&self, _: usize, row: usize, _: usize) -> f32 {
        half(self.scales[row])
    }
}

impl Scales for ScaleAndMinimum {
    fn put(&mut self, _: usize, row: usize, group: &Group) {
        (self.scales[row], self.minima[row]) = (group.unit, group.minimum_unit);
    }

    fn scale(&self, _: usize, row: usize, _: usize) -> f32 {
        half(self.scales[row])
    }

    fn minimum(&self, _: usize, row: usize) -> f32 {
        half(self.minima[row])
    }
}

impl Scales for Power {
    fn put(&mut self, _: usize, row: usize, group: &Group) {
        self.exponents[row] = group.steps[0];
    }

    fn scale(&self, _: usize, row: usize, _: usize) -> f32 {
        f32::from_bits(u32::from(self.exponents[row]) << 23)
    }
}

impl Scales for Stepped {
    fn put(&mut self, block: usize, row: usize, group: &Group) {
        (self.steps[block][row], self.minimum_steps[block][row]) = (group.steps[0], group.minimum_step);
        (self.units[row], self.minimum_units[row]) = (group.unit, group.minimum_unit);
    }

    fn scale(&self, block: usize, row: usize, _: usize) -> f32 {
        half(self.units[row]) * f32::from(self.steps[block][row])
    }

    fn minimum(&self, block: usize, row: usize) -> f32 {
        half(self.minimum_units[row]) * f32::from(self.minimum_steps[block][row])
    }
}

impl Scales for HalvesStepped {
    fn put(&mut self, block: usize, row: usize, group: &Group) {
        for (steps, step) in self.steps[block].iter_mut().zip(group.steps) {
            steps[row] = step.cast_signed();
        }
        self.units[row] = group.unit;
    }

    fn scale(&self, block: usize, row: usize, half_block: usize) -> f32 {
        half(self.units[row]) * f32::from(self.steps[block][half_block][row])
    }
}
