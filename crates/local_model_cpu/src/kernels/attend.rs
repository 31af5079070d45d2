//! Attention of a few queries over the pages of one key-value head, in one pass: scores of a page's 64 tokens, their
//! exponentials against the greatest score so far, weighted sum of values ("online softmax", Milakov and Gimelshein
//! 2018). Queries of all heads that share keys and values go together, so each key is loaded once for up to eight.
//!
//! ```text
//! a head's page:  keys   [4 groups of 16 tokens][head_dim][16 tokens]   one load = one component of 16 tokens
//!                 values [head_dim / 16][64 tokens][16 components]      one load = 16 components of one token
//! ```

use super::Simd;
use crate::simd::LANES;

/// Tokens of a page.
pub(crate) const PAGE_TOKENS: usize = 64;
/// Queries that go together.
pub(crate) const QUERIES_MAX: usize = 8;
/// Values of a partial result beside the sums: the greatest score, the sum of weights, and room to keep alignment.
pub(crate) const PARTIAL_EXTRA: usize = LANES;
/// What an IEEE half can hold.
const HALF_MAX: f32 = 65504.0;

/// Values that one head has in one page, keys and values together.
pub(crate) const fn head_values(head_dim: usize) -> usize {
    2 * PAGE_TOKENS * head_dim
}

/// One piece of attention.
pub(crate) struct Attend<'a> {
    pub(crate) head_dim: usize,
    /// Factor of the scores, 1 / √head_dim.
    pub(crate) scale: f32,
    /// The cache.
    pub(crate) cache: &'a [u16],
    /// Where this head's keys begin in each page, in the sequence's order.
    pub(crate) pages: &'a mut dyn Iterator<Item = usize>,
    /// Position of the first page's first token.
    pub(crate) position: usize,
    /// One to [`QUERIES_MAX`] queries of `head_dim` values.
    pub(crate) queries: &'a [&'a [f32]],
    /// How many of the sequence's tokens each query sees, from the first.
    pub(crate) seen: &'a [usize],
    /// How many of those, again from the first, its window has left behind.
    pub(crate) forgotten: &'a [usize],
    /// For each query `head_dim` + [`PARTIAL_EXTRA`] values.
    pub(crate) partials: &'a mut [f32],
}

#[inline(always)]
pub(super) fn attend<S: Simd>(simd: S, task: &mut Attend<'_>) {
    match task.queries.len() {
        1 => attend_some::<S, 1>(simd, task),
        2 => attend_some::<S, 2>(simd, task),
        3 => attend_some::<S, 3>(simd, task),
        4 => attend_some::<S, 4>(simd, task),
        5 => attend_some::<S, 5>(simd, task),
        6 => attend_some::<S, 6>(simd, task),
        7 => attend_some::<S, 7>(simd, task),
        _ => attend_some::<S, 8>(simd, task),
    }
}

/// Greatest width of a head; checked when a model is loaded.
pub(crate) const HEAD_DIM_MAX: usize = 256;

type Scores<const R: usize> = [[f32; PAGE_TOKENS]; R];

#[inline(always)]
fn attend_some<S: Simd, const R: usize>(simd: S, task: &mut Attend<'_>) {
    let head_dim = task.head_dim;
    let mut queries = [[0.0; R]; HEAD_DIM_MAX];
    let queries = &mut queries[..head_dim];
    for (row, query) in task.queries.iter().enumerate().take(R) {
        for (to, value) in queries.iter_mut().zip(*query) {
            to[row] = value * task.scale;
        }
    }
    let mut sums = [[[0.0; LANES]; R]; HEAD_DIM_MAX / LANES];
    let sums = &mut sums[..head_dim / LANES];
    let mut greatest = [f32::NEG_INFINITY; R];
    let mut weights = [0.0; R];
    for (index, place) in task.pages.enumerate() {
        let page = &task.cache[place..place + head_values(head_dim)];
        let (keys, values) = page.as_chunks::<LANES>().0.split_at(PAGE_TOKENS * head_dim / LANES);
        let before = task.position + index * PAGE_TOKENS;
        let mut visible = [(0, 0); R];
        for (visible, (forgotten, seen)) in visible.iter_mut().zip(task.forgotten.iter().zip(task.seen)) {
            let in_page = |tokens: usize| tokens.saturating_sub(before).min(PAGE_TOKENS);
            *visible = (in_page(*forgotten), in_page(*seen));
        }
        let tokens = visible.iter().map(|(_, end)| *end).max().unwrap_or(0);
        let mut scores = [[0.0; PAGE_TOKENS]; R];
        score::<S, R>(simd, keys, queries, tokens, &mut scores);
        let factors = weigh::<S, R>(simd, &mut scores, visible, &mut greatest, &mut weights);
        sum_values::<S, R>(simd, values, &scores, tokens, factors, sums);
    }
    for (row, partial) in task.partials.chunks_exact_mut(head_dim + PARTIAL_EXTRA).enumerate().take(R) {
        for (to, sums) in partial.as_chunks_mut::<LANES>().0.iter_mut().zip(&*sums) {
            *to = sums[row];
        }
        partial[head_dim] = greatest[row];
        partial[head_dim + 1] = weights[row];
    }
}

/// Scores of the first `tokens` tokens of a page, and of what follows them in the same group of 16.
#[inline(always)]
fn score<S: Simd, const R: usize>(
    simd: S,
    keys: &[[u16; LANES]],
    queries: &[[f32; R]],
    tokens: usize,
    scores: &mut Scores<R>,
) {
    for (group, keys) in keys.chunks_exact(queries.len()).enumerate().take(tokens.div_ceil(LANES)) {
        let mut dots = [simd.splat(0.0); R];
        for (key, query) in keys.iter().zip(queries) {
            let key = simd.load_half(key);
            for row in 0..R {
                dots[row] = simd.mul_add(key, simd.splat(query[row]), dots[row]);
            }
        }
        for row in 0..R {
            simd.store(dots[row], &mut scores[row].as_chunks_mut().0[group]);
        }
    }
}

/// Turns scores into weights relative to the greatest score so far; gives the factors that earlier sums must shrink by.
#[inline(always)]
fn weigh<S: Simd, const R: usize>(
    simd: S,
    scores: &mut Scores<R>,
    visible: [(usize, usize); R],
    greatest: &mut [f32; R],
    weights: &mut [f32; R],
) -> [f32; R] {
    let mut factors = [1.0; R];
    for row in 0..R {
        let (begin, end) = visible[row];
        if begin >= end {
            scores[row] = [0.0; PAGE_TOKENS];
            continue;
        }
        scores[row][end..].fill(f32::NEG_INFINITY);
        scores[row][..begin].fill(f32::NEG_INFINITY);
        let groups = scores[row].as_chunks_mut::<LANES>().0;
        let mut high = simd.splat(greatest[row]);
        for group in &*groups {
            high = simd.max(high, simd.load(group));
        }
        let high = simd.greatest(high);
        if high > greatest[row] {
            factors[row] = (greatest[row] - high).exp();
            greatest[row] = high;
        }
        let mut sum = simd.splat(0.0);
        for group in groups {
            let weight = simd.exp(simd.sub(simd.load(group), simd.splat(high)));
            sum = simd.add(sum, weight);
            simd.store(weight, group);
        }
        // Those not visible have got e^-87 each, nothing in an f32 sum that holds a 1.
        scores[row][end..].fill(0.0);
        scores[row][..begin].fill(0.0);
        weights[row] = weights[row] * factors[row] + simd.sum(sum);
    }
    factors
}

#[inline(always)]
fn sum_values<S: Simd, const R: usize>(
    simd: S,
    values: &[[u16; LANES]],
    weights: &Scores<R>,
    tokens: usize,
    factors: [f32; R],
    sums: &mut [[[f32; LANES]; R]],
) {
    for (sums, values) in sums.iter_mut().zip(values.as_chunks::<PAGE_TOKENS>().0) {
        let mut totals = [simd.splat(0.0); R];
        for row in 0..R {
            totals[row] = simd.mul(simd.load(&sums[row]), simd.splat(factors[row]));
        }
        for (token, value) in values.iter().enumerate().take(tokens) {
            let value = simd.load_half(value);
            for row in 0..R {
                totals[row] = simd.mul_add(value, simd.splat(weights[row][token]), totals[row]);
            }
        }
        for row in 0..R {
            simd.store(totals[row], &mut sums[row]);
        }
    }
}

#[inline(always)]
pub(super) fn store_key<S: Simd>(simd: S, page: &mut [u16], token: usize, key: &[f32]) {
    let group = &mut page[token / LANES * LANES * key.len()..][..LANES * key.len()];
    let groups = group.as_chunks_mut::<LANES>().0.as_chunks_mut::<LANES>().0;
    for (to, values) in groups.iter_mut().zip(key.as_chunks::<LANES>().0) {
        let mut halves = [0; LANES];
        store_halves(simd, values, &mut halves);
        for (to, half) in to.iter_mut().zip(halves) {
            to[token % LANES] = half;
        }
    }
}

#[inline(always)]
pub(super) fn store_value<S: Simd>(simd: S, page: &mut [u16], token: usize, value: &[f32]) {
    let values = &mut page[PAGE_TOKENS * value.len()..];
    for (chunk, from) in
        values.as_chunks_mut::<LANES>().0.chunks_exact_mut(PAGE_TOKENS).zip(value.as_chunks::<LANES>().0)
    {
        store_halves(simd, from, &mut chunk[token]);
    }
}

#[inline(always)]
fn store_halves<S: Simd>(simd: S, from: &[f32; LANES], to: &mut [u16; LANES]) {
    let limited = simd.min(simd.max(simd.load(from), simd.splat(-HALF_MAX)), simd.splat(HALF_MAX));
    simd.store_half(limited, to);
}
