//! A whole model of some kilobytes: one layer, weights of chance, bytes as its vocabulary. What it says is nonsense, and the
//! same nonsense each time.

use crate::gguf_writer::GgufWriter;

const WIDTH: u64 = 64;
const HIDDEN: u64 = 64;

/// The file's bytes.
pub(crate) fn bytes() -> Vec<u8> {
    let mut tokens: Vec<String> = (0..=255).map(|byte| spelled(byte).to_string()).collect();
    tokens.push("<|end|>".to_owned());
    let mut types = vec![1; 256];
    types.push(3);
    let vocabulary = tokens.len() as u64;
    let mut file = GgufWriter::default();
    file.string("general.architecture", "llama")
        .string("general.name", "tiny")
        .string("general.license", "CC0-1.0")
        .strings("general.languages", &["en"])
        .u32("llama.context_length", 512)
        .u32("llama.block_count", 1)
        .u32("llama.embedding_length", 64)
        .u32("llama.feed_forward_length", 64)
        .u32("llama.attention.head_count", 1)
        .u32("llama.attention.head_count_kv", 1)
        .u32("llama.vocab_size", 257)
        .u32("llama.rope.dimension_count", 64)
        .f32("llama.rope.freq_base", 10_000.0)
        .f32("llama.attention.layer_norm_rms_epsilon", 1e-5)
        .string("tokenizer.ggml.model", "gpt2")
        .string("tokenizer.ggml.pre", "smollm")
        .strings("tokenizer.ggml.tokens", &tokens)
        .i32s("tokenizer.ggml.token_type", &types)
        .strings::<&str>("tokenizer.ggml.merges", &[])
        .u32("tokenizer.ggml.eos_token_id", 256)
        .string("tokenizer.chat_template", "{% for m in messages %}{{ m.content }}{% endfor %}");
    let mut random = 88_172_645_463_325_252;
    let mut matrix = |name: &str, dims: &[u64]| {
        let values = (0..dims.iter().product()).flat_map(|_| chance(&mut random).to_le_bytes()).collect();
        file.tensor(name, dims, 0, values);
    };
    matrix("token_embd.weight", &[WIDTH, vocabulary]);
    for name in ["attn_q", "attn_k", "attn_v", "attn_output"] {
        matrix(&format!("blk.0.{name}.weight"), &[WIDTH, WIDTH]);
    }
    matrix("blk.0.ffn_gate.weight", &[WIDTH, HIDDEN]);
    matrix("blk.0.ffn_up.weight", &[WIDTH, HIDDEN]);
    matrix("blk.0.ffn_down.weight", &[HIDDEN, WIDTH]);
    for name in ["blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"] {
        file.tensor(&format!("{name}.weight"), &[WIDTH], 0, 1f32.to_le_bytes().repeat(64));
    }
    file.bytes()
}

/// How byte-level vocabularies of GPT-2's kind spell a byte: itself where it prints, else a letter from U+0100 on.
fn spelled(byte: u8) -> char {
    let prints = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if prints(byte) {
        return byte.into();
    }
    let before = (0..byte).filter(|byte| !prints(*byte)).count();
    char::from_u32(0x100 + u32::try_from(before).unwrap()).unwrap()
}

/// Between −1 and 1 (Marsaglia's xorshift).
fn chance(state: &mut u64) -> f32 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    f32::from(u16::try_from(*state >> 48).unwrap()) / 32_768.0 - 1.0
}
