//! Weights are found, checked and refused by name.

use super::*;
use crate::gguf::writer::GgufWriter;
use crate::samples::{opened, small_network};

fn loaded(writer: &GgufWriter) -> Result<Weights, LoadError> {
    Weights::load(&opened(writer), &mut Pool::start(2).unwrap())
}

fn refusal(writer: &GgufWriter) -> String {
    loaded(writer).err().expect("it should be refused").to_string()
}

#[test]
fn a_whole_file_is_loaded_with_the_embedding_as_output() {
    let weights = loaded(&small_network()).unwrap();
    assert_eq!(weights.vocabulary(), 300);
    assert_eq!(weights.output.strips[0].offset, weights.embedding.strips[0].offset);
    let Feed::Dense(Gated { gate_up, .. }) = &weights.layers[0].feed else { panic!("this network is dense") };
    assert_eq!((gate_up.rows, weights.layers[0].queries_keys_values.rows), (384, 256));
}

#[test]
fn rows_of_queries_are_split_into_even_and_odd_ones() {
    let order = RowOrder::EvenThenOdd { head_dim: 8 };
    let sources: Vec<usize> = (0..16).map(|row| order.source(row)).collect();
    assert_eq!(sources, [0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15]);
}

#[test]
fn missing_misshapen_and_misstored_tensors_are_named() {
    let mut file = small_network();
    file.remove_tensor("blk.1.ffn_up.weight");
    assert!(refusal(&file).contains("`blk.1.ffn_up.weight` is missing"));
    file.tensor("blk.1.ffn_up.weight", &[128, 96], 0, vec![0; 128 * 96 * 4]);
    let problem = refusal(&file);
    assert!(problem.contains("`blk.1.ffn_up.weight` has the sizes [128, 96]") && problem.contains("[128, 192]"));
    let mut file = small_network();
    file.remove_tensor("output_norm.weight").tensor("output_norm.weight", &[128], 8, vec![0; 4 * 34]);
    assert!(refusal(&file).contains("`output_norm.weight` is stored as Q8_0"));
    let mut file = small_network();
    file.tensor("rope_freqs.weight", &[16], 0, vec![0; 64]);
    assert!(refusal(&file).contains("`rope_freqs.weight` holds a factor"));
}

#[test]
fn sizes_that_are_not_computed_are_refused_by_their_entry() {
    type Change = fn(&mut GgufWriter);
    let cases: [(Change, &str); 10] = [
        (
            |file| {
                file.string("general.architecture", "mamba");
            },
            "`mamba`",
        ),
        (
            |file| {
                file.u32("llama.block_count", 0);
            },
            "`llama.block_count` is 0",
        ),
        (
            |file| {
                file.u32("llama.block_count", 1 << 30);
            },
            "1 to 1024",
        ),
        (
            |file| {
                file.u32("llama.attention.head_count_kv", 3);
            },
            "must divide",
        ),
        (
            |file| {
                file.u32("llama.attention.key_length", 24);
            },
            "`llama.attention.key_length` is 24",
        ),
        (
            |file| {
                file.u32("llama.feed_forward_length", 100);
            },
            "`llama.feed_forward_length` gives a width of 100",
        ),
        (
            |file| {
                file.u32("llama.rope.dimension_count", 16);
            },
            "`llama.rope.dimension_count` is 16",
        ),
        (
            |file| {
                file.u32("llama.expert_count", 8);
            },
            "experts",
        ),
        (
            |file| {
                file.string("llama.rope.scaling.type", "yarn");
            },
            "`yarn`",
        ),
        (
            |file| {
                file.f32("llama.attention.layer_norm_rms_epsilon", -1.0);
            },
            "small positive",
        ),
    ];
    for (change, expected) in cases {
        let mut file = small_network();
        change(&mut file);
        let problem = refusal(&file);
        assert!(problem.contains(expected), "{expected}: {problem}");
    }
}

#[test]
fn angles_and_bounds_that_are_not_computed_are_refused_by_their_entry() {
    type Change = fn(&mut GgufWriter);
    let cases: [(Change, &str); 3] = [
        (
            |file| {
                file.f32("llama.rope.freq_base", 0.0);
            },
            "`llama.rope.freq_base` must be a positive",
        ),
        (
            |file| {
                file.f32("llama.final_logit_softcapping", 30.0);
            },
            "`llama.final_logit_softcapping` bounds scores",
        ),
        (
            |file| {
                file.string("llama.rope.scaling.type", "linear").f32("llama.rope.scaling.factor", -8.0);
            },
            "`llama.rope.scaling.factor` must be a positive",
        ),
    ];
    for (change, expected) in cases {
        let mut file = small_network();
        change(&mut file);
        let problem = refusal(&file);
        assert!(problem.contains(expected), "{expected}: {problem}");
    }
}
