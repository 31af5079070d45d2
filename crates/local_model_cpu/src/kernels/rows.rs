//! What is done to one row of activations at a time: normalising, rounding, gating, turning.

use super::Simd;
use super::attend::PARTIAL_EXTRA;
use crate::activations::{BrainBlock, Panels, QuantBlock, Rounding};
use crate::buffer::Disjoint;
use crate::packed::BLOCK_COLUMNS;
use crate::simd::LANES;

/// Where a row's blocks go.
pub(crate) struct RoundedRow<'a> {
    pub(crate) blocks: Disjoint<'a, QuantBlock>,
    pub(crate) brains: Disjoint<'a, BrainBlock>,
    pub(crate) panels: Panels,
    pub(crate) row: usize,
}

#[inline(always)]
pub(super) fn normalise<S: Simd>(simd: S, from: &[f32], weight: &[f32], epsilon: f32, to: &mut [f32]) {
    let (from, weight, to) = (from.as_chunks::<LANES>().0, weight.as_chunks().0, to.as_chunks_mut().0);
    let factor = simd.splat(inverse_rms(simd, from, epsilon));
    for ((part, weight), to) in from.iter().zip(weight).zip(to) {
        simd.store(simd.mul(simd.mul(simd.load(part), factor), simd.load(weight)), to);
    }
}

#[inline(always)]
pub(super) fn normalise_in_place<S: Simd>(simd: S, vector: &mut [f32], weight: &[f32], epsilon: f32) {
    let (vector, weight) = (vector.as_chunks_mut::<LANES>().0, weight.as_chunks().0);
    let factor = simd.splat(inverse_rms(simd, vector, epsilon));
    for (part, weight) in vector.iter_mut().zip(weight) {
        simd.store(simd.mul(simd.mul(simd.load(part), factor), simd.load(weight)), part);
    }
}

#[inline(always)]
pub(super) fn add_normalised<S: Simd>(simd: S, from: &[f32], weight: &[f32], epsilon: f32, to: &mut [f32]) {
    let (from, weight, to) = (from.as_chunks::<LANES>().0, weight.as_chunks().0, to.as_chunks_mut().0);
    let factor = simd.splat(inverse_rms(simd, from, epsilon));
    for ((part, weight), to) in from.iter().zip(weight).zip(to) {
        simd.store(simd.mul_add(simd.mul(simd.load(part), factor), simd.load(weight), simd.load(to)), to);
    }
}

#[inline(always)]
pub(super) fn add_scaled<S: Simd>(simd: S, from: &[f32], factor: f32, to: &mut [f32]) {
    let factor = simd.splat(factor);
    for (part, to) in from.as_chunks::<LANES>().0.iter().zip(to.as_chunks_mut().0) {
        simd.store(simd.mul_add(simd.load(part), factor, simd.load(to)), to);
    }
}

#[inline(always)]
fn inverse_rms<S: Simd>(simd: S, from: &[[f32; LANES]], epsilon: f32) -> f32 {
    let mut squares = simd.splat(0.0);
    for part in from {
        let part = simd.load(part);
        squares = simd.mul_add(part, part, squares);
    }
    let mean = simd.sum(squares) / (from.len() * LANES) as f32;
    1.0 / (mean + epsilon).sqrt()
}

#[inline(always)]
pub(super) fn round<S: Simd>(simd: S, from: &[f32], to: &RoundedRow<'_>) {
    for (index, floats) in from.as_chunks::<BLOCK_COLUMNS>().0.iter().enumerate() {
        let place = to.panels.place(to.row, index);
        match to.panels.rounding {
            Rounding::Bytes => {
                // SAFETY: a block belongs to one row, and a row is written by one thread.
                let block = unsafe { to.blocks.part(place..place + 1) };
                block[0] = QuantBlock::of(simd, floats);
            }
            Rounding::Brains => {
                // SAFETY: as above.
                let block = unsafe { to.brains.part(place..place + 1) };
                for (to, from) in block[0].0.as_chunks_mut::<LANES>().0.iter_mut().zip(floats.as_chunks().0) {
                    simd.store_brain(simd.load(from), to);
                }
            }
        }
    }
}

#[inline(always)]
pub(super) fn swiglu<S: Simd>(simd: S, from: &[f32], to: &mut [f32]) {
    let one = simd.splat(1.0);
    for (pair, to) in from.as_chunks::<LANES>().0.as_chunks::<2>().0.iter().zip(to.as_chunks_mut().0) {
        let (gate, up) = (simd.load(&pair[0]), simd.load(&pair[1]));
        let sigmoid = simd.div(one, simd.add(one, simd.exp(simd.sub(simd.splat(0.0), gate))));
        simd.store(simd.mul(simd.mul(gate, sigmoid), up), to);
    }
}

/// `gate · sigmoid(1.702 · gate) · (up + 1)`, gates being at most 7, ups at most 7 away from zero: gpt-oss' own.
#[inline(always)]
pub(super) fn clamped_swiglu<S: Simd>(simd: S, from: &[f32], to: &mut [f32]) {
    const SLOPE: f32 = 1.702;
    const LIMIT: f32 = 7.0;
    let one = simd.splat(1.0);
    for (pair, to) in from.as_chunks::<LANES>().0.as_chunks::<2>().0.iter().zip(to.as_chunks_mut().0) {
        let gate = simd.min(simd.load(&pair[0]), simd.splat(LIMIT));
        let up = simd.max(simd.min(simd.load(&pair[1]), simd.splat(LIMIT)), simd.splat(-LIMIT));
        let sigmoid = simd.div(one, simd.add(one, simd.exp(simd.mul(gate, simd.splat(-SLOPE)))));
        simd.store(simd.mul(simd.mul(gate, sigmoid), simd.add(up, one)), to);
    }
}

/// By tanh(t) = 2 · sigmoid(2t) − 1 the usual approximation is a sigmoid too.
#[inline(always)]
pub(super) fn geglu<S: Simd>(simd: S, from: &[f32], to: &mut [f32]) {
    /// 2 · √(2 / π), and that times the cube's coefficient.
    const LINEAR: f32 = 2.0 * 0.797_884_6;
    const CUBIC: f32 = LINEAR * 0.044_715;
    let one = simd.splat(1.0);
    for (pair, to) in from.as_chunks::<LANES>().0.as_chunks::<2>().0.iter().zip(to.as_chunks_mut().0) {
        let (gate, up) = (simd.load(&pair[0]), simd.load(&pair[1]));
        let slope = simd.mul_add(simd.mul(gate, gate), simd.splat(CUBIC), simd.splat(LINEAR));
        let power = simd.sub(simd.splat(0.0), simd.mul(gate, slope));
        let sigmoid = simd.div(one, simd.add(one, simd.exp(power)));
        simd.store(simd.mul(simd.mul(gate, sigmoid), up), to);
    }
}

/// Component i and i + half turn together (GPT-NeoX's order; the weights of others are reordered when packed).
#[inline(always)]
pub(super) fn rotate<S: Simd>(_simd: S, vector: &mut [f32], cosines: &[f32], sines: &[f32]) {
    let (low, high) = vector.split_at_mut(vector.len() / 2);
    for (((low, high), cosine), sine) in low.iter_mut().zip(high).zip(cosines).zip(sines) {
        (*low, *high) = (*low * cosine - *high * sine, *low * sine + *high * cosine);
    }
}

/// Joins what [`super::Attend`] has left for one query over several ranges of tokens, each `head_dim` sums, the greatest
/// score and the sum of weights, into its attention. A score of nothing takes a share of the weights, and gives nothing.
pub(crate) fn merge_partials<'a>(partials: impl Iterator<Item = &'a [f32]> + Clone, sink: Option<f32>, to: &mut [f32]) {
    let head_dim = to.len();
    let split = |partial: &'a [f32]| {
        let (sums, extra) = partial.split_at(head_dim);
        debug_assert_eq!(extra.len(), PARTIAL_EXTRA, "a partial is its sums and its extra");
        (sums, extra[0], extra[1])
    };
    let least = sink.unwrap_or(f32::NEG_INFINITY);
    let greatest = partials.clone().map(|partial| split(partial).1).fold(least, f32::max);
    let mut total = sink.map_or(0.0, |sink| (sink - greatest).exp());
    to.fill(0.0);
    for (sums, score, weight) in partials.map(split) {
        let factor = (score - greatest).exp();
        total += weight * factor;
        for (to, sum) in to.iter_mut().zip(sums) {
            *to += sum * factor;
        }
    }
    for to in to {
        *to /= total;
    }
}
