//! Tiles of floats: 16 rows of 32 columns, a vector of rows for each column.

use half::{bf16, f16};

use crate::buffer::Plain;
use crate::packed::{BLOCK_COLUMNS, TILE_ROWS};

/// 16 rows of 32 columns of floats, `[column][row]`.
pub(crate) trait Floats: Plain {
    type Stored: Plain;

    fn columns(&self) -> &[[Self::Stored; TILE_ROWS]; BLOCK_COLUMNS];

    fn columns_mut(&mut self) -> &mut [[Self::Stored; TILE_ROWS]; BLOCK_COLUMNS];

    /// One as a file has it, zero where there are too few bytes.
    fn stored(bytes: &[u8]) -> Self::Stored;

    fn float(stored: Self::Stored) -> f32;
}

/// IEEE halves.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct HalfTile(pub(crate) [[u16; TILE_ROWS]; BLOCK_COLUMNS]);

/// bfloat16s.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct BrainTile(pub(crate) [[u16; TILE_ROWS]; BLOCK_COLUMNS]);

/// 32-bit floats.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct SingleTile(pub(crate) [[f32; TILE_ROWS]; BLOCK_COLUMNS]);

macro_rules! floats {
    ($($tile:ident: $stored:ty, $float:expr;)*) => {
        $(
            // SAFETY: numbers in arrays: no padding.
            unsafe impl Plain for $tile {}

            impl Floats for $tile {
                type Stored = $stored;

                fn columns(&self) -> &[[$stored; TILE_ROWS]; BLOCK_COLUMNS] {
                    &self.0
                }

                fn columns_mut(&mut self) -> &mut [[$stored; TILE_ROWS]; BLOCK_COLUMNS] {
                    &mut self.0
                }

                fn stored(bytes: &[u8]) -> $stored {
                    bytes.first_chunk().map_or(<$stored>::default(), |bytes| <$stored>::from_le_bytes(*bytes))
                }

                fn float(stored: $stored) -> f32 {
                    $float(stored)
                }
            }
        )*
    };
}

floats! {
    HalfTile: u16, |bits| f16::from_bits(bits).to_f32();
    BrainTile: u16, |bits| bf16::from_bits(bits).to_f32();
    SingleTile: f32, |float| float;
}
