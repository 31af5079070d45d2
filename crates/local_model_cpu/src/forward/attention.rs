//! Attention of a batch: which queries see which pages, cut into pieces that threads share. It must not know the rest
//! of the network.
//!
//! A piece is up to eight queries that share a key-value head, over the pages that they see. Where that gives too few
//! pieces for the threads (one long sequence being answered), pages are shared out as well and the parts are merged.

use std::ops::Range;

use local_model::Run;

use super::work::Work;
use crate::activations::Activations;
use crate::buffer::Disjoint;
use crate::cache::{PageShape, Rooms};
use crate::kernels::{Attend, Kernels, PAGE_TOKENS, PARTIAL_EXTRA, QUERIES_MAX, head_values, merge_partials};
use crate::pool::Panicked;
use crate::rope::Rope;
use crate::shape::{LayerKind, Shape, Turns};
use crate::weights::{HeadWeights, Ropes};

/// Pieces for each thread below which pages are shared out.
const PIECES_PER_THREAD: usize = 3;

/// Neighbouring rows of a run whose keys lie in one page.
struct Stretch {
    first_row: usize,
    rows: usize,
    page: usize,
    /// Place of the first row's token in the page.
    token: usize,
}

/// A run's rows, queries and partial results.
struct Span<'a> {
    first_row: usize,
    rows: usize,
    position: usize,
    pages: &'a [usize],
    /// Parts that the pages are shared out to.
    parts: usize,
    /// Its first partial result; the others follow as `[key-value head][part][query]`.
    partial: usize,
}

/// Up to eight queries of a run and a key-value head, over one part of the pages.
struct Piece {
    span: usize,
    kv_head: usize,
    part: usize,
    queries: Range<usize>,
}

/// A batch's attention, the same in all layers.
pub(crate) struct AttentionPlan<'a> {
    head_dim: usize,
    heads: usize,
    kv_heads: usize,
    page_shape: PageShape,
    rows: usize,
    partials: usize,
    /// Factor of the scores.
    scale: f32,
    stretches: Vec<Stretch>,
    spans: Vec<Span<'a>>,
    pieces: Vec<Piece>,
}

impl<'a> AttentionPlan<'a> {
    /// The plan for runs whose slots are taken; others are left out.
    pub(crate) fn new(
        shape: &Shape,
        page_shape: PageShape,
        rooms: Rooms<'a>,
        runs: &[Run<'_>],
        threads: usize,
    ) -> Self {
        let group = shape.group();
        let mut plan = Self {
            head_dim: shape.head_dim,
            heads: shape.heads,
            kv_heads: shape.kv_heads,
            page_shape,
            rows: 0,
            partials: 0,
            scale: shape.scales.scores,
            stretches: Vec::new(),
            spans: Vec::new(),
            pieces: Vec::new(),
        };
        let blocks = |run: &Run<'_>| (run.tokens.len() * group).div_ceil(QUERIES_MAX) * shape.kv_heads;
        let pieces: usize = runs.iter().map(blocks).sum();
        let parts_wanted = (threads * PIECES_PER_THREAD).div_ceil(pieces.max(1));
        for run in runs {
            let pages = rooms.of(run.slot).map_or(&[][..], |room| &room.pages);
            let used = (run.position + run.tokens.len()).div_ceil(PAGE_TOKENS);
            plan.add_run(run, &pages[..used], parts_wanted.min(used), group);
        }
        plan
    }

    fn add_run(&mut self, run: &Run<'_>, pages: &'a [usize], parts: usize, group: usize) {
        let rows = run.tokens.len();
        let mut done = 0;
        while done < rows {
            let position = run.position + done;
            let token = position % PAGE_TOKENS;
            let some = (PAGE_TOKENS - token).min(rows - done);
            let page = pages[position / PAGE_TOKENS];
            self.stretches.push(Stretch { first_row: self.rows + done, rows: some, page, token });
            done += some;
        }
        let queries = rows * group;
        for kv_head in 0..self.kv_heads {
            for first in (0..queries).step_by(QUERIES_MAX) {
                let queries = first..queries.min(first + QUERIES_MAX);
                for part in 0..parts {
                    self.pieces.push(Piece { span: self.spans.len(), kv_head, part, queries: queries.clone() });
                }
            }
        }
        let (first_row, position, partial) = (self.rows, run.position, self.partials);
        self.spans.push(Span { first_row, rows, position, pages, parts, partial });
        self.rows += rows;
        self.partials += self.kv_heads * parts * queries;
    }

    /// Rows of the batch.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    fn group(&self) -> usize {
        self.heads / self.kv_heads
    }

    /// Values of a row of queries, keys and values.
    fn row_values(&self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.head_dim
    }

    fn partial_values(&self) -> usize {
        self.head_dim + PARTIAL_EXTRA
    }

    /// Where a partial result begins.
    fn partial(&self, span: &Span<'_>, kv_head: usize, part: usize, query: usize) -> usize {
        let queries = span.rows * self.group();
        (span.partial + (kv_head * span.parts + part) * queries + query) * self.partial_values()
    }
}

/// Cosines and sines of each row's angles, half a head each.
#[derive(Default)]
struct RowAngles {
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl RowAngles {
    fn prepare(&mut self, plan: &AttentionPlan<'_>, rope: &Rope, runs: &[Run<'_>]) {
        let half = plan.head_dim / 2;
        self.cosines.resize(plan.rows * half, 0.0);
        self.sines.resize(plan.rows * half, 0.0);
        let positions = runs.iter().flat_map(|run| run.position..run.position + run.tokens.len());
        let angles = self.cosines.chunks_exact_mut(half).zip(self.sines.chunks_exact_mut(half));
        for (position, (cosines, sines)) in positions.zip(angles) {
            rope.angles(position, cosines, sines);
        }
    }
}

/// The memory that attention works in.
#[derive(Default)]
pub(crate) struct Attention {
    full: RowAngles,
    windowed: RowAngles,
    partials: Vec<f32>,
}

/// The layer whose attention is computed.
pub(crate) struct AttentionLayer<'a> {
    /// Its place in the cache.
    pub(crate) index: usize,
    pub(crate) kind: LayerKind,
    pub(crate) weights: &'a HeadWeights,
    pub(crate) norm_epsilon: f32,
}

impl Attention {
    /// Angles of all rows, and room for the partial results.
    pub(crate) fn prepare(&mut self, plan: &AttentionPlan<'_>, ropes: &Ropes, runs: &[Run<'_>]) {
        self.partials.resize(plan.partials * plan.partial_values(), 0.0);
        self.full.prepare(plan, &ropes.full, runs);
        if let Some(windowed) = &ropes.windowed {
            self.windowed.prepare(plan, windowed, runs);
        }
    }

    /// Adds biases, normalises heads, turns queries and keys by their positions, each where the network does, and puts
    /// keys and values into the cache.
    pub(crate) fn place(
        &self,
        work: &mut Work<'_>,
        plan: &AttentionPlan<'_>,
        layer: &AttentionLayer<'_>,
        wide: &mut [f32],
        cache: &mut [u16],
    ) -> Result<(), Panicked> {
        let kernels = work.kernels;
        let target = Placing { wide: Disjoint::new(wide), cache: Disjoint::new(cache), layer };
        let items = plan.stretches.len() * plan.kv_heads;
        let grain = if plan.rows == 1 { items } else { 1 };
        work.pool.share(items, grain, &|items| {
            for item in items {
                self.place_stretch(kernels, plan, &target, &plan.stretches[item / plan.kv_heads], item % plan.kv_heads);
            }
        })
    }

    /// What [`Attention::place`] does, for a stretch and a key-value head; nobody else takes the same two.
    fn place_stretch(
        &self,
        kernels: Kernels,
        plan: &AttentionPlan<'_>,
        target: &Placing<'_>,
        stretch: &Stretch,
        kv_head: usize,
    ) {
        let (head_dim, group, half) = (plan.head_dim, plan.group(), plan.head_dim / 2);
        let layer = target.layer;
        let place = plan.page_shape.head(stretch.page, layer.index, kv_head);
        let angles = match layer.kind.turns {
            Turns::Not => None,
            Turns::AsFull => Some(&self.full),
            Turns::AsWindowed => Some(&self.windowed),
        };
        let [query_norm, key_norm] = match &layer.weights.norms {
            Some([query, key]) => [Some(query), Some(key)],
            None => [None, None],
        };
        // SAFETY: a head's part of a page belongs to one sequence, of which this is the only stretch there.
        let page = unsafe { target.cache.part(place..place + head_values(head_dim)) };
        for index in 0..stretch.rows {
            let row = stretch.first_row + index;
            let biased = |head: usize| {
                let at = head * head_dim..(head + 1) * head_dim;
                let start = row * plan.row_values();
                // SAFETY: these heads of this row are this item's alone, and taken one after another.
                let vector = unsafe { target.wide.part(start + at.start..start + at.end) };
                if let Some(biases) = &layer.weights.biases {
                    vector.iter_mut().zip(&biases[at]).for_each(|(value, bias)| *value += bias);
                }
                vector
            };
            let turned = |head: usize, norm: Option<&Vec<f32>>| {
                let vector = biased(head);
                if let Some(norm) = norm {
                    kernels.normalise_in_place(vector, norm, layer.norm_epsilon);
                }
                if let Some(RowAngles { cosines, sines }) = angles {
                    let at = row * half..(row + 1) * half;
                    kernels.rotate(vector, &cosines[at.clone()], &sines[at]);
                }
                vector
            };
            for head in kv_head * group..(kv_head + 1) * group {
                turned(head, query_norm);
            }
            let key = turned(plan.heads + kv_head, key_norm);
            kernels.store_key(page, stretch.token + index, key);
            kernels.store_value(page, stretch.token + index, biased(plan.heads + plan.kv_heads + kv_head));
        }
    }

    /// Computes all pieces.
    pub(crate) fn attend(
        &mut self,
        work: &mut Work<'_>,
        plan: &AttentionPlan<'_>,
        layer: &AttentionLayer<'_>,
        wide: &[f32],
        cache: &[u16],
    ) -> Result<(), Panicked> {
        let kernels = work.kernels;
        let partials = Disjoint::new(&mut self.partials);
        work.pool.share(plan.pieces.len(), 1, &|pieces| {
            for piece in &plan.pieces[pieces] {
                attend_piece(plan, piece, layer, wide, cache, partials, &|task| kernels.attend(task));
            }
        })
    }

    /// Merges the parts of each head, with its score of nothing where there is one, and rounds the rows.
    pub(crate) fn collect(
        &self,
        work: &mut Work<'_>,
        plan: &AttentionPlan<'_>,
        sinks: Option<&[f32]>,
        to: &mut Activations,
    ) -> Result<(), Panicked> {
        let group = plan.group();
        let span_of_row: Vec<&Span<'_>> =
            plan.spans.iter().flat_map(|span| std::iter::repeat_n(span, span.rows)).collect();
        work.fill(to, &|row, floats| {
            let span = span_of_row[row];
            for (head, to) in floats.chunks_exact_mut(plan.head_dim).enumerate() {
                let query = (row - span.first_row) * group + head % group;
                let partials = (0..span.parts).map(|part| {
                    let at = plan.partial(span, head / group, part, query);
                    &self.partials[at..at + plan.partial_values()]
                });
                merge_partials(partials, sinks.map(|sinks| sinks[head]), to);
            }
        })
    }
}

/// Where [`Attention::place`] reads and writes.
struct Placing<'a> {
    wide: Disjoint<'a, f32>,
    cache: Disjoint<'a, u16>,
    layer: &'a AttentionLayer<'a>,
}

fn attend_piece(
    plan: &AttentionPlan<'_>,
    piece: &Piece,
    layer: &AttentionLayer<'_>,
    wide: &[f32],
    cache: &[u16],
    partials: Disjoint<'_, f32>,
    attend: &dyn Fn(&mut Attend<'_>),
) {
    let (group, head_dim) = (plan.group(), plan.head_dim);
    let span = &plan.spans[piece.span];
    let mut queries = [&[][..]; QUERIES_MAX];
    let (mut seen, mut forgotten) = ([0; QUERIES_MAX], [0; QUERIES_MAX]);
    for (index, query) in piece.queries.clone().enumerate() {
        let (row, head) = (query / group, piece.kv_head * group + query % group);
        let at = (span.first_row + row) * plan.row_values() + head * head_dim;
        queries[index] = &wide[at..at + head_dim];
        seen[index] = span.position + row + 1;
        forgotten[index] = layer.kind.window.map_or(0, |window| seen[index].saturating_sub(window));
    }
    let count = piece.queries.len();
    let visible = seen[count - 1].div_ceil(PAGE_TOKENS);
    // Pages that the window of the piece's first query, and so of all, has left behind are nobody's part.
    let left_behind = forgotten[0] / PAGE_TOKENS;
    let part_begin = |part: usize| left_behind + (span.pages.len() - left_behind) * part / span.parts;
    let first = part_begin(piece.part);
    let end = part_begin(piece.part + 1).min(visible).max(first);
    let at = plan.partial(span, piece.kv_head, piece.part, piece.queries.start);
    // SAFETY: partial results are numbered by head, part and query, so pieces do not share any.
    let partials = unsafe { partials.part(at..at + count * plan.partial_values()) };
    attend(&mut Attend {
        head_dim,
        scale: plan.scale,
        cache,
        pages: &mut span.pages[first..end].iter().map(|page| plan.page_shape.head(*page, layer.index, piece.kv_head)),
        position: first * PAGE_TOKENS,
        queries: &queries[..count],
        seen: &seen[..count],
        forgotten: &forgotten[..count],
        partials,
    });
}
