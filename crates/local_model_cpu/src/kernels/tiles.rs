//! Tiles of whole numbers with vectors: what their weights are four columns at a time, and what these are multiplied with. It
//! must not know matrices.

use std::ops::Range;

use super::Simd;
use crate::activations::QuantBlock;
use crate::buffer::Plain;
use crate::packed::tiles::{
    Bytes, Fives, HalvesStepped, Minis, Nibbles, Power, Quants, Scale, ScaleAndMinimum, Scales, Sixes, Stepped, Tile,
    Weights,
};

/// Weights of 32 columns, eight vectors of four columns.
pub(super) trait VectorWeights: Weights {
    /// Whether they may be greater than 127.
    const WHOLE_BYTES: bool = false;

    /// Columns `4 · four` to `4 · four + 4`.
    fn four<V: Simd>(&self, simd: V, four: usize) -> V::Bytes;
}

/// What weights are multiplied with and moved by.
pub(super) trait VectorScales: Scales {
    /// Whether each 16 columns have a factor of their own.
    const HALVES: bool = false;
    /// Whether something is added.
    const MINIMA: bool = false;
    /// Whether factors are whole steps of units that all blocks of the tile have in common; what is added too.
    const STEPS: bool = false;

    /// Factors, without their units where there are any.
    fn factors<V: Simd>(&self, simd: V, block: usize, half: usize) -> V::Floats;

    /// What is added, without its unit where there is any.
    fn minima<V: Simd>(&self, simd: V, _block: usize) -> V::Floats {
        simd.splat(0.0)
    }

    /// The factors' units, and those of what is added.
    fn units<V: Simd>(&self, simd: V) -> [V::Floats; 2] {
        [simd.splat(1.0); 2]
    }
}

/// How far ahead of its use a weight is asked for when each is used once.
const AHEAD_BYTES: usize = 2560;

#[inline(always)]
fn ask_ahead<V: Simd, T>(simd: V, part: &T) {
    let ahead = std::ptr::from_ref(part).cast::<u8>().wrapping_add(AHEAD_BYTES);
    for line in 0..size_of::<T>().div_ceil(64) {
        simd.prefetch(ahead.wrapping_add(64 * line));
    }
}

#[inline(always)]
fn nibbles<V: Simd>(simd: V, nibbles: &[[u8; 64]; 4], four: usize) -> V::Bytes {
    let both = simd.load_bytes(&nibbles[four / 2]);
    if four.is_multiple_of(2) { simd.low_nibbles(both) } else { simd.high_nibbles(both) }
}

impl<const CENTRE: u8> VectorWeights for Nibbles<CENTRE> {
    #[inline(always)]
    fn four<V: Simd>(&self, simd: V, four: usize) -> V::Bytes {
        nibbles(simd, &self.0, four)
    }
}

impl VectorWeights for Minis {
    #[inline(always)]
    fn four<V: Simd>(&self, simd: V, four: usize) -> V::Bytes {
        simd.look_up(&Self::FLOATS, nibbles(simd, &self.0, four))
    }
}

impl<const CENTRE: u8> VectorWeights for Fives<CENTRE> {
    #[inline(always)]
    fn four<V: Simd>(&self, simd: V, four: usize) -> V::Bytes {
        let (low, fifths) = (nibbles(simd, &self.nibbles, four), simd.load_bytes(&self.fifths));
        match four {
            0 => simd.join_bit::<0>(low, fifths),
            1 => simd.join_bit::<1>(low, fifths),
            2 => simd.join_bit::<2>(low, fifths),
            3 => simd.join_bit::<3>(low, fifths),
            4 => simd.join_bit::<4>(low, fifths),
            5 => simd.join_bit::<5>(low, fifths),
            6 => simd.join_bit::<6>(low, fifths),
            _ => simd.join_bit::<7>(low, fifths),
        }
    }
}

impl VectorWeights for Sixes {
    #[inline(always)]
    fn four<V: Simd>(&self, simd: V, four: usize) -> V::Bytes {
        let (low, twos) = (nibbles(simd, &self.nibbles, four), simd.load_bytes(&self.twos[four / 4]));
        match four % 4 {
            0 => simd.join_two_bits::<0>(low, twos),
            1 => simd.join_two_bits::<1>(low, twos),
            2 => simd.join_two_bits::<2>(low, twos),
            _ => simd.join_two_bits::<3>(low, twos),
        }
    }
}

impl VectorWeights for Bytes {
    const WHOLE_BYTES: bool = true;

    #[inline(always)]
    fn four<V: Simd>(&self, simd: V, four: usize) -> V::Bytes {
        simd.load_bytes(&self.0[four])
    }
}

impl VectorScales for Scale {
    #[inline(always)]
    fn factors<V: Simd>(&self, simd: V, _: usize, _: usize) -> V::Floats {
        simd.load_half(&self.scales)
    }
}

impl VectorScales for ScaleAndMinimum {
    const MINIMA: bool = true;

    #[inline(always)]
    fn factors<V: Simd>(&self, simd: V, _: usize, _: usize) -> V::Floats {
        simd.load_half(&self.scales)
    }

    #[inline(always)]
    fn minima<V: Simd>(&self, simd: V, _: usize) -> V::Floats {
        simd.load_half(&self.minima)
    }
}

impl VectorScales for Power {
    #[inline(always)]
    fn factors<V: Simd>(&self, simd: V, _: usize, _: usize) -> V::Floats {
        simd.load_powers(&self.exponents)
    }
}

impl VectorScales for Stepped {
    const MINIMA: bool = true;
    const STEPS: bool = true;

    #[inline(always)]
    fn factors<V: Simd>(&self, simd: V, block: usize, _: usize) -> V::Floats {
        simd.load_whole(&self.steps[block])
    }

    #[inline(always)]
    fn minima<V: Simd>(&self, simd: V, block: usize) -> V::Floats {
        simd.load_whole(&self.minimum_steps[block])
    }

    #[inline(always)]
    fn units<V: Simd>(&self, simd: V) -> [V::Floats; 2] {
        [simd.load_half(&self.units), simd.load_half(&self.minimum_units)]
    }
}

impl VectorScales for HalvesStepped {
    const HALVES: bool = true;
    const STEPS: bool = true;

    #[inline(always)]
    fn factors<V: Simd>(&self, simd: V, block: usize, half: usize) -> V::Floats {
        simd.load_signed(&self.steps[block][half])
    }

    #[inline(always)]
    fn units<V: Simd>(&self, simd: V) -> [V::Floats; 2] {
        [simd.load_half(&self.units), simd.splat(0.0)]
    }
}

/// A tile as the kernels use it.
pub(super) trait QuantTile: Quants {
    /// Blocks of 32 columns.
    const BLOCKS: usize;
    const HALVES: bool;
    const CENTRE: u8;

    /// Adds the products of its 16 rows with its columns of each of M rows of activations.
    fn add_products<V: Simd, const M: usize>(&self, simd: V, blocks: &[[QuantBlock; M]], sums: &mut [V::Floats; M]);

    /// Asks for what stands as far behind a block and its scales as is read before it is needed.
    fn ask_ahead<V: Simd>(&self, simd: V, block: usize);

    /// Four columns of a block.
    fn four<V: Simd>(&self, simd: V, block: usize, four: usize) -> V::Bytes;

    /// The factors of a block, or of a half of it, and what is added.
    fn scales<V: Simd>(&self, simd: V, block: usize, half: usize) -> [V::Floats; 2];
}

impl<W: VectorWeights, S: VectorScales, const BLOCKS: usize> QuantTile for Tile<W, S, BLOCKS>
where
    Self: Plain,
{
    const BLOCKS: usize = BLOCKS;
    const HALVES: bool = S::HALVES;
    const CENTRE: u8 = {
        assert!(W::CENTRE == 0 || W::CENTRE.is_power_of_two(), "sums begin at a part of what 128 asks for");
        assert!(W::CENTRE <= 32 || !S::HALVES, "halves' sums begin at a part of what 32 asks for");
        W::CENTRE
    };

    #[inline(always)]
    fn add_products<V: Simd, const M: usize>(&self, simd: V, blocks: &[[QuantBlock; M]], sums: &mut [V::Floats; M]) {
        // In units, where all blocks have them in common.
        let mut inner = if S::STEPS { [simd.splat(0.0); M] } else { *sums };
        for (index, (weights, blocks)) in self.weights.iter().zip(blocks).enumerate() {
            if M == 1 && simd.asks_ahead() {
                self.ask_ahead(simd, index);
            }
            let halves = if S::HALVES { 2 } else { 1 };
            for half in 0..halves {
                let starts = blocks.each_ref().map(|block| block.start(Self::CENTRE, S::HALVES.then_some(half)));
                let fours = if S::HALVES { 4 * half..4 * half + 4 } else { 0..8 };
                let dots = dots(simd, weights, fours, blocks, starts);
                let factors = self.scales.factors(simd, index, half);
                for row in 0..M {
                    let dot = simd.mul(simd.int_to_float(dots[row]), simd.splat(blocks[row].scale));
                    inner[row] = simd.mul_add(dot, factors, inner[row]);
                }
            }
            if S::MINIMA && !S::STEPS {
                add_minima(simd, self.scales.minima(simd, index), blocks, &mut inner);
            }
        }
        if S::STEPS {
            let [units, minimum_units] = self.scales.units(simd);
            for row in 0..M {
                sums[row] = simd.mul_add(inner[row], units, sums[row]);
            }
            if S::MINIMA {
                let mut minima = [simd.splat(0.0); M];
                for (index, blocks) in blocks.iter().enumerate().take(BLOCKS) {
                    add_minima(simd, self.scales.minima(simd, index), blocks, &mut minima);
                }
                for row in 0..M {
                    sums[row] = simd.mul_add(minima[row], minimum_units, sums[row]);
                }
            }
        } else {
            *sums = inner;
        }
    }

    #[inline(always)]
    fn ask_ahead<V: Simd>(&self, simd: V, block: usize) {
        ask_ahead(simd, &self.weights[block]);
        if block + 1 == BLOCKS {
            ask_ahead(simd, &self.scales);
        }
    }

    #[inline(always)]
    fn four<V: Simd>(&self, simd: V, block: usize, four: usize) -> V::Bytes {
        self.weights[block].four(simd, four)
    }

    #[inline(always)]
    fn scales<V: Simd>(&self, simd: V, block: usize, half: usize) -> [V::Floats; 2] {
        let (factors, minima) = (self.scales.factors(simd, block, half), self.scales.minima(simd, block));
        if !S::STEPS {
            return [factors, minima];
        }
        let [units, minimum_units] = self.scales.units(simd);
        [simd.mul(factors, units), simd.mul(minima, minimum_units)]
    }
}

/// Products of some fours of columns of weights with each row's activations, from where their sums start.
#[inline(always)]
fn dots<V: Simd, W: VectorWeights, const M: usize>(
    simd: V,
    weights: &W,
    fours: Range<usize>,
    blocks: &[QuantBlock; M],
    starts: [i32; M],
) -> [V::Ints; M] {
    let mut dots = starts.map(|start| simd.splat_int(start));
    for four in fours {
        let bytes = weights.four(simd, four);
        for row in 0..M {
            let activations = blocks[row].values[four];
            dots[row] = if W::WHOLE_BYTES {
                simd.dot(dots[row], bytes, activations)
            } else {
                simd.dot_small(dots[row], bytes, activations)
            };
        }
    }
    dots
}

#[inline(always)]
fn add_minima<V: Simd, const M: usize>(simd: V, minima: V::Floats, blocks: &[QuantBlock; M], to: &mut [V::Floats; M]) {
    for row in 0..M {
        to[row] = simd.mul_add(minima, simd.splat(blocks[row].scaled_sum), to[row]);
    }
}
