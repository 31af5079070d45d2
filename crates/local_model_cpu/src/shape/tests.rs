//! Which layers see how far and are turned how, by the file's word and by the family's.

use super::*;
use crate::gguf::Header;
use crate::gguf::writer::GgufWriter;

/// GGUF's number of the truth value among value types.
const BOOL: u32 = 7;

fn file(architecture: &str, layers: u32) -> GgufWriter {
    let key = |name: &str| format!("{architecture}.{name}");
    let mut file = GgufWriter::default();
    file.string("general.architecture", architecture)
        .u32(&key("context_length"), 512)
        .u32(&key("block_count"), layers)
        .u32(&key("embedding_length"), 128)
        .u32(&key("feed_forward_length"), 192)
        .u32(&key("attention.head_count"), 2)
        .u32(&key("attention.key_length"), 32)
        .f32(&key("attention.layer_norm_rms_epsilon"), 1e-6);
    file
}

fn shape(file: &GgufWriter) -> Result<Shape, LoadError> {
    let bytes = file.bytes();
    Shape::read(&Header::read(&bytes)?.metadata(&bytes))
}

/// A layer as a letter: `w` sees a window, `f` all; a capital is turned.
fn layers(file: &GgufWriter) -> String {
    let letter = |kind: &LayerKind| match (kind.window, kind.turns) {
        (Some(_), Turns::Not) => 'w',
        (Some(_), Turns::AsFull) => 'V',
        (Some(_), Turns::AsWindowed) => 'W',
        (None, Turns::Not) => 'f',
        (None, _) => 'F',
    };
    shape(file).unwrap().layer_kinds.iter().map(letter).collect()
}

#[test]
fn layers_are_of_the_kinds_that_their_family_has() {
    let windowed = |architecture: &str, layers: u32| {
        let mut file = file(architecture, layers);
        file.u32(&format!("{architecture}.attention.sliding_window"), 70);
        file
    };
    assert_eq!(layers(&file("qwen3", 4)), "FFFF");
    assert_eq!(layers(&windowed("llama", 4)), "FFFF", "what this family's makers leave unused");
    assert_eq!(layers(&file("gemma3", 7)), "FFFFFFF", "no window is named");
    assert_eq!(layers(&windowed("gemma3", 13)), "WWWWWFWWWWWFW");
    assert_eq!(layers(&file("exaone4", 5)), "FFFFF");
    assert_eq!(layers(&windowed("exaone4", 9)), "VVVfVVVfV");
    assert_eq!(layers(&file("smollm3", 9)), "FFFfFFFfF");
    let mut zero = file("exaone4", 4);
    zero.u32("exaone4.attention.sliding_window", 0);
    assert_eq!(layers(&zero), "FFFF");
}

#[test]
fn a_files_own_pattern_overrules_the_familys() {
    let mut other = file("exaone4", 5);
    other.u32("exaone4.attention.sliding_window", 70).u32("exaone4.attention.sliding_window_pattern", 2);
    assert_eq!(layers(&other), "VfVfV");
    other.array("exaone4.attention.sliding_window_pattern", BOOL, 5, &[0, 1, 1, 0, 0]);
    assert_eq!(layers(&other), "fVVff");
    other.array("exaone4.attention.sliding_window_pattern", BOOL, 4, &[0, 1, 1, 0]);
    assert!(shape(&other).unwrap_err().to_string().contains("has 4 entries for 5 layers"));
}

#[test]
fn scales_and_bases_are_the_files_or_the_familys() {
    let mut gemma = file("gemma3", 6);
    gemma.f32("gemma3.rope.freq_base", 1e6).u32("gemma3.attention.sliding_window", 512);
    let shape_of = |file: &GgufWriter| shape(file).unwrap();
    let read = shape_of(&gemma);
    assert_eq!(read.angles, Angles { base: 1e6, stretch: Stretch::Evenly(1.0) });
    assert_eq!(read.window_angles, Some(Angles { base: 10_000.0, stretch: Stretch::Evenly(1.0) }));
    assert_eq!(
        read.scales,
        Scales { embedding: 128_f32.sqrt(), residual: 1.0, scores: 1.0 / 32_f32.sqrt(), logits: 1.0 }
    );
    gemma.u32("gemma3.block_count", 62).f32("gemma3.rope.freq_base_swa", 5e4);
    let large = shape_of(&gemma);
    assert_eq!(large.scales.scores.to_bits(), 0.125_f32.to_bits(), "the large build divides by the root of 128 / 2");
    assert_eq!(large.window_angles, Some(Angles { base: 5e4, stretch: Stretch::Evenly(1.0) }));
    for (architecture, logits) in [("granite", 0.25), ("hyperclovax", 4.0)] {
        let mut file = file(architecture, 2);
        for (name, scale) in [("embedding_scale", 12.0), ("residual_scale", 0.22), ("logit_scale", 4.0)] {
            file.f32(&format!("{architecture}.{name}"), scale);
        }
        let expected = Scales { embedding: 12.0, residual: 0.22, scores: 1.0 / 32_f32.sqrt(), logits };
        assert_eq!(shape_of(&file).scales, expected, "{architecture}");
    }
}

#[test]
fn yarn_is_read_as_converters_write_it() {
    let mut file = file("qwen2", 2);
    file.string("qwen2.rope.scaling.type", "yarn").f32("qwen2.rope.scaling.factor", 4.0);
    let stretch = |file: &GgufWriter| shape(file).unwrap().angles.stretch;
    let loudness = 1.0 + 0.1 * 4_f32.ln();
    let usual = Stretch::Yarn { factor: 4.0, context_tokens: 512.0, turns: [32.0, 1.0], whole_pairs: true, loudness };
    assert_eq!(stretch(&file), usual);
    file.u32("qwen2.rope.scaling.original_context_length", 128)
        .f32("qwen2.rope.scaling.yarn_beta_fast", 8.0)
        .f32("qwen2.rope.scaling.yarn_beta_slow", 2.0)
        .f32("qwen2.rope.scaling.yarn_attn_factor", 1.5);
    let own = Stretch::Yarn { factor: 4.0, context_tokens: 128.0, turns: [8.0, 2.0], whole_pairs: true, loudness: 1.5 };
    assert_eq!(stretch(&file), own);
    file.f32("qwen2.rope.scaling.factor", 0.5);
    assert!(shape(&file).unwrap_err().to_string().contains("is 0.5; 1 or more is computed"));
    file.f32("qwen2.rope.scaling.factor", 4.0).f32("qwen2.rope.scaling.yarn_ext_factor", 0.5);
    assert!(shape(&file).unwrap_err().to_string().contains("`qwen2.rope.scaling.yarn_ext_factor` is 0.5"));
}

#[test]
fn mixtures_are_the_files_or_the_familys() {
    let mut file = file("exaone-moe", 6);
    file.u32("exaone-moe.expert_count", 8)
        .u32("exaone-moe.expert_used_count", 3)
        .u32("exaone-moe.expert_feed_forward_length", 64)
        .u32("exaone-moe.expert_shared_count", 2)
        .u32("exaone-moe.leading_dense_block_count", 1)
        .u32("exaone-moe.nextn_predict_layers", 2)
        .f32("exaone-moe.expert_weights_scale", 2.5);
    let read = shape(&file).unwrap();
    assert_eq!(read.layers(), 4, "the layers that guess ahead are left out");
    let usual = Experts {
        count: 8,
        used: 3,
        feed_width: 64,
        shared_width: 128,
        dense_layers: 1,
        scoring: experts::Scoring::Sigmoid,
        normalised: true,
        scale: 2.5,
        choice_biases: Presence::WhereStored,
    };
    assert_eq!(read.experts, Some(usual));
    file.u32("exaone-moe.expert_gating_func", 1).bool("exaone-moe.expert_weights_norm", false);
    let own = Experts { scoring: experts::Scoring::Softmax, normalised: false, ..usual };
    assert_eq!(shape(&file).unwrap().experts, Some(own));
    for (name, value, words) in [
        ("expert_used_count", 9, "is 9; 1 to 8 are computed"),
        ("expert_count", 0, "is 0; 1 to"),
        ("expert_feed_forward_length", 40, "gives a width of 40"),
        ("expert_group_count", 2, "is 2, which is not computed"),
        ("expert_gating_func", 4, "the functions 1, 2 and 3"),
        ("nextn_predict_layers", 6, "is 6 of 6 layers"),
    ] {
        let key = format!("exaone-moe.{name}");
        let told = shape(file.clone().u32(&key, value)).unwrap_err().to_string();
        assert!(told.contains(&key) && told.contains(words), "{told}");
    }
}
