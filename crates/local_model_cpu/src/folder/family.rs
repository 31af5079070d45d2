//! The classes of Hugging Face's `transformers` that are read from folders, as data: a row a class, and what of it GGUF calls
//! how. It must not know files.
//!
//! A row is held against the class itself: the networks of `testdata/networks` are loaded from folders too.

use super::config::{CONFIG_FILE, Config, OwnNames, own_name};
use super::mixture::{self, Mixture};
use super::tokenizer::TOKENIZER_FILE;
use crate::LoadError;
use crate::codec::entries::ENDS;

/// A class of models.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a row of a table")]
pub(super) struct Family {
    /// What `architectures` says.
    pub(super) class: &'static str,
    /// The same in GGUF's words.
    pub(super) architecture: &'static str,
    /// The norms of a layer beside its heads': here, in GGUF.
    pub(super) norms: &'static [(&'static str, &'static str)],
    /// Whether heads' queries and keys are normalised.
    pub(super) head_norms: bool,
    /// Whether the class adds 1 to the weights of its norms.
    pub(super) norms_less_one: bool,
    /// The function that gates, where `config.json` says one.
    pub(super) activation: &'static str,
    /// Whether `head_dim` must be said: the class has a value of its own for where it is not.
    pub(super) needs_head_dim: bool,
    pub(super) windows: Windows,
    /// Whether constants are multiplied with, see [`SCALES`].
    pub(super) scaled: bool,
    /// Its mixtures of experts, where it has any.
    pub(super) mixture: Option<Mixture>,
    /// What its tensors are called.
    names: &'static Names,
    /// What it calls fields of `config.json` otherwise.
    pub(super) fields: OwnNames,
    /// Tensors of a layer that are no matrix, norm or bias: here, in GGUF.
    others: &'static [(&'static str, &'static str)],
}

/// What a class calls tensors: here, in GGUF.
#[derive(Debug)]
struct Names {
    /// What those of layers begin with.
    layers: &'static str,
    /// Tensors beside the layers.
    whole: [(&'static str, &'static str); 3],
    /// Parts of a layer, each with `.weight`.
    parts: [(&'static str, &'static str); 7],
}

/// Which of a class's layers see a window only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Windows {
    /// None, unless `use_sliding_window` says so, which is refused.
    Never,
    /// All where `sliding_window` is said, which is refused.
    All,
    /// Those that `layer_types` says.
    SomeLayers,
}

const BEFORE: &[(&str, &str)] = &[("input_layernorm", "attn_norm"), ("post_attention_layernorm", "ffn_norm")];
const AFTER: &[(&str, &str)] =
    &[("post_attention_layernorm", "post_attention_norm"), ("post_feedforward_layernorm", "post_ffw_norm")];
const AROUND: &[(&str, &str)] = &[
    ("input_layernorm", "attn_norm"),
    ("post_attention_layernorm", "post_attention_norm"),
    ("pre_feedforward_layernorm", "ffn_norm"),
    ("post_feedforward_layernorm", "post_ffw_norm"),
];
const HYPERCLOVAX: &[(&str, &str)] = &[
    ("input_layernorm", "attn_norm"),
    ("post_norm1", "post_attention_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    ("post_norm2", "post_ffw_norm"),
];

const AROUND_ATTENTION: &[(&str, &str)] =
    &[("input_layernorm", "attn_norm"), ("post_attention_layernorm", "post_attention_norm")];
const EXAONE: &[(&str, &str)] = &[("ln_1", "attn_norm"), ("ln_2", "ffn_norm")];

const PLAIN: Family = Family {
    class: "",
    architecture: "",
    norms: BEFORE,
    head_norms: false,
    norms_less_one: false,
    activation: "silu",
    needs_head_dim: false,
    windows: Windows::Never,
    scaled: false,
    mixture: None,
    names: &USUAL_NAMES,
    fields: &[],
    others: &[],
};

/// The classes that are read.
const KNOWN: &[Family] = &[
    Family { class: "LlamaForCausalLM", architecture: "llama", ..PLAIN },
    Family { class: "MistralForCausalLM", architecture: "llama", windows: Windows::All, ..PLAIN },
    Family { class: "Qwen2ForCausalLM", architecture: "qwen2", ..PLAIN },
    Family { class: "Qwen3ForCausalLM", architecture: "qwen3", head_norms: true, needs_head_dim: true, ..PLAIN },
    Family {
        class: "Gemma3ForCausalLM",
        architecture: "gemma3",
        norms: AROUND,
        head_norms: true,
        norms_less_one: true,
        activation: "gelu_pytorch_tanh",
        needs_head_dim: true,
        windows: Windows::SomeLayers,
        ..PLAIN
    },
    Family {
        class: "ExaoneForCausalLM",
        architecture: "exaone",
        norms: EXAONE,
        names: &EXAONE_NAMES,
        fields: &[
            ("num_hidden_layers", "num_layers"),
            ("rms_norm_eps", "layer_norm_epsilon"),
            ("hidden_act", "activation_function"),
        ],
        ..PLAIN
    },
    Family {
        class: "Exaone4ForCausalLM",
        architecture: "exaone4",
        norms: AFTER,
        head_norms: true,
        windows: Windows::SomeLayers,
        ..PLAIN
    },
    Family { class: "SmolLM3ForCausalLM", architecture: "smollm3", ..PLAIN },
    Family { class: "GraniteForCausalLM", architecture: "granite", scaled: true, ..PLAIN },
    Family { class: "HyperCLOVAXForCausalLM", architecture: "hyperclovax", norms: HYPERCLOVAX, scaled: true, ..PLAIN },
    Family {
        class: "Qwen3MoeForCausalLM",
        architecture: "qwen3moe",
        head_norms: true,
        mixture: Some(Mixture::OF_QWEN_3),
        ..PLAIN
    },
    Family {
        class: "ExaoneMoeForCausalLM",
        architecture: "exaone-moe",
        head_norms: true,
        windows: Windows::SomeLayers,
        mixture: Some(Mixture::OF_EXAONE),
        ..PLAIN
    },
    Family {
        class: "SolarOpenForCausalLM",
        architecture: "glm4moe",
        norms: AROUND_ATTENTION,
        needs_head_dim: true,
        mixture: Some(Mixture::OF_SOLAR),
        ..PLAIN
    },
    Family {
        class: "GptOssForCausalLM",
        architecture: "gpt-oss",
        norms: AROUND_ATTENTION,
        needs_head_dim: true,
        windows: Windows::SomeLayers,
        mixture: Some(Mixture::OF_GPT_OSS),
        others: &[("self_attn.sinks", "attn_sinks.weight")],
        ..PLAIN
    },
];

/// Sizes that are the same in both: here, in GGUF.
pub(super) const SIZES: [(&str, &str); 7] = [
    ("num_hidden_layers", "block_count"),
    ("hidden_size", "embedding_length"),
    ("intermediate_size", "feed_forward_length"),
    ("num_attention_heads", "attention.head_count"),
    ("num_key_value_heads", "attention.head_count_kv"),
    ("head_dim", "attention.key_length"),
    ("max_position_embeddings", "context_length"),
];

/// Constants of the classes that are scaled: here, in GGUF.
pub(super) const SCALES: [(&str, &str); 4] = [
    ("embedding_multiplier", "embedding_scale"),
    ("residual_multiplier", "residual_scale"),
    ("attention_multiplier", "attention.scale"),
    ("logits_scaling", "logit_scale"),
];

/// What is translated in other ways, for messages: here, in GGUF.
const OTHERS: [(&str, &str); 8] = [
    ("rms_norm_eps", "attention.layer_norm_rms_epsilon"),
    ("rope_theta", "rope.freq_base"),
    ("rope_local_base_freq", "rope.freq_base_swa"),
    ("rope_scaling.factor", "rope.scaling.factor"),
    ("rope_scaling.original_max_position_embeddings", "rope.scaling.original_context_length"),
    ("rope_scaling.attention_factor", "rope.scaling.yarn_attn_factor"),
    ("sliding_window", "attention.sliding_window"),
    ("layer_types", "attention.sliding_window_pattern"),
];

/// What is translated from a tokenizer's file: in GGUF, there.
const OF_TOKENIZERS: [(&str, &str); 3] = [
    ("tokenizer.ggml.tokens", "model.vocab"),
    ("tokenizer.ggml.merges", "model.merges"),
    ("tokenizer.ggml.token_type", "added_tokens"),
];

const USUAL_NAMES: Names = Names {
    layers: "model.layers.",
    whole: [
        ("model.embed_tokens.weight", "token_embd.weight"),
        ("model.norm.weight", "output_norm.weight"),
        ("lm_head.weight", "output.weight"),
    ],
    parts: [
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
    ],
};
/// Those of EXAONE 3.0 and 3.5, whose class is not of `transformers` but comes with the model.
const EXAONE_NAMES: Names = Names {
    layers: "transformer.h.",
    whole: [
        ("transformer.wte.weight", "token_embd.weight"),
        ("transformer.ln_f.weight", "output_norm.weight"),
        ("lm_head.weight", "output.weight"),
    ],
    parts: [
        ("attn.attention.q_proj", "attn_q"),
        ("attn.attention.k_proj", "attn_k"),
        ("attn.attention.v_proj", "attn_v"),
        ("attn.attention.out_proj", "attn_output"),
        ("mlp.c_fc_0", "ffn_gate"),
        ("mlp.c_fc_1", "ffn_up"),
        ("mlp.c_proj", "ffn_down"),
    ],
};
const HEAD_NORMS: [(&str, &str); 2] = [("self_attn.q_norm", "attn_q_norm"), ("self_attn.k_norm", "attn_k_norm")];
impl Family {
    /// The class that `config.json` names.
    pub(super) fn of(config: &Config) -> Result<&'static Self, LoadError> {
        let classes = config.texts("architectures")?.unwrap_or_default();
        let Some(class) = classes.first() else { return Err(config.missing("architectures")) };
        KNOWN.iter().find(|family| family.class == *class).ok_or_else(|| {
            let known: Vec<&str> = KNOWN.iter().map(|family| family.class).collect();
            let problem = format!(
                "says `{class}`, which is not read from a folder; read are {}; of others a GGUF file may be",
                known.join(", ")
            );
            config.wrong("architectures", &problem)
        })
    }

    /// What GGUF calls a tensor, and of which layer it is; absent where this class has none of that name. An expert's own
    /// matrix, of which GGUF has all in one, is called as those with the expert's number behind.
    pub(super) fn gguf_name(&self, name: &str) -> Option<(String, Option<u64>)> {
        if let Some((_, gguf)) = self.names.whole.iter().find(|(here, _)| *here == name) {
            return Some(((*gguf).to_owned(), None));
        }
        let (layer, tensor) = name.strip_prefix(self.names.layers)?.split_once('.')?;
        let number = number(layer)?;
        let of_mixture = self.mixture.and_then(|mixture| mixture.gguf_name(tensor));
        let other = || self.others.iter().find(|(here, _)| *here == tensor).map(|(_, gguf)| (*gguf).to_owned());
        let gguf = if let Some(known) = of_mixture.or_else(other) {
            known
        } else {
            let (part, kind) = tensor.rsplit_once('.')?;
            let gguf = self.parts().find(|(here, _)| *here == part)?.1;
            let is_matrix = self.names.parts.iter().any(|(_, matrix)| *matrix == gguf);
            if kind != "weight" && !(kind == "bias" && is_matrix) {
                return None;
            }
            format!("{gguf}.{kind}")
        };
        Some((format!("blk.{number}.{gguf}"), Some(number)))
    }

    /// What a folder calls a tensor that GGUF calls so.
    pub(super) fn folder_name(&self, gguf: &str) -> Option<String> {
        if let Some((here, _)) = self.names.whole.iter().find(|(_, whole)| *whole == gguf) {
            return Some((*here).to_owned());
        }
        let (layer, tensor) = gguf.strip_prefix("blk.")?.split_once('.')?;
        let of_mixture = self.mixture.and_then(|mixture| mixture::folder_name(mixture, tensor));
        let other = || self.others.iter().find(|(_, gguf)| *gguf == tensor).map(|(here, _)| (*here).to_owned());
        let here = if let Some(known) = of_mixture.or_else(other) {
            known
        } else {
            let (part, kind) = tensor.rsplit_once('.')?;
            let (here, _) = self.parts().find(|(_, its)| *its == part)?;
            format!("{here}.{kind}")
        };
        Some(format!("{}{layer}.{here}", self.names.layers))
    }

    /// What a folder calls its embedding.
    pub(super) fn embedding(&self) -> &'static str {
        self.names.whole[0].0
    }

    fn parts(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let head_norms: &[_] = if self.head_norms { &HEAD_NORMS } else { &[] };
        self.names.parts.iter().chain(self.norms).chain(head_norms).copied()
    }

    /// The file and the field that GGUF's entry `key` is translated from.
    pub(super) fn field_of(&self, key: &str) -> Option<(&'static str, &'static str)> {
        if let Some((_, field)) = OF_TOKENIZERS.iter().find(|(known, _)| *known == key) {
            return Some((TOKENIZER_FILE, field));
        }
        if [ENDS, "tokenizer.ggml.eos_token_id"].contains(&key) {
            return Some((CONFIG_FILE, "eos_token_id"));
        }
        let (_, name) = key.split_once('.')?;
        let known = SIZES.iter().chain(&SCALES).chain(&OTHERS).chain(&mixture::FIELDS);
        let of_mixture = self.mixture.iter().flat_map(Mixture::fields);
        let (field, _) = known.copied().chain(of_mixture).find(|(_, gguf)| *gguf == name)?;
        Some((CONFIG_FILE, own_name(self.fields, field)))
    }
}

/// A number written as programs write them.
pub(super) fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}
