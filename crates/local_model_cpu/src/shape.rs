//! The sizes of a network, read from a model file's metadata and checked. It must not know weights.

pub(crate) mod architecture;
pub(crate) mod experts;
mod layers;
mod positions;

use crate::LoadError;
use crate::gguf::Metadata;
use crate::kernels::HEAD_DIM_MAX;
use crate::packed::{BLOCK_COLUMNS, TILE_ROWS};
pub(crate) use architecture::Presence;
use architecture::{Architecture, KNOWN, Scaling};
pub(crate) use experts::Experts;
use experts::FEED_WIDTH_MAX;
pub(crate) use layers::{LayerKind, Turns};
pub(crate) use positions::{Angles, Stretch, WHOLE_PAIRS};

/// How a family orders the components of its queries and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PairOrder {
    /// Pair i is components 2i and 2i + 1 (GGUF's `llama`).
    Neighbours,
    /// Pair i is components i and i + half (GPT-NeoX's order; GGUF's `qwen2`).
    Halves,
}

/// The function that gates a feed-forward layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activation {
    /// x · sigmoid(x).
    Silu,
    /// x · Φ(x), the normal distribution approximated by a hyperbolic tangent.
    GeluTanh,
    /// x · sigmoid(1.702 · x) times a factor that 1 is added to, x being at most 7 and the factor no further from zero (gpt-oss).
    ClampedSilu,
}

/// What a layer normalises beside its heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Norms {
    pub(crate) before: bool,
    pub(crate) after: Presence,
    pub(crate) heads: Presence,
    /// What the file calls the one before the feed-forward layer.
    pub(crate) feed_name: &'static str,
}

/// Constants that are multiplied with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scales {
    /// With embeddings.
    pub(crate) embedding: f32,
    /// With what a layer adds to the stream.
    pub(crate) residual: f32,
    /// With products of queries and keys.
    pub(crate) scores: f32,
    /// With logits.
    pub(crate) logits: f32,
}

/// A network's sizes.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// One entry a layer.
    pub(crate) layer_kinds: Vec<LayerKind>,
    /// Width of the residual stream.
    pub(crate) width: usize,
    /// Width of the gated feed-forward layer of layers that are no mixture of experts; zero where all are.
    pub(crate) feed_width: usize,
    pub(crate) experts: Option<Experts>,
    pub(crate) heads: usize,
    /// Heads of keys and values; each serves `heads / kv_heads` heads.
    pub(crate) kv_heads: usize,
    pub(crate) head_dim: usize,
    pub(crate) pair_order: PairOrder,
    pub(crate) norms: Norms,
    /// Whether biases are added to what matrices give.
    pub(crate) biases: Presence,
    /// Whether heads have a score of nothing.
    pub(crate) sinks: Presence,
    pub(crate) activation: Activation,
    pub(crate) scales: Scales,
    /// Of layers that see everything.
    pub(crate) angles: Angles,
    /// Of layers with a window, where they differ.
    pub(crate) window_angles: Option<Angles>,
    pub(crate) norm_epsilon: f32,
    /// Tokens that the model was made for.
    pub(crate) context_tokens: usize,
}

impl Shape {
    /// Reads and checks them.
    pub(crate) fn read(metadata: &Metadata<'_>) -> Result<Self, LoadError> {
        let name = metadata.need_string("general.architecture")?;
        let Some(family) = KNOWN.iter().find(|family| family.name == name) else {
            let known: Vec<&str> = KNOWN.iter().map(|family| family.name).collect();
            return Err(LoadError::Unsupported(format!(
                "models of the architecture `{name}` are not computed; take one of {}",
                known.join(", ")
            )));
        };
        let entries = Entries { metadata, family };
        entries.refuse_what_is_not_computed()?;
        let width = entries.size("embedding_length", 1 << 16)?;
        let heads = entries.size("attention.head_count", 1 << 10)?;
        let kv_heads = entries.optional_size("attention.head_count_kv", 1 << 10)?.unwrap_or(heads);
        let head_dim = entries.optional_size("attention.key_length", HEAD_DIM_MAX)?.unwrap_or(width / heads);
        let layers = entries.layers()?;
        let experts = entries.experts(layers)?;
        let (angles, window_angles) = entries.angles()?;
        let shape = Self {
            layer_kinds: entries.layer_kinds(layers)?,
            width,
            feed_width: match experts {
                Some(Experts { dense_layers: 0, .. }) => 0,
                _ => entries.size("feed_forward_length", FEED_WIDTH_MAX)?,
            },
            experts,
            heads,
            kv_heads,
            head_dim,
            pair_order: family.pair_order,
            norms: Norms {
                before: family.norms_before,
                after: family.norms_after,
                heads: family.head_norms,
                feed_name: family.feed_norm,
            },
            biases: family.biases,
            sinks: family.sinks,
            activation: family.activation,
            scales: entries.scales(width, heads, head_dim, layers)?,
            angles,
            window_angles,
            norm_epsilon: metadata.need_f32(&entries.key("attention.layer_norm_rms_epsilon"))?,
            context_tokens: entries.size("context_length", 1 << 24)?,
        };
        entries.check(&shape)?;
        Ok(shape)
    }

    /// Number of layers.
    pub(crate) fn layers(&self) -> usize {
        self.layer_kinds.len()
    }

    /// Width of all heads' queries together.
    pub(crate) fn query_width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Width of all heads' keys together, and of their values.
    pub(crate) fn kv_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// Heads that share one head of keys and values.
    pub(crate) fn group(&self) -> usize {
        self.heads / self.kv_heads
    }
}

struct Entries<'a> {
    metadata: &'a Metadata<'a>,
    family: &'a Architecture,
}

impl Entries<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.family.name)
    }

    fn size(&self, name: &str, max: usize) -> Result<usize, LoadError> {
        let key = self.key(name);
        within(&key, self.metadata.need_u64(&key)?, max)
    }

    fn optional_size(&self, name: &str, max: usize) -> Result<Option<usize>, LoadError> {
        let key = self.key(name);
        self.metadata.u64(&key)?.map(|value| within(&key, value, max)).transpose()
    }

    /// A number above zero.
    fn positive(&self, name: &str) -> Result<Option<f32>, LoadError> {
        let key = self.key(name);
        match self.metadata.f32(&key)? {
            Some(value) if value.is_normal() && value > 0.0 => Ok(Some(value)),
            Some(_) => Err(LoadError::metadata(&key, "must be a positive number")),
            None => Ok(None),
        }
    }

    /// What other networks of these families have, and would be computed wrongly if it were passed over.
    fn refuse_what_is_not_computed(&self) -> Result<(), LoadError> {
        for name in ["attn_logit_softcapping", "final_logit_softcapping"] {
            let key = self.key(name);
            if self.metadata.f32(&key)?.unwrap_or(0.0) != 0.0 {
                return Err(LoadError::metadata(&key, "bounds scores, which is not computed; take a model without it"));
            }
        }
        Ok(())
    }

    /// Layers that are computed. Those that a file brings beside them guess further tokens ahead.
    fn layers(&self) -> Result<usize, LoadError> {
        let all = self.size("block_count", 1 << 10)?;
        let ahead = self.number("nextn_predict_layers")?;
        match usize::try_from(ahead) {
            Ok(ahead) if ahead < all => Ok(all - ahead),
            _ => {
                let problem = format!("is {ahead} of {all} layers; one at least must be left");
                Err(LoadError::metadata(&self.key("nextn_predict_layers"), problem))
            }
        }
    }

    fn scales(&self, width: usize, heads: usize, head_dim: usize, layers: usize) -> Result<Scales, LoadError> {
        let divisor = if self.family.scores_by_width == Some(layers) { width / heads } else { head_dim };
        let plain = Scales { embedding: 1.0, residual: 1.0, scores: 1.0 / (divisor as f32).sqrt(), logits: 1.0 };
        match self.family.scaling {
            Scaling::Nothing => Ok(plain),
            Scaling::EmbeddingByWidth => Ok(Scales { embedding: (width as f32).sqrt(), ..plain }),
            Scaling::DividedLogits | Scaling::MultipliedLogits => {
                let logits = self.positive("logit_scale")?.unwrap_or(1.0);
                Ok(Scales {
                    embedding: self.positive("embedding_scale")?.unwrap_or(1.0),
                    residual: self.positive("residual_scale")?.unwrap_or(1.0),
                    scores: self.positive("attention.scale")?.unwrap_or(plain.scores),
                    logits: if self.family.scaling == Scaling::DividedLogits { 1.0 / logits } else { logits },
                })
            }
        }
    }

    fn check(&self, shape: &Shape) -> Result<(), LoadError> {
        let wrong = |name: &str, problem: String| Err(LoadError::metadata(&self.key(name), problem));
        if !shape.heads.is_multiple_of(shape.kv_heads) {
            return wrong("attention.head_count_kv", format!("must divide the number of heads, {}", shape.heads));
        }
        if shape.head_dim == 0 || !shape.head_dim.is_multiple_of(TILE_ROWS) || shape.head_dim > HEAD_DIM_MAX {
            let problem = format!("is {}; multiples of {TILE_ROWS} up to {HEAD_DIM_MAX} are computed", shape.head_dim);
            return wrong("attention.key_length", problem);
        }
        let columns = [
            ("embedding_length", shape.width),
            ("feed_forward_length", shape.feed_width),
            ("attention.head_count", shape.query_width()),
        ];
        let experts = shape.experts.map_or([0; 2], |experts| [experts.feed_width, experts.shared_width]);
        let columns =
            columns.into_iter().chain(["expert_feed_forward_length", "expert_shared_count"].into_iter().zip(experts));
        for (name, width) in columns {
            if !width.is_multiple_of(BLOCK_COLUMNS) {
                return wrong(name, format!("gives a width of {width}; multiples of {BLOCK_COLUMNS} are computed"));
            }
        }
        for name in ["rope.dimension_count", "attention.value_length"] {
            let length = self.optional_size(name, HEAD_DIM_MAX)?.unwrap_or(shape.head_dim);
            if length != shape.head_dim {
                return wrong(name, format!("is {length}; only the width of a head, {}, is computed", shape.head_dim));
            }
        }
        if !(shape.norm_epsilon.is_finite() && shape.norm_epsilon >= 0.0) {
            return wrong("attention.layer_norm_rms_epsilon", "must be a small positive number".to_owned());
        }
        Ok(())
    }
}

fn within(key: &str, value: u64, max: usize) -> Result<usize, LoadError> {
    match usize::try_from(value) {
        Ok(value @ 1..) if value <= max => Ok(value),
        _ => Err(LoadError::metadata(key, format!("is {value}; 1 to {max} are computed"))),
    }
}

#[cfg(test)]
mod tests;
