//! One forward pass over a batch: parts of prompts and single tokens of several sequences, row below row. It must not
//! know why these tokens are computed, nor which sequence may have room.

mod attention;
mod choices;
mod mixing;
mod work;

use std::io;

use local_model::Run;

use crate::activations::Activations;
use crate::buffer::{Buffer, Disjoint};
use crate::cache::Cache;
use crate::kernels::Kernels;
use crate::packed::Matrix;
use crate::pool::{Panicked, Pool};
use crate::shape::Shape;
use crate::weights::{Feed, Gated, Layer, Norms, Weights};
use attention::{Attention, AttentionLayer, AttentionPlan};
use mixing::Mixing;
use work::Joining;
pub(crate) use work::Work;

/// The memory that passes work in; what is in it has no meaning between two passes.
pub(crate) struct Forward {
    /// The residual stream.
    stream: Buffer<f32>,
    /// The stream, normalised.
    hidden: Activations,
    queries_keys_values: Buffer<f32>,
    attention: Attention,
    attended: Activations,
    gate_up: Buffer<f32>,
    gated: Activations,
    mixing: Option<Mixing>,
    /// What half of a layer adds to the stream, where it is not added as it is computed.
    change: Buffer<f32>,
    /// The rows that logits are wanted for, normalised.
    last: Activations,
    logits: Buffer<f32>,
}

impl Forward {
    /// Memory for batches of up to `rows_max` tokens; what is never used of it costs nothing.
    pub(crate) fn new(shape: &Shape, vocabulary: usize, rows_max: usize) -> io::Result<Self> {
        let wide = shape.query_width() + 2 * shape.kv_width();
        Ok(Self {
            stream: Buffer::zeroed(rows_max * shape.width)?,
            hidden: Activations::new(rows_max, shape.width)?,
            queries_keys_values: Buffer::zeroed(rows_max * wide)?,
            attention: Attention::default(),
            attended: Activations::new(rows_max, shape.query_width())?,
            gate_up: Buffer::zeroed(rows_max * 2 * shape.feed_width)?,
            gated: Activations::new(rows_max, shape.feed_width)?,
            mixing: shape.experts.map(|experts| Mixing::new(experts, shape.width, rows_max)).transpose()?,
            change: Buffer::zeroed(rows_max * shape.width)?,
            last: Activations::new(rows_max, shape.width)?,
            logits: Buffer::zeroed(rows_max * vocabulary)?,
        })
    }

    /// Computes the runs, which are checked: their tokens are in the vocabulary, their slots taken, their positions
    /// inside the slots' rooms. Gives the rows of logits that they want.
    pub(crate) fn run(
        &mut self,
        weights: &Weights,
        kernels: Kernels,
        pool: &mut Pool,
        cache: &mut Cache,
        runs: &[Run<'_>],
    ) -> Result<&[f32], Panicked> {
        let page_shape = cache.shape();
        let (rooms, values) = cache.parts_mut();
        let plan = AttentionPlan::new(&weights.shape, page_shape, rooms, runs, pool.threads());
        self.attention.prepare(&plan, &weights.ropes, runs);
        let mut work = Work { kernels, pool, memory: weights.memory(), rows: plan.rows() };
        self.embed(&mut work, weights, runs)?;
        for (index, layer) in weights.layers.iter().enumerate() {
            self.attention_layer(&mut work, weights, layer, index, &plan, values)?;
            self.feed_layer(&mut work, weights, layer)?;
        }
        self.score(&mut work, weights, runs)
    }

    /// The stream begins as the tokens' rows of the embedding.
    fn embed(&mut self, work: &mut Work<'_>, weights: &Weights, runs: &[Run<'_>]) -> Result<(), Panicked> {
        let tokens: Vec<u32> = runs.iter().flat_map(|run| run.tokens).copied().collect();
        let (width, scale) = (weights.shape.width, weights.shape.scales.embedding);
        let to = Disjoint::new(self.stream.values_mut());
        work.each_row(&|row| {
            // SAFETY: each row is written by one thread.
            let to = unsafe { to.part(row * width..(row + 1) * width) };
            weights.embedding.unpack_row(weights.memory(), tokens[row] as usize, to);
            for value in to {
                *value *= scale;
            }
        })
    }

    fn attention_layer(
        &mut self,
        work: &mut Work<'_>,
        weights: &Weights,
        layer: &Layer,
        index: usize,
        plan: &AttentionPlan<'_>,
        cache: &mut [u16],
    ) -> Result<(), Panicked> {
        let stream = self.stream.values_mut();
        let wide = self.queries_keys_values.values_mut();
        let (shape, norms) = (&weights.shape, &layer.attention_norms);
        let at = AttentionLayer { index, kind: layer.kind, weights: &layer.heads, norm_epsilon: shape.norm_epsilon };
        work.normalise(stream, norms.before.as_deref(), shape.norm_epsilon, &mut self.hidden)?;
        work.multiply(&layer.queries_keys_values, &self.hidden, wide)?;
        self.attention.place(work, plan, &at, wide, cache)?;
        self.attention.attend(work, plan, &at, wide, cache)?;
        self.attention.collect(work, plan, layer.heads.sinks.as_deref(), &mut self.attended)?;
        let joining = joining(shape, norms, layer.attention_biases.as_deref());
        join(work, &layer.attention_output, &self.attended, &joining, self.change.values_mut(), stream)
    }

    fn feed_layer(&mut self, work: &mut Work<'_>, weights: &Weights, layer: &Layer) -> Result<(), Panicked> {
        let stream = self.stream.values_mut();
        let (shape, norms) = (&weights.shape, &layer.feed_norms);
        work.normalise(stream, norms.before.as_deref(), shape.norm_epsilon, &mut self.hidden)?;
        match (&layer.feed, &mut self.mixing) {
            (Feed::Dense(Gated { gate_up, gate_up_biases, down, down_biases }), _) => {
                let wide = self.gate_up.values_mut();
                work.multiply(gate_up, &self.hidden, wide)?;
                work.gate(shape.activation, gate_up_biases.as_deref(), wide, &mut self.gated)?;
                let joining = joining(shape, norms, down_biases.as_deref());
                join(work, down, &self.gated, &joining, self.change.values_mut(), stream)
            }
            (Feed::Mixture(mixture), Some(mixing)) => {
                let change = self.change.values_mut();
                mixing.mix(work, shape.activation, mixture, &self.hidden, change)?;
                work.add_change(change, &joining(shape, norms, None), shape.width, stream)
            }
            // Who reads the weights of a mixture has read its sizes.
            (Feed::Mixture(_), None) => Ok(()),
        }
    }

    /// Scores of all tokens for the last rows of each run, as many as it wants.
    fn score(&mut self, work: &mut Work<'_>, weights: &Weights, runs: &[Run<'_>]) -> Result<&[f32], Panicked> {
        let width = weights.shape.width;
        let stream = self.stream.values_mut();
        let (mut row, mut wanted) = (0, 0);
        for run in runs {
            row += run.tokens.len();
            // Rows only move up, into room that has been read.
            stream.copy_within((row - run.logits) * width..row * width, wanted * width);
            wanted += run.logits;
        }
        work.rows = wanted;
        work.normalise(stream, Some(&weights.output_norm), weights.shape.norm_epsilon, &mut self.last)?;
        work.multiply(&weights.output, &self.last, self.logits.values_mut())?;
        Ok(&self.logits.values()[..wanted * weights.vocabulary()])
    }
}

fn joining<'a>(shape: &Shape, norms: &'a Norms, biases: Option<&'a [f32]>) -> Joining<'a> {
    Joining { biases, weight: norms.after.as_deref(), epsilon: shape.norm_epsilon, factor: shape.scales.residual }
}

/// Adds `matrix · from` to the stream in the network's way.
fn join(
    work: &mut Work<'_>,
    matrix: &Matrix,
    from: &Activations,
    joining: &Joining<'_>,
    change: &mut [f32],
    stream: &mut [f32],
) -> Result<(), Panicked> {
    if joining.is_plain() {
        return work.multiply_and_add(matrix, from, stream);
    }
    work.multiply(matrix, from, change)?;
    work.add_change(change, joining, matrix.rows, stream)
}
