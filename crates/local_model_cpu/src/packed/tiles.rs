//! What tiles are made of: weights of 32 columns with few bits each, and what they are multiplied with and moved by. It must
//! not know files or instruction sets.

mod floats;
mod scales;
mod weights;

use std::marker::PhantomData;

use super::BLOCK_COLUMNS;
use super::blocks::Group;
use crate::buffer::Plain;
pub(crate) use floats::{BrainTile, Floats, HalfTile, SingleTile};
pub(crate) use scales::{HalvesStepped, Power, Scale, ScaleAndMinimum, Scales, Stepped};
pub(crate) use weights::{Bytes, Fives, Minis, Nibbles, Sixes, Weights};

/// 16 rows of some blocks of 32 columns, which have their scales together.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Tile<W, S, const BLOCKS: usize> {
    /// First, because they are needed first: memory is read from its beginning to its end.
    pub(crate) scales: S,
    pub(crate) weights: [W; BLOCKS],
}

/// Whether a tile's parts lie without padding.
const fn is_dense<W: Plain, S: Plain, const BLOCKS: usize>(_: PhantomData<Tile<W, S, BLOCKS>>) -> bool {
    size_of::<Tile<W, S, BLOCKS>>() == size_of::<S>() + BLOCKS * size_of::<W>()
}

macro_rules! plain_tiles {
    ($($tile:ty),*) => {
        $(
            const _: () = assert!(is_dense(PhantomData::<$tile>), "parts lie without padding");
            // SAFETY: the parts are plain, and lie without padding.
            unsafe impl Plain for $tile {}
        )*
    };
}

plain_tiles!(Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4K, Q5K, Q6K, Mxfp4);

/// A tile of whole numbers, whatever it is made of.
pub(crate) trait Quants: Plain {
    const COLUMNS: usize;

    /// Puts a row in, block by block.
    fn put(&mut self, row: usize, group: impl Fn(usize) -> Group);

    /// One of its weights.
    fn weight(&self, row: usize, column: usize) -> f32;
}

impl<W: Weights, S: Scales, const BLOCKS: usize> Quants for Tile<W, S, BLOCKS>
where
    Self: Plain,
{
    const COLUMNS: usize = BLOCKS * BLOCK_COLUMNS;

    fn put(&mut self, row: usize, group: impl Fn(usize) -> Group) {
        for (block, weights) in self.weights.iter_mut().enumerate() {
            let group = group(block);
            weights.put(row, &group.quants);
            self.scales.put(block, row, &group);
        }
    }

    fn weight(&self, row: usize, column: usize) -> f32 {
        let (block, column) = (column / BLOCK_COLUMNS, column % BLOCK_COLUMNS);
        let quant = f32::from(self.weights[block].get(row, column)) - f32::from(W::CENTRE);
        self.scales.scale(block, row, column / 16) * quant + self.scales.minimum(block, row)
    }
}

pub(crate) type Q4_0 = Tile<Nibbles<8>, Scale, 1>;
pub(crate) type Q4_1 = Tile<Nibbles<0>, ScaleAndMinimum, 1>;
pub(crate) type Q5_0 = Tile<Fives<16>, Scale, 1>;
pub(crate) type Q5_1 = Tile<Fives<0>, ScaleAndMinimum, 1>;
pub(crate) type Q8_0 = Tile<Bytes, Scale, 1>;
pub(crate) type Q4K = Tile<Nibbles<0>, Stepped, 8>;
pub(crate) type Q5K = Tile<Fives<0>, Stepped, 8>;
pub(crate) type Q6K = Tile<Sixes, HalvesStepped, 8>;
pub(crate) type Mxfp4 = Tile<Minis, Power, 1>;

/// What a kind's tiles are: runs the first expression with their type where weights are whole numbers, the second where they are
/// floats.
macro_rules! with_tile {
    ($kind:expr, $quants:ident => $of_quants:expr, $floats:ident => $of_floats:expr) => {
        match $kind {
            $crate::gguf::TensorKind::Q4_0 => {
                type $quants = $crate::packed::tiles::Q4_0;
                $of_quants
            }
            $crate::gguf::TensorKind::Q4_1 => {
                type $quants = $crate::packed::tiles::Q4_1;
                $of_quants
            }
            $crate::gguf::TensorKind::Q5_0 => {
                type $quants = $crate::packed::tiles::Q5_0;
                $of_quants
            }
            $crate::gguf::TensorKind::Q5_1 => {
                type $quants = $crate::packed::tiles::Q5_1;
                $of_quants
            }
            $crate::gguf::TensorKind::Q8_0 => {
                type $quants = $crate::packed::tiles::Q8_0;
                $of_quants
            }
            $crate::gguf::TensorKind::Q4K => {
                type $quants = $crate::packed::tiles::Q4K;
                $of_quants
            }
            $crate::gguf::TensorKind::Q5K => {
                type $quants = $crate::packed::tiles::Q5K;
                $of_quants
            }
            $crate::gguf::TensorKind::Q6K => {
                type $quants = $crate::packed::tiles::Q6K;
                $of_quants
            }
            $crate::gguf::TensorKind::Mxfp4 => {
                type $quants = $crate::packed::tiles::Mxfp4;
                $of_quants
            }
            $crate::gguf::TensorKind::F16 => {
                type $floats = $crate::packed::tiles::HalfTile;
                $of_floats
            }
            $crate::gguf::TensorKind::Bf16 => {
                type $floats = $crate::packed::tiles::BrainTile;
                $of_floats
            }
            $crate::gguf::TensorKind::F32 => {
                type $floats = $crate::packed::tiles::SingleTile;
                $of_floats
            }
        }
    };
}
pub(crate) use with_tile;
