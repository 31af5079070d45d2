//! What distinguishes the families of networks that are computed, as data: a row a family. It must not know sizes, files'
//! tensors or how a pass is computed.
//!
//! All are decoders with rotary positions and gated feed-forward layers. A row says where they part: what is normalised,
//! which layers turn queries and keys by their positions, which see a window only, which function gates, what is scaled.
//! What a row leaves to the file is named there by GGUF's entry. A parity test holds each row against Hugging Face's
//! class of that family: see `testdata/make_networks.py`.

use super::experts::{Routing, Scoring};
use super::{Activation, PairOrder};

/// A family of networks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Architecture {
    /// What `general.architecture` calls it, and what its entries begin with.
    pub(crate) name: &'static str,
    pub(super) pair_order: PairOrder,
    /// Whether what goes into attention and into the feed-forward layer is normalised.
    pub(super) norms_before: bool,
    /// Whether what comes out of them is, before it is added to the stream.
    pub(super) norms_after: Presence,
    /// Whether each head's query and key are.
    pub(super) head_norms: Presence,
    /// Whether biases are added to what matrices give; those of experts' choice are told apart.
    pub(super) biases: Presence,
    /// Whether each head has a score of nothing beside those of tokens (Xiao et al. 2023).
    pub(super) sinks: Presence,
    /// What the file calls the norm of what goes into the feed-forward layer.
    pub(super) feed_norm: &'static str,
    pub(super) windows: Windows,
    pub(super) turning: Turning,
    /// Base of the angles in layers with a window, where it differs; the entry `rope.freq_base_swa` overrules it.
    pub(super) window_rope_base: Option<f32>,
    /// Whether YaRN rounds the pairs between which it blends to whole ones, where the file does not say.
    pub(super) whole_pairs: bool,
    pub(super) activation: Activation,
    pub(super) scaling: Scaling,
    /// Layers of the builds whose scores are divided by √(width / heads) and not by √(width of a head).
    pub(super) scores_by_width: Option<usize>,
    /// How its mixtures of experts choose, where it has any.
    pub(super) routing: Option<Routing>,
}

/// Whether a network has a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Never,
    Always,
    /// Where the file brings the weights for it.
    WhereStored,
}

/// Which layers see only the last so many tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Windows {
    Never,
    /// All but each so-manieth, where the file names a window (`attention.sliding_window`); a file's own
    /// `attention.sliding_window_pattern` overrules which.
    AllButEach(usize),
}

/// Which layers turn queries and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turning {
    All,
    /// Those with a window; all, in a network that has no window at all.
    Windowed,
    /// All but each so-manieth.
    AllButEach(usize),
}

/// What is multiplied with a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scaling {
    Nothing,
    /// Embeddings, by the root of their width.
    EmbeddingByWidth,
    /// What the entries `embedding_scale`, `residual_scale`, `attention.scale` and `logit_scale` say, the last being
    /// what logits are divided by.
    DividedLogits,
    /// The same, the last being what logits are multiplied with.
    MultipliedLogits,
}

const PLAIN: Architecture = Architecture {
    name: "",
    pair_order: PairOrder::Halves,
    norms_before: true,
    norms_after: Presence::Never,
    head_norms: Presence::Never,
    biases: Presence::WhereStored,
    sinks: Presence::Never,
    feed_norm: "ffn_norm",
    windows: Windows::Never,
    turning: Turning::All,
    window_rope_base: None,
    whole_pairs: true,
    activation: Activation::Silu,
    scaling: Scaling::Nothing,
    scores_by_width: None,
    routing: None,
};

/// The families that are computed.
pub(crate) const KNOWN: &[Architecture] = &[
    Architecture { name: "llama", pair_order: PairOrder::Neighbours, ..PLAIN },
    Architecture { name: "qwen2", ..PLAIN },
    Architecture { name: "qwen3", head_norms: Presence::Always, ..PLAIN },
    Architecture {
        name: "gemma3",
        norms_after: Presence::Always,
        head_norms: Presence::Always,
        windows: Windows::AllButEach(6),
        window_rope_base: Some(10_000.0),
        activation: Activation::GeluTanh,
        scaling: Scaling::EmbeddingByWidth,
        scores_by_width: Some(62),
        ..PLAIN
    },
    Architecture { name: "exaone", ..PLAIN },
    Architecture {
        name: "exaone4",
        norms_before: false,
        norms_after: Presence::Always,
        head_norms: Presence::Always,
        windows: Windows::AllButEach(4),
        turning: Turning::Windowed,
        ..PLAIN
    },
    Architecture { name: "smollm3", pair_order: PairOrder::Neighbours, turning: Turning::AllButEach(4), ..PLAIN },
    Architecture { name: "granite", pair_order: PairOrder::Neighbours, scaling: Scaling::DividedLogits, ..PLAIN },
    Architecture {
        name: "qwen3moe",
        head_norms: Presence::Always,
        routing: Some(Routing { scoring: Scoring::Softmax, normalised: true, choice_biases: Presence::Never }),
        ..PLAIN
    },
    Architecture {
        name: "exaone-moe",
        head_norms: Presence::Always,
        windows: Windows::AllButEach(4),
        turning: Turning::Windowed,
        routing: Some(Routing { scoring: Scoring::Sigmoid, normalised: true, choice_biases: Presence::WhereStored }),
        ..PLAIN
    },
    // Solar Open has this form.
    Architecture {
        name: "glm4moe",
        head_norms: Presence::WhereStored,
        feed_norm: "post_attention_norm",
        routing: Some(Routing { scoring: Scoring::Sigmoid, normalised: false, choice_biases: Presence::WhereStored }),
        ..PLAIN
    },
    Architecture {
        name: "gpt-oss",
        biases: Presence::Always,
        sinks: Presence::Always,
        feed_norm: "post_attention_norm",
        windows: Windows::AllButEach(2),
        whole_pairs: false,
        activation: Activation::ClampedSilu,
        routing: Some(Routing { scoring: Scoring::SoftmaxOfChosen, normalised: false, choice_biases: Presence::Never }),
        ..PLAIN
    },
    // The form is ours: no converter is known that writes these models under a name of their own.
    Architecture {
        name: "hyperclovax",
        norms_after: Presence::WhereStored,
        scaling: Scaling::MultipliedLogits,
        ..PLAIN
    },
];
