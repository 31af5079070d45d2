//! From `config.json` to GGUF's entries and the one tensor that say by which angles positions turn. It must not know how
//! angles are used.

use std::f64::consts::PI;

use super::config::Config;
use super::family::Family;
use crate::LoadError;
use crate::gguf::EntryWriter;
use crate::kernels::HEAD_DIM_MAX;
use crate::shape::WHOLE_PAIRS;

/// The base of Llama's angles where a file does not say, as its first ones do not.
const BASE_DEFAULT: f32 = 10_000.0;

/// Where a `config.json` says what of angles.
struct Said {
    base: f32,
    /// What its newer form says under `rope_parameters`, its older one under `rope_scaling`.
    scaling: Option<Config>,
}

/// Writes the entries; returns Llama 3's factors, one for each pair of a head's components, where the model has them.
pub(super) fn translate(
    config: &Config,
    family: &Family,
    entries: &mut EntryWriter,
) -> Result<Option<Vec<f32>>, LoadError> {
    let key = |name: &str| format!("{}.rope.{name}", family.architecture);
    let Said { base, scaling } = said(config, family, entries)?;
    entries.f32(&key("freq_base"), base);
    let Some(scaling) = scaling else { return Ok(None) };
    let kind = scaling.text("rope_type")?.or(scaling.text("type")?).unwrap_or("default");
    match kind {
        "default" => Ok(None),
        "linear" => {
            entries.string(&key("scaling.type"), "linear");
            entries.f32(&key("scaling.factor"), scaling.need_number("factor")?);
            Ok(None)
        }
        "yarn" => yarn(&scaling, family, entries).map(|()| None),
        "llama3" => llama_3(config, &scaling, f64::from(base)).map(Some),
        other => {
            let problem = format!("is `{other}`, which is not computed; take a model without it");
            Err(scaling.wrong("rope_type", &problem))
        }
    }
}

fn said(config: &Config, family: &Family, entries: &mut EntryWriter) -> Result<Said, LoadError> {
    let window_base = format!("{}.rope.freq_base_swa", family.architecture);
    let Some(newer) = config.object("rope_parameters")? else {
        if let Some(base) = config.number("rope_local_base_freq")? {
            entries.f32(&window_base, base);
        }
        return Ok(Said { base: base(config, None, family)?, scaling: config.object("rope_scaling")? });
    };
    // Classes with two kinds of layers say it of each kind.
    let scaling = match newer.object("full_attention")? {
        None => newer,
        Some(_) if family.architecture != "gemma3" => {
            return Err(
                newer.wrong("full_attention", "gives kinds of layers angles of their own, which is not computed")
            );
        }
        Some(full) => {
            if let Some(windowed) = newer.object("sliding_attention")? {
                if let Some(other) = windowed.text("rope_type")?.filter(|kind| *kind != "default") {
                    return Err(windowed.wrong("rope_type", &format!("is `{other}`; of windows `default` is computed")));
                }
                entries.f32(&window_base, windowed.need_number("rope_theta")?);
            }
            full
        }
    };
    let in_part = scaling.number("partial_rotary_factor")?.is_some_and(|part| part.to_bits() != 1.0_f32.to_bits());
    if in_part {
        return Err(scaling.wrong("partial_rotary_factor", "turns heads in part; only whole heads are computed"));
    }
    Ok(Said { base: base(config, Some(&scaling), family)?, scaling: Some(scaling) })
}

fn base(config: &Config, newer: Option<&Config>, family: &Family) -> Result<f32, LoadError> {
    let said = newer.map(|newer| newer.number("rope_theta")).transpose()?.flatten();
    match (said.or(config.number("rope_theta")?), family.architecture) {
        (Some(base), _) => Ok(base),
        (None, "llama") => Ok(BASE_DEFAULT),
        (None, _) => Err(config.missing("rope_theta")),
    }
}

fn yarn(scaling: &Config, family: &Family, entries: &mut EntryWriter) -> Result<(), LoadError> {
    for field in ["mscale", "mscale_all_dim"] {
        if scaling.value(field).is_some() {
            return Err(scaling.wrong(field, "is not computed; take a model without it"));
        }
    }
    let key = |name: &str| format!("{}.rope.scaling.{name}", family.architecture);
    // The classes round where it is not said, whatever GGUF files of the family are taken to mean.
    let whole_pairs = scaling.flag("truncate")?.unwrap_or(true);
    entries.bool(&format!("{}.{WHOLE_PAIRS}", family.architecture), whole_pairs);
    entries.string(&key("type"), "yarn");
    entries.f32(&key("factor"), scaling.need_number("factor")?);
    if let Some(tokens) = scaling.size("original_max_position_embeddings")? {
        entries.u64(&key("original_context_length"), tokens);
    }
    for (field, name) in
        [("attention_factor", "yarn_attn_factor"), ("beta_fast", "yarn_beta_fast"), ("beta_slow", "yarn_beta_slow")]
    {
        if let Some(number) = scaling.number(field)? {
            entries.f32(&key(name), number);
        }
    }
    Ok(())
}

/// Each pair's divisor: 1 for those that turn fast within the tokens first taught, `factor` for those that turn slowly,
/// between them a blend of both.
fn llama_3(config: &Config, scaling: &Config, base: f64) -> Result<Vec<f32>, LoadError> {
    let head_dim = match config.size("head_dim")? {
        Some(head_dim) => head_dim,
        None => config.need_size("hidden_size")? / config.need_size("num_attention_heads")?.max(1),
    };
    if head_dim > HEAD_DIM_MAX as u64 {
        return Err(config.wrong("head_dim", &format!("is {head_dim}; 1 to {HEAD_DIM_MAX} are computed")));
    }
    let number = |field: &str| scaling.need_number(field).map(f64::from);
    let (factor, low, high) = (number("factor")?, number("low_freq_factor")?, number("high_freq_factor")?);
    let tokens = scaling.need_size("original_max_position_embeddings")? as f64;
    if !(factor >= 1.0 && low > 0.0 && high > low && base > 0.0) {
        return Err(scaling.wrong("factor", "and the two frequency factors must be positive and in order"));
    }
    let divisor = |pair: u64| {
        let turns = tokens / (2.0 * PI * base.powf(2.0 * pair as f64 / head_dim as f64));
        let blend = ((turns - low) / (high - low)).clamp(0.0, 1.0);
        (1.0 / ((1.0 - blend) / factor + blend)) as f32
    };
    Ok((0..head_dim / 2).map(divisor).collect())
}
