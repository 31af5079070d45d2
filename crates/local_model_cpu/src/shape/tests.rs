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
    assert_eq!(read.angles, Angles { base: 1e6, stretch: 1.0 });
    assert_eq!(read.window_angles, Some(Angles { base: 10_000.0, stretch: 1.0 }));
    assert_eq!(
        read.scales,
        Scales { embedding: 128_f32.sqrt(), residual: 1.0, scores: 1.0 / 32_f32.sqrt(), logits: 1.0 }
    );
    gemma.u32("gemma3.block_count", 62).f32("gemma3.rope.freq_base_swa", 5e4);
    let large = shape_of(&gemma);
    assert_eq!(large.scales.scores.to_bits(), 0.125_f32.to_bits(), "the large build divides by the root of 128 / 2");
    assert_eq!(large.window_angles, Some(Angles { base: 5e4, stretch: 1.0 }));
    for (architecture, logits) in [("granite", 0.25), ("hyperclovax", 4.0)] {
        let mut file = file(architecture, 2);
        for (name, scale) in [("embedding_scale", 12.0), ("residual_scale", 0.22), ("logit_scale", 4.0)] {
            file.f32(&format!("{architecture}.{name}"), scale);
        }
        let expected = Scales { embedding: 12.0, residual: 0.22, scores: 1.0 / 32_f32.sqrt(), logits };
        assert_eq!(shape_of(&file).scales, expected, "{architecture}");
    }
}
