//! Mixtures of experts in folders: what the classes call their sizes and tensors, and what is refused. It must not know files.
//!
//! Folders hold each expert's matrices apart, `mlp.experts.3.up_proj`; GGUF has all experts' in one, `ffn_up_exps`. gpt-oss'
//! folders have them in one too, packed: see `packed_experts`.

use super::config::Config;
use super::family::{Family, number};
use super::packed_experts::BOTH;
use crate::LoadError;
use crate::gguf::EntryWriter;

/// How a class tells of its mixtures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mixture {
    /// The field with the number of experts.
    count: &'static str,
    /// The field with the width of an expert's gated layer.
    width: &'static str,
    /// The field with the number of experts that all tokens ask, where the class has any.
    shared: Option<&'static str>,
    /// Whether the first layers may be none (`first_k_dense_replace`).
    dense_first: bool,
    scoring: Scoring,
}

/// How experts are scored, by GGUF's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scoring {
    /// Scores are shares of one.
    Softmax = 1,
    /// Each for itself, and what they say is scaled (`routed_scaling_factor`).
    Sigmoid = 2,
    /// Scores of those that are chosen are shares of one. Experts of such classes are packed.
    SoftmaxOfChosen = 3,
}

/// Fields that all classes with mixtures have: here, in GGUF.
pub(super) const FIELDS: [(&str, &str); 4] = [
    ("num_experts_per_tok", "expert_used_count"),
    ("routed_scaling_factor", "expert_weights_scale"),
    ("norm_topk_prob", "expert_weights_norm"),
    ("first_k_dense_replace", "leading_dense_block_count"),
];

/// What chooses among experts: here, in GGUF. The bias of the choice stands beside the router or within it.
const ROUTER: (&str, &str) = ("mlp.gate.weight", "ffn_gate_inp.weight");
const BIASES: [(&str, &str); 2] =
    [("mlp.gate.e_score_correction_bias", "exp_probs_b.bias"), ("mlp.e_score_correction_bias", "exp_probs_b.bias")];
/// The expert that all tokens ask.
const SHARED: [(&str, &str); 3] = [
    ("mlp.shared_experts.gate_proj.weight", "ffn_gate_shexp.weight"),
    ("mlp.shared_experts.up_proj.weight", "ffn_up_shexp.weight"),
    ("mlp.shared_experts.down_proj.weight", "ffn_down_shexp.weight"),
];
/// Matrices of an expert.
const EXPERTS: [(&str, &str); 3] =
    [("gate_proj", "ffn_gate_exps"), ("up_proj", "ffn_up_exps"), ("down_proj", "ffn_down_exps")];

/// What gpt-oss' folders have of a mixture.
const PACKED: [(&str, &str); 8] = [
    ("mlp.router.weight", "ffn_gate_inp.weight"),
    ("mlp.router.bias", "ffn_gate_inp.bias"),
    ("mlp.experts.gate_up_proj_blocks", "ffn_gate_up_exps.blocks"),
    ("mlp.experts.gate_up_proj_scales", "ffn_gate_up_exps.scales"),
    ("mlp.experts.gate_up_proj_bias", "ffn_gate_up_exps.bias"),
    ("mlp.experts.down_proj_blocks", "ffn_down_exps.blocks"),
    ("mlp.experts.down_proj_scales", "ffn_down_exps.scales"),
    ("mlp.experts.down_proj_bias", "ffn_down_exps.bias"),
];

impl Mixture {
    pub(super) const OF_QWEN_3: Self = Self {
        count: "num_experts",
        width: "moe_intermediate_size",
        shared: None,
        dense_first: false,
        scoring: Scoring::Softmax,
    };
    pub(super) const OF_EXAONE: Self =
        Self { shared: Some("num_shared_experts"), dense_first: true, scoring: Scoring::Sigmoid, ..Self::OF_QWEN_3 };
    pub(super) const OF_SOLAR: Self = Self {
        count: "n_routed_experts",
        shared: Some("n_shared_experts"),
        scoring: Scoring::Sigmoid,
        ..Self::OF_QWEN_3
    };
    pub(super) const OF_GPT_OSS: Self = Self {
        count: "num_local_experts",
        width: "intermediate_size",
        scoring: Scoring::SoftmaxOfChosen,
        ..Self::OF_QWEN_3
    };

    /// Whether all experts of a layer are packed in one.
    pub(super) fn is_packed(&self) -> bool {
        self.scoring == Scoring::SoftmaxOfChosen
    }

    /// Fields that this class calls so: here, in GGUF.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        let shared = self.shared.map(|shared| (shared, "expert_shared_count"));
        [(self.count, "expert_count"), (self.width, "expert_feed_forward_length")].into_iter().chain(shared)
    }

    /// The field with the number of experts, which newer programs may write by another name.
    fn count(&self, config: &Config) -> &'static str {
        const NEWER: &str = "num_local_experts";
        if config.value(self.count).is_none() && config.value(NEWER).is_some() { NEWER } else { self.count }
    }

    /// What GGUF calls a tensor of a layer, with the expert's number where it is one's.
    pub(super) fn gguf_name(&self, here: &str) -> Option<String> {
        if self.is_packed() {
            return PACKED.iter().find(|(known, _)| *known == here).map(|(_, gguf)| (*gguf).to_owned());
        }
        let biases = BIASES.iter().filter(|_| self.scoring == Scoring::Sigmoid);
        let shared = SHARED.iter().filter(|_| self.shared.is_some());
        if let Some((_, gguf)) = [&ROUTER].into_iter().chain(biases).chain(shared).find(|(known, _)| *known == here) {
            return Some((*gguf).to_owned());
        }
        let (expert, part) = here.strip_prefix("mlp.experts.")?.strip_suffix(".weight")?.split_once('.')?;
        let (_, gguf) = EXPERTS.iter().find(|(known, _)| *known == part)?;
        Some(expert_name(&format!("{gguf}.weight"), number(expert)?))
    }

    /// Whether every layer is a mixture, so that there is no other width.
    pub(super) fn is_everywhere(&self) -> bool {
        !self.dense_first
    }
}

/// Writes the entries of a class's mixtures, where it has any.
pub(super) fn translate(config: &Config, family: &Family, entries: &mut EntryWriter) -> Result<(), LoadError> {
    let Some(mixture) = family.mixture else { return Ok(()) };
    refuse_other_choices(config)?;
    let key = |name: &str| format!("{}.{name}", family.architecture);
    entries.u64(&key("expert_count"), config.need_size(mixture.count(config))?);
    for (field, name) in mixture.fields().skip(1).chain(FIELDS.into_iter().take(1)) {
        entries.u64(&key(name), config.need_size(field)?);
    }
    if !mixture.is_packed() {
        let normalised = config.flag("norm_topk_prob")?.ok_or_else(|| config.missing("norm_topk_prob"))?;
        entries.bool(&key("expert_weights_norm"), normalised);
    }
    entries.u64(&key("expert_gating_func"), mixture.scoring as u64);
    if mixture.scoring == Scoring::Sigmoid {
        entries.f32(&key("expert_weights_scale"), config.need_number("routed_scaling_factor")?);
    }
    let dense = dense_layers(config, mixture)?;
    entries.u64(&key("leading_dense_block_count"), dense);
    Ok(())
}

/// Layers before the first mixture; an error where one comes after it.
fn dense_layers(config: &Config, mixture: Mixture) -> Result<u64, LoadError> {
    let Some(types) = config.texts("mlp_layer_types")? else {
        return if mixture.dense_first { config.need_size("first_k_dense_replace") } else { Ok(0) };
    };
    let dense = types.iter().take_while(|kind| **kind == "dense").count();
    if dense > 0 && !mixture.dense_first {
        return Err(
            config.wrong("mlp_layer_types", "begins with a layer without experts, which is not computed of this class")
        );
    }
    if types[dense..].iter().any(|kind| *kind != "sparse") {
        return Err(
            config.wrong("mlp_layer_types", "puts a layer without experts behind one with, which is not computed")
        );
    }
    Ok(dense as u64)
}

/// What would be computed wrongly if it were passed over.
fn refuse_other_choices(config: &Config) -> Result<(), LoadError> {
    for field in ["n_group", "topk_group", "decoder_sparse_step"] {
        if let Some(value) = config.size(field)?.filter(|value| *value != 1) {
            return Err(config.wrong(field, &format!("is {value}; 1 is computed")));
        }
    }
    for (field, computed) in [("scoring_func", "sigmoid"), ("topk_method", "noaux_tc")] {
        if let Some(other) = config.text(field)?.filter(|text| *text != computed) {
            return Err(config.wrong(field, &format!("is `{other}`; `{computed}` is computed")));
        }
    }
    if config.sizes("mlp_only_layers")?.is_empty() {
        return Ok(());
    }
    Err(config.wrong("mlp_only_layers", "names layers without experts, which is not computed"))
}

/// What an expert's matrix is called, given what GGUF calls that of all experts.
pub(super) fn expert_name(of_all: &str, expert: u64) -> String {
    format!("{}.{expert}.weight", of_all.trim_end_matches(".weight"))
}

/// What a folder calls a tensor of a layer.
pub(super) fn folder_name(mixture: Mixture, gguf: &str) -> Option<String> {
    if mixture.is_packed() {
        let in_both = ["gate", "up"].iter().find_map(|part| gguf.strip_prefix(&format!("ffn_{part}_exps.")));
        let whole = in_both.map_or(gguf.to_owned(), |kind| format!("{BOTH}.{kind}"));
        let known = whole.replace("_exps.weight", "_exps.blocks");
        return PACKED.iter().find(|(_, gguf)| *gguf == known).map(|(here, _)| (*here).to_owned());
    }
    if let Some((here, _)) = [&ROUTER].into_iter().chain(&BIASES).chain(&SHARED).find(|(_, known)| *known == gguf) {
        return Some((*here).to_owned());
    }
    let (part, expert) = gguf.strip_suffix(".weight")?.split_once('.')?;
    let (here, _) = EXPERTS.iter().find(|(_, known)| *known == part)?;
    Some(format!("mlp.experts.{expert}.{here}.weight"))
}
