//! What is asked of memory, worked out by hand from small networks' sizes.

use super::*;
use crate::gguf::writer::GgufWriter;
use crate::samples::small_network;

fn sizes(writer: &GgufWriter) -> FileSizes {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.gguf");
    writer.write(&path);
    file_sizes(&path).unwrap()
}

#[test]
fn a_tied_network_reads_all_its_weights() {
    let sizes = sizes(&small_network());
    // A tile of 16 × 32 weights takes 544 bytes; 300 rows of the embedding fill 19 strips of 16.
    let weights = 19 * 16 * 128 + 2 * (4 * 128 * 128 - 128 * 128 + 3 * 192 * 128);
    assert_eq!(sizes.weight_bytes, weights * 544 / 512);
    assert_eq!(sizes.read_bytes, sizes.weight_bytes);
    assert_eq!(sizes.cache_bytes_a_token, 2 * 2 * 2 * 32 * 2, "keys and values, layers, heads, width, bytes");
}

#[test]
fn an_embedding_of_its_own_is_not_read_for_a_token() {
    let mut network = small_network();
    let tied = sizes(&network);
    network.tensor("output.weight", &[128, 300], 8, vec![0; 300 * 128 / 32 * 34]);
    let own = sizes(&network);
    assert_eq!(own.read_bytes, tied.read_bytes);
    assert_eq!(own.weight_bytes - tied.weight_bytes, 19 * 16 * 128 * 544 / 512);
}

#[test]
fn of_a_mixture_only_the_experts_that_a_token_asks_are_read() {
    let mut network = small_network();
    network.string("general.architecture", "qwen3moe");
    for (entry, value) in [
        ("context_length", 400),
        ("block_count", 2),
        ("embedding_length", 128),
        ("attention.head_count", 4),
        ("attention.head_count_kv", 2),
        ("expert_count", 8),
        ("expert_used_count", 2),
        ("expert_feed_forward_length", 64),
    ] {
        network.u32(&format!("qwen3moe.{entry}"), value);
    }
    network.f32("qwen3moe.attention.layer_norm_rms_epsilon", 1e-5);
    for layer in 0..2 {
        for what in ["attn_q_norm", "attn_k_norm"] {
            network.tensor(&format!("blk.{layer}.{what}.weight"), &[32], 0, 1_f32.to_le_bytes().repeat(32));
        }
        network.tensor(&format!("blk.{layer}.ffn_gate_inp.weight"), &[128, 8], 0, vec![0; 8 * 128 * 4]);
        for (what, dims) in [("gate", [128, 64, 8]), ("up", [128, 64, 8]), ("down", [64, 128, 8])] {
            let name = format!("blk.{layer}.ffn_{what}_exps.weight");
            network.tensor(&name, &dims, 8, vec![0; 8 * 64 * 128 / 32 * 34]);
        }
    }
    let sizes = sizes(&network);
    let packed_a_layer = 3 * 8 * 64 * 128 * 544 / 512;
    assert_eq!(sizes.weight_bytes - sizes.read_bytes, 2 * packed_a_layer / 8 * 6);
}

#[test]
fn this_machine_says_what_it_has() {
    let machine = machine();
    assert!(machine.threads > 0 && !machine.kernels.is_empty());
    assert!(architectures().any(|name| name == "exaone4"));
}
