//! What an encoder does beside multiplying: rows brought to mean 0 and variance 1, the exact GELU, attention of every token to
//! every other of its text.

use std::ops::Range;

use super::Simd;
use crate::buffer::Disjoint;
use crate::simd::LANES;

/// Attention of one head over one text.
pub(crate) struct AttendWhole<'a> {
    /// Rows of queries, keys and values of all heads, each `width` long.
    pub(crate) from: &'a [f32],
    pub(crate) width: usize,
    /// A multiple of [`LANES`].
    pub(crate) head_width: usize,
    pub(crate) head: usize,
    /// The text's rows.
    pub(crate) span: Range<usize>,
    /// Rows of `width`, of which this head's part is written; nobody else writes there.
    pub(crate) to: Disjoint<'a, f32>,
}

/// `row = (row − mean) / √(variance + epsilon) · weight + bias`; the length is a multiple of [`LANES`].
#[inline(always)]
pub(super) fn standardise<S: Simd>(simd: S, row: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let length = row.len() as f32;
    let row = row.as_chunks_mut::<LANES>().0;
    let mut sum = simd.splat(0.0);
    for part in &*row {
        sum = simd.add(sum, simd.load(part));
    }
    let mean = simd.splat(simd.sum(sum) / length);
    let mut squares = simd.splat(0.0);
    for part in &*row {
        let away = simd.sub(simd.load(part), mean);
        squares = simd.mul_add(away, away, squares);
    }
    let factor = simd.splat(1.0 / (simd.sum(squares) / length + epsilon).sqrt());
    for ((part, weight), bias) in row.iter_mut().zip(weight.as_chunks().0).zip(bias.as_chunks().0) {
        let away = simd.mul(simd.sub(simd.load(part), mean), factor);
        simd.store(simd.mul_add(away, simd.load(weight), simd.load(bias)), part);
    }
}

/// `value = value / 2 · (1 + erf(value / √2))`, the error function after Abramowitz and Stegun 7.1.26, to 1.5 · 10^−7. The
/// length is a multiple of [`LANES`].
#[inline(always)]
pub(super) fn gelu<S: Simd>(simd: S, values: &mut [f32]) {
    const SLOPE: f32 = 0.327_591_1;
    const LAST: f32 = 1.061_405_4;
    const OTHERS: [f32; 4] = [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6];
    let (one, zero) = (simd.splat(1.0), simd.splat(0.0));
    for part in values.as_chunks_mut::<LANES>().0 {
        let value = simd.load(part);
        let magnitude = simd.max(value, simd.sub(zero, value));
        let x = simd.mul(magnitude, simd.splat(std::f32::consts::FRAC_1_SQRT_2));
        let t = simd.div(one, simd.mul_add(x, simd.splat(SLOPE), one));
        let mut sum = simd.splat(LAST);
        for coefficient in OTHERS {
            sum = simd.mul_add(sum, t, simd.splat(coefficient));
        }
        let tail = simd.mul(simd.mul(sum, t), simd.exp(simd.sub(zero, simd.mul(x, x))));
        // value · erf(value / √2) is the same for both signs.
        let whole = simd.mul_add(magnitude, simd.sub(one, tail), value);
        simd.store(simd.mul(whole, simd.splat(0.5)), part);
    }
}

/// Softmax over all keys of the text, for each of its queries. Keys are turned on their side first, so that 16 scores come at once.
#[inline(always)]
pub(super) fn attend_whole<S: Simd>(simd: S, task: &AttendWhole<'_>) {
    let AttendWhole { from, width, head_width, head, ref span, to } = *task;
    let (row_width, at) = (3 * width, head * head_width);
    let blocks = span.len().div_ceil(LANES);
    let mut keys = vec![[0.0_f32; LANES]; blocks * head_width];
    for (index, row) in span.clone().enumerate() {
        let key = &from[row * row_width + width + at..][..head_width];
        for (dim, value) in key.iter().enumerate() {
            keys[index / LANES * head_width + dim][index % LANES] = *value;
        }
    }
    let scale = simd.splat(1.0 / (head_width as f32).sqrt());
    let mut scores = vec![[0.0_f32; LANES]; blocks];
    for row in span.clone() {
        let query = &from[row * row_width + at..][..head_width];
        for (block, scores) in scores.iter_mut().enumerate() {
            let mut sum = simd.splat(0.0);
            for (key, value) in keys[block * head_width..][..head_width].iter().zip(query) {
                sum = simd.mul_add(simd.load(key), simd.splat(*value), sum);
            }
            simd.store(simd.mul(sum, scale), scores);
        }
        let total = weigh(simd, &mut scores, span.len());
        let inverse = simd.splat(1.0 / total);
        // SAFETY: this head's part of this row, which its caller answers for.
        let out = unsafe { to.part(row * width + at..row * width + at + head_width) };
        for (part, to) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let mut sum = simd.splat(0.0);
            for (weight, row) in scores.as_flattened().iter().zip(span.clone()) {
                let value = from[row * row_width + 2 * width + at + part * LANES..].as_chunks::<LANES>().0;
                sum = simd.mul_add(simd.splat(*weight), simd.load(&value[0]), sum);
            }
            simd.store(simd.mul(sum, inverse), to);
        }
    }
}

/// Makes weights of the first `count` scores, as yet not divided by their sum, which it gives.
#[inline(always)]
fn weigh<S: Simd>(simd: S, scores: &mut [[f32; LANES]], count: usize) -> f32 {
    for score in &mut scores.as_flattened_mut()[count..] {
        *score = f32::NEG_INFINITY;
    }
    let mut greatest = f32::NEG_INFINITY;
    for part in &*scores {
        greatest = greatest.max(simd.greatest(simd.load(part)));
    }
    let mut total = simd.splat(0.0);
    for part in &mut *scores {
        let weight = simd.exp(simd.sub(simd.load(part), simd.splat(greatest)));
        simd.store(weight, part);
        total = simd.add(total, weight);
    }
    simd.sum(total)
}
