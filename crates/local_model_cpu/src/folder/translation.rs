//! From `config.json` to GGUF's entries: sizes, norms, windows, scales. What is said there and not computed is refused by
//! name. It must not know tensors or tokenizers.

use serde_json::Value;

use super::config::Config;
use super::family::{Family, SCALES, SIZES, Windows};
use super::mixture;
use crate::LoadError;
use crate::gguf::EntryWriter;

/// Writes the entries of a network's sizes.
pub(super) fn translate(config: &Config, family: &Family, entries: &mut EntryWriter) -> Result<(), LoadError> {
    refuse_what_is_not_computed(config, family)?;
    let key = |name: &str| format!("{}.{name}", family.architecture);
    entries.string("general.architecture", family.architecture);
    for (field, name) in SIZES {
        let optional = match field {
            "num_key_value_heads" => true,
            "head_dim" => !family.needs_head_dim,
            "intermediate_size" => family.mixture.is_some_and(|mixture| mixture.is_everywhere()),
            _ => false,
        };
        match config.size(field)? {
            Some(size) => entries.u64(&key(name), size),
            None if optional => {}
            None => return Err(config.missing(field)),
        }
    }
    entries.f32(&key("attention.layer_norm_rms_epsilon"), config.need_number("rms_norm_eps")?);
    if family.scaled {
        for (field, name) in SCALES {
            entries.f32(&key(name), config.need_number(field)?);
        }
    }
    if family.windows == Windows::SomeLayers {
        windows(config, family, entries)?;
    }
    mixture::translate(config, family, entries)
}

fn refuse_what_is_not_computed(config: &Config, family: &Family) -> Result<(), LoadError> {
    if let Some(quantised) = config.object("quantization_config")? {
        let way = quantised.text("quant_method")?.unwrap_or("a way of its own");
        if way != "mxfp4" || !family.mixture.is_some_and(|mixture| mixture.is_packed()) {
            let problem = format!(
                "says that weights are quantised by `{way}`, which is not read; take the model in BF16, F16 or F32, or as GGUF"
            );
            return Err(config.wrong("quantization_config", &problem));
        }
    }
    for field in ["hidden_act", "hidden_activation"] {
        if let Some(activation) = config.text(field)?.filter(|activation| *activation != family.activation) {
            let problem = format!("is `{activation}`; of this class `{}` is computed", family.activation);
            return Err(config.wrong(field, &problem));
        }
    }
    for field in ["rope_interleaved", "use_sliding_window", "use_bidirectional_attention", "use_qk_norm"] {
        if config.flag(field)?.unwrap_or(false) {
            return Err(config.wrong(field, "is true, which is not computed; take a model without it"));
        }
    }
    for field in ["attn_logit_softcapping", "final_logit_softcapping"] {
        if config.number(field)?.is_some_and(|bound| bound != 0.0) {
            return Err(config.wrong(field, "bounds scores, which is not computed; take a model without it"));
        }
    }
    if config.number("partial_rotary_factor")?.is_some_and(|part| part.to_bits() != 1.0_f32.to_bits()) {
        return Err(config.wrong("partial_rotary_factor", "turns heads in part; only whole heads are computed"));
    }
    if family.windows == Windows::All && config.value("sliding_window").is_some() {
        return Err(config.wrong("sliding_window", "gives every layer a window, which is not computed"));
    }
    let types = config.texts("layer_types")?.unwrap_or_default();
    let other = |kind: &&str| match *kind {
        "full_attention" => false,
        "sliding_attention" => family.windows != Windows::SomeLayers,
        _ => true,
    };
    if let Some(kind) = types.into_iter().find(other) {
        return Err(
            config.wrong("layer_types", &format!("has layers of `{kind}`, which is not computed of this class"))
        );
    }
    match family.architecture {
        "smollm3" => refuse_other_turning(config),
        "gemma3" => refuse_other_scores(config),
        "gpt-oss" => refuse_other_gates(config),
        _ => Ok(()),
    }
}

/// What gates are clamped to, and how steep they are.
fn refuse_other_gates(config: &Config) -> Result<(), LoadError> {
    for (field, computed) in [("swiglu_limit", 7.0), ("swiglu_alpha", 1.702_f32)] {
        if let Some(other) = config.number(field)?.filter(|number| number.to_bits() != computed.to_bits()) {
            return Err(config.wrong(field, &format!("is {other}; {computed} is computed")));
        }
    }
    Ok(())
}

/// Layers without positions are each fourth, as the engine knows it.
fn refuse_other_turning(config: &Config) -> Result<(), LoadError> {
    let Some(turned) = config.value("no_rope_layers") else {
        return match config.size("no_rope_layer_interval")? {
            None | Some(4) => Ok(()),
            Some(step) => {
                let problem = format!("is {step}; layers without positions are computed where each fourth is one");
                Err(config.wrong("no_rope_layer_interval", &problem))
            }
        };
    };
    // A 1 says that the layer has positions.
    let each_fourth = |(at, turned): (usize, &Value)| turned.as_u64() == Some(u64::from(!(at + 1).is_multiple_of(4)));
    match turned.as_array() {
        Some(list) if list.iter().enumerate().all(each_fourth) => Ok(()),
        _ => Err(config.wrong("no_rope_layers", "must leave out each fourth layer; others are not computed")),
    }
}

/// Scores are divided by the root of a head's width, in the build of 62 layers of a head's share of the stream.
fn refuse_other_scores(config: &Config) -> Result<(), LoadError> {
    let Some(divisor) = config.number("query_pre_attn_scalar")? else { return Ok(()) };
    let computed = match config.need_size("num_hidden_layers")? {
        62 => config.need_size("hidden_size")? / config.need_size("num_attention_heads")?.max(1),
        _ => config.need_size("head_dim")?,
    };
    if (divisor - computed as f32).abs() > 0.0 {
        return Err(
            config.wrong("query_pre_attn_scalar", &format!("is {divisor}; of these sizes {computed} is computed"))
        );
    }
    Ok(())
}

fn windows(config: &Config, family: &Family, entries: &mut EntryWriter) -> Result<(), LoadError> {
    let key = |name: &str| format!("{}.attention.{name}", family.architecture);
    let types = config.texts("layer_types")?;
    let windowed: Option<Vec<bool>> =
        types.map(|types| types.into_iter().map(|kind| kind == "sliding_attention").collect());
    // Where it is not said, the classes take windows of a length of their own.
    if !config.says("sliding_window") {
        return Err(config.missing("sliding_window"));
    }
    let Some(window) = config.size("sliding_window")? else {
        let says_so = windowed.is_some_and(|windowed| windowed.contains(&true));
        return if says_so { Err(config.missing("sliding_window")) } else { Ok(()) };
    };
    let turned_by_window = family.architecture.starts_with("exaone");
    if turned_by_window && windowed.as_ref().is_some_and(|windowed| !windowed.contains(&true)) {
        let problem = "is said, and no layer has it: no layer would know positions, which is not computed";
        return Err(config.wrong("sliding_window", problem));
    }
    entries.u64(&key("sliding_window"), window);
    let key = key("sliding_window_pattern");
    // Older files say each how manieth layer has none; without a word it is the class's own number, the engine's too.
    match (windowed, config.value("sliding_window_pattern")) {
        (Some(windowed), _) => entries.bools(&key, &windowed),
        (None, None) => {}
        (None, Some(pattern)) if pattern.as_str() == Some("LLLG") && family.architecture == "exaone4" => {}
        (None, Some(_)) => entries.u64(&key, config.need_size("sliding_window_pattern")?),
    }
    Ok(())
}
