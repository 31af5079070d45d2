//! The sizes of a network, read from a model file's metadata and checked. It must not know weights.

use crate::LoadError;
use crate::gguf::Metadata;
use crate::kernels::HEAD_DIM_MAX;
use crate::packed::{TILE_COLUMNS, TILE_ROWS};

/// How a family orders the components of its queries and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PairOrder {
    /// Pair i is components 2i and 2i + 1 (GGUF's `llama`).
    Neighbours,
    /// Pair i is components i and i + half (GPT-NeoX's order; GGUF's `qwen2`).
    Halves,
}

/// A network's sizes.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) layers: usize,
    /// Width of the residual stream.
    pub(crate) width: usize,
    /// Width of the gated feed-forward layer.
    pub(crate) feed_width: usize,
    pub(crate) heads: usize,
    /// Heads of keys and values; each serves `heads / kv_heads` heads.
    pub(crate) kv_heads: usize,
    pub(crate) head_dim: usize,
    pub(crate) pair_order: PairOrder,
    pub(crate) rope_base: f32,
    pub(crate) norm_epsilon: f32,
    /// Tokens that the model was made for.
    pub(crate) context_tokens: usize,
}

impl Shape {
    /// Reads and checks them.
    pub(crate) fn read(metadata: &Metadata<'_>) -> Result<Self, LoadError> {
        let architecture = metadata.need_string("general.architecture")?;
        let pair_order = match architecture {
            "llama" => PairOrder::Neighbours,
            "qwen2" => PairOrder::Halves,
            other => {
                return Err(LoadError::Unsupported(format!(
                    "models of the architecture `{other}` are not computed; take one of `llama` or `qwen2`"
                )));
            }
        };
        let entries = Entries { metadata, architecture };
        entries.refuse_what_is_not_computed()?;
        let width = entries.size("embedding_length", 1 << 16)?;
        let heads = entries.size("attention.head_count", 1 << 10)?;
        let kv_heads = entries.optional_size("attention.head_count_kv", 1 << 10)?.unwrap_or(heads);
        let head_dim = entries.optional_size("attention.key_length", HEAD_DIM_MAX)?.unwrap_or(width / heads);
        let shape = Self {
            layers: entries.size("block_count", 1 << 10)?,
            width,
            feed_width: entries.size("feed_forward_length", 1 << 18)?,
            heads,
            kv_heads,
            head_dim,
            pair_order,
            rope_base: metadata.f32(&entries.key("rope.freq_base"))?.unwrap_or(10_000.0),
            norm_epsilon: metadata.need_f32(&entries.key("attention.layer_norm_rms_epsilon"))?,
            context_tokens: entries.size("context_length", 1 << 24)?,
        };
        entries.check(&shape)?;
        Ok(shape)
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
    architecture: &'a str,
}

impl Entries<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture)
    }

    fn size(&self, name: &str, max: usize) -> Result<usize, LoadError> {
        let key = self.key(name);
        within(&key, self.metadata.need_u64(&key)?, max)
    }

    fn optional_size(&self, name: &str, max: usize) -> Result<Option<usize>, LoadError> {
        let key = self.key(name);
        self.metadata.u64(&key)?.map(|value| within(&key, value, max)).transpose()
    }

    /// What other networks of these families have, and would be computed wrongly if it were passed over.
    fn refuse_what_is_not_computed(&self) -> Result<(), LoadError> {
        if self.metadata.u64(&self.key("expert_count"))?.unwrap_or(0) > 0 {
            return Err(LoadError::Unsupported("mixtures of experts are not computed; take a dense model".to_owned()));
        }
        let scaling = self.key("rope.scaling.type");
        match self.metadata.string(&scaling)? {
            None | Some("none") => Ok(()),
            Some(kind) => Err(LoadError::Unsupported(format!(
                "the model stretches positions by `{kind}` (entry `{scaling}`), which is not computed; take a model \
                 without it"
            ))),
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
        for (name, width) in columns {
            if !width.is_multiple_of(TILE_COLUMNS) {
                return wrong(name, format!("gives a width of {width}; multiples of {TILE_COLUMNS} are computed"));
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
        if !(shape.rope_base.is_finite() && shape.rope_base > 0.0) {
            return wrong("rope.freq_base", "must be a positive number".to_owned());
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
