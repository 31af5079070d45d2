//! A network's weights: found in the file, checked against the network's sizes, packed into tiles. It must not know how
//! they are computed with.

mod feed;
mod packing;

use half::{bf16, f16};

use crate::LoadError;
use crate::buffer::Buffer;
use crate::checkpoint::Checkpoint;
use crate::gguf::{Tensor, TensorKind};
use crate::packed::Matrix;
use crate::pool::Pool;
use crate::rope::Rope;
use crate::shape::{LayerKind, PairOrder, Presence, Shape};
pub(crate) use feed::{Feed, Gated, Mixture};
use packing::{Packing, Part, RowOrder, expect_dims};

/// One layer. Matrices that are multiplied with the same activations are one.
pub(crate) struct Layer {
    pub(crate) kind: LayerKind,
    pub(crate) attention_norms: Norms,
    /// Queries of all heads, then keys, then values.
    pub(crate) queries_keys_values: Matrix,
    pub(crate) heads: HeadWeights,
    pub(crate) attention_output: Matrix,
    /// Added to what attention gives, where the network does it.
    pub(crate) attention_biases: Option<Vec<f32>>,
    pub(crate) feed_norms: Norms,
    pub(crate) feed: Feed,
}

/// What half of a layer normalises, where the network does.
#[derive(Default)]
pub(crate) struct Norms {
    /// What goes in.
    pub(crate) before: Option<Vec<f32>>,
    /// What comes out; the factor of what is added to the stream is in it.
    pub(crate) after: Option<Vec<f32>>,
}

/// What is done to queries, keys and values before they are turned, and to scores, where the network does it.
#[derive(Default)]
pub(crate) struct HeadWeights {
    /// Added to queries, keys and values.
    pub(crate) biases: Option<Vec<f32>>,
    /// Each head's query is normalised with the first, its key with the second.
    pub(crate) norms: Option<[Vec<f32>; 2]>,
    /// For each head a score of nothing: a weight that no token gets.
    pub(crate) sinks: Option<Vec<f32>>,
}

/// Angles of all layers.
pub(crate) struct Ropes {
    pub(crate) full: Rope,
    /// Of layers with a window, where they differ.
    pub(crate) windowed: Option<Rope>,
}

/// All weights.
pub(crate) struct Weights {
    pub(crate) shape: Shape,
    pub(crate) ropes: Ropes,
    pub(crate) layers: Vec<Layer>,
    /// A row for each token.
    pub(crate) embedding: Matrix,
    /// The factor of the logits is in it.
    pub(crate) output_norm: Vec<f32>,
    /// From the last layer to a score for each token; the same as `embedding` where the file has no other.
    pub(crate) output: Matrix,
    memory: Buffer<u8>,
}

impl Weights {
    /// Reads a model's weights; its files may be closed afterwards.
    pub(crate) fn load(checkpoint: &dyn Checkpoint, pool: &mut Pool) -> Result<Self, LoadError> {
        let shape = Shape::read(&checkpoint.metadata())?;
        let mut plan = Plan::new(checkpoint, &shape);
        let Network { ropes, layers, embedding, output_norm, output } = plan.network()?;
        let memory = plan.packing.pack(pool)?;
        Ok(Self { shape, ropes, layers, embedding, output_norm, output, memory })
    }

    /// Checks that [`Weights::load`] would find all weights in their shapes, without packing any: takes milliseconds.
    pub(crate) fn check(checkpoint: &dyn Checkpoint) -> Result<(), LoadError> {
        let shape = Shape::read(&checkpoint.metadata())?;
        Plan::new(checkpoint, &shape).network().map(|_| ())
    }

    /// Bytes of all packed weights, and of those that a token of a network without experts passes through: all, but of an
    /// embedding of its own one row.
    pub(crate) fn bytes(checkpoint: &dyn Checkpoint) -> Result<(usize, usize), LoadError> {
        let shape = Shape::read(&checkpoint.metadata())?;
        let mut plan = Plan::new(checkpoint, &shape);
        plan.embedding()?;
        let embedding = if checkpoint.find_tensor("output.weight").is_some() { plan.packing.bytes() } else { 0 };
        let mut plan = Plan::new(checkpoint, &shape);
        plan.network()?;
        Ok((plan.packing.bytes(), plan.packing.bytes() - embedding))
    }

    /// Where the matrices' strips lie.
    pub(crate) fn memory(&self) -> &[u8] {
        self.memory.values()
    }

    /// Number of tokens.
    pub(crate) fn vocabulary(&self) -> usize {
        self.embedding.rows
    }
}

/// Greatest number of tokens that is computed.
const VOCABULARY_MAX: u64 = 1 << 22;

/// What of a checkpoint becomes what of the network.
struct Plan<'a> {
    checkpoint: &'a dyn Checkpoint,
    shape: &'a Shape,
    packing: Packing<'a>,
}

/// A network's parts as planned: all of [`Weights`] but the memory.
struct Network {
    ropes: Ropes,
    layers: Vec<Layer>,
    embedding: Matrix,
    output_norm: Vec<f32>,
    output: Matrix,
}

impl<'a> Plan<'a> {
    fn new(checkpoint: &'a dyn Checkpoint, shape: &'a Shape) -> Self {
        Self { checkpoint, shape, packing: Packing::new(checkpoint) }
    }

    fn network(&mut self) -> Result<Network, LoadError> {
        let shape = self.shape;
        let embedding = self.embedding()?;
        let layers = (0..shape.layers()).map(|layer| self.layer(layer)).collect::<Result<_, _>>()?;
        let output_norm = scaled(self.vector("output_norm.weight", shape.width)?, shape.scales.logits);
        let output = match self.checkpoint.find_tensor("output.weight") {
            Some(_) => self.packing.matrix(shape.width, &[Part::whole("output.weight", embedding.rows)])?,
            None => embedding.clone(),
        };
        Ok(Network { ropes: self.ropes()?, layers, embedding, output_norm, output })
    }

    fn embedding(&mut self) -> Result<Matrix, LoadError> {
        const NAME: &str = "token_embd.weight";
        let rows = match self.checkpoint.tensor(NAME)?.dims {
            [_, rows @ 1..=VOCABULARY_MAX] => *rows as usize,
            _ => {
                return Err(LoadError::tensor(
                    NAME,
                    format!("must have a row for each of 1 to {VOCABULARY_MAX} tokens"),
                ));
            }
        };
        self.packing.matrix(self.shape.width, &[Part::whole(NAME, rows)])
    }

    fn layer(&mut self, layer: usize) -> Result<Layer, LoadError> {
        let shape = self.shape;
        let name = |what: &str| format!("blk.{layer}.{what}.weight");
        let order = match self.checkpoint.pair_order(shape.pair_order) {
            PairOrder::Neighbours => RowOrder::EvenThenOdd { head_dim: shape.head_dim },
            PairOrder::Halves => RowOrder::AsStored,
        };
        let turned = |what: &str, rows: usize| Part { order, ..Part::whole(name(what), rows) };
        let queries_keys_values = [
            turned("attn_q", shape.query_width()),
            turned("attn_k", shape.kv_width()),
            Part::whole(name("attn_v"), shape.kv_width()),
        ];
        Ok(Layer {
            kind: shape.layer_kinds[layer],
            attention_norms: self.norms(&name("attn_norm"), &name("post_attention_norm"))?,
            queries_keys_values: self.packing.matrix(shape.width, &queries_keys_values)?,
            heads: HeadWeights {
                biases: self.head_biases(layer, order)?,
                norms: self.head_norms(layer, order)?,
                sinks: self.optional_vector(shape.sinks, &name("attn_sinks"), shape.heads)?,
            },
            attention_output: self
                .packing
                .matrix(shape.query_width(), &[Part::whole(name("attn_output"), shape.width)])?,
            attention_biases: self.biases(&format!("blk.{layer}.attn_output.bias"), shape.width)?,
            feed_norms: self.norms(&name(shape.norms.feed_name), &name("post_ffw_norm"))?,
            feed: self.feed(layer)?,
        })
    }

    fn norms(&self, before: &str, after: &str) -> Result<Norms, LoadError> {
        let (width, norms) = (self.shape.width, self.shape.norms);
        let after = self.optional_vector(norms.after, after, width)?;
        Ok(Norms {
            before: norms.before.then(|| self.vector(before, width)).transpose()?,
            after: after.map(|after| scaled(after, self.shape.scales.residual)),
        })
    }

    fn has(&self, presence: Presence, tensor: &str) -> bool {
        match presence {
            Presence::Never => false,
            Presence::Always => true,
            Presence::WhereStored => self.checkpoint.find_tensor(tensor).is_some(),
        }
    }

    fn head_norms(&self, layer: usize, order: RowOrder) -> Result<Option<[Vec<f32>; 2]>, LoadError> {
        let head_dim = self.shape.head_dim;
        let name = |what: &str| format!("blk.{layer}.{what}.weight");
        if !self.has(self.shape.norms.heads, &name("attn_q_norm")) {
            return Ok(None);
        }
        let norm = |what: &str| {
            let stored = self.vector(&name(what), head_dim)?;
            Ok((0..head_dim).map(|row| stored[order.source(row)]).collect())
        };
        Ok(Some([norm("attn_q_norm")?, norm("attn_k_norm")?]))
    }

    /// Biases that are added as they are stored.
    fn biases(&self, name: &str, rows: usize) -> Result<Option<Vec<f32>>, LoadError> {
        self.optional_vector(self.shape.biases, name, rows)
    }

    fn optional_vector(&self, presence: Presence, name: &str, length: usize) -> Result<Option<Vec<f32>>, LoadError> {
        self.has(presence, name).then(|| self.vector(name, length)).transpose()
    }

    fn head_biases(&self, layer: usize, order: RowOrder) -> Result<Option<Vec<f32>>, LoadError> {
        let shape = self.shape;
        let parts = [
            ("attn_q", shape.query_width(), order),
            ("attn_k", shape.kv_width(), order),
            ("attn_v", shape.kv_width(), RowOrder::AsStored),
        ];
        let mut biases = Vec::with_capacity(shape.query_width() + 2 * shape.kv_width());
        let mut present = false;
        for (what, rows, order) in parts {
            let name = format!("blk.{layer}.{what}.bias");
            let stored = self.biases(&name, rows)?;
            present |= stored.is_some();
            let stored = stored.unwrap_or_else(|| vec![0.0; rows]);
            biases.extend((0..rows).map(|row| stored[order.source(row)]));
        }
        Ok(present.then_some(biases))
    }

    fn ropes(&self) -> Result<Ropes, LoadError> {
        const NAME: &str = "rope_freqs.weight";
        let (head_dim, angles) = (self.shape.head_dim, self.shape.angles);
        let windowed = self.shape.window_angles.map(|angles| Rope::new(head_dim, angles, None));
        if self.checkpoint.find_tensor(NAME).is_none() {
            return Ok(Ropes { full: Rope::new(head_dim, angles, None), windowed });
        }
        let factors = self.vector(NAME, head_dim / 2)?;
        if factors.iter().any(|factor| !factor.is_normal()) {
            return Err(LoadError::tensor(NAME, "holds a factor that cannot be divided by"));
        }
        Ok(Ropes { full: Rope::new(head_dim, angles, Some(&factors)), windowed })
    }

    /// A vector of floats.
    fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>, LoadError> {
        floats(&self.checkpoint.tensor(name)?, length)
    }
}

/// A tensor that is a vector of floats.
fn floats(tensor: &Tensor<'_>, length: usize) -> Result<Vec<f32>, LoadError> {
    expect_dims(tensor, &[length])?;
    match tensor.kind {
        TensorKind::F32 => Ok(tensor.bytes.as_chunks().0.iter().map(|bits| f32::from_le_bytes(*bits)).collect()),
        TensorKind::F16 => {
            Ok(tensor.bytes.as_chunks().0.iter().map(|bits| f16::from_le_bytes(*bits).to_f32()).collect())
        }
        TensorKind::Bf16 => {
            Ok(tensor.bytes.as_chunks().0.iter().map(|bits| bf16::from_le_bytes(*bits).to_f32()).collect())
        }
        other => {
            Err(LoadError::tensor(tensor.name, format!("is stored as {}; floats are expected here", other.name())))
        }
    }
}

fn scaled(mut vector: Vec<f32>, factor: f32) -> Vec<f32> {
    for value in &mut vector {
        *value *= factor;
    }
    vector
}

#[cfg(test)]
mod tests;
